"""A house of toys that carry rows of their own out, and a daemon that knows them by its ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon.house import DAY, House, Toy
from daemon.led import HandClock, Led
from tapo_automate import Credentials, DeviceSpec, Setting, State, Unreachable, Unsupported
from tapo_automate.daemon import Alarm, Daemon
from tapo_automate.journal.entry import Change, Entry
from tapo_automate.rows import FoundRow, Holdings, NextEvent, Row, Table, TableName, table_of
from tapo_automate.rules.model import Rule
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.ledger import DeviceLedger, Ledger, save_ledger
from tapo_automate.sync.model import InDaemon, Recorded
from tapo_automate.sync.partition import LedgerWatch
from tapo_automate.sync.rows import digest, in_words, key_of

ON, OFF = Setting(on=True), Setting(on=False)


class TabledToy(Toy):
    """Does what stands in `plan` when its instant has come, whether or not anybody is there.

    plan: (instant, setting), by the world's clock.  did: what it has done of that.  looks, nexts: when it was asked.
    """

    def __init__(self, name: str, clock: HandClock) -> None:
        super().__init__(name)
        self.plan: list[tuple[dt.datetime, Setting]] = []
        self.did: list[tuple[dt.datetime, Setting]] = []
        self.looks: list[dt.datetime] = []
        self.nexts: list[dt.datetime] = []
        self.away = False
        self._clock = clock
        self._turned_on: dt.datetime | None = None

    def live(self) -> None:
        """Do what has come due."""
        for at, setting in sorted((each for each in self.plan if each[0] <= self._clock.at), key=lambda each: each[0]):
            self.plan.remove((at, setting))
            self.did.append((at, setting))
            self._set(setting, at)

    def by_hand(self, setting: Setting) -> None:
        """A person is at it now."""
        self.live()
        self._set(setting, self._clock.at)

    def state(self) -> State:
        self._answer()
        self.looks.append(self._clock.at)
        on_for_s = int((self._clock.at - self._turned_on).total_seconds()) if self._turned_on and self.now.on else None
        return replace(self.now, on_for_s=on_for_s)

    def apply(self, setting: Setting) -> None:
        self._answer()
        super().apply(setting)
        self._turn(self.now.on, self._clock.at)

    def next_event(self) -> NextEvent | None:
        self._answer()
        self.nexts.append(self._clock.at)
        first = min(self.plan, key=lambda each: each[0], default=None)
        return NextEvent(first[0], "S3", first[1]) if first else None

    def holdings(self) -> Holdings:
        raise Unsupported(self.name, "nobody reads a toy's tables")

    def table(self, name: TableName) -> Table:
        raise Unsupported(self.name, "nobody reads a toy's tables")

    def put(self, row: Row, row_id: str = "") -> str:
        raise Unsupported(self.name, "nobody writes a toy's tables")

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        raise Unsupported(self.name, "nobody writes a toy's tables")

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        raise Unsupported(self.name, "nobody writes a toy's tables")

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        raise Unsupported(self.name, "a toy has no clock of its own")

    def _answer(self) -> None:
        self.live()
        if self.away:
            raise Unreachable(self.name, "no answer")

    def _set(self, setting: Setting, at: dt.datetime) -> None:
        was = self.now.on
        self.now = State(
            on=was if setting.on is None else setting.on,
            brightness_pct=setting.brightness_pct or self.now.brightness_pct,
        )
        if self.now.on != was:
            self._turn(self.now.on, at)

    def _turn(self, on: bool, at: dt.datetime) -> None:
        self._turned_on = (self._turned_on or at) if on else None


class TabledHouse(House):
    """Every device of a house has tables, but for those named in `plain`."""

    def __init__(self, *names: str, clock: HandClock, plain: Iterable[str] = (), zone: str = "UTC") -> None:
        super().__init__(*names, zone=zone)
        self.tabled = {name: TabledToy(name, clock) for name in names}
        self.toys: dict[str, Toy] = {name: toy for name, toy in self.tabled.items() if name not in plain}
        self.toys |= {name: Toy(name) for name in plain}

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Toy:
        return self.toys[spec.id]


class Tabled:
    """A daemon led by hand over a tabled house, with a journal and a ledger in a folder."""

    def __init__(self, folder: Path, *names: str, zone: str = "UTC", plain: Iterable[str] = ()) -> None:
        self.clock = HandClock(DAY)
        self.house = TabledHouse(*names, clock=self.clock, zone=zone, plain=plain)
        self.led = Led(self.house, self.clock, folder)
        self.ledger = folder / "rules.ledger.toml"

    def toy(self, name: str = "lamp") -> TabledToy:
        return self.house.tabled[name]

    def start(self, *rules: Rule, **options: Any) -> Daemon:
        return self.led.start(*rules, ledger=LedgerWatch(self.ledger), **options)

    def go(self, until: dt.datetime | dt.timedelta) -> None:
        self.led.go(until, look_around=True)

    def stop(self) -> None:
        self.led.stop()

    def die_until(self, at: dt.datetime) -> None:
        """Nobody is there until then."""
        self.led.die()
        self.clock.at = at

    def record(self, rows: Mapping[str, Sequence[Recorded]]) -> None:
        """Write the ledger as a sync would."""
        save_ledger(self.ledger, Ledger({name: DeviceLedger(rows=tuple(each)) for name, each in rows.items()}))

    def row(self, rule: Rule, row_id: str = "S3", **more: Any) -> Recorded:
        """Return what a sync records of the row that carries a rule out."""
        compiled = row_of(rule, self.house.site)
        assert not isinstance(compiled, InDaemon), compiled
        row, _ = compiled
        key = {rule.id: key_of(rule, row)}
        return Recorded(table_of(row), row_id, key, digest(row), digest(row), in_words(row), DAY, **more)

    def entries(self) -> dict[tuple[str, dt.datetime], Entry]:
        """Return the journal by rule and due instant."""
        journal = self.led.journal
        assert journal is not None
        assert journal.flush(5)
        return {(entry.rule, entry.due): entry for entry in journal.entries(newest_first=False)}

    def changes(self, device: str = "lamp") -> list[Change]:
        journal = self.led.journal
        assert journal is not None
        assert journal.flush(5)
        return list(journal.changes(device, newest_first=False))

    @property
    def told(self) -> list[tuple[dt.datetime, str, Setting]]:
        """What the daemon has told the devices."""
        return self.led.told

    @property
    def alarms(self) -> list[str]:
        return [f"over: {each.text}" if each.over else each.text for each in self._alarms()]

    def _alarms(self) -> list[Alarm]:
        return [event for event in self.house.events if isinstance(event, Alarm)]
