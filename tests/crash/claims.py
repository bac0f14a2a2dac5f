"""What has to be true of rules that go by the clock, whenever their daemon died.

Each claim looks at one record and yields what contradicts it.  The instants that are expected come from the rules'
own numbers, what the devices did from the devices.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from crash import scenario
from crash.record import GRAIN, Command, Record
from tapo_automate.journal.entry import Entry

LATENCY_S = 2.0  # real seconds that an answer may take on its way
PATIENCE_S = 3.0  # real seconds in which a daemon at work has done whatever it had to do, on a machine that is busy
NOT_SENT = ("withheld", "missed", "superseded")  # unless its daemon died before it could write down that it was
_BEATS = {beat.name: beat for beat in scenario.BEATS}
_STAIRS = {stairs.beat.name: stairs for stairs in scenario.STAIRS}


@dataclass(frozen=True, slots=True)
class Broken:
    """A contradiction.  devices: whose story explains it."""

    text: str
    at: dt.datetime
    devices: tuple[str, ...] = field(default=())


Claim: TypeAlias = Callable[[Record], Iterator[Broken]]


def due_by_the_clock(record: Record) -> Iterator[tuple[scenario.Beat, str, dt.datetime]]:
    """Yield (rule, device, nominal) of everything that the clock brought about while the run lasted."""
    for beat in (*scenario.BEATS, *(stairs.beat for stairs in scenario.STAIRS)):
        for nominal in beat.instants(record.over):
            if nominal > record.begun + GRAIN:
                for device in beat.devices:
                    yield beat, device, nominal


def every_firing_ends(record: Record) -> Iterator[Broken]:
    """No firing by the clock is lost, and none waits for ever."""
    delays: dict[tuple[str, str], dt.timedelta] = {}
    for beat, device, nominal in due_by_the_clock(record):
        entry = record.by_key.get((beat.name, device, nominal))
        if entry is None:
            yield Broken(f"{beat.name} on {device} at {nominal:%H:%M:%S} is not in the journal", nominal, (device,))
            continue
        delay = delays.setdefault((beat.name, device), due_of(entry) - entry.nominal)
        if due_of(entry) - entry.nominal != delay or not 0 <= delay.total_seconds() <= beat.jitter_s:
            yield Broken(
                f"{_named(entry)} was put off by {due_of(entry) - nominal}, before by {delay}", nominal, (device,)
            )
    for entry in record.entries:
        longest = dt.timedelta(seconds=3 * _STAIRS[entry.rule].length_s if entry.rule in _STAIRS else 0)
        ended = entry.result not in ("pending", "unfinished")
        if not ended and due_of(entry) + longest < record.over:
            yield Broken(f"{_named(entry)} is {entry.result} for ever", due_of(entry), (entry.device,))


def nothing_is_invented(record: Record) -> Iterator[Broken]:
    """The journal has no firing by the clock that the rules do not bring about, and no command is without one."""
    expected = {(beat.name, device, nominal) for beat, device, nominal in due_by_the_clock(record)}
    for entry in record.entries:
        by_the_clock = entry.rule in _BEATS or entry.rule in _STAIRS
        if by_the_clock and record.begun + GRAIN < entry.nominal < record.over and entry.key not in expected:
            yield Broken(f"{_named(entry)} is no instant of its rule", entry.nominal, (entry.device,))
    for command, entry in attributed(record):
        if entry is None:
            yield Broken(f"{command.device} was told {dict(command.words)} by no rule", command.at, (command.device,))


def nothing_is_done_twice(record: Record) -> Iterator[Broken]:
    """A device that shows what a firing wants is not told so again, and a toggle is carried out at most once."""
    told: dict[object, list[Command]] = {}
    for command, entry in attributed(record):
        if entry is None:
            continue
        step = command.words.get("brightness", command.words["on"]) if entry.rule in _STAIRS else None
        before = told.setdefault((entry.key, step), [])
        toggle = entry.asked.get("toggle", False)
        if before and toggle:
            yield Broken(f"{_named(entry)} was toggled twice", command.at, (entry.device,))
        elif before and not command.changed:
            text = f"{_named(entry)} was done at {before[-1].at:%H:%M:%S}, and again while the device showed it"
            yield Broken(text, command.at, (entry.device,))
        elif not command.changed and not _same_life(record, entry, command) and not _pressed_meanwhile(record, command):
            text = f"{_named(entry)} was done by a later daemon that had not looked: the device showed it"
            yield Broken(text, command.at, (entry.device,))
        before.append(command)


def toggles_belong_to_their_life(record: Record) -> Iterator[Broken]:
    """A toggle is never made up for, and the journal knows how often it was carried out."""
    times: dict[object, int] = {}
    for command, entry in attributed(record):
        if entry is not None and entry.asked.get("toggle"):
            times[entry.key] = times.get(entry.key, 0) + 1
            if entry.rule in _BEATS and not _same_life(record, entry, command):
                yield Broken(f"{_named(entry)}: a toggle was made up for", command.at, (entry.device,))
    for entry in record.entries:
        if entry.asked.get("toggle") and entry.result == "done" and times.get(entry.key, 0) != 1:
            text = f"{_named(entry)} is done, and the device was told {times.get(entry.key, 0)} times"
            yield Broken(text, due_of(entry), (entry.device,))


def results_are_right(record: Record) -> Iterator[Broken]:
    """Done was done, already was so, and what was not done has a reason that holds."""
    for entry in record.entries:
        if problem := _wrong(record, entry):
            others = ("tv",) if entry.device == "cond" else ()
            yield Broken(f"{_named(entry)}: {problem}", due_of(entry), (entry.device, *others))


def nothing_is_early(record: Record) -> Iterator[Broken]:
    """Nothing is done before it is due.  (What is withheld has the instant of the look that it is withheld for.)"""
    for entry in record.entries:
        if entry.result in ("done", "already") and entry.at is not None and entry.at < due_of(entry) - GRAIN:
            yield Broken(f"{_named(entry)} was settled at {entry.at:%H:%M:%S.%f}", due_of(entry), (entry.device,))


def a_daemon_at_work_is_prompt(record: Record) -> Iterator[Broken]:
    """What comes due while a daemon lives on for a moment is carried out by it, and not missed."""
    for beat, device, nominal in due_by_the_clock(record):
        entry = record.by_key.get((beat.name, device, nominal))
        if entry is None:
            continue
        life = record.life_at(due_of(entry))
        if life is None or life.at_work is None or not life.at_work < due_of(entry):
            continue
        patience = due_of(entry) + record.house_s(PATIENCE_S)
        if patience > life.ended:
            continue
        late = entry.at is None or entry.at > patience
        if entry.result == "missed" or (late and entry.rule not in _STAIRS):
            yield Broken(
                f"{_named(entry)} is {entry.result}, and life {life.number} was there", due_of(entry), (device,)
            )


def the_house_is_as_it_should_be(record: Record) -> Iterator[Broken]:
    """Given a moment, a daemon has brought a lamp to what all rules so far come to."""
    rules = [beat for beat in scenario.BEATS if beat.devices == ("slow",)]
    dues = sorted((at, beat) for beat in rules for at in beat.instants(record.lives[-1].ended))
    wanted: dict[str, Any] = {}
    for (due, beat), (following, _) in pairwise(dues):
        if due <= record.begun + GRAIN:
            continue
        wanted |= beat.sets
        at = record.lived(due, following, PATIENCE_S)
        in_time = at is not None and at - due < dt.timedelta(seconds=beat.within_s)
        if at is not None and in_time and wanted.keys() == {"on", "brightness", "color_temp"}:
            shown = record.state("slow", at)
            if shown != wanted:
                text = f"slow shows {shown} and not {wanted}, {at - due} after {beat.name} at {due:%H:%M:%S}"
                yield Broken(text, at, ("slow",))


def the_sun_sets_once(record: Record) -> Iterator[Broken]:
    """Rules by the sun fire at the published instant, once, and in their order."""
    for sunset in scenario.SUNSETS:
        about = scenario.SUNSET + dt.timedelta(seconds=sunset.offset_s)
        if not record.begun + dt.timedelta(minutes=3) < about < record.over - dt.timedelta(minutes=3):
            continue
        found = record.entries_of(sunset.name)
        if len(found) != 1 or abs(found[0].nominal - about) > dt.timedelta(minutes=3):
            yield Broken(f"{sunset.name} was due at {[f'{e.nominal:%H:%M:%S}' for e in found]}", about, ("dusk",))
        elif found[0].result not in ("done", "already", "missed"):
            yield Broken(f"{_named(found[0])} is {found[0].result}", about, ("dusk",))


def due_of(entry: Entry) -> dt.datetime:
    """Return when a firing came due: of steps the journal tells when the last one did."""
    return entry.nominal if entry.rule in _STAIRS else entry.due


# ---------------------------------------------------------------- what commands and entries have to do with each other


def attributed(record: Record) -> list[tuple[Command, Entry | None]]:
    """Return every command with the firing that it carries out, None where there is none."""
    by_device: dict[str, list[Entry]] = {}
    for entry in sorted(record.entries, key=due_of):
        by_device.setdefault(entry.device, []).append(entry)
    found: list[tuple[Command, Entry | None]] = []
    for device, commands in record.commands.items():
        for command in commands:
            fitting = [entry for entry in by_device.get(device, ()) if _may_be(command, entry)]
            come = [entry for entry in fitting if due_of(entry) <= command.at <= _settled(entry)] or fitting
            # Of several that may have sent it, the one that was settled first afterwards, but as carried out.
            found.append(
                (command, min(come, key=lambda entry: (entry.result in NOT_SENT, _settled(entry)), default=None))
            )
    return sorted(found, key=lambda each: each[0].at)


def _settled(entry: Entry) -> dt.datetime:
    return entry.at or scenario.LAST


def _may_be(command: Command, entry: Entry) -> bool:
    if not due_of(entry) - GRAIN <= command.at <= (entry.at or command.at) + GRAIN:
        return False
    if entry.rule in _STAIRS:
        return any(command.words == words for _, words in _STAIRS[entry.rule].steps)
    if entry.asked.get("toggle"):
        return command.words.keys() == {"on"}
    return command.words in (entry.asked, _own(entry))


def _own(entry: Entry) -> Mapping[str, Any]:
    return _BEATS[entry.rule].sets if entry.rule in _BEATS else entry.asked


def _pressed_meanwhile(record: Record, command: Command) -> bool:
    """Whether a person may have done it between a daemon's look and its command."""
    return bool(record.pressed(command.device, command.at - record.house_s(LATENCY_S), command.at))


