"""What tells which calls of another people's client a story has made: the client behind glass."""

from __future__ import annotations

from typing import Any


def public(kind: type) -> set[str]:
    """Return the names that a class of theirs offers, its own and those that it inherits."""
    return {name for name in dir(kind) if not name.startswith("_")}


class Watched:
    """A stranger's object that writes down which names of its class were used, by the name of that class."""

    def __init__(self, it: Any, used: dict[str, set[str]]) -> None:
        self.__dict__.update(_it=it, _all=used, _used=used.setdefault(type(it).__name__, set()))

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self._it), name):
            self._used.add(name)
        return getattr(self._it, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._it, name, value)
