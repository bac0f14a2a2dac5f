"""A house with one pretend device of `wire.other_device`: plans and applies as the commands do, over real HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import report
from tapo_automate.sync.adopt import adopt_rows, rule_file
from tapo_automate.sync.apply import apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.ledger import DeviceLedger, Ledger, LedgerFile, hardware_digest
from tapo_automate.sync.model import DevicePlan, Reading
from tapo_automate.sync.plan import plan_device
from tapo_automate.sync.refresh import refresh
from tapo_automate.sync.restore import plan_restore, restore_device
from tapo_automate.wire import SmartDevice, open_device
from wire.other_device import Odd, OtherDevice
from wire.other_lines import SECRET, USER

NOON = dt.datetime(2026, 3, 3, 11, tzinfo=dt.UTC)  # a Tuesday in winter
SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'


def rule(name: str, when: str, then: str, more: str = "") -> str:
    """Return a rule for the device of the house, in TOML."""
    return f'[rules.{name}]\ndevices = ["it"]\nwhen.{when}\nset = {{ {then} }}\n{more}\n'


NIGHT = rule("night", "time = { at = 23:30:00 }", "on = false")
MORNING = rule("morning", 'time = { at = 06:15:00, days = ["mon", "tue", "wed", "thu", "fri"] }', "on = true")
DUSK = rule("dusk", 'sunset = { offset = "-15m", days = ["sat", "sun"] }', "on = true")
DAWN = rule("dawn", "sunrise = { }", "on = false")
AWAY = '[rules.away]\ndevices = ["it"]\nwhen.away = { from = 01:00:00, until = 01:45:00 }\n'
RAIL = rule("rail", 'countdown = { after = "45m", from = "on" }', "on = false")
HEAVY = rule("heavy", "power = { above = 2000 }", "on = false")
SOON = rule("soon", 'countdown = { after = "2h", from = "apply" }', "on = false")
TONIGHT = rule("tonight", "date = { at = 2026-03-03T21:00:00 }", "on = true")
PLUG = (NIGHT, MORNING, DUSK, DAWN, AWAY, RAIL, HEAVY, SOON)
PLUG_MEANS = ["127 at 1410: on=False", "127 at sunrise +0: on=False", "62 at 375: on=True", "65 at sunset -15: on=True"]

GLOW = rule("glow", "time = { at = 18:00:00 }", "on = true, brightness = 40, color_temp = 2700")
RED = rule("red", "time = { at = 19:00:00 }", "on = true, hue = 0, saturation = 90")
FADE = rule("fade", "time = { at = 20:00:00 }", 'on = true, brightness = 5, transition = "10m"')
LAMP = (NIGHT, MORNING, GLOW, RED, FADE)
LAMP_MEANS = [
    "127 at 1080: brightness=40, color_temp=2700, on=True",
    "127 at 1140: color_temp=0, hue=0, on=True, saturation=90",
    "127 at 1200: brightness=5, on=True, transition_period=600000",
    "127 at 1410: on=False",
    "62 at 375: on=True",
]


class Home:
    """now: the instant in the house and on its device.  warned: what the last apply warned of."""

    def __init__(self, folder: Path, device: OtherDevice, driver: SmartDevice, socket: str) -> None:
        self.device, self.driver = device, driver
        self.id = f"it/{socket}" if socket else "it"
        self.part = device.parts[int(socket) - 1 if socket else 0]
        self.now = NOON
        self.ledger = LedgerFile(folder / "rules.ledger.toml")
        self.backups = Backups(folder / "backups")
        self.warned: tuple[str, ...] = ()

    def book(self, *rules: str) -> RuleBook:
        known = '[devices.it]\ndriver = "tapo-plug"\nhost = "192.0.2.1"\n'
        text = SITE + known + "".join(rules).replace('["it"]', f'["{self.id}"]')
        loaded = load_texts([("rules.toml", text)])
        assert loaded.book is not None, report(loaded.problems)
        return loaded.book

    def reading(self) -> Reading:
        return Reading(self.driver.holdings(), self.now)

    def plan(self, *rules: str) -> DevicePlan:
        ledger = self.ledger.ledger.of(self.id)
        plan = plan_device(self.book(*rules), self.id, self.reading(), ledger, self.now)
        assert not plan.error, plan.error
        return plan

    def changes(self, *rules: str) -> list[str]:
        """Return what a plan would do, in words; rows of others are left out."""
        return [f"{each.action} {each.text}" for each in self.plan(*rules).changes if each.action != "foreign"]

    def apply(self, *rules: str) -> list[str]:
        """Carry a plan out, and return what the next one would do."""
        plan, book = self.plan(*rules), self.book(*rules)
        how = {"book": book, "ledger": self.ledger, "backups": self.backups, "now": self.now}
        applied = apply_device(self.driver, plan, **how, told=lambda *_: None)  # type: ignore[arg-type]
        self.warned = applied.warnings
        return self.changes(*rules)

    def adopt(self) -> str:
        """Make rules of the rows that are nobody's, and return their text."""
        reading = self.reading()
        adopted = adopt_rows(self.book(), self.id, reading, self.ledger.ledger.of(self.id))
        hardware = hardware_digest(reading.holdings.description.hardware_id)
        self.ledger.replace(self.id, DeviceLedger(hardware, adopted.recorded))
        return rule_file([adopted])

    def lose_the_ledger(self, *rules: str) -> None:
        """Lose it, and make it anew as `sync refresh` does."""
        book, reading = self.book(*rules), self.reading()
        self.ledger.replace(self.id, refresh(book, {self.id: reading}, Ledger({}), self.now).of(self.id))

    def restore(self) -> None:
        """Bring the tables back to the latest backup."""
        path = self.backups.latest(self.id)
        assert path is not None
        backup = self.backups.load(path)
        book, reading, known = self.book(), self.reading(), self.ledger.ledger.of(self.id)
        made = plan_restore(backup, self.id, reading, known, book.site)
        how = {"ledger": self.ledger, "backups": self.backups, "now": self.now}
        restore_device(self.driver, made, **how, told=lambda *_: None)  # type: ignore[arg-type]


Start = Callable[..., Home]


@contextmanager
def homes(folder: Path) -> Iterator[Start]:
    """Give what starts a device and a home for it: kind, speaks, socket and oddities."""
    opened: list[tuple[OtherDevice, SmartDevice]] = []

    def start(kind: str = "plug", speaks: str = "klap", socket: str = "", **odd: object) -> Home:
        place = folder / str(len(opened))
        place.mkdir()
        device = OtherDevice(kind, speaks, lambda: home.now.timestamp(), Odd(**odd))  # type: ignore[typeddict-item]
        device.__enter__()
        spec = DeviceSpec("it", "tapo-plug", device.address, socket=socket)
        opened.append((device, open_device(spec, Credentials(USER, SECRET))))
        home = Home(place, device, opened[-1][1], socket or ("1" if kind == "strip" else ""))
        return home

    try:
        yield start
    finally:
        for device, driver in opened:
            driver.close()
            device.__exit__()
