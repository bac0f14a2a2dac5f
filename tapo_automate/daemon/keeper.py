"""One device in the daemon's care: opened once, left alone after its account was refused.

A keeper is used in its device's lane only, so one thread at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias, TypeVar

from tapo_automate.daemon.accounts import Accounts
from tapo_automate.device import Device, DeviceSpec, Explains, HasTimer, Setting, State
from tapo_automate.errors import AuthRefused, ConfigError, PluginError, TapoAutomateError, Unsupported
from tapo_automate.ramp import begin
from tapo_automate.registry import Registry
from tapo_automate.rows import HoldsTables, NextEvent
from tapo_automate.wire.private import cleaned, scrubbed

Answer = TypeVar("Answer")
Logins: TypeAlias = Callable[[DeviceSpec], str]
_EPOCHS = count(1)  # for all devices, and so also for one that is opened anew
LONGEST_ON_S = 10**9  # thirty years


def unheard(spec: DeviceSpec) -> str:
    """Nobody tells of logins by hand."""
    return ""


class Keeper:
    """Opens the device of `spec` when first needed and carries settings out.

    logins: names the last login that a person has had a device make, "" for none.

    Every method raises TapoAutomateError only: what a driver raises beyond its contract becomes a PluginError.
    """

    def __init__(self, spec: DeviceSpec, registry: Registry, accounts: Accounts, logins: Logins = unheard) -> None:
        self.spec = spec
        self.epoch = 0  # of the last command; a transition goes on only while no newer command came
        self._registry = registry
        self._accounts = accounts
        self._logins = logins
        self._device: Device | None = None
        self._mark = ""

    @property
    def address(self) -> str:
        """Which device it is, and where: elsewhere it is another one, and may take what this one has refused."""
        return f"{self.spec.id} {self.spec.host or self.spec.mac}"

    @property
    def login(self) -> str:
        """Names the last login that a person has had the device make, "" for none."""
        return self._logins(self.spec)

    @property
    def left_alone(self) -> bool:
        """Whether nothing is asked of the device until its credentials change."""
        return bool(self._mark) and self._accounts.stopped(self._mark, self.address)

    def open(self) -> None:
        """Open the device if it is not.  Raises ConfigError where the driver or the credentials are missing."""
        if not self._mark:
            self._mark = self._accounts.mark(self._registry.credentials(self.spec))
        if self._device is None:
            self._device = self._registry.open(self.spec)

    def state(self) -> State:
        """Return what the device is doing now."""
        return self._asked(lambda device: _sound(device.state()))

    def apply(self, setting: Setting) -> list[tuple[int, Setting]]:
        """Set the device at once, or begin a transition.

        Returns what is left to do, as (milliseconds from now, setting); a later `apply` makes that void.
        """
        self.end_transition()
        return self._asked(lambda device: begin(device, setting))

    def end_transition(self) -> None:
        """Let what is left of a transition be: the device shows what a newer command wants."""
        self.epoch = next(_EPOCHS)

    def go_on(self, epoch: int, setting: Setting) -> None:
        """Carry out one more step of the transition begun by the command of `epoch`, unless a newer one came."""
        if epoch == self.epoch:
            self._asked(lambda device: device.apply(setting))

    def power_w(self) -> float:
        """Return the load now, in watts."""
        return self._asked(lambda device: float(device.power_w()))

    def switched_by(self, on: bool, at: dt.datetime) -> str | None:
        """Return which of the device's own tables switched it, in words; None where none did or it cannot tell."""

        def ask(device: Device) -> str | None:
            table = device.switched_by(on, at) if isinstance(device, Explains) else None
            if not isinstance(table, str | None):
                raise TypeError(f"switched_by returned {type(table).__name__} instead of str or None")
            return table

        return self._asked(ask)

    def next_event(self) -> NextEvent | None:
        """Return what the device says it will do next of its own accord.  Raises Unsupported where it never says."""

        def ask(device: Device) -> NextEvent | None:
            if not isinstance(device, HoldsTables):
                raise Unsupported(self.spec.host or self.spec.id, "its driver knows nothing of tables in the device")
            event = device.next_event()
            if not isinstance(event, NextEvent | None):
                raise TypeError(f"next_event returned {type(event).__name__} instead of NextEvent or None")
            return event

        return self._asked(ask)

    def timer(self) -> tuple[int, Setting] | None:
        """Return (seconds left, what it will set) of the device's own countdown, or None where none runs."""

        def ask(device: Device) -> tuple[int, Setting] | None:
            running = self._timed(device).timer()
            if running is None:
                return None
            left_s, setting = running
            if type(left_s) is not int or type(setting) is not Setting:
                raise TypeError("timer returned something else than (seconds, Setting) or None")
            return left_s, setting

        return self._asked(ask)

    def start_timer(self, after_s: int, setting: Setting) -> None:
        """Start the device's own countdown, in place of one that runs."""
        self._asked(lambda device: self._timed(device).start_timer(after_s, setting))

    def stop_timer(self) -> None:
        """Stop the device's own countdown."""
        self._asked(lambda device: self._timed(device).stop_timer())

    def _timed(self, device: Device) -> HasTimer:
        if not isinstance(device, HasTimer):
            raise Unsupported(self.spec.host or self.spec.id, f"the driver {self.spec.driver!r} offers no countdown")
        return device

    def take_credentials(self) -> str:
        """Go on with other credentials, or with the same if a person has found that the device takes them now.

        Returns which of the two it is, in words, "" if there is nothing new; the device is opened anew when needed.
        """
        mark = self._accounts.mark(self._registry.credentials(self.spec))
        news = "the credentials were changed" if mark != self._mark else ""
        if not news and self._accounts.taken_since(mark, self.address, self.login):
            news = "somebody has had it log in"
        if news:
            self._accounts.forget(self._mark, self.address)
            self._mark = mark
            self.close()
        return news

    def close(self) -> None:
        """Let go of the connection."""
        if self._device is not None:
            device, self._device = self._device, None
            self._guarded(lambda: device.close())

    def _asked(self, question: Callable[[Device], Answer]) -> Answer:
        self.open()
        if self.left_alone:
            # Asking again would be one more failed login, and a device locks itself after some fifteen.
            raise AuthRefused(self.spec.host or self.spec.id, "left alone until the credentials of its account change")
        device = self._device
        assert device is not None
        answer = self._guarded(lambda: question(device))
        self._accounts.accepted(self._mark)
        return answer

    def _guarded(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except TapoAutomateError as error:
            cleaned(error)
            raise
        except BaseException as problem:  # a third party's driver is named, and kept from harming the others
            plugin = self._registry.plugin_of(self.spec.driver)
            said = scrubbed(f"{type(problem).__name__}: {problem}".removesuffix(": "))
            raise PluginError(plugin, f"{self.spec.id}: {said}") from problem

    @property
    def mark(self) -> str:
        """The account's mark, "" before the device was opened."""
        return self._mark


@dataclass(slots=True)
class Opened:
    """Devices of which care is taken from now on.

    unopened: what was wrong with those that could not be opened yet.  broken: device id -> what its driver did wrong.
    """

    keepers: dict[str, Keeper] = field(default_factory=dict)
    unopened: list[ConfigError] = field(default_factory=list)
    broken: dict[str, TapoAutomateError] = field(default_factory=dict)


def open_all(specs: Iterable[DeviceSpec], registry: Registry, accounts: Accounts, logins: Logins = unheard) -> Opened:
    """Open the devices, as far as they can be; nothing is asked of them yet."""
    opened = Opened()
    for spec in specs:
        keeper = opened.keepers[spec.id] = Keeper(spec, registry, accounts, logins)
        try:
            keeper.open()
        except ConfigError as problem:
            opened.unopened.append(problem)
        except TapoAutomateError as broken:
            opened.broken[spec.id] = broken
    return opened


def _sound(state: object) -> State:
    """Return what a driver says, if it is a State; how long a device has been on is left out where it is senseless.

    Raises TypeError for anything else: it would do its harm far from the driver that it came from.
    """
    if not isinstance(state, State):
        raise TypeError(f"state returned {type(state).__name__} instead of State")
    if not isinstance(state.on, bool):
        raise TypeError(f"state returned a State whose on is {type(state.on).__name__} instead of bool")
    for name in ("brightness_pct", "color_temp_k", "hue_deg", "saturation_pct"):
        value = getattr(state, name)
        if not isinstance(value, int | None):
            raise TypeError(f"state returned a State whose {name} is {type(value).__name__} instead of int or None")
    on_for_s: object = state.on_for_s
    if on_for_s is None or (isinstance(on_for_s, int | float) and 0 <= on_for_s <= LONGEST_ON_S):
        return state
    return replace(state, on_for_s=None)
