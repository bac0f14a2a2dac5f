"""What has to be true of holds, countdowns, steps, windows, notices and the journal, that outlive a daemon."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from crash import scenario
from crash.claims import LATENCY_S, PATIENCE_S, Broken, due_of
from crash.record import GRAIN, Record, instant, words_of
from tapo_automate.rules.away import switches

SAFE_S = 1.5  # real seconds after which the journal has what a daemon has learnt: a disk may take one to be sure
CONTINUOUS = dt.timedelta(seconds=scenario.GAP_S - 100)  # silences this short end no hold, whatever the journal lost


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a device was on, or off, or its load low."""

    begin: dt.datetime
    end: dt.datetime

    def holds(self, at: dt.datetime) -> bool:
        return self.begin - GRAIN <= at < self.end + GRAIN


def holds_by_load_go_on(record: Record) -> Iterator[Broken]:
    """The washer is done once in each lull, counted from the first reading that a daemon lived to write down."""
    hold = dt.timedelta(seconds=scenario.WASHER_HOLD_S)
    entries = record.entries_of("washer-done")
    lulls = list(_halves(record, "washer", scenario.WASHER_HALF_S))
    low = {at: life for at, life, watts in _readings(record, "washer") if watts < scenario.WASHER_BELOW_W}
    for entry in entries:
        if entry.nominal - hold not in low or not any(lull.holds(entry.nominal - hold) for lull in lulls):
            yield Broken(f"washer-done at {entry.nominal:%H:%M:%S} began with no reading", entry.nominal, ("washer",))
    for lull in lulls:
        inside = [at for at in low if lull.begin <= at < lull.end]
        fired = [entry for entry in entries if lull.holds(entry.nominal - hold)]
        if len(fired) > 1:
            yield Broken(f"washer-done fired {len(fired)} times in one lull", fired[1].nominal, ("washer",))
        for number, first in enumerate(inside):
            later = inside[number:]
            if not _survived(record, first) or any(b - a > CONTINUOUS for a, b in pairwise(later)):
                continue
            due = first + hold
            if fired and fired[0].nominal > due:
                text = f"washer-done was counted anew: low since {first:%H:%M:%S}, due {fired[0].nominal:%H:%M:%S}"
                yield Broken(text, fired[0].nominal, ("washer",))
            if not fired and any(at >= due and _survived(record, at) for at in later):
                yield Broken(f"washer-done did not fire, low since {first:%H:%M:%S}", due, ("washer",))
            break


def a_load_without_hold_fires_once(record: Record) -> Iterator[Broken]:
    """The heater's rule fires at a reading, and once for each time that the load rises."""
    entries = record.entries_of("heater-hot")
    safe = [
        (at, watts > scenario.HEATER_ABOVE_W) for at, _, watts in _readings(record, "heater") if _survived(record, at)
    ]
    every = {at for at, _, watts in _readings(record, "heater") if watts > scenario.HEATER_ABOVE_W}
    for entry in entries:
        if entry.nominal not in every:
            yield Broken(f"heater-hot at {entry.nominal:%H:%M:%S} is no reading", entry.nominal, ("heater",))
    for peak in _halves(record, "heater", scenario.HEATER_HALF_S):
        fired = [entry for entry in entries if peak.holds(entry.nominal)]
        if len(fired) > 1:
            yield Broken(f"heater-hot fired {len(fired)} times for one peak", fired[1].nominal, ("heater",))
        # It fires again once a reading has shown that it cooled down.
        pause = peak.begin - dt.timedelta(seconds=scenario.HEATER_HALF_S)
        cooled = any(pause <= at < peak.begin and not hot for at, hot in safe)
        if not fired and cooled and any(peak.holds(at) and hot for at, hot in safe):
            yield Broken(f"heater-hot did not fire at {peak.begin:%H:%M:%S}", peak.begin, ("heater",))


