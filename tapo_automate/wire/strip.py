"""One socket of a power strip, spoken to through the strip as if it were a device of its own.

The clock, the firmware and the MAC are the strip's; all else a socket has for itself.
Source: docs/protocol.md, "control_child".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.wire import codec
from tapo_automate.wire.answers import error_code
from tapo_automate.wire.batch import Batches, Call, Caller, Outcome
from tapo_automate.wire.codes import Remedy, lookup, refusal
from tapo_automate.wire.desired import is_whole
from tapo_automate.wire.methods import is_read, is_repeatable

MOST_PAGES = 16  # of one socket each; the largest strip seen has 6

_OF_THE_STRIP = frozenset({"get_device_time", "set_device_time"})
_FROM_THE_STRIP = ("mac", "fw_ver")  # in the answer to get_device_info


@dataclass(frozen=True, slots=True)
class _Child:
    """A socket.  number: from 1, as the strip counts.  name: its owner's, or "".  strip: what it has of the strip."""

    id: str
    number: int
    name: str
    components: Sequence[Any] = ()
    strip: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.number} ({self.name})" if self.name else str(self.number)


class Socket:
    """A `Caller` over a strip's.  wanted: a number from 1, or the name that the owner gave the socket."""

    def __init__(self, strip: Caller, wanted: str) -> None:
        self._strip = strip
        self._wanted = wanted.strip()
        self._found: _Child | None = None
        self._batches = Batches(strip.host, self._ask)

    @property
    def host(self) -> str:
        return self._strip.host

    @property
    def transport(self) -> str | None:
        return self._strip.transport

    @property
    def part(self) -> str:
        return "" if self._found is None else str(self._found.number)

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of the socket's methods, or of the strip's where only that has it; see `Client`."""
        with self.one_action():
            if method in _OF_THE_STRIP:
                return self._strip.call(method, params)
            if method == "component_nego" and (components := self._child().components):
                return {"component_list": list(components)}
            return self._completed(method, self._ask(method, params))

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]:
        """Call several methods; see `Client`."""
        with self.one_action():
            own = iter(self._batches.ask([call for call in calls if call[0] not in _OF_THE_STRIP]))
            outcomes: list[Outcome] = []
            for call in calls:
                outcome = self._strip.multiple([call])[0] if call[0] in _OF_THE_STRIP else next(own)
                outcomes.append(outcome if isinstance(outcome, DeviceError) else self._completed(call[0], outcome))
            return outcomes

    def one_action(self) -> AbstractContextManager[None]:
        """Make one of several calls; see `Client`."""
        return self._strip.one_action()

    def close(self) -> None:
        """Forget which socket it is, and let go of the strip."""
        self._found = None
        self._strip.close()

    def _ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            return self._ask_once(method, params)
        except Refused as error:
            if lookup(error.code).remedy is not Remedy.RETRY or not is_repeatable(method, params):
                raise
            return self._ask_once(method, params)

    def _ask_once(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        data = {"method": method} if params is None else {"method": method, "params": params}
        child = self._child()
        try:
            reply = self._strip.call("control_child", {"device_id": child.id, "requestData": data})
        except (Refused, Unsupported):
            self._found = None  # the strip may be another than it was
            raise
        answer = reply.get("responseData")
        if not isinstance(answer, Mapping):
            problem = f"the strip did not say what its socket {child.number} answered to {method}"
            raise Garbled(self.host, problem, outcome_unknown=not is_read(method))
        code = error_code(answer)
        if code:
            raise refusal(self.host, method, code)
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def _completed(self, method: str, result: dict[str, Any]) -> dict[str, Any]:
        return {**result, **(self._child().strip or {})} if method == "get_device_info" else result

    def _child(self) -> _Child:
        """Return the socket, sought once."""
        if self._found is None:
            info = self._strip.call("get_device_info")
            child = self._chosen(self._children())
            components: Sequence[Any] = ()
            for entry in self._components_told():
                if entry.get("device_id") == child.id and isinstance(entry.get("component_list"), list):
                    components = entry["component_list"]
            of_strip = {name: info[name] for name in _FROM_THE_STRIP if name in info}
            self._found = _Child(child.id, child.number, child.name, components, of_strip)
        return self._found

    def _components_told(self) -> list[Mapping[str, Any]]:
        """Return what the strip says its sockets can do; nothing where it does not, so that they are asked."""
        try:
            return self._list("get_child_device_component_list", "child_component_list")
        except Busy:
            raise
        except Refused:
            return []

    def _children(self) -> list[_Child]:
        entries = [each for each in self._list("get_child_device_list", "child_device_list") if "device_id" in each]
        places = [each.get("position") for each in entries]
        counted = all(map(is_whole, places)) and len(set(places)) == len(places)
        return sorted(
            (
                _Child(str(each["device_id"]), each["position"] if counted else order, _printable(codec.nickname(each)))
                for order, each in enumerate(entries, 1)
            ),
            key=lambda child: child.number,
        )

    def _chosen(self, children: Sequence[_Child]) -> _Child:
        """Return the one that is wanted, by number before name.  Raises Unsupported, with what there is."""
        if not children:
            problem = f"it is no power strip, it has no socket {self._wanted}: name the device without one"
            raise Unsupported(self.host, problem)
        wanted = self._wanted.casefold()
        found = [child for child in children if str(child.number) == wanted]
        found = found or [child for child in children if child.name.casefold() == wanted]
        if len(found) == 1:
            return found[0]
        there = ", ".join(map(str, children))
        if found:
            problem = f"it has {len(found)} sockets of the name {self._wanted}; say which by its number: {there}"
            raise Unsupported(self.host, problem)
        raise Unsupported(self.host, f"it has no socket {self._wanted}; it has {there}")

    def _list(self, method: str, key: str) -> list[Mapping[str, Any]]:
        """Return all entries of a list in pages; none where the device does not know the method."""
        found: list[Any] = []
        for _ in range(MOST_PAGES):
            try:
                page = self._strip.call(method, {"start_index": len(found)})
            except Unsupported:
                break
            entries, total = page.get(key), page.get("sum")
            if not isinstance(entries, list) or not entries:
                break
            found += entries
            if not is_whole(total) or len(found) >= total:
                break
        return [each for each in found if isinstance(each, Mapping)]


def _printable(name: str) -> str:
    """Return a name as it may stand in a text."""
    return "".join(letter for letter in name if letter.isprintable()).strip()[:64]
