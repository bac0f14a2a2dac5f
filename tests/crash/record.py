"""What is known after a run, all of it told by others than the daemon's own memory: devices, diaries, journal, people.

Instants are of the house's clock, aware, UTC.
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tapo_automate.journal.entry import Change, Entry, Run
from tapo_automate.simulator import Device
from tapo_automate.simulator.records import Change as Shown

GRAIN = dt.timedelta(seconds=2)  # by which the clocks of two processes, and whole seconds, may differ
_WORDS = {"device_on": "on", "brightness": "brightness", "color_temp": "color_temp"}


@dataclass(slots=True)
class Life:
    """One life.

    begun: before it read anything.  at_work: when all that it inherited was decided, None if it did not come so far.
    how: "killed", "stopped" by SIGTERM, the point it died at; or "suspended", and what
    comes after counts as another life.
    """

    number: int
    begun: dt.datetime
    at_work: dt.datetime | None
    ended: dt.datetime
    how: str


@dataclass(frozen=True, slots=True)
class Command:
    """A `set_device_info` that a device has accepted.

    words: what it says, in those of the rule language.  changed: False if the device showed all of it before.
    """

    device: str
    at: dt.datetime
    words: Mapping[str, Any]
    changed: bool


@dataclass
class Record:
    """One run.  lines: the diaries', in order.  stderr: what lives said beside."""

    seed: int
    folder: Path
    lives: list[Life]
    commands: Mapping[str, Sequence[Command]]
    looks: Mapping[str, Sequence[dt.datetime]]
    shown: Mapping[str, Sequence[Shown]]
    entries: Sequence[Entry]
    changes: Sequence[Change]
    runs: Sequence[Run]
    memory: Mapping[str, Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]
    stderr: str
    integrity: Sequence[str]
    speed: float

    @property
    def begun(self) -> dt.datetime:
        """When the first life had begun for sure."""
        return next(run.started for run in self.runs)

    @property
    def over(self) -> dt.datetime:
        """What came due until then had all the time it needs."""
        return self.lives[-1].begun

    @cached_property
    def by_key(self) -> dict[tuple[str, str, dt.datetime], Entry]:
        return {entry.key: entry for entry in self.entries}

    @cached_property
    def notices(self) -> list[tuple[str, dt.datetime]]:
        """(rule, nominal) as people were told, each time that they were."""
        return [(line["notice"], instant(line["nominal"])) for line in self.lines if "notice" in line]

    def house_s(self, real_s: float) -> dt.timedelta:
        return dt.timedelta(seconds=real_s * self.speed)

    def entries_of(self, *rules: str) -> list[Entry]:
        """Return the entries of some rules in the order they came due."""
        return sorted((entry for entry in self.entries if entry.rule in rules), key=lambda entry: entry.due)

    def life_at(self, at: dt.datetime) -> Life | None:
        """Return the life in which an instant lies."""
        place = bisect_right([life.begun for life in self.lives], at) - 1
        return self.lives[place] if place >= 0 and at <= self.lives[place].ended else None

    def lived(self, since: dt.datetime, until: dt.datetime, real_s: float) -> dt.datetime | None:
        """Return when one life had been at work for so many real seconds between two instants, None if none had."""
        span = self.house_s(real_s)
        for life in self.lives:
            if life.at_work is not None:
                at = max(life.at_work, since) + span
                if at <= min(life.ended, until):
                    return at
        return None

    def state(self, device: str, at: dt.datetime) -> dict[str, Any]:
        """Return what a device showed, in the words of the rule language; {"on": False} for one that is off."""
        shown = self.shown[device]
        place = bisect_right([change.true_at for change in shown], at.timestamp()) - 1
        return words_of(shown[max(place, 0)].state)

    def shows(self, device: str, at: dt.datetime, asked: Mapping[str, Any]) -> bool:
        """Whether a device showed what is asked of it."""
        state = self.state(device, at)
        return all(state.get(key) == value for key, value in asked.items())

    def showed(self, device: str, asked: Mapping[str, Any], since: dt.datetime, until: dt.datetime) -> bool:
        """Whether a device showed what is asked of it at any moment between two instants, both included."""
        moments = [dt.datetime.fromtimestamp(change.true_at, dt.UTC) for change in self.shown[device]]
        inside = [since, *(at for at in moments if since < at <= until)]
        return any(self.shows(device, at, asked) for at in inside)

    def pressed(self, device: str, since: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
        """Return when a person pressed a device's button."""
        times = (
            dt.datetime.fromtimestamp(change.true_at, dt.UTC) for change in self.shown[device] if change.by == "press"
        )
        return [at for at in times if since <= at <= until]


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def words_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a simulated device's state, or the parameters of a command, in the words of the rule language."""
    words = {_WORDS[key]: value for key, value in state.items() if key in _WORDS}
    return {"on": False} if words.get("on") is False else words


def commands_of(name: str, device: Device) -> list[Command]:
    """Return what a device was told and accepted, oldest first."""
    changes = [change.at for change in device.changes if change.by == "call"]
    found: list[Command] = []
    for call in device.calls:
        if call.method == "set_device_info" and call.error_code == 0:
            # The device writes a call down when it is done with it, a moment after what changed.
            changed = bool(changes) and changes[0] <= call.at
            found.append(Command(name, dt.datetime.fromtimestamp(call.at, dt.UTC), words_of(call.params), changed))
            del changes[: int(changed)]
    return found


def looks_of(device: Device) -> list[dt.datetime]:
    """Return when a device was asked what it is doing."""
    return [dt.datetime.fromtimestamp(call.at, dt.UTC) for call in device.calls if call.method == "get_device_info"]


def read_diary(path: Path, life: int | None = None) -> list[dict[str, Any]]:
    """Return the lines of all lives, or of the last one if that is the life asked for."""
    if not path.exists():
        return []
    text = path.read_text()
    if life is not None:
        text = text[max(text.find(f'{{"life": {life}, '), 0) :]
    return [line for line in map(json.loads, text.splitlines()) if life is None or line["life"] == life]


def story(record: Record, devices: Iterable[str], at: dt.datetime, around_s: float = 60) -> str:
    """Return what happened to some devices around an instant, from all sources, in order."""
    names, span = set(devices), dt.timedelta(seconds=around_s)
    lines: list[tuple[dt.datetime, str]] = []
    for name in names:
        lines += [
            (each.at, f"{name} was told {dict(each.words)}{'' if each.changed else ', as it was'}")
            for each in record.commands[name]
        ]
        lines += [(look, f"{name} was looked at") for look in record.looks[name]]
        lines += [
            (dt.datetime.fromtimestamp(each.true_at, dt.UTC), f"{name} shows {words_of(each.state)}, by {each.by}")
            for each in record.shown[name]
        ]
    for entry in record.entries:
        if entry.device in names:
            lines.append((entry.due, f"journal: {_said(entry)}"))
    for change in record.changes:
        if change.device in names:
            text = (
                f"journal: {change.device} changed to {dict(change.after)} by {change.by} {change.rule} {change.detail}"
            )
            lines.append((change.at, text))
    for life in record.lives:
        lines += [(life.begun, f"---- life {life.number} begins"), (life.ended, f"---- life {life.number}: {life.how}")]
    for line in record.lines:
        if line.get("device") in names or "event" in line or "journal" in line:
            lines.append((instant(line["t"]), f"life {line['life']} says {_rest(line)}"))
    near = sorted((each for each in lines if abs(each[0] - at) <= span), key=lambda each: each[0])
    return "\n".join(f"    {when:%H:%M:%S.%f}"[:-3] + f"  {text}" for when, text in near)


def _said(entry: Entry) -> str:
    at = f" at {entry.at:%H:%M:%S.%f}"[:-3] if entry.at else ""
    reason = f" ({entry.reason})" if entry.reason else ""
    return f"{entry.rule} {entry.device} {dict(entry.asked)} {entry.role} -> {entry.result}{at}{reason}"


def _rest(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in ("life", "t", "device")}
