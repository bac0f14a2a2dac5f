"""A house of simulated devices, a real ledger, real syncs and a daemon, all led by one clock.

Devices speak HTTP and carry their rows out by themselves.  What was done to each is in its own log, whoever did it:
`deeds` is what there is to compare with what the rules wanted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from daemon.house import House
from daemon.led import HandClock, Led
from tapo_automate import Credentials, DeviceSpec, Rule, Setting, hookimpl
from tapo_automate.daemon import Outcome
from tapo_automate.registry import Registry
from tapo_automate.rows import HoldsTables
from tapo_automate.rules.model import RuleBook, Site
from tapo_automate.simulator import Device, Fleet
from tapo_automate.simulator.hands import Hands
from tapo_automate.simulator.lookup import built_in
from tapo_automate.simulator.profiles import Profile
from tapo_automate.sync.apply import apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.ledger import Ledger, LedgerFile, load_ledger, locked
from tapo_automate.sync.model import Change, DevicePlan, Reading
from tapo_automate.sync.partition import LedgerWatch
from tapo_automate.sync.plan import plan_device

ACCOUNT = Credentials("someone@example.org", "secret")
SECOND = dt.timedelta(seconds=1)
KEEP = 100_000  # entries of each log of a device: a year's

Told = Callable[[Change, str], None]


class Killed(BaseException):
    """The process that syncs dies here: nothing more is written, and no handler may think that it is an error."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done to a device: by a row of its own, or told by the daemon.

    at: by the true clock.  setting: in the words of the rule language.  changed: the device became another by it;
    None where only the command is on record.
    """

    at: dt.datetime
    by: Literal["device", "daemon"]
    setting: Mapping[str, Any]
    table: str = ""
    changed: bool | None = None

    def sets(self, setting: Setting) -> bool:
        """Whether it set all that a rule sets."""
        wanted = setting.as_rule()
        wanted.pop("transition", None)
        return wanted.items() <= self.setting.items()


class LivedHouse(House):
    """Devices by name, each of a built-in profile; a strip brings a device for each of its sockets.

    kinds: device name -> profile.  ahead_s: device name -> by how much its clock is wrong.
    """

    def __init__(
        self,
        fleet: Fleet,
        folder: Path,
        kinds: Mapping[str, str],
        site: Site,
        begin: dt.datetime,
        *,
        ahead_s: Mapping[str, int] | None = None,
        habits: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.site = site
        self.clock = HandClock(begin)
        self.folder = folder
        self.ledger_path = folder / "rules.ledger.toml"
        self.led = Led(self, self.clock, folder)
        self.specs: dict[str, DeviceSpec] = {}
        self.hands: dict[str, Hands] = {}
        self.boxes: dict[str, Device] = {}  # what is behind the wire: of a socket, its strip
        self.tables: dict[str, HoldsTables] = {}
        self.up = False
        self._opened: list[Any] = []
        self._registry = Registry(installed=True)
        for number, (name, kind) in enumerate(kinds.items()):
            self._add(fleet, name, kind, number, (ahead_s or {}).get(name, 0), habits or {})

    def _add(self, fleet: Fleet, name: str, kind: str, number: int, ahead_s: int, habits: Mapping[str, str]) -> None:
        profile = _at_home(built_in(kind), self.site)
        box = fleet.add(
            profile,
            username=ACCOUNT.username,
            password=ACCOUNT.password,
            now=lambda: self.clock.at.timestamp(),
            seed=number,
            keep_calls=KEEP,
            **habits,
        )
        driver = "tapo-bulb" if kind.startswith("L") else "tapo-plug"
        sockets: list[tuple[str, str, Hands]] = [
            (f"{name}{child.position}", str(child.position), child) for child in box.children
        ]
        for device_id, socket, hands in sockets or [(name, "", box)]:
            spec = DeviceSpec(device_id, driver, box.address, socket=socket)
            self.specs[device_id], self.hands[device_id], self.boxes[device_id] = spec, hands, box
            self.tables[device_id] = self._open(spec)
        at = self.clock.at + ahead_s * SECOND
        winter_min = min(_offset_min(self.site, self.clock.at + days * dt.timedelta(days=7)) for days in range(52))
        next(reversed(self.tables.values())).set_clock(at, self.site.timezone.key, winter_min)

    # ------------------------------------------------------------ what the daemon's registry asks for

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        def opened(spec: DeviceSpec, credentials: Credentials | None) -> Any:
            return self._open(spec)

        return [SimpleNamespace(name=name, open=opened) for name in ("tapo-plug", "tapo-bulb")]

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return ACCOUNT

    def _open(self, spec: DeviceSpec) -> Any:
        self._opened.append(self._registry.driver(spec.driver).open(spec, ACCOUNT))
        return self._opened[-1]

    # ------------------------------------------------------------ rules, syncs, lives of the daemon

    def book(self, *rules: Rule) -> RuleBook:
        return RuleBook(self.site, self.specs, {}, {rule.id: rule for rule in rules})

    @property
    def ledger(self) -> Ledger:
        return load_ledger(self.ledger_path)

    def plan(self, book: RuleBook, device_id: str, **how: bool) -> DevicePlan:
        reading = Reading(self.tables[device_id].holdings(), self.clock.at)
        return plan_device(book, device_id, reading, self.ledger.of(device_id), self.clock.at, **how)

    def sync(self, book: RuleBook, *only: str, told: Told | None = None, **how: bool) -> dict[str, DevicePlan]:
        """Plan and apply; return the plans.  told: of each change that is carried out; it may raise `Killed`."""
        with locked(self.ledger_path):
            plans = {device_id: self.plan(book, device_id, **how) for device_id in only or self.specs}
            for plan in plans.values():
                assert not plan.error, plan.error
                self.apply(plan, book, told=told)
        return plans

    def apply(self, plan: DevicePlan, book: RuleBook, *, told: Told | None = None) -> None:
        apply_device(
            self.tables[plan.device],
            plan,
            book=book,
            ledger=LedgerFile(self.ledger_path),
            backups=Backups(self.folder / "backups"),
            now=self.clock.at,
            told=told or (lambda change, said: None),
        )

    def start(self, book: RuleBook, **options: Any) -> None:
        self.led.start(book=book, ledger=LedgerWatch(self.ledger_path), **options)
        self.up = True

    def go(self, until: dt.datetime | dt.timedelta) -> None:
        """Let time pass, whether or not there is a daemon."""
        if self.up:
            self.led.go(until)
        else:
            self.clock.at = until if isinstance(until, dt.datetime) else self.clock.at + until

    def reload(self, book: RuleBook) -> None:
        if self.up:
            self.led.daemon.reload(book)
            self.led.lanes.run()
            self.led.look_around()

    def stop(self) -> None:
        if self.up:
            self.led.stop()
            self.up = False

    def die(self) -> None:
        if self.up:
            self.led.die()
            self.up = False
            for each in self._opened[len(self.tables) :]:
                each.close()
            del self._opened[len(self.tables) :]

    def close(self) -> None:
        self.stop()
        for each in self._opened:
            each.close()

    # ------------------------------------------------------------ what was done

    def deeds(self, device_id: str) -> list[Deed]:
        """All that was done to a device so far, in order: what it did by itself, and what it was told."""
        box, hands = self.boxes[device_id], self.hands[device_id]
        own = [
            Deed(_instant(each.true_at), "device", _in_rule_words(each.states), each.table, each.changed)
            for each in hands.executions
        ]
        ahead_s = box.time - self.clock.at.timestamp()
        socket_id = hands.device_id if self.specs[device_id].socket else ""
        told = [
            Deed(_instant(call.at - ahead_s), "daemon", _in_rule_words(params))
            for call in box.calls
            if (params := _told(call.method, call.params, socket_id)) is not None
        ]
        return sorted(own + told, key=lambda deed: deed.at)

    @property
    def settled(self) -> dict[tuple[str, str, dt.datetime], list[Outcome]]:
        """How each firing ended, by rule, device and nominal instant, over all lives of the daemon."""
        found: dict[tuple[str, str, dt.datetime], list[Outcome]] = {}
        for outcome in self.outcomes:
            if outcome.result != "unfinished":
                firing = outcome.firing
                found.setdefault((firing.rule.id, firing.device_id, firing.nominal), []).append(outcome)
        return found


def _told(method: str, params: Any, socket_id: str) -> Mapping[str, Any] | None:
    """Return what a call sets on the device, or on this socket of it; None for any other call."""
    if not socket_id:
        return params if method == "set_device_info" else None
    if method != "control_child" or params.get("device_id") != socket_id:
        return None
    asked = params["requestData"]
    return asked["params"] if asked["method"] == "set_device_info" else None


def _in_rule_words(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return desired_states, or the parameters of set_device_info, in the words of the rule language."""
    names = {"device_on": "on", "on": "on", "brightness": "brightness", "hue": "hue", "saturation": "saturation"}
    found = {names[key]: value for key, value in own.items() if key in names}
    return found | ({"color_temp": own["color_temp"]} if own.get("color_temp") else {})


def _instant(unix_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(unix_s, dt.UTC)


def _offset_min(site: Site, at: dt.datetime) -> int:
    offset = at.astimezone(site.timezone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)


def _at_home(profile: Profile, site: Site) -> Profile:
    """Return a profile whose devices believe to be at the site."""
    assert site.latitude_deg is not None
    assert site.longitude_deg is not None
    place = {"latitude": round(site.latitude_deg * 1e4), "longitude": round(site.longitude_deg * 1e4)}
    info = dict(profile.info) | place
    children = tuple(_at_home(child, site) for child in profile.children)
    return replace(profile, replies={**profile.replies, "get_device_info": info}, children=children)
