"""The house that is carried through two hundred deaths of its daemon: its devices, its rules, its people.

Times are those of the house: half a minute of it passes in a real second.  The site is Greenwich in winter, so that
wall times are UTC and every instant that is expected follows from simple sums.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SPEED = 30.0
START = dt.datetime(2026, 12, 6, 15, 40, tzinfo=dt.UTC)
LAST = dt.datetime(2026, 12, 6, 23, 59, tzinfo=dt.UTC)
SUNSET = dt.datetime(2026, 12, 6, 15, 52, tzinfo=dt.UTC)  # of London on this day, to the minute: timeanddate.com
POLL_S = 60.0
GAP_S = 5 * POLL_S  # a hold outlives a silence this long: see `longest_gap_s`
ACCOUNT = {"username": "crash@example.com", "password": "not a real one"}

Words = Mapping[str, Any]  # a setting in the words of the rule language


@dataclass(frozen=True, slots=True)
class Wish:
    """A device.  pressed: the shortest and the longest pause, in seconds, after which a person presses its button."""

    profile: str
    transport: str = "klap"
    on: bool = False
    trace: str | None = None
    pressed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """A rule by the clock.  every_s: 0 for a single instant.  more: further lines of the rule."""

    name: str
    devices: tuple[str, ...]
    first: dt.datetime
    every_s: int
    sets: Words
    more: str = ""
    jitter_s: int = 0
    within_s: int = 900
    until: dt.datetime = LAST

    def instants(self, until: dt.datetime) -> Iterator[dt.datetime]:
        """Yield the instants that the rule means, before `until`."""
        at = self.first
        while at < min(until, self.until):
            yield at
            if not self.every_s:
                return
            at += dt.timedelta(seconds=self.every_s)

    @property
    def toml(self) -> str:
        if self.every_s:
            when = (
                f'when.every = {{ interval = "{self.every_s}s", between = [{_wall(self.first)}, {_wall(self.until)}] }}'
            )
        else:
            when = f"when.time = {{ at = {_wall(self.first)} }}"
        sets = f"set = {_table(self.sets)}\n" if self.sets else ""
        jitter = f'jitter = "{self.jitter_s}s"\n' if self.jitter_s else ""
        within = f'within = "{self.within_s}s"\n' if self.within_s != 900 else ""
        return f"[rules.{self.name}]\ndevices = {_list(self.devices)}\n{when}\n{sets}{jitter}{within}{self.more}\n"


@dataclass(frozen=True, slots=True)
class Stairs:
    """A rule with steps.  steps: (seconds after the firing, what is set)."""

    beat: Beat
    mode: str
    steps: tuple[tuple[int, Words], ...]

    @property
    def length_s(self) -> int:
        return self.steps[-1][0]

    @property
    def toml(self) -> str:
        before, rows = 0, []
        for after_s, words in self.steps:
            wait = f'wait = "{after_s - before}s", ' if after_s > before else ""
            rows.append(f"{{ {wait}set = {_table(words)} }}")
            before = after_s
        return self.beat.toml.rstrip("\n") + f'\nsteps = [{", ".join(rows)}]\nmode = "{self.mode}"\n'


@dataclass(frozen=True, slots=True)
class Window:
    """An away rule with one window on one device."""

    name: str
    device: str
    start: dt.datetime
    end: dt.datetime

    @property
    def toml(self) -> str:
        when = f"when.away = {{ from = {_wall(self.start)}, until = {_wall(self.end)} }}"
        return f"[rules.{self.name}]\ndevices = {_list((self.device,))}\n{when}\n"


@dataclass(frozen=True, slots=True)
class Sunset:
    """A rule by the sun.  offset_s: signed."""

    name: str
    device: str
    offset_s: int
    sets: Words

    @property
    def toml(self) -> str:
        when = f'when.sunset = {{ offset = "{self.offset_s:+d}s" }}'
        return f"[rules.{self.name}]\ndevices = {_list((self.device,))}\n{when}\nset = {_table(self.sets)}\n"


def _at(minute: int, second: int = 0) -> dt.datetime:
    return START + dt.timedelta(minutes=minute, seconds=second)


def _wall(at: dt.datetime) -> str:
    return f"{at:%H:%M:%S}"


def _list(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _table(words: Words) -> str:
    parts = (f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in words.items())
    return "{ " + ", ".join(parts) + " }"


ON, OFF = {"on": True}, {"on": False}


def _lit(brightness: int, **more: int) -> Words:
    return {"on": True, "brightness": brightness, **more}


WASHER_HALF_S, HEATER_HALF_S = 120, 100  # high and low in turn, from the beginning
WASHER_HOLD_S, WASHER_BELOW_W = 60, 5
HEATER_ABOVE_W = 50
RAIL_AFTER_S = 120
TV_HOLD_S = 60

DEVICES: Mapping[str, Wish] = {
    "lamp-a": Wish("L530"),
    "lamp-b": Wish("L530", "aes"),
    "slow": Wish("L530"),
    "dusk": Wish("L530"),
    "plug": Wish("P100"),
    "skipper": Wish("P100"),
    "jittery": Wish("P100"),
    "scattered": Wish("P100"),
    "flip": Wish("P100"),
    "washer": Wish("P110", on=True, trace=f"steps:0=120/{WASHER_HALF_S}=2,repeat,from=start"),
    "heater": Wish("P110", on=True, trace=f"steps:0=10/{HEATER_HALF_S}=100,repeat,from=start"),
    "rail": Wish("P100", pressed=(120, 400)),
    "tv": Wish("P100", pressed=(40, 260)),
    "light": Wish("L530"),
    "blinker": Wish("P100"),
    "guard": Wish("P100", pressed=(200, 700)),
    "cond": Wish("P100"),
    "stair": Wish("L530"),
    "hasty": Wish("L530"),
    "busy": Wish("L530"),
    "patient": Wish("L530"),
    "porch": Wish("P100", on=True),
    "hall": Wish("P100"),
    "spare": Wish("P100"),
}

LAMPS = ("lamp-a", "lamp-b")

BEATS: tuple[Beat, ...] = (
    # Two lamps, always a newer setting on its way; the pair falls due at one instant, and the later in the file counts.
    Beat("lamps-dim", LAMPS, _at(0, 20), 60, _lit(20)),
    Beat("lamps-bright", LAMPS, _at(0, 50), 60, _lit(80)),
    Beat("lamps-off", LAMPS, _at(3, 5), 240, OFF),
    Beat("pair-first", ("lamp-a",), _at(4, 35), 300, _lit(31)),
    Beat("pair-second", ("lamp-a",), _at(4, 35), 300, _lit(32)),
    *(Beat(f"once-{n}", ("lamp-b",), _at(6 * n + 2, 35), 0, _lit(40 + n)) for n in range(8)),
    # A lamp with time to spare, set in parts: what it shows is what all of them together say.
    *(Beat(f"slow-{n}", ("slow",), _at(5 * n + 1), 1200, _lit(10 + n, color_temp=3000)) for n in range(4)),
    Beat("slow-warm", ("slow",), _at(2, 30), 300, {"color_temp": 2700}),
    Beat("slow-half", ("slow",), _at(4), 300, {"brightness": 50}),
    # Too late after twenty seconds; never made up for; scattered.
    Beat("plug-on", ("plug",), _at(0, 25), 60, ON, within_s=20),
    Beat("plug-off", ("plug",), _at(0, 55), 60, OFF, within_s=20),
    Beat("skip-on", ("skipper",), _at(0, 30), 90, ON, 'missed = "skip"\n'),
    Beat("skip-off", ("skipper",), _at(1, 15), 90, OFF, 'missed = "skip"\n'),
    Beat("jitter-on", ("jittery", "scattered"), _at(0, 40), 120, ON, jitter_s=40),
    Beat("jitter-off", ("jittery", "scattered"), _at(1, 40), 120, OFF, jitter_s=40),
    Beat("flip", ("flip",), _at(0, 45), 40, {"toggle": True}),
    Beat("rail-on", ("rail",), _at(3, 30), 420, ON),
    Beat("guard-off", ("guard",), _at(1, 10), 90, OFF, 'override = "4m"\n'),
    Beat("cond-on", ("cond",), _at(0, 35), 60, ON, "only_if.device.tv = { on = true }\n"),
    Beat("cond-off", ("cond",), _at(1, 5), 60, OFF, "only_if.between = [15:45:00, 16:20:00]\n"),
    Beat("bell", ("cond",), _at(0, 15), 45, {}, 'notify = "it rings"\n'),
)

SUNSETS: tuple[Sunset, ...] = tuple(
    Sunset(f"sun-{n}", "dusk", offset_s, _lit(20 + n))
    for n, offset_s in enumerate((-480, -240, 0, 240, 480, 900, 1320, 1800, 2400))
)

_UP = ((0, _lit(10)), (50, _lit(50)), (100, _lit(100)), (150, OFF))
STAIRS: tuple[Stairs, ...] = (
    Stairs(Beat("stair", ("stair",), _at(0, 30), 240, {}), "restart", _UP),
    Stairs(Beat("hasty", ("hasty",), _at(1), 110, {}), "restart", _UP),  # never comes to its end
    Stairs(Beat("busy", ("busy",), _at(1, 20), 110, {}), "ignore", _UP),
    *(
        Stairs(Beat(f"queue-{n}", ("patient",), start, 80, {}, until=start + dt.timedelta(seconds=170)), "queue", _UP)
        for n, start in enumerate(_at(2 + 12 * n) for n in range(8))
    ),
)

WINDOWS: tuple[Window, ...] = tuple(
    Window(f"away-{device}-{n}", device, _at(begin + 10 * n), _at(begin + 10 * n + 9))
    for n in range(9)
    for device, begin in (("porch", 2), ("hall", 4))
)

EVENTS = f"""\
[rules.washer-done]
devices = ["washer"]
when.power = {{ below = {WASHER_BELOW_W}, for = "{WASHER_HOLD_S}s", rearm = 20 }}
set = {{ on = true }}
notify = "the washer is done"

