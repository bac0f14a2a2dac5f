"""A year of a lived house: rules are made and edited, synced and reloaded, and the daemon comes and goes, at random.

What should happen is written down on the way, as far as forecast and ledger know it.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from sync.lived_house import SECOND, LivedHouse
from tapo_automate import Rule, Setting
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import AtDate, AtSun, AtTime, Condition, Firing, RuleBook
from tapo_automate.sync.executors import Executors, who_executes
from tapo_automate.sync.partition import Partition, partition

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
QUIET = 20 * MINUTE  # around an edit nothing is due
Span: TypeAlias = tuple[dt.datetime, dt.datetime]
CALM_DAYS = 28  # at the end of the year nobody edits anything, and the daemon stays up


@dataclass(frozen=True, slots=True)
class Era:
    """From `begin` on the daemon, where it is up, carries out this book, and devices what `theirs` says."""

    begin: dt.datetime
    book: RuleBook
    theirs: Partition


class Year:
    """Leads a house through the year, and remembers what should have happened.

    down: spans without a daemon.  calm: since when nothing is edited and the daemon is up; proof: what was known then
    of what follows.
    """

    calm: dt.datetime
    end: dt.datetime
    proof: Executors

    def __init__(self, house: LivedHouse, seed: str) -> None:
        self.begin = house.clock.at
        self.house = house
        self.dice = random.Random(seed)
        self.rules: dict[str, Rule] = {}
        self.eras: list[Era] = []
        self.down: list[Span] = []
        self._numbers = 0
        for device_id in house.specs:
            for _ in range(5):
                self._add(device_id)
            self._add(device_id, at_night=True)
            self._split(device_id)

    # ------------------------------------------------------------ rules

    def _add(self, device_id: str, *, at_night: bool = False) -> None:
        """Add a rule for a device, at a time of day at which it has none."""
        dice = self.dice
        self._numbers += 1
        days = frozenset(dice.sample(range(7), dice.randint(1, 3)))
        suns = {rule.trigger.event for rule in self._of(device_id) if isinstance(rule.trigger, AtSun)}
        event = dice.choice(("sunrise", "sunset"))
        trigger: AtTime | AtSun
        if at_night:
            days |= {6}  # clocks change on Sundays
            trigger = AtTime(self._free(device_id, (1, 2)), days)
        elif event not in suns and dice.random() < 0.5:
            trigger = AtSun(event, 60 * dice.randint(-30, 30), days)
        else:
            trigger = AtTime(self._free(device_id, (9, 10, 11, 12, 13, 14, 23)), days)
            if dice.random() < 0.2:
                trigger = AtTime(trigger.at.replace(second=dice.randint(1, 59)), days)
        rule = Rule(f"{device_id}-{self._numbers}", (device_id,), trigger, self._setting(device_id))
        match dice.randrange(12):
            case 0:
                rule = replace(rule, executor="daemon")
            case 1:
                rule = replace(rule, only_if=Condition(days=days - {min(days)} or days))
            case 2:
                rule = replace(rule, jitter_s=30)
            case _:
                pass
        self.rules[rule.id] = rule

    def _split(self, device_id: str) -> None:
        """Let a second rule do on other days what one does already: one row is to carry out both."""
        clock = [each for each in self._of(device_id) if isinstance(each.trigger, AtTime) and not each.only_if]
        rule = self.dice.choice(clock)
        assert isinstance(rule.trigger, AtTime)
        self._numbers += 1
        others = replace(rule.trigger, days=frozenset({(max(rule.trigger.days) + 1) % 7}) - rule.trigger.days)
        if others.days:
            twin = f"{device_id}-{self._numbers}"
            self.rules[twin] = replace(rule, id=twin, trigger=others)

    def _of(self, device_id: str) -> list[Rule]:
        return [rule for rule in self.rules.values() if device_id in rule.device_ids]

    def _free(self, device_id: str, hours: tuple[int, ...]) -> dt.time:
        times = [rule.trigger.at for rule in self._of(device_id) if isinstance(rule.trigger, AtTime)]
        taken = {at.hour * 60 + at.minute for at in times}
        grid = [60 * hour + minute for hour in hours for minute in range(0, 60, 10)]
        minute = self.dice.choice([each for each in grid if all(abs(each - other) >= 10 for other in taken)])
        return dt.time(minute // 60, minute % 60)

    def _setting(self, device_id: str) -> Setting:
        dice, kind = self.dice, self.house.boxes[device_id].profile.name
        if dice.random() < 0.4:
            return Setting(on=False)
        if kind == "L510":
            return Setting(on=True, brightness_pct=dice.randint(1, 100))
        if kind.startswith("L"):
            light = Setting(on=True, brightness_pct=dice.randint(1, 100))
            if kind in ("L530", "L630") and dice.random() < 0.5:
                return replace(light, color_temp_k=dice.randrange(2700, 6000, 100))
            return replace(light, hue_deg=dice.randint(1, 359), saturation_pct=dice.randint(10, 100))
        return Setting(on=True)

    def edit(self) -> str:
        """Change one thing of the rules, as people do, and return the device that it is about."""
        dice = self.dice
        device_id = dice.choice(list(self.house.specs))
        rule = dice.choice([each for each in self._of(device_id) if not isinstance(each.trigger, AtDate)])
        match dice.randrange(7):
            case 0:
                del self.rules[rule.id]
                self._add(device_id, at_night=isinstance(rule.trigger, AtTime) and rule.trigger.at.hour < 3)
            case 1:
                self.rules[rule.id] = replace(rule, setting=self._setting(device_id))
            case 2:
                self.rules[rule.id] = replace(rule, enabled=not rule.enabled)
            case 3:
                executor = "auto" if rule.executor == "daemon" else "daemon"
                self.rules[rule.id] = replace(rule, executor=executor)
            case 4:
                assert isinstance(rule.trigger, AtTime | AtSun)
                taken = (each.trigger for each in self._of(device_id) if each.id != rule.id)
                days = frozenset(dice.sample(range(7), dice.randint(1, 4)))
                for trigger in taken:
                    if (
                        isinstance(trigger, AtTime)
                        and isinstance(rule.trigger, AtTime)
                        and trigger.at == rule.trigger.at
                    ):
                        days -= trigger.days
                days = days or rule.trigger.days
                self.rules[rule.id] = replace(rule, trigger=replace(rule.trigger, days=days))
            case 5:  # the name alone
                del self.rules[rule.id]
                self._numbers += 1
                name = f"{device_id}-{self._numbers}"
                self.rules[name] = replace(rule, id=name)
            case _:
                self._numbers += 1
                wall = self.house.clock.at.astimezone(self.house.site.timezone).replace(tzinfo=None)
                at = wall.replace(hour=8, minute=3 * (self._numbers % 20), second=0, microsecond=0) + DAY
                once = Rule(f"{device_id}-{self._numbers}", (device_id,), AtDate(at), Setting(on=dice.random() < 0.5))
                self.rules[once.id] = once
        return device_id

    # ------------------------------------------------------------ the year

    def live(self, days: int) -> None:
        house, dice, end = self.house, self.dice, self.begin + days * DAY
        self._sync(*house.specs, reload=False)
        house.start(self.eras[-1].book)
        next_edit = house.clock.at + DAY
        while house.clock.at < end - CALM_DAYS * DAY:
            house.go(min(end, house.clock.at + dice.randint(1, 7 * 86_400) * SECOND))
            match dice.randrange(5):
                case 0 | 1:
                    self._away(dice.choice((house.stop, house.die)), dice.randint(5, 1800) * SECOND)
                case 2:
                    self._away(dice.choice((house.stop, house.die)), dice.randint(1800, 150_000) * SECOND)
                case _:
                    pass
            if house.clock.at > next_edit:
                next_edit = house.clock.at + dice.randint(5, 25) * DAY
                edited = self.edit()
                self._wait_for_quiet()
                self._sync(edited, reload=True)
        self._wait_for_quiet()
        self.calm = house.clock.at
        self.proof = who_executes(self.eras[-1].book, house.ledger, self.calm, CALM_DAYS)
        house.go(CALM_DAYS * DAY)
        self._wait_for_quiet()
        self.end = house.clock.at
        house.stop()

    def _away(self, leave: Callable[[], None], span: dt.timedelta) -> None:
        house = self.house
        begin = house.clock.at
        for _ in range(2):  # as it does every few seconds; the next one looks back to here
            house.led.look_around()
        leave()
        house.go(span)
        if self.dice.random() < 0.2:  # somebody works at the rules meanwhile
            edited = self.edit()
            self._wait_for_quiet()
            self._sync(edited, reload=False)
        self.down.append((begin, house.clock.at))
        house.start(self.eras[-1].book)

    def _wait_for_quiet(self) -> None:
        """Let time pass until nothing is due, by the rules as they were and as they are, for a while."""
        house = self.house
        books = (self.eras[-1].book, house.book(*self.rules.values()))
        while True:
            now = house.clock.at
            near = [firing.due for book in books for firing in firings_between(book, now - QUIET, now + QUIET)]
            if not near:
                return
            house.go(max(near) + QUIET + SECOND)

    def _sync(self, *device_ids: str, reload: bool) -> None:
        house = self.house
        book = house.book(*self.rules.values())
        reload_first = self.dice.random() < 0.5
        if reload and reload_first:
            house.reload(book)
        house.sync(book, *device_ids)
        if reload and not reload_first:
            house.reload(book)
        if house.up:
            house.led.look_around()  # as it does every few seconds: the ledger has changed
        self.eras.append(Era(house.clock.at, book, partition(book, house.ledger)))
        proof = who_executes(book, house.ledger, house.clock.at, 400)
        assert [each for each in proof.findings if each.code != "meeting"] == []
        again = {device_id: house.plan(book, device_id).changes for device_id in device_ids}
        assert not any(again.values()), again

    # ------------------------------------------------------------ what should have happened

    def expected(self) -> Iterator[tuple[Firing, bool]]:
        """Yield what is forecast, and whether the device is its executor."""
        ends = [era.begin for era in self.eras[1:]] + [self.end]
        for era, end in zip(self.eras, ends, strict=True):
            for firing in firings_between(era.book, era.begin, end):
                yield firing, (firing.rule.id, firing.device_id) in era.theirs

    def absence(self, at: dt.datetime, begun_after: dt.datetime | None = None) -> Span | None:
        """Return the span without a daemon that an instant falls into, or that began before it and after another."""
        for begin, end in self.down:
            if begin < at <= end or (begun_after is not None and begun_after <= begin < at):
                return begin, end
        return None

    def rewritten_after(self, at: dt.datetime) -> bool:
        """Whether rules were edited later in the same absence: the daemon looks back by the new ones."""
        span = self.absence(at)
        return span is not None and any(at < era.begin <= span[1] for era in self.eras)