def countdowns_go_on(record: Record) -> Iterator[Broken]:
    """The rail is off two minutes after it turned on, whoever lived in between; or as soon as somebody looks."""
    after = dt.timedelta(seconds=scenario.RAIL_AFTER_S)
    runs = list(_runs(record, "rail", on=True))
    entries = record.entries_of("rail-off")
    for entry in entries:
        since = [run for run in runs if _about(record, entry.nominal - after, run.begin)]
        if not since:
            text = f"rail-off at {entry.nominal:%H:%M:%S} is not {after} after the rail turned on"
            yield Broken(text, entry.nominal, ("rail",))
    for run in runs:
        fired = [entry for entry in entries if _about(record, entry.nominal - after, run.begin)]
        if len(fired) > 1:
            yield Broken(f"rail-off fired {len(fired)} times after {run.begin:%H:%M:%S}", run.begin, ("rail",))
        at = record.lived(run.begin + after, run.begin + dt.timedelta(seconds=900), PATIENCE_S)
        if at is not None and run.end > at:
            yield Broken(f"the rail is on since {run.begin:%H:%M:%S} and still at {at:%H:%M:%S}", at, ("rail",))


def holds_by_state_go_on(record: Record) -> Iterator[Broken]:
    """The light follows the television after a minute, once for each time that it turns."""
    hold = dt.timedelta(seconds=scenario.TV_HOLD_S)
    for rule, on in (("tv-lights", True), ("tv-dark", False)):
        entries = record.entries_of(rule)
        runs = list(_runs(record, "tv", on=on))[0 if on else 1 :]  # it was off from the beginning
        for entry in entries:
            if not any(run.holds(entry.nominal - hold) for run in runs):
                yield Broken(f"{rule} at {entry.nominal:%H:%M:%S} belongs to no turn", entry.nominal, ("tv", "light"))
        for run in runs:
            fired = [entry for entry in entries if run.holds(entry.nominal - hold)]
            seen = (
                run.begin
                if on
                else next((at for at in record.looks["tv"] if at > run.begin and _survived(record, at)), run.end)
            )
            latest = seen + hold + record.house_s(LATENCY_S)
            if len(fired) > 1:
                yield Broken(
                    f"{rule} fired {len(fired)} times from {run.begin:%H:%M:%S} on", run.begin, ("tv", "light")
                )
            elif fired and fired[0].nominal > latest:
                text = f"{rule} was counted anew: seen at {seen:%H:%M:%S}, due at {fired[0].nominal:%H:%M:%S}"
                yield Broken(text, fired[0].nominal, ("tv", "light"))
            elif not fired and record.lived(latest, run.end, PATIENCE_S):
                yield Broken(f"{rule} did not fire, the television turned at {run.begin:%H:%M:%S}", latest, ("tv",))


def a_turn_toggles_once(record: Record) -> Iterator[Broken]:
    """Each time that the television turns on, the blinker is toggled, at most once."""
    commands = record.commands["blinker"]
    for run in _runs(record, "tv", on=True):
        told = [command for command in commands if run.begin <= command.at < run.end]
        if len(told) > 1:
            yield Broken(f"the blinker was toggled {len(told)} times in one turn", told[1].at, ("tv", "blinker"))
        first = next((at for at in record.looks["tv"] if run.begin < at < run.end), None)
        if not told and first and record.lived(first, run.end, PATIENCE_S) == first + record.house_s(PATIENCE_S):
            yield Broken(f"the blinker was not toggled at {run.begin:%H:%M:%S}", run.begin, ("tv", "blinker"))


def steps_come_in_their_order_and_time(record: Record) -> Iterator[Broken]:
    """A step comes at its distance from the beginning, at most once, and none by a daemon born after the next one."""
    for stairs in scenario.STAIRS:
        if stairs.mode == "queue":
            continue
        device, entries = stairs.beat.devices[0], record.entries_of(stairs.beat.name)
        last: tuple[dt.datetime, int] | None = None
        for command in record.commands[device]:
            number = next(n for n, (_, words) in enumerate(stairs.steps) if words == command.words)
            latest = command.at - _after(stairs, number) + GRAIN
            begins = [entry.nominal for entry in entries if entry.nominal <= latest]
            if not begins:
                yield Broken(f"step {number} of {device} came too early", command.at, (device,))
                continue
            begun = begins[-1]
            life = record.life_at(command.at)
            if number + 1 < len(stairs.steps) and life and life.begun > begun + _after(stairs, number + 1):
                text = f"step {number} of {device}, begun {begun:%H:%M:%S}, came when the next one was due"
                yield Broken(text, command.at, (device,))
            if last is not None and last[0] == begun and number <= last[1] and not command.changed:
                yield Broken(f"step {number} of {device} came again", command.at, (device,))
            last = begun, number


