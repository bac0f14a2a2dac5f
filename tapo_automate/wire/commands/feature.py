"""What some devices have and others lack, and what to say of one that lacks it.

Source: docs/protocol.md, "Error codes", "Pages" and "Methods".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.wire import codec
from tapo_automate.wire.codes import BAD_PARAMS
from tapo_automate.wire.commands.asking import Asked, Reply

MOST_PAGES = 32  # of a list; light strips show four presets at a time
ON_SOCKETS = 'as a whole; of a power strip name a socket, as in "strip/1"'


@dataclass(frozen=True, slots=True)
class Feature:
    """One of them.  component: its name in the device's list.  name: for "it has no …".  hint: where else to look."""

    component: str
    name: str
    hint: str = ""

    def call(self, asked: Asked, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of its methods.  Raises what `Client.call` raises; Unsupported, in words, where it is lacking.

        What the device can do is asked only after it has said no, which devices do with -1002 or -1008.
        """
        try:
            return asked.call(method, params)
        except Busy:
            raise
        except (Unsupported, Refused) as error:
            if isinstance(error, Refused) and error.code != BAD_PARAMS:
                raise
            lacking = self._lacking(asked, method, error)
            if lacking is None:
                raise
            raise lacking from error

    def call_either(self, asked: Asked, method: str, other: str, params: Mapping[str, Any]) -> None:
        """Call a method that goes by two names, by the other where the device does not know the first."""
        try:
            self.call(asked, method, params)
        except Unsupported as error:
            try:
                self.call(asked, other, params)
            except Unsupported:
                raise error from None

    def ask(self, asked: Asked, method: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Call one of its methods that reads, and return the answer to be read key by key."""
        return Reply(asked.host, method, self.call(asked, method, params))

    def pages(self, asked: Asked, method: str, key: str) -> tuple[Reply, list[Any]]:
        """Return the first page of a list that may come in several, and all entries of its `key`.

        Ends where the device has shown as many as its `sum` says, or shows no more.  A device that takes no number of
        a page has one page, and one whose answer has another shape has no entries: that is the caller's to judge.
        Raises Garbled where another page comes than was asked for.
        """
        try:
            first = page = self.ask(asked, method, {"start_index": 0})
        except Refused as error:
            if error.code != BAD_PARAMS:
                raise
            first = page = self.ask(asked, method)
        found = list(first.items(key)) if first.has(key) else []
        for _ in range(MOST_PAGES):
            if not page.result.get(key) or not first.has("sum") or len(found) >= first.integer("sum"):
                break
            page = self.ask(asked, method, {"start_index": len(found)})
            entries = page.items(key)
            if entries and page.has("start_index") and page.integer("start_index") != len(found):
                raise Garbled(asked.host, f"{method} shows another page than the one that was asked for")
            found += entries
        return first, found

    def _lacking(self, asked: Asked, method: str, error: DeviceError) -> Unsupported | None:
        """Return what the refusal of a method means, or None where it means no lack."""
        listed = versions(asked)
        if self.component in listed and isinstance(error, Refused):
            return None
        if "control_child" in listed:  # a strip lists what its sockets have, too
            problem = f"it has no {self.name} {ON_SOCKETS}"
        elif self.component in listed:
            problem = f"it has {self.name} of version {listed[self.component]}, without {method}"
        else:
            problem = f"it has no {self.name}" + (f"; {self.hint}" if self.hint else "")
        return Unsupported(asked.host, problem, after_login=error.after_login)


def versions(asked: Asked) -> dict[str, int]:
    """Return what the device lists that it can do: component -> version."""
    return codec.components(asked.call("component_nego"))
