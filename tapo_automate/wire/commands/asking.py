"""What the typed commands share: whom they ask, and how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tapo_automate.errors import Garbled
from tapo_automate.wire.codec import decode_text


@runtime_checkable
class Asked(Protocol):
    """Whoever speaks Tapo's commands.  host: for messages."""

    @property
    def host(self) -> str: ...

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]: ...


class Reply:
    """One answer, read key by key.  Whatever is missing or of another kind is Garbled, and named."""

    def __init__(self, host: str, method: str, result: Mapping[str, Any]) -> None:
        self.host = host
        self.method = method
        self.result = result

    @classmethod
    def of(cls, asked: Asked, method: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Ask, and return the answer."""
        return cls(asked.host, method, asked.call(method, params))

    def __repr__(self) -> str:
        return f"<Reply to {self.method} from {self.host}>"  # what it holds may be private

    def has(self, key: str) -> bool:
        return self.result.get(key) is not None

    def integer(self, key: str) -> int:
        """Return a whole number; some devices say 5.0."""
        value = self.result.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "a whole number")
        return value

    def number(self, key: str) -> float:
        value = self.result.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong(key, "a number")
        return float(value)

    def truth(self, key: str) -> bool:
        value = self.result.get(key)
        if not isinstance(value, bool) and value not in (0, 1):
            raise self.wrong(key, "true or false")
        return bool(value)

    def text(self, key: str) -> str:
        value = self.result.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "text")
        return value

    def decoded(self, key: str) -> str:
        """Return a text that people gave, which devices keep in base64; one that is not is returned as it is."""
        return decode_text(self.text(key))

    def table(self, key: str) -> Reply:
        """Return what is beneath `key`, to be read in the same way."""
        value = self.result.get(key)
        if not isinstance(value, Mapping):
            raise self.wrong(key, "a table of names and values")
        return Reply(self.host, f"{self.method}.{key}", value)

    def items(self, key: str) -> list[Any]:
        value = self.result.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def tables(self, key: str) -> list[Reply]:
        """Return a list of tables, each to be read in the same way."""
        found = []
        for index, value in enumerate(self.items(key)):
            if not isinstance(value, Mapping):
                raise self.wrong(f"{key}[{index}]", "a table of names and values")
            found.append(Reply(self.host, f"{self.method}.{key}[{index}]", value))
        return found

    def wrong(self, key: str, wanted: str) -> Garbled:
        """Return the error for a key that is missing or not what is wanted; its value may be private, and stays out."""
        said = "nothing" if self.result.get(key) is None else "something else"
        return Garbled(self.host, f"the answer to {self.method} has {said} under {key!r} where {wanted} belongs")
