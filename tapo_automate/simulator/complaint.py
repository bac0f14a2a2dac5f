"""What a user of the simulator asked for and cannot have, said in one line."""


class SimulatorError(ValueError):
    """A wrong wish: an unknown profile, an unreadable dump, a port in use, a fault that does not exist.

    The text is one line, in the user's words.
    """


def hint(word: str, choices: list[str]) -> str:
    """Return "; did you mean X?" or a list of the choices, to end a complaint about word."""
    from difflib import get_close_matches  # only needed when something is wrong

    near = get_close_matches(word.lower(), [choice.lower() for choice in choices], n=1, cutoff=0.6)
    for choice in choices:
        if near and choice.lower() == near[0]:
            return f"; did you mean {choice!r}?"
    return f"; choose from: {', '.join(choices)}"