def _same_life(record: Record, entry: Entry, command: Command) -> bool:
    """Whether a firing came due and was carried out in one life, which need not have looked before.

    What a daemon has sent may arrive when it is dead.
    """
    came = record.life_at(entry.nominal)
    return came is not None and came is [life for life in record.lives if life.begun <= command.at][-1]


# ---------------------------------------------------------------- reasons

_SETTLED_TOO_LATE = re.compile(r"came due (\d+) s ago, more than the (\d+) s within which it may still be done")
_NEWER = re.compile(r"a newer command came first: (\S+)")
_TV_IS = re.compile(r"tv is (on|off)")
_ONLY_BETWEEN = re.compile(r"it is (\S+), and only between 15:45 and 16:20")


def _wrong(record: Record, entry: Entry) -> str:
    """Return what is wrong with an entry's result, or ""."""
    match entry.result:
        case "done":
            told = any(_may_be(command, entry) for command in record.commands[entry.device])
            nothing_to_tell = entry.role == "begin" or not entry.asked
            return "" if told or nothing_to_tell else "the device was never told"
        case "already":
            assert entry.at is not None
            shown = record.showed(entry.device, _last_of(entry), entry.at - record.house_s(LATENCY_S), entry.at)
            return "" if shown else f"it did not show it: {record.state(entry.device, entry.at)}"
        case "superseded" | "missed":
            return _wrongly_missed(record, entry)
        case "withheld":
            return _wrongly_withheld(record, entry)
        case "failed":
            return f"no device fails in this house, but {entry.reason}"
    return ""


