"""Files with something wrong in their `[[tests]]`, each named for its fault."""

from __future__ import annotations

import re

from rules.broken_parts import Faults, rule

WASHER = 'devices = ["washer"]\nwhen.power = { below = 5 }\nset = { on = false }'


def a_test(body: str) -> str:
    """Return a file with one test, whose missing parts are sound."""
    parts = {
        "name": 'name = "done"',
        "from": "from = 2026-11-02T10:00:00",
        "for": 'for = "2h"',
        "expect": "expect = []",
    }
    written = set(re.findall(r"^‹?(\w+)", body, re.MULTILINE))
    written |= {"for"} if "until" in written else set()
    written |= {"expect"} if "end" in written else set()
    lines = [line for key, line in parts.items() if key not in written]
    return f"{rule(WASHER)}[[tests]]\n" + "\n".join([*lines, body]) + "\n"


def lacking(key: str) -> str:
    """Return a file with a test that has no such key, marked where a missing key is told."""
    text = re.sub(rf"^{key} = .*\n", "", a_test(""), flags=re.MULTILINE)
    return text.replace("[[tests]]", "[[‹tests›]]")


FAULTS: Faults = {
    # ------------------------------------------------------------ keys and kinds
    "test-without-a-name": (
        "E103",
        lacking("name"),
        "this test has no `name`",
        'add name = "The porch light goes on at dusk"',
    ),
    "test-without-a-beginning": (
        "E103",
        lacking("from"),
        "this test has no `from`",
        "add from = 2026-11-02T16:00:00",
    ),
    "test-without-a-length": (
        "E103",
        lacking("for"),
        "this test has neither `for` nor `until`",
        'add, say, for = "2h"',
    ),
    "test-that-expects-nothing": (
        "E103",
        lacking("expect"),
        "this test has neither `expect` nor `end`",
        "write what is to happen, or expect = [] for nothing at all",
    ),
    "tests-as-a-table": (
        "E104",
        rule("") + '[‹tests›.done]\nfrom = 2026-11-02T10:00:00\nfor = "2h"\nexpect = []\n',
        "`tests` must be a list, not a table",
        "write [[tests]] above each test, and its name beneath: name = …",
    ),
    "misspelt-key-of-a-test": (
        "E101",
        a_test("‹expct› = []").replace("expect = []\n", ""),
        'unknown key "expct" in this test, did you mean "expect"?',
        'did you mean "expect"?',
    ),
    "key-of-a-test-of-another-system": (
        "E101",
        a_test("‹given›.porch = { on = true }"),
        'unknown key "given" in this test, did you mean "start"?',
        'did you mean "start"?',
    ),
    "unknown-key-in-what-is-expected": (
        "E101",
        a_test('expect = [{ at = "5m", device = "porch", set = { on = true }, ‹tolerance› = "1s" }]'),
        'unknown key "tolerance" in `expect`, did you mean "within"?',
        'did you mean "within"?',
    ),
    "tests-in-a-rule": (
        "E101",
        rule("‹tests› = []"),
        'unknown key "tests" in rule "r"',
        "a pair belongs to the table above it: give `tests` a header of its own, [[tests]]",
    ),
    "name-of-a-test-as-a-number": (
        "E104",
        a_test("name = ‹1›"),
        "`name` must be text, not a number",
        'write name = "1"',
    ),
    "name-of-a-test-over-lines": (
        "E122",
        a_test('name = ‹"a\\nb"›'),
        '"a\\nb" is not a name',
        "a name has 1 to 100 characters, no line breaks, and no space at either end",
    ),
    "expect-as-a-table": (
        "E104",
        a_test('expect = ‹{ at = "5m" }›'),
        "`expect` must be a list, not a table",
        "write expect = [{ at = 22:15:00, device = …, set = { on = true } }]",
    ),
    "events-as-text": (
        "E104",
        a_test('events = ‹"porch on"›'),
        "`events` must be a list, not text",
        "write events = [{ at = 22:15:00, device = …, set = { on = true } }]",
    ),
    "start-as-a-word": (
        "E104",
        a_test('start.porch = ‹"on"›'),
        "`porch` must be a table, not text",
        "write start.porch = { on = true }",
    ),
    "event-without-a-setting": (
        "E103",
        a_test('events = [‹{ at = "5m", device = "porch" }›]'),
        "`events` has no `set`",
        "add set = { on = true }",
    ),
    "event-without-an-instant": (
        "E103",
        a_test('events = [‹{ device = "porch", set = { on = true } }›]'),
        "`events` has no `at`",
        "add at = 23:30:00",
    ),
    "event-that-sets-nothing": (
        "E109",
        a_test('events = [{ at = "5m", device = "porch", set = ‹{}› }]'),
        "`set` is empty",
        "write, say, set = { on = true }",
    ),
    "start-of-nothing": (
        "E109",
        a_test("start.porch = ‹{}›"),
        "`start.porch` is empty",
        "write, say, start.porch = { on = true }",
    ),
    "end-in-white-and-colour": (
        "E118",
        a_test("end.porch = { color_temp = 2700, ‹hue› = 5 }"),
        "`hue` and `color_temp` exclude each other",
        "a lamp shows white or a colour; leave one of them out",
    ),
    "for-and-until": (
        "E118",
        a_test('for = "2h"\n‹until› = 12:00:00'),
        "`for` and `until` exclude each other",
        "leave one of them out",
    ),
    # ------------------------------------------------------------ what is expected
    "expected-nothing-at-an-instant": (
        "E103",
        a_test('expect = [‹{ at = "5m", device = "porch" }›]'),
        "this does not say what is expected",
        "add set = { on = true }, or notify, or withheld",
    ),
    "expected-a-setting-of-no-device": (
        "E103",
        a_test('expect = [‹{ at = "5m", set = { on = true } }›]'),
        "`expect` has no `device`",
        'add device = "tv"',
    ),
    "expected-two-things-at-once": (
        "E118",
        a_test('expect = [{ at = "5m", device = "porch", set = { on = true }, ‹notify› = "x" }]'),
        "`notify` and `set` exclude each other",
        "expect one after the other, in braces of its own",
    ),
    "expected-a-toggle": (
        "E119",
        a_test('expect = [{ at = "5m", device = "porch", set = { ‹toggle› = true } }]'),
        "`toggle` means nothing in what is expected",
        "say what it comes to: set = { on = true }",
    ),
    "expected-a-notice-of-a-device": (
        "E119",
        a_test('expect = [{ at = "5m", ‹device› = "porch", notify = "x" }]'),
        "`device` means nothing beside `notify`",
        "people are told once, for all devices; leave it out",
    ),
    "expected-withheld-by-a-rule": (
        "E119",
        a_test('expect = [{ at = "5m", withheld = "r", ‹rule› = "r" }]'),
        "`rule` means nothing beside `withheld`",
        "`withheld` names the rule; leave it out",
    ),
    "expected-withheld-as-yes": (
        "E104",
        a_test('expect = [{ at = "5m", withheld = ‹true› }]'),
        "`withheld` must be text, not true",
        'name the rule: withheld = "porch-off"',
    ),
    "expected-within-days": (
        "E106",
        a_test('expect = [{ at = "5m", withheld = "r", within = ‹"25h"› }]'),
        'within "25h" is outside its limits: 24 hours at most',
        'did you mean "25m"?',
    ),
    # ------------------------------------------------------------ power
    "power-as-text": (
        "E104",
        a_test('power.washer = ‹"400 W"›'),
        "`power.washer` must be a number of watts or a list of points, not text",
        'write power.washer = 400, or [["0s", 400], ["40m", 3]]',
    ),
    "power-of-no-point": (
        "E109",
        a_test("power.washer = ‹[]›"),
        "`power.washer` is empty",
        'write power.washer = 400, or [["0s", 400], ["40m", 3]]',
    ),
    "power-below-nothing": (
        "E106",
        a_test("power.washer = ‹-4›"),
        "a load of -4 W is outside its limits: 0 to 100000 watts",
        "",
    ),
    "power-that-is-no-number": (
        "E106",
        a_test('power.washer = [["0s", ‹nan›]]'),
        "a load of nan W is outside its limits: 0 to 100000 watts",
        "",
    ),
    "point-as-a-number": (
        "E104",
        a_test("power.washer = [‹400›, 3]").replace(", 3]", "]"),
        "each point of `power.washer` is a time and a number of watts, not a number",
        'write, say, ["40m", 3]',
    ),
    "point-of-three": (
        "E104",
        a_test('power.washer = [‹["0s", 400, 3]›]'),
        "each point of `power.washer` is a time and a number of watts, not 3 of them",
        'write, say, ["40m", 3]',
    ),
    "point-with-words-for-a-time": (
        "E108",
        a_test('power.washer = [[‹"40 min"›, 400]]'),
        'the time of a point is a time, or a duration after the beginning, not "40 min"',
        'write "40m"',
    ),
    "point-with-text-for-watts": (
        "E104",
        a_test('power.washer = [["0s", ‹"400"›]]'),
        "the load at a point must be a number of watts, not text",
        "",
    ),
    "points-out-of-order": (
        "E123",
        a_test('power.washer = [["0s", 400], [10:40:00, 3], [‹"20m"›, 2]]'),
        'the point at "20m" does not come after the one at 10:40:00',
        "points go forward in time",
    ),
    # ------------------------------------------------------------ time
    "instant-in-words": (
        "E108",
        a_test('events = [{ at = ‹"soon"›, device = "porch", set = { on = true } }]'),
        '"soon" is neither a time nor a duration after the beginning',
        'write a time (at = 22:15:00), or, say, "15m" after the beginning',
    ),
    "instant-as-text": (
        "E108",
        a_test('expect = [{ at = ‹"10:40"›, withheld = "r" }]'),
        '"10:40" is neither a time nor a duration after the beginning',
        "write at = 10:40:00, without quotes",
    ),
    "instant-before-the-beginning": (
        "E108",
        a_test('expect = [{ at = ‹"-5m"›, withheld = "r" }]'),
        '"-5m" is neither a time nor a duration after the beginning',
        "nothing can lie before the beginning",
    ),
    "instant-as-a-number": (
        "E108",
        a_test('expect = [{ at = ‹40›, withheld = "r" }]'),
        "`at` must be a time, or a duration after the beginning, not a number",
        'write a time (at = 22:15:00), or, say, "15m" after the beginning',
    ),
    "instant-without-a-time": (
        "E108",
        a_test('expect = [{ at = ‹2026-11-02›, withheld = "r" }]'),
        "`at` must be a time, or a duration after the beginning, not a date without a time",
        "add the time: at = 2026-11-02T16:00:00",
    ),
    "instant-with-a-fraction": (
        "E108",
        a_test('expect = [{ at = ‹10:40:00.5›, withheld = "r" }]'),
        "`at` is kept to the second",
        "write 10:40:00",
    ),
    "until-as-a-length": (
        "E108",
        a_test('until = ‹"2h"›'),
        "`until` must be a time, with or without a date, not text",
        'for a length, write for = "2h"',
    ),
    "beginning-without-a-date": (
        "E108",
        a_test("from = ‹10:00:00›"),
        "`from` must be a date with a time, not a time",
        "add the date: 2026-12-24T10:00:00",
    ),
    "beginning-in-another-age": (
        "E106",
        a_test("from = ‹0001-01-01T00:00:00›"),
        "the year must be from 1900 to 2200",
        "",
    ),
    "test-of-a-year": (
        "E106",
        a_test('for = ‹"8760h"›'),
        'for "8760h" is outside its limits: 1 second to 31 days',
        "",
    ),
    "test-until-next-year": (
        "E106",
        a_test("until = ‹2027-11-02T10:00:00›"),
        "the test is longer than 31 days",
        "",
    ),
    "test-that-ends-before-it-begins": (
        "E123",
        a_test("until = ‹2026-11-02T09:00:00›"),
        "the test ends before it begins, at 2026-11-02 10:00:00",
        "a test over midnight needs the date: until = 2026-11-03T06:00:00",
    ),
    "event-after-the-end": (
        "E106",
        a_test('events = [{ at = ‹"3h"›, device = "porch", set = { on = true } }]'),
        '"3h" lies outside the test',
        "it runs from 2026-11-02 10:00:00 to 2026-11-02 12:00:00",
    ),
    "expected-before-the-beginning": (
        "E106",
        a_test('expect = [{ at = ‹09:59:59›, withheld = "r" }]'),
        "09:59:59 lies outside the test",
        "it runs from 2026-11-02 10:00:00 to 2026-11-02 12:00:00",
    ),
    "expected-at-another-date": (
        "E106",
        a_test('expect = [{ at = ‹9999-12-31T23:59:59›, withheld = "r" }]'),
        "9999-12-31 23:59:59 lies outside the test",
        "it runs from 2026-11-02 10:00:00 to 2026-11-02 12:00:00",
    ),
    "point-after-the-end": (
        "E106",
        a_test('power.washer = [["0s", 400], [‹"99999999999h"›, 3]]'),
        '"99999999999h" lies outside the test',
        "it runs from 2026-11-02 10:00:00 to 2026-11-02 12:00:00",
    ),
    # ------------------------------------------------------------ names
    "test-twice": (
        "E110",
        a_test("") + '[[tests]]\nname = ‹"done"›\nfrom = 2026-11-02T10:00:00\nfor = "2h"\nexpect = []\n',
        'test "done" is defined twice; first at broken.toml:18:8',
        "give one of them another name",
    ),
    "unknown-device-at-the-start": (
        "E111",
        a_test("start.‹prch› = { on = true }"),
        'unknown device or group "prch", did you mean "porch"?',
        'did you mean "porch"?',
    ),
    "unknown-device-at-the-end": (
        "E111",
        a_test("end.‹cellar› = { on = true }"),
        'unknown device or group "cellar"',
        "defined: outside, porch, washer",
    ),
    "group-with-a-meter": (
        "E111",
        a_test("power.‹outside› = 400"),
        '"outside" is a group, and one device belongs here',
        "name one device",
    ),
    "unknown-device-in-an-event": (
        "E111",
        a_test('events = [{ at = "5m", device = ‹"prch"›, set = { on = true } }]'),
        'unknown device or group "prch", did you mean "porch"?',
        'did you mean "porch"?',
    ),
    "unknown-device-to-look-at": (
        "E111",
        a_test('devices = [‹"prch"›]'),
        'unknown device or group "prch", did you mean "porch"?',
        'did you mean "porch"?',
    ),
    "device-to-look-at-twice": (
        "E110",
        a_test('devices = ["porch", ‹"porch"›]'),
        '"porch" stands here twice',
        "leave it out",
    ),
    "unknown-rule-to-look-at": (
        "E111",
        a_test('rules = [‹"dusk"›]'),
        'unknown rule "dusk"',
        "defined: r",
    ),
    "unknown-rule-that-is-withheld": (
        "E111",
        a_test('expect = [{ at = "5m", withheld = ‹"rr"› }]'),
        'unknown rule "rr", did you mean "r"?',
        'did you mean "r"?',
    ),
    "unknown-rule-that-sets": (
        "E111",
        a_test('expect = [{ at = "5m", device = "porch", set = { on = true }, rule = ‹"dusk"› }]'),
        'unknown rule "dusk"',
        "defined: r",
    ),
}
