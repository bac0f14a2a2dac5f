"""What a sound file means: every key of the language, in the words of the model."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import (
    EVERY_DAY,
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Condition,
    DeviceIs,
    Every,
    PowerPast,
    Rule,
    RuleBook,
    Site,
    Source,
    StateTurns,
    Step,
    SunEdge,
    Trigger,
)
from tapo_automate.rules.problems import report

HEAD = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13
[devices]
porch = { driver = "tapo-bulb", host = "porch.lan:80", options = { floor = "1" } }
lounge = { driver = "tapo-bulb", host = "[fd00::1]:80" }
rail = { driver = "tapo-plug", mac = "4822.54aa.bbcc" }
[groups]
lamps = ["lounge", "inner"]
inner = ["porch", "lounge"]
"""
BERLIN = ZoneInfo("Europe/Berlin")


def book(text: str) -> RuleBook:
    loaded = load_text(HEAD + text)
    assert loaded.book, report(loaded.problems)
    return loaded.book


def rule(body: str, when: str = "when.time = { at = 23:30:00 }", setting: str = "set = { on = true }") -> Rule:
    return book(f'[rules.r]\ndevices = ["porch"]\n{when}\n{setting}\n{body}\n').rules["r"]


def test_site_devices_and_groups() -> None:
    read = book("")
    assert read.site == Site(BERLIN, 52.52, 13.0)
    assert read.devices == {
        "porch": DeviceSpec("porch", "tapo-bulb", "porch.lan:80", "", {"floor": "1"}),
        "lounge": DeviceSpec("lounge", "tapo-bulb", "[fd00::1]:80"),
        "rail": DeviceSpec("rail", "tapo-plug", "", "48-22-54-AA-BB-CC"),
    }
    assert read.groups == {"lamps": ("lounge", "porch"), "inner": ("porch", "lounge")}


def test_coordinates_are_in_no_repr() -> None:
    assert "52.52" not in repr(book(""))


def test_the_defaults_of_a_rule() -> None:
    assert rule("") == Rule(
        id="r",
        device_ids=("porch",),
        trigger=AtTime(dt.time(23, 30), EVERY_DAY),
        setting=Setting(on=True),
        enabled=True,
        only_if=None,
        jitter_s=0,
        on_gap="shift",
        on_overlap="first",
        missed="latest",
        within_s=900,
        executor="auto",
        source=Source("rules.toml", 12),
    )


def test_every_key_of_a_rule() -> None:
    read = rule(
        'enabled = false\njitter = "1m30s"\non_gap = "skip"\non_overlap = "both"\nmissed = "skip"\nwithin = "1h"\n'
        'executor = "daemon"'
    )
    assert (read.enabled, read.jitter_s, read.on_gap, read.on_overlap) == (False, 90, "skip", "both")
    assert (read.missed, read.within_s, read.executor) == ("skip", 3600, "daemon")


def test_a_device_that_is_named_twice_over_groups_counts_once_in_the_order_written() -> None:
    read = book('[rules.r]\ndevices = ["rail", "inner", "lamps", "porch"]\nwhen.sunset = {}\nset.on = true\n')
    assert read.rules["r"].device_ids == ("rail", "porch", "lounge")


def test_a_rule_knows_its_line_however_it_is_written() -> None:
    read = book(
        '[rules.a]\ndevices = ["porch"]\nwhen.sunset = {}\nset.on = true\n'
        '[rules]\nb.devices = ["porch"]\nb.when.sunset = {}\nb.set.on = true\n'
        'c = { devices = ["porch"], when.sunset = {}, set.on = true }\n'
        '[rules."d e"]\ndevices = ["porch"]\n[rules."d e".when.sunset]\n[rules."d e".set]\non = true\n'
    )
    assert {name: each.source.line for name, each in read.rules.items()} == {"a": 12, "b": 17, "c": 20, "d e": 21}
    assert str(read.rules["a"].source) == "rules.toml:12"


TRIGGERS: list[tuple[str, Trigger]] = [
    ('time = { at = 07:05:09, days = ["sun", "mon"] }', AtTime(dt.time(7, 5, 9), frozenset({0, 6}))),
    ("sunrise = {}", AtSun("sunrise")),
    ('sunset = { offset = "-1h30m", days = ["sat"] }', AtSun("sunset", -5400, frozenset({5}))),
    ('sunset = { offset = "+15m" }', AtSun("sunset", 900)),
    ("date = { at = 2026-12-24T16:00:00 }", AtDate(dt.datetime(2026, 12, 24, 16))),  # noqa: DTZ001  (a wall time)
    (
        "date = { at = 2026-12-24T16:00:00+01:00 }",
        AtDate(dt.datetime(2026, 12, 24, 16, tzinfo=dt.timezone(dt.timedelta(hours=1)))),
    ),
    ('every = { interval = "90m" }', Every(5400)),
    (
        'every = { interval = "1s", between = [22:00:00, 06:00:00], days = ["fri"] }',
        Every(1, (dt.time(22), dt.time(6)), frozenset({4})),
    ),
    ('power = { below = 5, for = "3m", rearm = 20 }', PowerPast("below", 5.0, 180, 20.0)),
    ("power = { below = 5.5 }", PowerPast("below", 5.5, 0, 5.5)),
    ("power = { above = 2000, rearm = 1500 }", PowerPast("above", 2000.0, 0, 1500.0)),
    ("power = { above = 0 }", PowerPast("above", 0.0, 0, 0.0)),
    ('state = { device = "lounge", turns = "off", for = "10s" }', StateTurns("lounge", "off", 10)),
    ('countdown = { after = "45m", from = "apply" }', AfterDelay(2700, "apply")),
]


