"""The words that rules and drivers share: what a device can be told, what it says, how one is opened.

Capabilities are data that the device gives (`Description`), not classes: a plug with a meter and
one without share a driver.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Setting:
    """What a device is to be set to; None leaves a value as it is.

    on: switched on or off.  brightness_pct: 1 to 100.  color_temp_k: kelvin.  hue_deg: 0 to 360.
    saturation_pct: 0 to 100.  transition_ms: how long the change takes.
    toggle: the opposite of what it is now; it stands alone and is resolved before a driver sees it,
    as is a transition.
    """

    on: bool | None = None
    brightness_pct: int | None = None
    color_temp_k: int | None = None
    hue_deg: int | None = None
    saturation_pct: int | None = None
    transition_ms: int | None = None
    toggle: bool = False

    def as_rule(self) -> dict[str, Any]:
        """Return the setting in the words of the rule language: {"on": True, "brightness": 40}.

        >>> Setting(on=True, brightness_pct=40, transition_ms=1500).as_rule()
        {'on': True, 'brightness': 40, 'transition': '1.5s'}
        """
        words: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or (item.name == "toggle" and not value):
                continue
            words[_RULE_WORDS.get(item.name, item.name)] = value
        if self.transition_ms is not None:
            whole_minutes, rest_ms = divmod(self.transition_ms, 60_000)
            minutes = whole_minutes and not rest_ms
            words["transition"] = f"{whole_minutes}m" if minutes else f"{self.transition_ms / 1000:g}s"
        return words

    def __str__(self) -> str:
        words = self.as_rule()
        on = words.pop("on", None)
        parts = [] if on is None else ["on" if on else "off"]
        if words.pop("toggle", False):
            parts.append("toggle")
        parts += [f"{name} {value}" for name, value in words.items()]
        return ", ".join(parts) or "nothing"


_RULE_WORDS = {
    "brightness_pct": "brightness",
    "color_temp_k": "color_temp",
    "hue_deg": "hue",
    "saturation_pct": "saturation",
    "transition_ms": "transition",
}


@dataclass(frozen=True, slots=True)
class State:
    """What a device says it is doing now; None where it has no such thing.

    color_temp_k is None while a lamp shows a colour; hue_deg and saturation_pct are None while it shows white.
    on_for_s: how long it has been on, in seconds; None while it is off or where the device does not say.
    """

    on: bool
    brightness_pct: int | None = None
    color_temp_k: int | None = None
    hue_deg: int | None = None
    saturation_pct: int | None = None
    on_for_s: int | None = field(default=None, compare=False)  # it differs with every look

    def shows(self, setting: Setting) -> bool:
        """Whether the device is as `setting` wants it; what the device does not say counts as different.

        >>> State(on=True, brightness_pct=40).shows(Setting(on=True)), State(on=False).shows(Setting(toggle=True))
        (True, False)
        """
        if setting.toggle:
            return False
        names = ("on", "brightness_pct", "color_temp_k", "hue_deg", "saturation_pct")
        asked = {name: getattr(setting, name) for name in names if getattr(setting, name) is not None}
        if asked.get("on") is False:
            return not self.on
        if asked and "on" not in asked and not self.on:
            return False  # a lamp that is off keeps its values: they are not what it shows
        return all(getattr(self, name) == value for name, value in asked.items())


@dataclass(frozen=True, slots=True)
class Description:
    """What a device says it is and can do.

    hardware_id: stays with the device over address changes (the MAC for Tapo).  transport: the protocol that it is
    spoken to with, in the driver's words ("klap", "aes").  color_temp_range_k: the lowest and highest white in
    kelvin, or None where white cannot be tuned.
    """

    hardware_id: str
    model: str
    firmware: str
    transport: str
    has_power_meter: bool = False
    has_brightness: bool = False
    has_color: bool = False
    color_temp_range_k: tuple[int, int] | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One `[devices.NAME]` table of a rule file.

    id: the user's name for it.  host: an address, address:port or name; "" where only a mac is given.
    mac: twelve hexadecimal digits in pairs with dashes, upper case, or "".  options: for the driver, as written.
    socket: of a strip, its number from 1 or the name that its owner gave it in the phone app; "" for the whole device.
    Its id then is that of the strip with the socket behind it: "strip/1".
    """

    id: str
    driver: str
    host: str
    mac: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # a driver may want a key in them
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's e-mail address, spelt exactly as the Tapo app shows it, and its password."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@runtime_checkable
class Device(Protocol):
    """One open device.  Its methods are called by one thread at a time and may block for seconds.

    Every method raises a DeviceError for what the world does, and nothing else on purpose.
    """

    def describe(self) -> Description:
        """Return what the device is; may be remembered after the first answer."""

    def state(self) -> State:
        """Return what the device is doing now, asked anew."""

    def apply(self, setting: Setting) -> None:
        """Set the device.  `setting` has neither toggle nor transition.  Applying it twice does no harm.

        Raises BadSetting for a value outside the device's own range, Unsupported for what it does not have.
        """

    def power_w(self) -> float:
        """Return the load in watts now.  Raises Unsupported without a meter."""

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Pass a method of the device's own on and return its result, for people who know it."""

    def close(self) -> None:
        """Let go of the connection.  The device may be used again afterwards."""


@runtime_checkable
class Explains(Protocol):
    """What a device may offer beside `Device`: it knows which of its own tables switched it."""

    def switched_by(self, on: bool, at: dt.datetime) -> str | None:
        """Return what in the device itself turned it on (or off) about `at`, in words; None where nothing did.

        at: aware; the switching lies within the last minutes before.  Asks the device; raises DeviceError.
        """


@runtime_checkable
class HasTimer(Protocol):
    """What a device may offer beside `Device`: one countdown of its own, which needs nobody once it is started."""

    def start_timer(self, after_s: int, setting: Setting) -> None:
        """Start the countdown, in place of one that runs.  after_s: 1 to 86,400.  Raises Unsupported without one."""

    def timer(self) -> tuple[int, Setting] | None:
        """Return (seconds left, what it will set) of the countdown that runs, or None."""

    def stop_timer(self) -> None:
        """Stop the countdown; no error where none runs."""


@runtime_checkable
class Driver(Protocol):
    """Opens devices of one kind.  `name` is what a rule file writes in `driver = …`."""

    @property
    def name(self) -> str: ...

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Device:
        """Return the device, without asking anything of it yet: the first call may connect.

        credentials: None where nobody knows any; raise ConfigError if they are needed.
        """