def queued_steps_are_all_gone_through(record: Record) -> Iterator[Broken]:
    """Firings that wait for the one before them come in turn, each with its first and its last step."""
    for stairs in scenario.STAIRS:
        if stairs.mode != "queue":
            continue
        entries = [entry for entry in record.entries_of(stairs.beat.name) if entry.result in ("done", "already")]
        for one, following in pairwise(sorted(entries, key=due_of)):
            if one.at is not None and following.at is not None and following.at < one.at:
                text = f"{stairs.beat.name} at {following.nominal:%H:%M:%S} overtook the one before it"
                yield Broken(text, following.nominal, stairs.beat.devices)


def windows_go_on(record: Record) -> Iterator[Broken]:
    """A window keeps its seed over all lives, switches as that says, and gives the device back as it was."""
    for window in scenario.WINDOWS:
        if not record.begun + GRAIN < window.start or window.end > record.over - dt.timedelta(seconds=60):
            continue
        entries = record.entries_of(window.name)
        seeds = {entry.seed for entry in entries}
        if len(seeds) != 1 or None in seeds:
            yield Broken(f"{window.name} has the seeds {seeds}", window.start, (window.device,))
            continue
        seed = seeds.pop()
        assert seed is not None
        planned = switches(seed, window.start, window.end)
        expected = [("begin", window.start, {})]
        expected += [("switch", at, {"on": on}) for at, on in planned]
        expected.append(("return", window.end, {"on": _given_back(record, window)}))
        found = [(entry.role, entry.nominal, dict(entry.asked)) for entry in entries]
        if entries and entries[-1].result not in ("done", "already"):  # what it gives back is not on record then
            expected[-1], found[-1] = (*expected[-1][:2], {}), (*found[-1][:2], {})
            yield Broken(f"{window.name} ended {entries[-1].result}", window.end, (window.device,))
        if found != expected:
            yield Broken(f"{window.name} was {found} and not {expected}", window.start, (window.device,))


def _given_back(record: Record, window: scenario.Window) -> bool:
    """Return whether a window leaves its device on: as it was before, or as the window before was still to leave it."""
    for entry in record.entries:
        before = entry.role == "return" and entry.device == window.device and entry.nominal < window.start
        if before and entry.asked and entry.at is not None and entry.at > window.start:
            return bool(entry.asked["on"])
    return bool(record.state(window.device, window.start)["on"])


def people_are_told_once(record: Record) -> Iterator[Broken]:
    """No notice comes twice, none without a firing, and none is missing that a daemon lived to give."""
    for (rule, nominal), times in Counter(record.notices).items():
        if times > 1:
            yield Broken(f"people were told of {rule} at {nominal:%H:%M:%S} {times} times", nominal, ("cond", "washer"))
        if not any(entry.nominal == nominal for entry in record.entries_of(rule)):
            yield Broken(f"people were told of {rule} at {nominal:%H:%M:%S}, which did not fire", nominal, ("cond",))
    told = set(record.notices)
    for entry in record.entries_of("bell"):
        heard = entry.result != "done" or entry.at is None or (entry.rule, entry.nominal) in told
        # It is told once that is on record, which a disk takes its time for; killed before, nobody is told.
        if not heard and entry.at and _survived(record, entry.at, PATIENCE_S):
            yield Broken(f"the bell at {entry.nominal:%H:%M:%S} was heard by nobody", entry.nominal, ("cond",))


def people_are_respected(record: Record) -> Iterator[Broken]:
    """A guard that a person turned on stays on for its four minutes, where somebody looked before and after."""
    override = dt.timedelta(minutes=4)
    for entry in record.entries_of("guard-off"):
        pressed = record.pressed("guard", record.begun, due_of(entry) - record.house_s(PATIENCE_S))
        if not pressed or entry.result != "done" or entry.at is None or entry.at > pressed[-1] + override - GRAIN:
            continue
        if not record.shows("guard", due_of(entry), {"on": True}):
            continue  # a command was on its way when it was pressed
        before = [look for look in record.looks["guard"] if look <= pressed[-1]]
        after = [look for look in record.looks["guard"] if look > pressed[-1]]
        if before and after and after[0] - before[-1] < CONTINUOUS:
            yield Broken(
                f"guard-off at {entry.nominal:%H:%M:%S} overruled {pressed[-1]:%H:%M:%S}", entry.at, ("guard",)
            )


