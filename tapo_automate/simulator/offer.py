"""How a device offers TPAP, and where nobody knows how a real one behaves: choices, as text or one by one.

Source: docs/protocol.md, "TPAP"; docs/simulator.md says what is chosen unless told otherwise.
"""

from dataclasses import asdict, dataclass
from typing import Any

from tapo_automate.simulator.complaint import SimulatorError, hint

CHOICES: dict[str, tuple[int | str, ...]] = {
    "tls": (0, 1),
    "pake": (2, 0),
    "extra_crypt": ("password_shadow", "none"),
    "user_hash_type": (0, 1),
    "dac": (0, 1),
    "w0": ("rfc", "short"),
    "lost": ("-2203", "-2402", "403"),
    "answers": ("same", "next"),
}
NUMBERS: dict[str, tuple[int, int]] = {  # the first and the last that there may be
    "https_port": (0, 65_535),
    "iterations": (1, 10_000_000),
    "attempts": (1, 1000),
    "locked_min": (1, 10_000),
}


@dataclass(frozen=True, slots=True)
class Tpap:
    """The TPAP of one device; where there are CHOICES, the first is the default.

    tls: 1 for HTTPS with a certificate of its own, on https_port (0: any free one).
    pake: 2 for the owner's password, 0 for a device that was never set up: a passcode made from its MAC address.
    extra_crypt: how the password is turned before it is stretched; iterations: how long it is stretched.
    user_hash_type: which hash of the user name it wants.  dac: 1 announces proofs of its make, which it does not give.
    w0: the form of the password's number in the transcript, where clients differ.
    lost: what a request without a session hears: an error code in plain JSON, or an HTTP status.
    answers: the number of an answer: that of its request, or the next one.
    attempts: how many failed logins lock it; locked_min: for how many minutes of its clock.
    """

    tls: int = 0
    https_port: int = 0
    pake: int = 2
    extra_crypt: str = "password_shadow"
    iterations: int = 3000
    user_hash_type: int = 0
    dac: int = 0
    w0: str = "rfc"
    lost: str = "-2203"
    answers: str = "same"
    attempts: int = 15
    locked_min: int = 30

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in NUMBERS:
                low, high = NUMBERS[name]
                if type(value) is not int or not low <= value <= high:
                    raise SimulatorError(f"tpap: {name} is {value!r}; expected {low} to {high}")
            elif type(value) is bool or value not in CHOICES[name]:
                raise SimulatorError(f"tpap: {name} is {value!r}{hint(str(value), list(map(str, CHOICES[name])))}")
        if self.https_port and not self.tls:
            raise SimulatorError("tpap: https_port without tls=1 is of no use")

    def announced(self, port: int) -> dict[str, Any]:
        """Return the object tpap of a discovery's answer."""
        return {"tls": self.tls, "dac": self.dac, "noc": 0, "pake": [self.pake], "port": port}


def read(text: str) -> Tpap:
    """Return the choices of a text such as "tls=1,w0=short".  Raises SimulatorError."""
    names = [*CHOICES, *NUMBERS]
    chosen: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in names:
            raise SimulatorError(f"tpap {part!r}: unknown choice {name!r}{hint(name, names)}")
        if not equals or not value:
            raise SimulatorError(f"tpap {part!r}: a value is missing, such as {name}={getattr(_USUAL, name)}")
        if name in chosen:
            raise SimulatorError(f"tpap {part!r}: {name} is there twice")
        number = type(getattr(_USUAL, name)) is int and value.isascii() and value.isdigit()
        chosen[name] = int(value) if number else value
    return Tpap(**chosen)


_USUAL = Tpap()