def _wrongly_missed(record: Record, entry: Entry) -> str:
    assert entry.at is not None
    if too_late := _SETTLED_TOO_LATE.fullmatch(entry.reason):
        late_s, within_s = (int(number) for number in too_late.groups())
        was_s = (entry.at - due_of(entry)).total_seconds()
        if not (late_s >= within_s and abs(was_s - late_s) <= 30 and was_s > within_s):
            return f"{entry.reason!r}, but it was {was_s:.1f} s"
        return ""
    if newer := _NEWER.fullmatch(entry.reason):
        later = [other for other in record.entries_of(newer[1]) if other.device == entry.device]
        decided = entry.at + record.house_s(LATENCY_S)  # `at` is the instant of the look, which may be a while ago
        if any(due_of(entry) <= due_of(other) <= decided and other is not entry for other in later):
            return ""
        return f"{entry.reason!r}, but that was not due between {due_of(entry):%H:%M:%S} and {entry.at:%H:%M:%S}"
    stairs = _STAIRS.get(entry.rule)
    if stairs and stairs.mode == "restart" and entry.reason == "the rule fired again and began anew":
        again = [other for other in record.entries_of(entry.rule) if due_of(entry) < due_of(other) <= entry.at]
        return "" if again else "it did not fire again"
    good = {
        "switching at random is not made up for": entry.role == "switch" or entry.role == "begin",
        "a toggle is not made up for": bool(entry.asked.get("toggle")),
        "a countdown is not made up for": False,  # it is fired late by a look, or too late
        "it only tells people, and not afterwards": entry.rule == "bell",
        'it came due while nobody was there, and its rule says missed = "skip"': entry.rule.startswith("skip"),
    }
    return "" if good.get(entry.reason, False) else f"{entry.result} because {entry.reason!r}"