def nobody_is_blamed_for_what_the_daemon_did(record: Record) -> Iterator[Broken]:
    """What the journal calls a person's doing was one."""
    for change in record.changes:
        if change.by not in ("person", "unknown"):
            continue
        since = (change.since or change.at) - record.house_s(LATENCY_S)
        if not record.pressed(change.device, since, change.at + GRAIN):
            text = f"the journal blames a person ({change.by}) for {change.device} showing {dict(change.after)}"
            yield Broken(text, change.at, (change.device,))


def the_journal_is_sound(record: Record) -> Iterator[Broken]:
    """The database is whole, nobody had to mend it, and no life has said anything that it should not have to say."""
    for found in record.integrity:
        yield Broken(f"integrity_check {found}", record.over)
    for line in record.lines:
        if line.get("journal") or line.get("event") in ("Alarm", "Trouble", "Stepped"):
            yield Broken(f"life {line['life']} said {line}", instant(line["t"]))
    for line in record.stderr.splitlines():
        yield Broken(f"on stderr: {line}", record.over)
    left = {kind: sorted(kept) for kind, kept in record.memory.items() if kind == "away"}
    now = record.lives[-1].ended
    for name in left.get("away", []):
        rule = name.partition("\0")[0]
        if not any(window.name == rule and window.start <= now <= window.end + GRAIN for window in scenario.WINDOWS):
            yield Broken(f"the window {rule} is remembered for ever", now)


# ---------------------------------------------------------------- spans and readings


def _runs(record: Record, device: str, *, on: bool) -> Iterator[Span]:
    """Yield the times in which a device was on, or off; the last one lasts to the end."""
    begin: dt.datetime | None = None
    for change in record.shown[device]:
        at, now_on = dt.datetime.fromtimestamp(change.true_at, dt.UTC), words_of(change.state)["on"]
        if now_on == on and begin is None:
            begin = at
        elif now_on != on and begin is not None:
            yield Span(begin, at)
            begin = None
    if begin is not None:
        yield Span(begin, record.lives[-1].ended)


def _halves(record: Record, device: str, half_s: int) -> Iterator[Span]:
    """Yield the second half of each round of a trace, which began with the device."""
    half = dt.timedelta(seconds=half_s)
    begin = dt.datetime.fromtimestamp(record.shown[device][0].true_at, dt.UTC) + half
    while begin < record.lives[-1].ended:
        yield Span(begin, begin + half)
        begin += 2 * half


def _readings(record: Record, device: str) -> Iterator[tuple[dt.datetime, int, float]]:
    """Yield (instant, life, watts) of what daemons have read."""
    for line in record.lines:
        if line.get("metered") == device:
            yield instant(line["at"]), line["life"], line["power_w"]


def _survived(record: Record, at: dt.datetime, safe_s: float = SAFE_S) -> bool:
    """Whether the daemon that learnt something at an instant lived long enough to write it down."""
    life = record.life_at(at)
    return life is not None and life.ended - at >= record.house_s(safe_s)


def _about(record: Record, at: dt.datetime, truth: dt.datetime) -> bool:
    return truth - GRAIN <= at <= truth + record.house_s(LATENCY_S)


def _after(stairs: scenario.Stairs, number: int) -> dt.timedelta:
    return dt.timedelta(seconds=stairs.steps[number][0])


# ---------------------------------------------------------------- what the claims were put to the test by


def outlived(record: Record) -> Counter[str]:
    """Return of how many holds, countdowns, sequences and windows a daemon has died in the middle, and they went on."""
    found: Counter[str] = Counter()
    waits = {
        "washer-done": scenario.WASHER_HOLD_S,
        "rail-off": scenario.RAIL_AFTER_S,
        "tv-lights": scenario.TV_HOLD_S,
        "tv-dark": scenario.TV_HOLD_S,
    }
    deaths = [life.ended for life in record.lives[:-1]]
    for entry in record.entries:
        if entry.result not in ("done", "already") or entry.at is None:
            continue
        begun, ended = entry.nominal, entry.at
        if entry.rule in waits:
            begun, ended = entry.nominal - dt.timedelta(seconds=waits[entry.rule]), entry.nominal
        elif entry.role == "return":
            begun = next(window.start for window in scenario.WINDOWS if window.name == entry.rule)
        elif not any(entry.rule == stairs.beat.name for stairs in scenario.STAIRS):
            continue
        if any(begun < death < ended for death in deaths):
            found[entry.rule.partition("-")[0]] += 1
    return found
