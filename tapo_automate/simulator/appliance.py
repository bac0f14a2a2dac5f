"""The thing behind the wire: relay or lamp, settings, clock, timers and meter.  It knows no protocol.

It stands still between two looks: settle() brings it to the present, and on the way carries out what it did by itself,
each thing at its own instant.  Whoever reads or changes anything settles it first.
"""

import base64
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import replace
from datetime import UTC
from math import ceil
from typing import Any

from tapo_automate.simulator import away, countdown, light, start_states, timetable
from tapo_automate.simulator.clock import DeviceClock
from tapo_automate.simulator.habits import Habits
from tapo_automate.simulator.home import Home, known_ssids
from tapo_automate.simulator.meter import Meter
from tapo_automate.simulator.presence import Presence
from tapo_automate.simulator.profiles import Profile
from tapo_automate.simulator.records import By, Change, Execution, Table, Write
from tapo_automate.simulator.recurrence import Place
from tapo_automate.simulator.settings import settings_of
from tapo_automate.simulator.traces import Trace, constant
from tapo_automate.simulator.upgrade import Upgrade

Doing = tuple[float, Callable[[], None]]  # in which second of its life, and what


class Appliance:
    """State and behaviour of one device.  Not thread-safe: the device that owns it holds its lock.

    identity: mac, device_id, ip and nickname, which take the place of the profile's.  keep: how many changes are kept.
    doings: answers the next thing of each kind that a device will do by itself; of those at one instant the one that is
    told first comes first.  dice: what its antitheft throws.  children: the sockets of a strip; they share its clock
    and are settled with it.
    elapsed_s, true_at: the instant in which it stands, in seconds of its life and in Unix seconds that are true.
    """

    def __init__(
        self,
        profile: Profile,
        clock: DeviceClock,
        trace: Trace,
        identity: dict[str, str],
        on: bool | None,
        doings: Callable[["Appliance"], Iterator[Doing]],
        keep: int = 0,
        habits: Habits | None = None,
        dice: random.Random | None = None,
        children: tuple["Appliance", ...] = (),
    ) -> None:
        self.profile = profile
        self.clock = clock
        self._doings = doings
        self.replies: dict[str, Any] = deepcopy(dict(profile.replies))
        self.info: dict[str, Any] = self.replies["get_device_info"]
        self.info |= {key: value for key, value in identity.items() if key in self.info}
        self.restart_wanted = False
        self.reset_wanted = False
        if on is not None and "device_on" in self.info:
            self.info["device_on"] = on
            self.info |= {"on_time": 0} if "on_time" in self.info else {}
        self.elapsed_s, self.true_at = clock.elapsed(), clock.truth()
        self.presence = Presence(self.elapsed_s)
        self.starts = 0
        self.changes: deque[Change] = deque(maxlen=keep)
        self.executions: deque[Execution] = deque(maxlen=keep)
        self.writes: deque[Write] = deque(maxlen=keep)
        self.habits = habits or Habits()
        self.dice = dice or random.Random()
        self.children = children
        self.home = Home()
        self.upgrade = Upgrade()
        self.led_lives = not profile.from_dump
        self._source = self  # of its power
        for child in children:
            child._source = self
            child.home = self.home
        self.countdown = countdown.found_in(self.replies.get("get_countdown_rules"), self.elapsed_s)
        self.schedule = timetable.found_in(self.replies.get("get_schedule_rules"))
        self.away = away.found_in(self.replies.get("get_antitheft_rules"))
        self._place: Place | None = None
        self._horizon = (self.elapsed_s, self.true_at)
        self.late: list[Doing] = []
        self._reboots = 0
        self._started_at = self.at
        self._on_since_s: float = self.elapsed_s - self.info.get("on_time", 0)
        self._auto_off_since_s = self._on_since_s
        self._touched = False
        # Strips that measure as a whole say what their first socket's meter does.
        own = Meter(trace, self.at, self._factor(), clock.hour, clock.midnight)
        self.meter: Meter = children[0].meter if children else own
        if on is not None or not profile.from_dump:
            self._show_led()
        self._note("start", "")

    @property
    def at(self) -> float:
        """The instant in which it stands, in Unix seconds as it believes them."""
        return self.true_at + self.clock.ahead_s

    @property
    def on(self) -> bool:
        return self.info.get("device_on") is True

    def shown(self) -> dict[str, Any]:
        """Return device_on and, on lamps, brightness, hue, saturation and color_temp."""
        return {key: self.info[key] for key in light.STATE_KEYS if key in self.info}

    def refreshed_info(self) -> dict[str, Any]:
        """Return get_device_info's result as of the last look: the very dictionary that is kept."""
        info = self.info
        if "on_time" in info:
            info["on_time"] = max(0, int(self.elapsed_s - self._on_since_s)) if self.on else 0
        if "auto_off_status" in info:
            ends_s = self.auto_off_s()
            info["auto_off_status"] = "off" if ends_s is None else "on"
            info["auto_off_remain_time"] = 0 if ends_s is None else ceil(ends_s - self.elapsed_s)
        return info

    def settle(self) -> None:
        """Catch up with what the device did by itself since it was last looked at."""
        self._advance(self.clock.elapsed(), self.clock.truth())

    def life_s(self, at: float) -> float:
        """Return the second of its life at which its own clock shows at, as the clock is set now."""
        elapsed_s, true_at = self._horizon
        return max(self.elapsed_s, elapsed_s - (true_at + self.clock.ahead_s - at))

    def stand_at(self, at: float) -> None:
        """Stand exactly at this instant of its own clock; sums of floats end beside it."""
        self.true_at = at - self.clock.ahead_s

    def place(self) -> Place:
        """Return by which calendar and where its tables run."""
        if self._place is None:
            # What the app does not convert for the device must be meant in UTC.  Source: docs/protocol.md, 7.1.
            local = "device_local_time" in self.profile.components
            located = self.info.get("has_set_location_info") and {"latitude", "longitude"} <= self.info.keys()
            location = (self.info["latitude"] / 1e4, self.info["longitude"] / 1e4) if located else None
            self._place = Place(self.clock.zone if local else UTC, location, self.habits)
        return self._place

    def moved(self) -> None:
        """Its place, its zone or its clock has changed: all that its tables have computed is computed anew."""
        self._place = None
        self.led_lives = True
        self.schedule.rearm()
        self.away.rearm()

    @contextmanager
    def recording(self, by: By, detail: str) -> Iterator[None]:
        """Write down what changes meanwhile, if anything does."""
        before = self.shown()
        yield
        if self.shown() != before:
            self._note(by, detail)

    @contextmanager
    def executing(
        self, by: By, table: Table, number: str, states: Mapping[str, Any], detail: str | None = None
    ) -> Iterator[None]:
        """Write down that a row is carried out now, and what changes by it, if anything does."""
        before = self.shown()
        yield
        changed = self.shown() != before
        self.executions.append(Execution(self.at, self.true_at, table, number, dict(states), changed))
        if changed:
            self._note(by, number if detail is None else detail)

    def wrote(self, method: str, who: str) -> None:
        """Something has reached the flash."""
        self.writes.append(Write(self.at, self.true_at, method, who))

    def later(self, after_s: float, do: Callable[[], None]) -> None:
        """Do something in so many seconds; forgotten when the power goes."""
        self.late.append((self.elapsed_s + after_s, do))

    def lose_power(self) -> None:
        """Start again as its default_states say, once the power is back."""
        on, values = start_states.after_power_cut(self.info)
        self.assume(on, values)
        self._start("after its power was gone")
        for child in self.children:
            child.lose_power()

    def start_again(self) -> None:
        """Start again with the power on, as a command wants it: relay and light stay."""
        self._start("as it was told to")
        for child in self.children:
            child.start_again()

    def reset(self) -> None:
        """Become what it was when it left the factory: nobody's, without rows, settings, network, place and time."""
        kept = ("device_id", "original_device_id", "mac", "ip", "fw_ver", "position", "slot_number")
        own = {key: self.info[key] for key in kept if key in self.info}
        fresh = deepcopy(dict(self.profile.replies))
        # A dump has the settings of its owner.
        factory = {
            name: fresh[name] | {key: value for key, value in reply.items() if key in fresh[name]}
            for name, reply in settings_of(self.profile.components).items()
            if isinstance(fresh.get(name), dict)
        }
        self.replies = fresh | factory
        self.info = self.replies["get_device_info"]
        nowhere = {"has_set_location_info": False, "latitude": 0, "longitude": 0}
        empty = {"nickname": "", "avatar": "", "ssid": "", "device_on": False} | nowhere
        self.info |= own | {key: value for key, value in empty.items() if key in self.info}
        self.countdown.clear()
        self.schedule, self.away = timetable.Timetable(), away.Away()
        self.meter.forget(self.at)
        self.meter.change(self.at, self._factor())
        self.upgrade = Upgrade(self.upgrade.offer)
        if self._source is self:
            before = self.at
            self.clock.set(self.true_at, self.true_at, 0, "")
            self.clock.lose(self.true_at)
            self._clock_moved(before)
        for child in self.children:
            child.reset()

    def join_later(self, ssid: str) -> None:
        """Be in another network in a second, or out of reach, where it finds none of this name (in base64)."""
        self.later(1.0, lambda: self._join(ssid))

    def join(self, *, joined: bool) -> None:
        """Be in this network, or out of its reach; whatever was open in the old one is gone."""
        self.home.joined = joined
        self.starts += 1
        self.presence = replace(self.presence, adrift=not joined)
        self.home.moved()

    def attend(self, presence: Presence) -> None:
        """Be away, and start again, as this presence says."""
        self.presence = presence
        self._reboots = 0

    def twin(self) -> "Appliance":
        """Return a device in the same state that nobody sees: what happens to it is without effect."""
        twin = copy(self)
        twin.clock = copy(self.clock)
        twin.replies = deepcopy(self.replies)
        twin.info = twin.replies["get_device_info"]
        twin.countdown = replace(self.countdown)
        twin.schedule, twin.away = deepcopy(self.schedule), deepcopy(self.away)
        twin.meter = Meter(constant(0), self.at, 0, self.clock.hour, self.clock.midnight)
        twin.changes, twin.executions, twin.writes = deque(maxlen=0), deque(maxlen=0), deque(maxlen=0)
        twin.late = []
        twin.home, twin.upgrade = self.home.unseen(), replace(self.upgrade)
        twin.children = tuple(child.twin() for child in self.children)
        return twin

    def assume(self, on: bool | None, values: dict[str, int]) -> None:
        """Take on checked values of the light; the relay stays where on is None.  A colour ends a running effect."""
        if values:
            self.shine(values)
            if any(key != "brightness" for key in values):
                light.end_effects(self.info, self.replies)
        if on is not None:
            self.switch(on)

    def switch(self, on: bool) -> None:
        if "device_on" not in self.info or on == self.on:
            return
        if on:
            self._on_since_s = self.elapsed_s
            if "power_protection_status" in self.info:
                self.info["power_protection_status"] = "normal"
        self.info["device_on"] = on
        self._touched = True
        self.meter.change(self.at, self._factor())
        self._show_led()

    def shine(self, values: dict[str, int]) -> None:
        """Set brightness and colour; the relay stays as it is."""
        self.info |= values
        self.meter.change(self.at, self._factor())
        self._touched = True
        light.remember(self.info, values)

    def set_auto_off(self, enable: bool, delay_min: int) -> None:
        """The minutes count from now, or from when the device is next switched on."""
        self.replies["get_auto_off_config"] = {"enable": enable, "delay_min": delay_min}
        self._auto_off_since_s = self.elapsed_s

    def set_clock(self, timestamp: float, time_diff_min: int, region: str) -> None:
        before = self.at
        self.clock.set(self.true_at, timestamp, time_diff_min, region)
        self._clock_moved(before)

    def lose_clock(self) -> None:
        before = self.at
        self.clock.lose(self.true_at)
        self._clock_moved(before)

    def plug_in(self, trace: Trace) -> None:
        for each in self.children or (self,):
            each.meter.plug_in(each.at, trace)

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
        self.moved()

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

    def reboot_s(self) -> float | None:
        """Return when a fault makes it start again, in seconds of its life."""
        return self.presence.reboot_s(self._reboots)

    def reboot(self) -> None:
        self._reboots += 1
        self.lose_power()
        away_s = self.presence.reboots[1] if self.presence.reboots is not None else 0.0
        self.power_returns(self.elapsed_s + away_s, self.presence.sleeps_s)

    def power_returns(self, back_s: float, sleeps_s: tuple[float, float] | None) -> None:
        """Sleep from this second of its life on, for so long at least and at most; None: stay awake."""
        if sleeps_s is None:
            self.presence = self.presence.awake()
        else:
            self.presence = self.presence.asleep(back_s, back_s + self.dice.uniform(*sleeps_s))

    def is_down(self) -> bool:
        """Whether it, or the strip that it is in, is without power."""
        return self._source.presence.is_down(self.elapsed_s)

    def overload_s(self) -> float | None:
        """Return when its load will be above what it is set to bear, in seconds of its life."""
        config = self.replies.get("get_protection_power")
        if not self.on or not isinstance(config, dict):
            return None
        if not config.get("enabled", config.get("protection_enabled")):
            return None
        above_at = self.meter.above_at(config.get("protection_power", 0), self.at)
        return None if above_at is None else self.elapsed_s + (above_at - self.at)

    def _advance(self, elapsed_s: float, true_at: float) -> None:
        """Do everything until this instant, each thing at its own, the sockets of a strip with it."""
        self._horizon = (elapsed_s, true_at)
        while (first := min(self._doings(self), key=_when, default=None)) and first[0] <= elapsed_s:
            due_s, do = first
            due_at = true_at - (elapsed_s - due_s)
            for child in self.children:
                child._advance(due_s, due_at)
            self.elapsed_s, self.true_at = due_s, due_at
            do()
        self.elapsed_s, self.true_at = elapsed_s, true_at
        for child in self.children:
            child._advance(elapsed_s, true_at)

    def auto_off_s(self) -> float | None:
        """Return when the device will switch itself off, in seconds of its life."""
        config = self.replies.get("get_auto_off_config")
        if not self.on or not isinstance(config, dict) or not config.get("enable") or "delay_min" not in config:
            return None
        since_s: float = max(self._on_since_s, self._auto_off_since_s)
        return since_s + float(config["delay_min"]) * 60

    def _start(self, detail: str) -> None:
        """Lose what is not stored; the device counts as switched anew."""
        self.countdown.clear()
        self.late.clear()
        self.upgrade.stop()
        self._on_since_s = self._auto_off_since_s = self.elapsed_s
        self.starts += 1
        self._note("start", detail)
        if self._source is self and self.home.internet is False:  # nobody tells it the time
            self.lose_clock()

    def _join(self, ssid: str) -> None:
        joined = ssid in known_ssids(self.info, self.replies.get("get_wireless_scan_info"))
        if "ssid" in self.info:
            self.info["ssid"] = ssid
        self.join(joined=joined)

    def _note(self, by: By, detail: str) -> None:
        self.changes.append(Change(self.at, self.true_at, self.on, by, detail, self.shown()))

    def _factor(self) -> float:
        if not self.on:
            return 0.0
        level = self.info.get("brightness")
        return level / 100 if isinstance(level, int) else 1.0

    def _show_led(self) -> None:
        led = self.replies.get("get_led_info")
        if isinstance(led, dict):
            led["led_status"] = self.on and led.get("led_rule") != "never"

    def _clock_moved(self, before: float) -> None:
        self.moved()
        if not self.children:
            self.meter.clock_moves(before, self.at)
        for child in self.children:
            child._clock_moved(before)
        for key, value in (("region", self.clock.region), ("time_diff", self.clock.time_diff_min)):
            if key in self.info:
                self.info[key] = value


def _when(doing: Doing) -> float:
    return doing[0]


def _same_shape(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys()
