"""What a power strip is made of: its sockets, or the light and the fan of a switch that has both.

The strip tells it in two lists, which are asked for once for all who speak to its parts, one list at a time: a P300 of
firmware 1.0.7 hangs on a batch of both.
Source: docs/protocol.md, "control_child".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary, WeakSet

from tapo_automate.errors import Busy, Refused, Unsupported
from tapo_automate.wire import codec
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.desired import is_whole

MOST_PAGES = 16  # of one socket each; the largest strip seen has 6

_FROM_THE_STRIP = ("mac", "fw_ver")  # in the answer to get_device_info
_LAMP, _FAN, _SOCKET = "light", "fan", "socket"
_NOUNS = {"sub-bulb": _LAMP, "sub-dimmer": _LAMP, "sub-fan": _FAN}


@dataclass(frozen=True, slots=True)
class Part:
    """One of them.  number: from 1, as the strip counts.  name: its owner's, or "".  noun: "socket", "light", "fan".

    components: as `component_nego` would list them; none where the strip does not tell.  strip: what it has of the
    strip, of the answer to `get_device_info`.  reading: the lists that it was found in.
    """

    id: str = field(repr=False)
    number: int
    name: str = field(repr=False)
    noun: str
    components: Sequence[Any] = ()
    strip: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reading: int = 0

    def __str__(self) -> str:
        return f"{self.noun} {self.number}"  # errors are logged, and a name is not

    @property
    def _called(self) -> str:
        return f"{self.number} ({self.name})" if self.name else str(self.number)

    def is_called(self, wanted: str) -> bool:
        """Whether its owner calls it so, capitals and blanks aside."""
        return _plain(self.name) == _plain(wanted)


class Parts:
    """The parts of one strip, for all who speak to one of them; read when first asked for, and anew when they changed.

    They are forgotten when nobody uses them any more: firmware may change what a part can do.
    """

    def __init__(self) -> None:
        self._known: list[Part] = []
        self._readings = 0
        self._users: WeakSet[object] = WeakSet()
        self._lock = threading.Lock()

    def find(self, user: object, strip: Caller, wanted: str, *, wrong: Part | None = None) -> Part:
        """Return the part that is wanted, by its number, its owner's name or what it is.

        wrong: the one found before, which it is no more.  Raises Unsupported, with what there is; and what
        `Client.call` raises.
        """
        with self._lock:
            if not self._users:
                self._known = []  # whoever used them is gone, and nobody knows how long ago
            self._users.add(user)
            fresh = not self._known or (wrong is not None and wrong.reading == self._readings)
            if fresh:
                self._read(strip)
            found = matching(self._known, wanted)
            if len(found) != 1 and not fresh:  # it may have been named meanwhile
                self._read(strip)
                found = matching(self._known, wanted)
            if len(found) != 1:
                raise Unsupported(strip.host, _not_one(self._known, found, wanted))
            return found[0]

    def leave(self, user: object) -> None:
        """Forget the parts, if nobody else uses them."""
        self._users.discard(user)
        if not self._users:
            self._known = []

    def _read(self, strip: Caller) -> None:
        self._known = []
        self._readings += 1
        self._known = read_parts(strip, self._readings)


def parts_of(strip: Caller) -> Parts:
    """Return what is known of a strip's parts, the same for all who share its client."""
    whole = strip.whole if isinstance(strip, Share) else strip
    with _lock:
        return _parts.setdefault(whole, Parts())


@runtime_checkable
class Share(Protocol):
    """A `Caller` that is one of several over one client.  whole: stays with the device, whoever asks it."""

    @property
    def whole(self) -> object: ...


_parts: WeakKeyDictionary[object, Parts] = WeakKeyDictionary()
_lock = threading.Lock()


class Answers(Protocol):
    """Whoever passes a method on to a device."""

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]: ...


def read_parts(strip: Answers, reading: int = 0) -> list[Part]:
    """Return what a device is made of, by number; nothing for one that has no parts, or a hub's sensors.

    Raises what `Client.call` raises.
    """
    told = _list(strip, "get_child_device_list", "child_device_list")
    entries = [each for each in told if "device_id" in each and not _is_sensor(each)]
    if not entries:
        return []
    info = strip.call("get_device_info")
    of_strip = {name: info[name] for name in _FROM_THE_STRIP if name in info}
    can = {each.get("device_id"): each.get("component_list") for each in _components_told(strip)}
    places = [place for each in entries if is_whole(place := each.get("position"))]
    if len(set(places)) < len(entries):
        entries.sort(key=lambda each: str(each["device_id"]))  # the order of the list may change
        places = list(range(1, len(entries) + 1))
    found = []
    for number, each in zip(places, entries, strict=True):
        listed = can.get(each["device_id"])
        found.append(
            Part(
                str(each["device_id"]),
                number,
                _printable(codec.nickname(each)),
                _NOUNS.get(str(each.get("category")).rpartition(".")[2], _SOCKET),
                listed if isinstance(listed, list) else (),
                of_strip,
                reading,
            )
        )
    return sorted(found, key=lambda part: part.number)


def _is_sensor(entry: Mapping[str, Any]) -> bool:
    """Whether it is one of what a hub has: sensors, buttons and thermostats, which have no switch."""
    return str(entry.get("category")).startswith("subg.") and "device_on" not in entry


def _components_told(strip: Answers) -> list[Mapping[str, Any]]:
    """Return what the strip says its parts can do; nothing where it does not, so that they are asked."""
    try:
        return _list(strip, "get_child_device_component_list", "child_component_list")
    except Busy:
        raise
    except Refused:
        return []


def _list(strip: Answers, method: str, key: str) -> list[Mapping[str, Any]]:
    """Return all entries of a list in pages, each once; none where the device does not know the method."""
    found: dict[str, Mapping[str, Any]] = {}
    seen = 0
    for _ in range(MOST_PAGES):
        try:
            page = strip.call(method, {"start_index": seen})
        except Unsupported:
            break
        entries, total = page.get(key), page.get("sum")
        before = len(found)
        for each in entries if isinstance(entries, list) else ():
            seen += 1
            if isinstance(each, Mapping):
                found.setdefault(str(each.get("device_id")), each)
        if len(found) == before or not is_whole(total) or seen >= total:
            break
    return list(found.values())


def matching(parts: Sequence[Part], wanted: str) -> list[Part]:
    """Return the parts that may be meant: by number before owner's name before what they are."""
    return (
        [part for part in parts if str(part.number) == wanted]
        or [part for part in parts if part.is_called(wanted)]
        or [part for part in parts if part.noun == _plain(wanted) != _SOCKET]
    )


def _not_one(parts: Sequence[Part], found: Sequence[Part], wanted: str) -> str:
    """Return what to say where none of the parts is meant, or more than one."""
    if not parts:
        return f"it is no power strip, it has no socket {wanted}: name the device without one"
    alike = all(part.noun == _SOCKET for part in parts)
    there = ", ".join(part._called if alike else f"{part.noun} {part._called}" for part in parts)
    noun = "sockets" if alike else "parts"
    if found:
        return f"it has {len(found)} {noun} of the name {wanted}; say which by its number: {there}"
    count = "one socket" if len(parts) == 1 and alike else f"{len(parts)} {noun}"
    return f"it has no socket {wanted}; it has {count}: {there}"


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _printable(name: str) -> str:
    """Return a name as it may stand in a text."""
    return "".join(letter for letter in name if letter.isprintable()).strip()[:64]
