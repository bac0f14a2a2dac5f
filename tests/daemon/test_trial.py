"""Rule tests, run: every kind of rule, what people and machines do, and what is said of a claim that does not hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tapo_automate.daemon import trial
from tapo_automate.daemon.trial import Told, run_test
from tapo_automate.daemon.verdict import judged
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.load import load_or_raise, load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import report
from tapo_automate.rules.trials import RuleTest

HEAD = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices]
porch = { driver = "tapo-bulb", host = "porch" }
lounge = { driver = "tapo-bulb", host = "lounge" }
washer = { driver = "tapo-plug", host = "washer" }
[groups]
lamps = ["porch", "lounge"]
"""
# Monday, 2 November 2026: an ordinary day.
SPAN = 'from = 2026-11-02T20:00:00\nfor = "3h"\n'
OFF_AT_21 = '[rules.off]\ndevices = ["lamps"]\nwhen.time = { at = 21:00:00 }\nset = { on = false }\n'


def book(rules: str, body: str, span: str = SPAN) -> RuleBook:
    loaded = load_text(f'{HEAD}{rules}[[tests]]\nname = "t"\n{span}{body}\n')
    assert loaded.book, report(loaded.problems)
    return loaded.book


def mismatches(rules: str, body: str, span: str = SPAN) -> list[str]:
    whole = book(rules, body, span)
    [test] = whole.tests
    return [str(mismatch) for mismatch in judged(test, whole).mismatches]


def rule(when: str, does: str = "set = { on = true }", devices: str = '["porch"]', name: str = "r") -> str:
    return f"[rules.{name}]\ndevices = {devices}\nwhen.{when}\n{does}\n"


def expect(*claims: str) -> str:
    return f"expect = [{', '.join('{ ' + claim + ' }' for claim in claims)}]"


def on(at: str, device: str = "porch") -> str:
    return f'at = {at}, device = "{device}", set = {{ on = true }}'


def off(at: str, device: str = "porch") -> str:
    return f'at = {at}, device = "{device}", set = {{ on = false }}'


