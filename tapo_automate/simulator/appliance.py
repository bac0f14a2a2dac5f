"""The thing behind the wire: a relay or a lamp, its settings, its clock and its meter.  It knows no protocol."""

import base64
from copy import deepcopy
from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.clock import DeviceClock
from tapo_automate.simulator.meter import Meter
from tapo_automate.simulator.profiles import Profile
from tapo_automate.simulator.refusal import PARAMS, Refused
from tapo_automate.simulator.traces import Trace

LIGHT_KEYS = ("brightness", "hue", "saturation", "color_temp")
_OFF = {"get_lighting_effect": "lighting_effect", "get_segment_effect_rule": "segment_effect"}


class Appliance:
    """State and behaviour of one device.  Not thread-safe: the device that owns it holds its lock.

    identity: mac, device_id, ip and nickname, which take the place of the profile's.
    """

    def __init__(
        self, profile: Profile, clock: DeviceClock, trace: Trace, identity: dict[str, str], on: bool | None
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.replies: dict[str, Any] = deepcopy(dict(profile.replies))
        self.info: dict[str, Any] = self.replies["get_device_info"]
        self.info |= {key: value for key, value in identity.items() if key in self.info}
        self.restart_wanted = False
        self.reset_wanted = False
        if on is not None and "device_on" in self.info:
            self.info["device_on"] = on
            self.info |= {"on_time": 0} if "on_time" in self.info else {}
        at = clock.time()
        self._started_at = at
        self._on_since = at - self.info.get("on_time", 0)
        self._touched = False
        self.meter = Meter(trace, at, self._factor())
        if on is not None or not profile.from_dump:
            self._show_led()

    @property
    def on(self) -> bool:
        return self.info.get("device_on") is True

    def refreshed_info(self) -> dict[str, Any]:
        """Return get_device_info's result as of now: the very dictionary that is kept."""
        info = self.info
        at = self.clock.time()
        if "on_time" in info:
            info["on_time"] = max(0, int(at - self._on_since)) if self.on else 0
        if "auto_off_status" in info:
            config = self._auto_off() or {}
            armed = config.get("enable") is True and self.on
            info["auto_off_status"] = "on" if armed else "off"
            left_s = int(self._on_since + config.get("delay_min", 0) * 60 - at) if armed else 0
            info["auto_off_remain_time"] = max(0, left_s)
        return info

    def settle(self) -> None:
        """Catch up with what the device did by itself since it was last looked at."""
        config = self._auto_off()
        if config is None or not self.on or not config.get("enable"):
            return
        due = self._on_since + config["delay_min"] * 60
        if due <= self.clock.time():
            self._switch_at(due, False)

    def switch(self, on: bool) -> None:
        self._switch_at(self.clock.time(), on)

    def shine(self, light: dict[str, int]) -> None:
        """Set brightness and colour; the relay stays as it is."""
        self.info |= light
        self.meter.change(self.clock.time(), self._factor())
        self._touched = True
        default = self.info.get("default_states")
        if not isinstance(default, dict):
            return
        kept, level = default.get("state"), default.get("brightness")
        if default.get("type") == "last_states" and isinstance(kept, dict):
            kept |= {key: self.info[key] for key in LIGHT_KEYS if key in kept and key in self.info}
        elif isinstance(level, dict) and level.get("type") == "last_states" and "brightness" in light:
            level["value"] = light["brightness"]

    def check_light(self, state: dict[str, Any]) -> None:
        """Raise Refused unless state holds values that this lamp can show."""
        low, high = self.info.get("color_temp_range") or (0, 0)
        for key, value in state.items():
            top = {"brightness": 100, "hue": 360, "saturation": 100, "color_temp": 20_000}.get(key)
            if top is None:
                raise Refused(PARAMS)
            read.integer(state, key, 1 if key == "brightness" else 0, top)
            if key == "color_temp" and value and not low <= value <= high:
                raise Refused(PARAMS)

    def end_effects(self) -> None:
        rules = self.replies.get("get_dynamic_light_effect_rules")
        if isinstance(rules, dict):
            rules["enable"] = False
            rules.pop("current_rule_id", None)
            self.info["dynamic_light_effect_enable"] = False
        for getter, summary in _OFF.items():
            if isinstance(self.replies.get(getter), dict):
                self.replies[getter]["enable"] = 0
            if isinstance(self.info.get(summary), dict):
                self.info[summary]["enable"] = 0

    def set_clock(self, timestamp: float, time_diff_min: int, region: str) -> None:
        before = self.clock.time()
        self.clock.set(timestamp, time_diff_min, region)
        self._moved(before)

    def lose_clock(self) -> None:
        before = self.clock.time()
        self.clock.lose()
        self._moved(before)

    def plug_in(self, trace: Trace) -> None:
        self.meter.plug_in(self.clock.time(), trace)

    def update(self, profile: Profile) -> None:
        """Become another firmware of the same device: state and settings stay where the new one has them."""
        fresh = deepcopy(dict(profile.replies))
        kept = ("fw_ver", "color_temp_range", "default_states")
        state = {key: self.info[key] for key in fresh["get_device_info"] if key in self.info and key not in kept}
        settings = {
            name: reply for name, reply in self.replies.items() if name in fresh and _same_shape(reply, fresh[name])
        }
        self.profile = profile
        self.replies = fresh | settings | {"get_device_info": fresh["get_device_info"] | state}
        self.info = self.replies["get_device_info"]

    def same_day(self, at: float) -> bool:
        """Whether at lies in the local day in which the device started."""
        return self.clock.midnight(at) == self.clock.midnight(self._started_at)

    def same_month(self, at: float) -> bool:
        return self.clock.month_start(at) == self.clock.month_start(self._started_at)

    def days_since_start(self, at: float) -> float:
        return (self.clock.midnight(at) - self.clock.midnight(self._started_at)) / 86_400

    def untouched(self, at: float) -> bool:
        """Whether nothing was switched and no minute has gone by since the start."""
        return not self._touched and at - self._started_at < 60

    @property
    def nickname(self) -> str:
        try:
            return base64.b64decode(str(self.info.get("nickname", ""))).decode()
        except ValueError:
            return ""

    def _switch_at(self, at: float, on: bool) -> None:
        if "device_on" not in self.info:
            return
        if on and not self.on:
            self._on_since = at
        self.info["device_on"] = on
        self._touched = True
        self.meter.change(at, self._factor())
        self._show_led()

    def _auto_off(self) -> dict[str, Any] | None:
        config = self.replies.get("get_auto_off_config")
        return config if isinstance(config, dict) and "delay_min" in config else None

    def _factor(self) -> float:
        if not self.on:
            return 0.0
        level = self.info.get("brightness")
        return level / 100 if isinstance(level, int) else 1.0

    def _show_led(self) -> None:
        led = self.replies.get("get_led_info")
        if isinstance(led, dict):
            led["led_status"] = self.on and led.get("led_rule") != "never"

    def _moved(self, before: float) -> None:
        after = self.clock.time()
        self.meter.clock_moves(before, after)
        self._on_since += after - before
        for key, value in (("region", self.clock.region), ("time_diff", self.clock.time_diff_min)):
            if key in self.info:
                self.info[key] = value


def _same_shape(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys()