@pytest.mark.parametrize(("written", "meant"), TRIGGERS, ids=[written for written, _ in TRIGGERS])
def test_a_trigger(written: str, meant: Trigger) -> None:
    assert rule("", f"when.{written}").trigger == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("from = 19:00:00, until = 23:00:00", Away(dt.time(19), dt.time(23))),
        ('from = "sunset-15m", until = 23:00:00', Away(SunEdge("sunset", -900), dt.time(23))),
        ('from = "sunset", until = "sunrise+1h30m"', Away(SunEdge("sunset"), SunEdge("sunrise", 5400))),
    ],
)
def test_an_away_trigger_has_no_setting(written: str, meant: Away) -> None:
    read = rule("", f"when.away = {{ {written} }}", "")
    assert (read.trigger, read.setting) == (meant, Setting())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on = false", Setting(on=False)),
        ("toggle = true", Setting(toggle=True)),
        ("on = true, brightness = 100, color_temp = 2700", Setting(on=True, brightness_pct=100, color_temp_k=2700)),
        ("hue = 360, saturation = 0", Setting(hue_deg=360, saturation_pct=0)),
        ('brightness = 1, transition = "1.5s"', Setting(brightness_pct=1, transition_ms=1500)),
        ('on = false, transition = "500ms"', Setting(on=False, transition_ms=500)),
    ],
)
def test_a_setting(written: str, meant: Setting) -> None:
    assert rule("", setting=f"set = {{ {written} }}").setting == meant


def test_a_setting_that_was_read_can_be_written_again() -> None:
    setting = rule("", setting='set = { on = true, brightness = 7, transition = "1.5s" }').setting
    words = ", ".join(f"{key} = {str(value).lower()}" for key, value in setting.as_rule().items())
    assert rule("", setting=f"set = {{ {words.replace('1.5s', chr(34) + '1.5s' + chr(34))} }}").setting == setting


def test_steps_wait_and_set() -> None:
    read = rule(
        'mode = "queue"\noverride = "2h"\nnotify = "Good evening, ☺"',
        setting='steps = [{ set.on = true }, { wait = "10m" }, { wait = "90s", set = { toggle = true } }]',
    )
    assert read.steps == (Step(0, Setting(on=True)), Step(600, None), Step(90, Setting(toggle=True)))
    assert (read.setting, read.mode, read.override_s, read.notify) == (Setting(), "queue", 7200, "Good evening, ☺")
    assert read.settings == ((0, Setting(on=True)), (690, Setting(toggle=True)))


def test_steps_may_be_written_as_tables_of_their_own() -> None:
    read = rule("", setting='[[rules.r.steps]]\nset.on = true\n[[rules.r.steps]]\nwait = "1m"\nset.on = false')
    assert read.settings == ((0, Setting(on=True)), (60, Setting(on=False)))


@pytest.mark.parametrize("when", [written for written, _ in TRIGGERS])
def test_a_rule_may_do_nothing_but_tell_people(when: str) -> None:
    read = rule("", f"when.{when}", 'notify = "x"')
    assert (read.notify, read.settings) == ("x", ())


@pytest.mark.parametrize("when", [written for written, _ in TRIGGERS if "countdown" not in written])
def test_whatever_brings_a_rule_about_it_may_respect_people(when: str) -> None:
    assert rule('override = "168h"', f"when.{when}").override_s == 604_800


def test_a_rule_that_switches_at_random_may_respect_people() -> None:
    assert rule('override = "1h"', "when.away = { from = 19:00:00, until = 23:00:00 }", "").override_s == 3600


def test_a_condition_may_be_about_the_device_of_the_rule() -> None:
    read = rule("only_if.device.porch = { on = false }")
    assert read.only_if == Condition(devices={"porch": DeviceIs(on=False)})


def test_a_condition() -> None:
    read = rule(
        "only_if.between = [22:00:00, 06:00:00]\nonly_if.dates = [2026-11-01, 2027-02-28]\nonly_if.days = ['mon']\n"
        "only_if.device.lounge = { on = true }\nonly_if.device.rail = { power_below = 5, power_above = 1.5 }"
    )
    assert read.only_if == Condition(
        between=(dt.time(22), dt.time(6)),
        dates=(dt.date(2026, 11, 1), dt.date(2027, 2, 28)),
        days=frozenset({0}),
        devices={"lounge": DeviceIs(on=True), "rail": DeviceIs(power_below_w=5.0, power_above_w=1.5)},
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(ends: str) -> None:
    text = HEAD + '[rules.r]\ndevices = ["porch"]\nwhen.sunset = {}\nset.on = true\n'
    loaded = load_text("\ufeff" + text.replace("\n", ends))
    assert loaded.book
    assert loaded.book.rules["r"].source.line == 12