def _wrongly_withheld(record: Record, entry: Entry) -> str:
    assert entry.at is not None
    stale = dt.timedelta(seconds=60)
    if is_ := _TV_IS.fullmatch(entry.reason):
        so = record.showed("tv", {"on": is_[1] == "on"}, due_of(entry) - stale, entry.at)
        return "" if entry.rule == "cond-on" and so else f"{entry.reason!r} was not so"
    if only := _ONLY_BETWEEN.fullmatch(entry.reason):
        outside = not (15, 45) <= (entry.nominal.hour, entry.nominal.minute) < (16, 20)
        right = entry.rule == "cond-off" and outside and only[1] == _clock(entry.nominal)
        return "" if right else f"{entry.reason!r} is wrong"
    stairs = _STAIRS.get(entry.rule)
    if entry.reason == "its steps from before are still under way" and stairs and stairs.mode == "ignore":
        before = [
            e
            for e in record.entries_of(entry.rule)
            if due_of(e) < due_of(entry) and (e.at is None or e.at >= due_of(entry))
        ]
        return "" if before else "no steps were under way"
    if "by hand" in entry.reason:
        pressed = record.pressed(entry.device, due_of(entry) - GRAIN, entry.at)
        return "" if pressed else f"{entry.reason!r}, but nobody pressed it"
    if "a person changed" in entry.reason:
        override = dt.timedelta(minutes=4)
        pressed = record.pressed(entry.device, due_of(entry) - override - record.house_s(PATIENCE_S), entry.at)
        return "" if pressed and entry.rule == "guard-off" else f"{entry.reason!r}, but nobody did"
    reloaded = entry.rule == scenario.OTHER.name and "taken out of the rules" in entry.reason
    return "" if reloaded else f"withheld because {entry.reason!r}"


def _last_of(entry: Entry) -> Mapping[str, Any]:
    return {key: value for key, value in entry.asked.items() if key not in ("steps", "toggle", "transition")}


def _clock(at: dt.datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _named(entry: Entry) -> str:
    role = f" ({entry.role})" if entry.role else ""
    return f"{entry.rule} on {entry.device} at {entry.nominal:%H:%M:%S}{role}"
