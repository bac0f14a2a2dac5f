"""A house of simulated devices over real HTTP, spoken to with the real drivers, with everything written down.

What the daemon asked of a device, and what the device says it was asked, are two accounts: tests compare them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from daemon.house import UTC, House
from tapo_automate import Credentials, DeviceSpec, Rule, Setting, State, TapoAutomateError, hookimpl
from tapo_automate.daemon import Clock
from tapo_automate.errors import Busy, Garbled, SessionLost, Unreachable
from tapo_automate.rules.model import AtTime, RuleBook
from tapo_automate.simulator import Device as Simulated
from tapo_automate.simulator import Fleet
from tapo_automate.wire import SmartDevice, connect

Answer = TypeVar("Answer")

HOUSEHOLD = Credentials("House.Hold@example.org", "correct horse")
LODGER = Credentials("lodger@example.org", "battery staple")
MODELS = (
    ("P110", "klap"), ("L530", "aes"), ("P110", "aes"), ("L530", "klap"), ("P110", "tpap"), ("L530", "tpap"),
)  # fmt: skip  # in turn
MINUTE_OF_PEACE = dt.timedelta(seconds=60)
LONGEST_WAIT = dt.timedelta(seconds=61 + 60 * 1.25)  # between two tries: a rest after a login, a back-off


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing asked of a device.

    calls: how many of the device's methods that took.  logins: when the device saw one begin meanwhile.  shown: how
    often it was shown who we are, of which devices count the failures.
    """

    what: str
    begun: dt.datetime
    ended: dt.datetime
    error: TapoAutomateError | None
    calls: int
    logins: tuple[dt.datetime, ...]
    shown: int


class WireHouse(House):
    """Devices "d00", "d01", ... of the models in turn, on a fleet and a clock.

    accounts: device id -> the account that it is bound to, HOUSEHOLD where it is not said.  patience_s: device id ->
    how long the driver waits for its answers; 8 s where it is not said.  credentials: what the user has entered for
    each; may be changed.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        count: int = 20,
        *,
        seed: int = 1,
        accounts: Mapping[str, Credentials] = {},
        patience_s: Mapping[str, float] = {},
        models: tuple[tuple[str, str], ...] = MODELS,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.asked: dict[str, list[Asked]] = {}
        self.devices: dict[str, Simulated] = {}
        self.credentials: dict[str, Credentials] = {}
        self._patience_s = patience_s
        for number in range(count):
            name = f"d{number:02}"
            profile, transport = models[number % len(models)]
            account = accounts.get(name, HOUSEHOLD)
            self.asked[name] = []
            self.credentials[name] = account
            self.devices[name] = fleet.add(
                profile,
                transport=transport,
                username=account.username,
                password=account.password,
                trace="60",
                seed=seed * 1000 + number,
                now=lambda: clock.now().timestamp(),
                keep_calls=100_000,
            )

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return [_Wired(self)]

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
        return self.credentials.get(spec.id)

    def book(self, *rules: Rule) -> RuleBook:
        devices = {name: DeviceSpec(name, "wired", device.address) for name, device in self.devices.items()}
        return RuleBook(self.site, devices, {}, {rule.id: rule for rule in rules})

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Any:
        patience_s = self._patience_s.get(spec.id, 8.0)
        return _Noted(self, spec, credentials, patience_s)

    def colors(self, name: str) -> bool:
        return "brightness" in self.devices[name].state


class _Wired:
    """The driver: Tapo's protocols, as the bundled drivers speak them."""

    name = "wired"

    def __init__(self, house: WireHouse) -> None:
        self._house = house

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Any:
        return self._house.open(spec, credentials)


