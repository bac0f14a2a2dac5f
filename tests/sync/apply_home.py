"""A ledger, backups and one device in memory, for plans that are carried out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from sync.memory_device import MemoryDevice
from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.rules.model import AtTime, Rule, RuleBook, Site, Trigger
from tapo_automate.sync.apply import Applied, apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.ledger import LedgerFile
from tapo_automate.sync.model import Change, DevicePlan, Reading
from tapo_automate.sync.plan import plan_device

UTC = dt.UTC
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # a Sunday; 13:00 in Berlin
SITE = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
ON, OFF = Setting(on=True), Setting(on=False)


def rule(name: str, trigger: Trigger, setting: Setting = OFF) -> Rule:
    return Rule(name, ("plug",), trigger, setting)


def at(hour: int, minute: int = 0, days: frozenset[int] = frozenset(range(7))) -> AtTime:
    return AtTime(dt.time(hour, minute), days)


def book_of(*rules: Rule) -> RuleBook:
    return RuleBook(SITE, {"plug": DeviceSpec("plug", "memory", "plug.lan")}, {}, {each.id: each for each in rules})


THREE = book_of(rule("a", at(7), ON), rule("b", at(8)), rule("c", at(9), ON))


class Home:
    """A ledger, backups and one device."""

    def __init__(self, folder: Path, device: MemoryDevice | None = None) -> None:
        self.device = device or MemoryDevice(NOW)
        self.path = folder / "rules.ledger.toml"
        self.backups = Backups(folder / "backups")
        self.said: list[str] = []

    @property
    def ledger(self) -> LedgerFile:
        return LedgerFile(self.path)  # as the next process reads it

    def plan(
        self, book: RuleBook, *, restore: bool = False, fix_clock: bool = False, rearm: bool = False
    ) -> DevicePlan:
        reading = Reading(self.device.holdings(), self.device.now)
        ledger = self.ledger.ledger.of("plug")
        return plan_device(
            book, "plug", reading, ledger, self.device.now, restore=restore, fix_clock=fix_clock, rearm=rearm
        )

    def told(self, change: Change, step: str) -> None:
        self.said.append(f"{step}: {change.action} {change.text}")

    def apply(self, book: RuleBook, plan: DevicePlan | None = None, *, restore: bool = False) -> Applied:
        plan = plan or self.plan(book, restore=restore)
        return apply_device(
            self.device,
            plan,
            book=book,
            ledger=self.ledger,
            backups=self.backups,
            now=self.device.now,
            told=self.told,
        )

    def open_changes(self, book: RuleBook) -> list[tuple[str, str]]:
        return [(each.action, each.text) for each in self.plan(book).changes]