[rules.heater-hot]
devices = ["heater"]
when.power = {{ above = {HEATER_ABOVE_W} }}
set = {{ on = true }}

[rules.rail-off]
devices = ["rail"]
when.countdown = {{ after = "{RAIL_AFTER_S}s", from = "on" }}
set = {{ on = false }}

[rules.tv-lights]
devices = ["light"]
when.state = {{ device = "tv", turns = "on", for = "{TV_HOLD_S}s" }}
set = {{ on = true, brightness = 60 }}

[rules.tv-dark]
devices = ["light"]
when.state = {{ device = "tv", turns = "off", for = "{TV_HOLD_S}s" }}
set = {{ on = false }}

[rules.tv-blinks]
devices = ["blinker"]
when.state = {{ device = "tv", turns = "on" }}
set = {{ toggle = true }}
"""


@dataclass(frozen=True, slots=True)
class Book:
    """The rule files.  other: with one rule more, for reloads."""

    text: str
    other: str
    beats: Mapping[str, Beat] = field(default_factory=lambda: {beat.name: beat for beat in BEATS})


OTHER = Beat("other", ("spare",), _at(0, 10), 120, ON)


def book(addresses: Mapping[str, str]) -> Book:
    """Return the rules for devices at these addresses."""
    head = 'schema = 1\n[site]\ntimezone = "Europe/London"\nlatitude = 51.4779\nlongitude = 0.0\n\n'
    devices = ""
    for name, wish in DEVICES.items():
        driver = "tapo-bulb" if wish.profile == "L530" else "tapo-plug"
        devices += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{addresses[name]}"\n'
    rules = "\n".join(each.toml for each in (*BEATS, *SUNSETS, *STAIRS, *WINDOWS))
    text = f"{head}{devices}\n{rules}\n{EVENTS}"
    return Book(text, f"{text}\n{OTHER.toml}")