class _Noted(SmartDevice):
    """The bundled drivers' device, and a note of everything that was asked of it and what came of that."""

    def __init__(self, house: WireHouse, spec: DeviceSpec, credentials: Credentials | None, patience_s: float) -> None:
        client = connect(spec.host, credentials, read_timeout_s=patience_s)
        self._call, client.call = client.call, self._counted  # type: ignore[method-assign]
        super().__init__(client)
        self._calls = 0
        self._asked, self._clock = house.asked[spec.id], house.clock
        self._there = house.devices[spec.id]
        self._inside = False

    def state(self) -> State:
        return self._note("state", super().state)

    def apply(self, setting: Setting) -> None:
        self._note(f"apply {setting}", lambda: super(_Noted, self).apply(setting))

    def power_w(self) -> float:
        return self._note("power_w", super().power_w)

    def switched_by(self, on: bool, at: dt.datetime) -> str | None:
        return self._note("switched_by", lambda: super(_Noted, self).switched_by(on, at))

    def _counted(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self._calls += 1
        return self._call(method, params)

    def _note(self, what: str, work: Callable[[], Answer]) -> Answer:
        if self._inside:
            return work()
        begun, before = self._clock.now(), len(self._there.login_attempts)
        error: TapoAutomateError | None = None
        self._inside, self._calls = True, 0
        try:
            return work()
        except TapoAutomateError as problem:
            error = problem
            raise
        finally:
            self._inside = False
            attempts = self._there.login_attempts[before:]
            logins = tuple(dt.datetime.fromtimestamp(each.true_at, UTC) for each in attempts if each.begins)
            shown = sum(not each.begins for each in attempts)
            self._asked.append(Asked(what, begun, self._clock.now(), error, self._calls, logins, shown))


def a_day(house: WireHouse, seed: int, *, times: int = 4, within_s: int = 900, **more: Any) -> list[Rule]:
    """Return rules that set every device so many times a day, at minutes drawn by the seed.

    Some come within a few minutes of the one before; each says whether the device is to be on.
    """
    dice = random.Random(seed)
    rules = []
    for name in house.devices:
        minutes = sorted(dice.sample(range(10, 1400), times - 1))
        minutes.append(minutes[-1] + dice.randint(1, 4))
        for number, minute in enumerate(minutes):
            at = dt.time(minute // 60, minute % 60, dice.randrange(60))
            setting = Setting(on=number % 2 == 0)
            if setting.on and house.colors(name):
                setting = Setting(on=True, brightness_pct=dice.randint(1, 100), color_temp_k=dice.randint(25, 65) * 100)
                setting = replace(setting, transition_ms=dice.choice([None, None, 30_000]))
            rules.append(Rule(f"{name}-{number}", (name,), AtTime(at), setting, within_s=within_s, **more))
    return rules


def hammered(house: WireHouse) -> list[str]:
    """Return, in words, where a device was logged in to within a minute of a failure, or twice for one thing.

    Twice is well where it took two calls, and the session that served the first had ended before the second.  Nobody
    knows at first which login an old device takes, so that the first may take three.  One more is begun where the
    connection broke in the middle.
    """
    found = []
    for name, asked in house.asked.items():
        logged_in = [each for each in asked if each.logins]
        for number, each in enumerate(logged_in):
            most = each.calls + 2 * (number == 0 and house.devices[name].transport == "aes")
            if max(each.shown, len(each.logins)) > most + 1:
                found.append(f"{name}: {len(each.logins)} logins for one {each.what} at {each.begun}")
        for sooner, later in pairwise(logged_in):
            if sooner.error is not None and later.logins[0] - sooner.logins[-1] < MINUTE_OF_PEACE:
                apart_s = (later.logins[0] - sooner.logins[-1]).total_seconds()
                found.append(f"{name}: logged in again {apart_s:g} s after {sooner.what}: {sooner.error}")
        total = sum(len(each.logins) for each in asked)
        if total != len(house.devices[name].login_times):
            found.append(f"{name}: {len(house.devices[name].login_times)} logins, {total} of them for what was asked")
    return found


def may_be_tried_again(error: TapoAutomateError | None) -> bool:
    return isinstance(error, Unreachable | Busy | SessionLost | Garbled)