LOUNGE_ON = f"events = [{{ {on('20:30:00', 'lounge')} }}]\n"
TRUE = {
    "a wall time, for a group": (OFF_AT_21, expect(off("21:00:00", "lamps"))),
    "an instant is a wall time, a date with a time, or a distance": (
        OFF_AT_21,
        expect(off('"1h"'), off("2026-11-02T21:00:00", "lounge")),
    ),
    "the first and the last instant belong to the test": (
        rule("time = { at = 20:00:00 }") + rule("time = { at = 23:00:00 }", name="q"),
        expect(on("20:00:00"), on("23:00:00")),
    ),
    "nothing": (OFF_AT_21, 'expect = []\ndevices = ["washer"]'),
    "a toggle is what it comes to": (
        rule('every = { interval = "1h" }', "set = { toggle = true }"),
        "start.porch = { on = true }\n" + expect(off("20:00:00"), on("21:00:00"), off("22:00:00"), on("23:00:00")),
    ),
    "a transition belongs to its setting": (
        rule("time = { at = 21:00:00 }", 'set = { brightness = 40, transition = "30s" }'),
        expect('at = 21:00:00, device = "porch", set = { brightness = 40, transition = "30s" }')
        + "\nend.porch = { on = true, brightness = 40 }",
    ),
    "a lamp that is given a colour shows it": (
        rule("time = { at = 21:00:00 }", "set = { hue = 120, saturation = 50 }"),
        "start.porch = { color_temp = 2700 }\nend.porch = { on = true, hue = 120, saturation = 50 }",
    ),
    "jitter is within": (
        rule("time = { at = 21:00:00 }", 'set = { on = true }\njitter = "1h"'),
        expect(on("21:30:00") + ', within = "30m"'),
    ),
    "a switched-off rule does nothing": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nenabled = false"),
        "expect = []",
    ),
    "state, after a while, by whomever": (
        rule('state = { device = "lounge", turns = "on", for = "10s" }'),
        LOUNGE_ON + expect(on("20:30:10")),
    ),
    "state, by another rule": (
        rule('state = { device = "lounge", turns = "on", for = "10s" }')
        + rule("time = { at = 21:00:00 }", devices='["lounge"]', name="q"),
        expect(on("21:00:00", "lounge"), on("21:00:10")),
    ),
    "state, turned back before its time": (
        rule('state = { device = "lounge", turns = "on", for = "10s" }'),
        f"events = [{{ {on('20:30:00', 'lounge')} }}, {{ {off('20:30:09', 'lounge')} }}]\nexpect = []",
    ),
    "state that was so from the beginning": (
        rule('state = { device = "lounge", turns = "on" }'),
        "start.lounge = { on = true }\nexpect = []",
    ),
    "two changes in one second": (
        rule('state = { device = "lounge", turns = "off" }'),
        f"events = [{{ {on('20:30:00', 'lounge')} }}, {{ {off('20:30:00', 'lounge')} }}]\n" + expect(on("20:30:00")),
    ),
    "a countdown from somebody's switching on": (
        rule('countdown = { after = "45m", from = "on" }', "set = { on = false }"),
        f"events = [{{ {on('20:10:00')} }}]\n" + expect(off("20:55:00")),
    ),
    "a countdown from the beginning": (
        rule('countdown = { after = "45m", from = "on" }', "set = { on = false }"),
        "start.porch = { on = true }\n" + expect(off("20:45:00")),
    ),
    "a countdown that is cut off and begun anew": (
        rule('countdown = { after = "45m", from = "on" }', "set = { on = false }"),
        f"events = [{{ {on('20:10:00')} }}, {{ {off('20:20:00')} }}, {{ {on('20:30:00')} }}]\n"
        + expect(off("21:15:00")),
    ),
    "a load under its threshold for a while": (
        rule('power = { below = 5, for = "3m", rearm = 20 }', "set = { on = false }", '["washer"]'),
        'power.washer = [["0s", 400], ["30m", 2], ["32m59s", 310], [21:00:00, 4.9], [21:10:00, 3]]\n'
        + expect(off("21:03:00", "washer")),
    ),
    "a load that draws nothing while its plug is off": (
        rule("power = { above = 100 }", 'notify = "on"', '["washer"]'),
        "power.washer = 400\nstart.washer = { on = false }\n"
        f"events = [{{ {on('20:30:00', 'washer')} }}]\n" + expect('at = 20:30:00, notify = "on"'),
    ),
    "people are told once, for all devices": (
        rule("time = { at = 21:00:00 }", 'notify = "x"', '["lamps"]'),
        expect('at = 21:00:00, notify = "x"'),
    ),
    "people are told by this rule": (
        rule("time = { at = 21:00:00 }", 'set = { on = true }\nnotify = "x"'),
        expect('at = 21:00:00, notify = "x", rule = "r"', on("21:00:00") + ', rule = "r"'),
    ),
    "steps": (
        rule(
            "time = { at = 21:00:00 }",
            'steps = [{ set.on = true }, { wait = "10m" }, { wait = "50m", set.brightness = 9 },'
            ' { wait = "1m", set.toggle = true }]',
        ),
        expect(on("21:00:00"), 'at = 22:00:00, device = "porch", set = { brightness = 9 }', off("22:01:00")),
    ),
    "withheld by the day": (
        rule("time = { at = 21:00:00 }", 'set = { on = true }\nonly_if.days = ["tue"]'),
        expect('at = 21:00:00, withheld = "r"'),
    ),
    "withheld by a device": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nonly_if.device.lounge = { on = true }", '["lamps"]'),
        expect('at = 21:00:00, withheld = "r", device = "lounge"', 'at = 21:00:00, withheld = "r", device = "porch"'),
    ),
    "what is withheld need not be claimed": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nonly_if.device.lounge = { on = true }"),
        "expect = []",
    ),
    "a condition that holds since somebody came": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nonly_if.device.lounge = { on = true }"),
        LOUNGE_ON + expect(on("21:00:00")),
    ),
    "a condition on a load": (
        rule('every = { interval = "1h" }', "set = { on = true }\nonly_if.device.washer = { power_below = 5 }"),
        'power.washer = [["0s", 400], ["90m", 3]]\n' + expect(on("22:00:00"), on("23:00:00")),
    ),
    "a condition on a load that nobody knows": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nonly_if.device.washer = { power_below = 5 }"),
        expect('at = 21:00:00, withheld = "r"'),
    ),
    "somebody's change is respected for a while": (
        rule('every = { interval = "1h" }', 'set = { on = false }\noverride = "90m"'),
        f"events = [{{ {on('20:30:00')} }}]\n"
        + expect(off("20:00:00"), 'at = 21:00:00, withheld = "r"', off("22:00:00"), off("23:00:00")),
    ),
    "a rule's change is no person's": (
        rule("time = { at = 21:00:00 }", 'set = { on = false }\noverride = "2h"')
        + rule("time = { at = 20:30:00 }", name="q"),
        expect(on("20:30:00"), off("21:00:00")),
    ),
    "at random, and as it was in the end": (
        "[rules.away]\ndevices = ['lounge']\nwhen.away = { from = 20:30:00, until = 22:30:00 }\n",
        "start.lounge = { on = true, brightness = 30 }\nend.lounge = { on = true, brightness = 30 }",
    ),
    "only this rule": (OFF_AT_21 + rule("time = { at = 22:00:00 }"), expect(on("22:00:00")) + '\nrules = ["r"]'),
    "only this device": (OFF_AT_21, expect(off("21:00:00")) + '\ndevices = ["porch"]'),
    "as often as it happens": (
        rule('every = { interval = "1h" }'),
        expect(on("20:00:00"), *[on(f"{hour}:01:00") + ', within = "1m"' for hour in (21, 22)], on("23:00:00")),
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_claim_that_holds(name: str) -> None:
    assert mismatches(*TRUE[name]) == []


MODES = {
    "restart": [on("20:30:00"), on("20:35:00"), off("20:45:00")],
    "ignore": [on("20:30:00"), 'at = 20:35:00, withheld = "r"', off("20:40:00")],
    "queue": [on("20:30:00"), off("20:40:00"), on("20:40:00"), off("20:50:00")],
}


@pytest.mark.parametrize("mode", MODES)
def test_what_becomes_of_steps_under_way(mode: str) -> None:
    rules = rule(
        'state = { device = "lounge", turns = "on" }',
        f'steps = [{{ set.on = true }}, {{ wait = "10m", set.on = false }}]\nmode = "{mode}"',
    )
    visits = [on("20:30:00", "lounge"), off("20:31:00", "lounge"), on("20:35:00", "lounge")]
    events = expect(*visits).replace("expect", "events")
    assert mismatches(rules, events + "\n" + expect(*MODES[mode])) == []


@pytest.mark.parametrize(
    ("span", "rules", "claims"),
    [
        (
            'from = 2026-03-29T00:00:00\nfor = "6h"\n',
            rule("time = { at = 02:30:00 }"),
            [on("03:30:00")],
        ),
        (
            'from = 2026-10-25T00:00:00\nfor = "6h"\n',
            rule("time = { at = 02:30:00 }", 'set = { on = true }\non_overlap = "both"'),
            [on("2026-10-25T02:30:00+02:00"), on("2026-10-25T02:30:00+01:00")],
        ),
        (
            'from = 2026-10-25T01:59:00\nfor = "2h"\n',
            rule('countdown = { after = "90m", from = "on" }', "set = { on = false }"),
            [off('"1h30m"')],
        ),
        (
            "from = 2026-11-02T23:00:00\nuntil = 01:00:00\n",
            rule("time = { at = 00:30:00, days = ['tue'] }"),
            [on("2026-11-03T00:30:00")],
        ),
    ],
)
def test_nights(span: str, rules: str, claims: list[str]) -> None:
    start = "start.porch = { on = true }\n" if "countdown" in rules else ""
    assert mismatches(rules, start + expect(*claims), span) == []


FALSE = {
    "nothing comes": (
        "",
        expect(on("21:00:00")),
        ["21:00:00: expected porch: on, got nothing"],
    ),
    "too late": (
        rule("time = { at = 21:00:30 }"),
        expect(on("21:00:00") + ', within = "29s", rule = "r"'),
        ["21:00:00: expected porch: on by r, give or take 29 s, got porch: on by r (rules.toml:11) at 21:00:30"],
    ),
    "something else comes": (
        rule("time = { at = 21:00:00 }", "set = { on = true, brightness = 40 }"),
        expect(on("21:00:00")),
        ["21:00:00: expected porch: on, got porch: on, brightness 40 by r (rules.toml:11) at 21:00:00"],
    ),
    "another rule does it": (
        rule("time = { at = 21:00:00 }") + rule("time = { at = 22:00:00 }", name="q"),
        expect(on("21:00:00") + ', rule = "q"', on("22:00:00")),
        [
            "21:00:00: expected porch: on by q, got porch: on by r (rules.toml:11) at 21:00:00",
        ],
    ),
    "something comes besides": (
        OFF_AT_21,
        expect(off("21:00:00")) + '\ndevices = ["lamps"]',
        ["21:00:00: expected nothing, got lounge: off by off (rules.toml:11) at 21:00:00"],
    ),
    "people are told something else": (
        rule("time = { at = 21:00:00 }", 'notify = "done"'),
        expect('at = 21:00:00, notify = "over", rule = "r"'),
        ['21:00:00: expected "over" told by r, got "done" told by r (rules.toml:11) at 21:00:00'],
    ),
    "people are told, and nobody said so": (
        rule("time = { at = 21:00:00 }", 'set = { on = true }\nnotify = "done"'),
        expect(on("21:00:00")),
        ['21:00:00: expected nothing, got "done" told by r (rules.toml:11) at 21:00:00'],
    ),
    "it is withheld": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nonly_if.device.lounge = { on = true }"),
        expect(on("21:00:00")),
        ["21:00:00: expected porch: on, got r withheld for porch at 21:00:00: lounge is off"],
    ),
    "it is not withheld": (
        rule("time = { at = 21:00:00 }"),
        expect('at = 21:00:00, withheld = "r"', on("21:00:00")),
        ["21:00:00: expected r withheld, got porch: on by r (rules.toml:11) at 21:00:00"],
    ),
    "it does not come due": (
        rule("time = { at = 21:00:00, days = ['tue'] }"),
        expect('at = 21:00:00, withheld = "r", device = "porch"'),
        ["21:00:00: expected r withheld for porch, got nothing"],
    ),
    "the rule is switched off": (
        rule("time = { at = 21:00:00 }", "set = { on = true }\nenabled = false"),
        expect(on("21:00:00") + ', rule = "r"'),
        [
            "21:00:00: expected porch: on by r, "
            "got nothing: rule r is not carried out, it is switched off (enabled = false)"
        ],
    ),
    "the rule is carried out by its device alone": (
        rule("countdown = { after = '45m', from = 'apply' }", "set = { on = false }"),
        expect('at = 21:00:00, withheld = "r"'),
        [
            "21:00:00: expected r withheld, got nothing: rule r is not carried out, "
            "the countdown runs in the device itself, once `sync apply` has started it"
        ],
    ),
    "the end is another": (
        rule("time = { at = 21:00:00 }", "set = { on = true, brightness = 40 }"),
        "end.porch = { on = true, brightness = 30 }\nend.lounge = { on = true }",
        [
            "at the end: expected porch: on, brightness 30, got porch: on, brightness 40",
            "at the end: expected lounge: on, got lounge: off",
        ],
    ),
    "once too often, in order of time": (
        rule('every = { interval = "1h" }'),
        expect(on("21:00:00"), on("22:00:00"), on("22:30:00")),
        [
            "20:00:00: expected nothing, got porch: on by r (rules.toml:11) at 20:00:00",
            "22:30:00: expected porch: on, got nothing",
            "23:00:00: expected nothing, got porch: on by r (rules.toml:11) at 23:00:00",
        ],
    ),
    "rules that set each other off": (
        rule('state = { device = "porch", turns = "on" }', "set = { on = false }")
        + rule('state = { device = "porch", turns = "off" }', name="q"),
        f"events = [{{ {on('20:30:00')} }}]\nexpect = []",
        ["20:30:00: expected an end, got the rules set each other off without end in the same second"],
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_claim_that_does_not_hold_is_told_with_what_came_instead(name: str) -> None:
    rules, body, said = FALSE[name]
    assert mismatches(rules, body) == said


def test_instants_have_their_date_where_a_test_goes_over_midnight() -> None:
    said = mismatches("", expect(on("00:30:00")), 'from = 2026-11-02T23:00:00\nfor = "2h"\n')
    assert said == ["2026-11-03 00:30:00: expected porch: on, got nothing"]


def test_what_is_told_is_what_is_forecast() -> None:
    example = load_or_raise([Path(__file__).parents[2] / "rules.example.toml"])
    begin = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)
    test = RuleTest("two days in spring", begin, begin + dt.timedelta(days=2), expected=())
    expected = [
        (firing.due, firing.rule.id, firing.device_id)
        for firing in firings_between(example, test.begin, test.end + dt.timedelta(seconds=1))
    ]
    clock = {rule_id for _, rule_id, _ in expected}
    told = [
        (deed.at, deed.rule.id, deed.device_id)
        for deed in run_test(test, example).deeds
        if isinstance(deed, Told) and deed.rule.id in clock
    ]
    assert len(expected) > 20
    assert sorted(told) == sorted(expected)


def test_a_test_in_which_too_much_happens_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST_DEEDS", 50)
    assert mismatches(rule('every = { interval = "1s" }', 'notify = "tick"'), "expect = []") == [
        "20:00:50: expected an end, got more than 50 things happen: make the test shorter"
    ]


def test_hundreds_of_rules_at_one_instant_are_not_taken_for_endless() -> None:
    many = "".join(rule("time = { at = 21:00:00 }", name=f"r{number}") for number in range(300))
    assert mismatches(many, "end.porch = { on = true }\nrules = ['r0']\n" + expect(on("21:00:00"))) == []


def test_a_month_with_a_busy_meter_takes_no_time_worth_mentioning() -> None:
    points = ", ".join(f'["{hour}h", {400 if hour % 2 else 3}]' for hour in range(700))
    rules = rule('power = { below = 5, for = "3m" }', "set = { brightness = 7 }") + rule(
        'every = { interval = "10m" }', name="q", devices='["lounge"]'
    )
    body = f'power.porch = [{points}]\nrules = ["r"]\nend.porch = {{ brightness = 7 }}'
    assert mismatches(rules, body, 'from = 2026-11-02T20:00:00\nfor = "744h"\n') == []
