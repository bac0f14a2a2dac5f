"""What is left of rule files that are broken in parts: all that is sound, and nothing that was meant otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.broken_files import CASES, Broken
from rules.test_load_mutations import BITS
from tapo_automate.errors import ConfigError
from tapo_automate.rules.load import load, load_text
from tapo_automate.rules.model import Rule, Source
from tapo_automate.rules.salvage import Salvaged, salvage

DRIVERS = ["tapo-plug", "tapo-bulb"]
EXAMPLE = (Path(__file__).parents[2] / "rules.example.toml").read_text()
SITE = '[site]\ntimezone = "Europe/Berlin"\n'
PORCH = '[devices.porch]\ndriver = "tapo-bulb"\nhost = "192.168.1.33"\n'
LOUNGE = '[devices.lounge]\ndriver = "tapo-bulb"\nhost = "192.168.1.34"\n'
OFF = '[rules.off]\ndevices = ["porch"]\nwhen.time = { at = 23:30:00 }\nset = { on = false }\n'
SOUND = OFF.replace("rules.off", "rules.sound").replace("porch", "washer")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(text: str) -> Salvaged:
    Path("rules.toml").write_text(text)
    return salvage(["rules.toml"], drivers=DRIVERS)


def rules_of(salvaged: Salvaged) -> list[str]:
    return sorted(salvaged.book.rules) if salvaged.book else []


# What takes more with it than itself: without a time zone there are no wall times, and of another schema who knows?
TAKES_ALL = {
    name
    for name, broken in CASES.items()
    if broken.code in ("E117", "E124") or broken.line <= 4 or name == "group-named-as-a-device"
}


KEEPS_MORE = {"failsafe-on-a-countdown-that-another-rule-starts": ["later"]}  # what turns nothing on


@pytest.mark.parametrize("name", CASES)
def test_a_sound_rule_survives_whatever_else_is_broken(name: str, here: Path) -> None:
    broken = CASES[name]
    salvaged = saved(broken.text + "\n" + SOUND)
    only_tests = re.search(r"^\[+tests", broken.text, re.MULTILINE)
    more = ["r"] if only_tests else KEEPS_MORE.get(name, [])
    assert rules_of(salvaged) == ([] if name in TAKES_ALL else [*more, "sound"])
    assert not salvaged.book or not salvaged.book.tests
    assert broken.code in {problem.code for problem in salvaged.problems}, "every problem stays"


def test_few_faults_take_all() -> None:
    assert len(TAKES_ALL) <= 8


def test_a_sound_book_is_left_as_it_is(here: Path) -> None:
    salvaged = saved(EXAMPLE)
    assert (salvaged.book, salvaged.dropped) == (load_text(EXAMPLE).book, ())


def test_every_part_that_is_left_out_is_named_with_its_place_and_reason(here: Path) -> None:
    tv = OFF.replace("rules.off", "rules.tv").replace("set =", "only_if.device.tv = { on = true }\nset =")
    salvaged = saved(
        SITE + PORCH + LOUNGE + '[devices.tv]\ndriver = "tapo-plgu"\nhost = "192.168.1.35"\n'
        '[groups]\nlamps = ["porch", "lounge", "tv"]\nmedia = ["tv"]\n'
        + OFF.replace('"porch"', '"lamps"')
        + tv
        + OFF.replace("rules.off", "rules.night").replace('"porch"', '"media"')
        + "[rules.typo]\nenabld = true\n"
    )
    assert [str(each) for each in salvaged.dropped] == [
        'rules.toml:10: device tv is left out: unknown driver "tapo-plgu", did you mean "tapo-plug"?',
        'rules.toml:14: group media is left out: the device "tv" is left out',
        'rules.toml:22: rule tv is left out: the device "tv" is left out',
        'rules.toml:25: rule night is left out: the group "media" is left out',
        'rules.toml:29: rule typo is left out: unknown key "enabld" in rule "typo", did you mean "enabled"?',
    ]
    assert salvaged.book
    assert salvaged.book.groups == {"lamps": ("porch", "lounge")}
    assert {name: rule.device_ids for name, rule in salvaged.book.rules.items()} == {"off": ("porch", "lounge")}


def test_a_rule_for_several_devices_goes_on_for_those_that_are_sound(here: Path) -> None:
    text = SITE + PORCH + LOUNGE.replace('"192.168.1.34"', '"192.168.1.340"')
    lounge_off = OFF.replace("rules.off", "rules.lounge-off").replace("porch", "lounge")
    salvaged = saved(text + OFF.replace('["porch"]', '["lounge", "porch"]') + lounge_off)
    assert salvaged.book
    assert {name: rule.device_ids for name, rule in salvaged.book.rules.items()} == {"off": ("porch",)}
    assert [each.kind for each in salvaged.dropped] == ["device", "rule"]


# A condition, or whatever else, that could not be read: without it the rule would do what nobody asked for.
TORN = {
    "a header of its own": OFF + '[rules.off.only_if\ndays = ["mon"]\n',
    "a header that is no table": OFF + '[rules.off.only if]\ndays = ["mon"]\n',
    "a list of tables": OFF.replace("set = ", "enabled = true #") + "[[rules.off.steps]\nset.on = true\n",
    "a pair beneath [rules]": "[rules]\noff.devices = ['porch']\noff.when.sunset = {}\noff.set.on = true\n"
    "off.only_if.days = [mon]\n",
    "a list over several lines": "[rules]\noff.devices = ['porch']\noff.when.sunset = {}\noff.set.on = true\n"
    "off.only_if.days = [\n  'mon'\n  'tue'\n]\n",
    "a key of a dotted header": OFF + '[rules."off".only_if]\ndays = ["mon" "tue"]\n',
    "twice": OFF + OFF.replace("23:30:00", "22:30:00"),
}


@pytest.mark.parametrize("how", TORN)
def test_a_rule_of_which_a_part_is_lost_does_not_fire_without_it(how: str, here: Path) -> None:
    head = SITE.replace("]", "]\nlatitude = 1\nlongitude = 1", 1) + PORCH + PORCH.replace("porch", "washer")
    salvaged = saved(head + TORN[how])
    assert "off" not in rules_of(salvaged)
    assert salvaged.dropped


def test_a_broken_test_takes_the_other_tests_of_its_file_with_it_and_no_rule(here: Path) -> None:
    sound = '[[tests]]\nname = "a"\nfrom = 2026-11-02T22:00:00\nfor = "2h"\nexpect = []\n'
    (here / "a.toml").write_text(SITE + PORCH + OFF + sound)
    (here / "b.toml").write_text(sound.replace('"a"', '"b"') + sound.replace('"a"', '"c"').replace("2h", "2 h"))
    salvaged = salvage(["."], drivers=DRIVERS)
    assert [str(each) for each in salvaged.dropped] == ['b.toml:9: test c is left out: "2 h" is not a duration']
    assert rules_of(salvaged) == ["off"]
    assert salvaged.book
    assert [test.name for test in salvaged.book.tests] == ["a"]


def test_what_is_defined_twice_otherwise_is_left_out_both_times(here: Path) -> None:
    (here / "a.toml").write_text(SITE + PORCH + LOUNGE + OFF)
    of_lounge = OFF.replace("porch", "lounge")
    (here / "b.toml").write_text(PORCH.replace(".33", ".99") + of_lounge + of_lounge.replace("rules.off", "rules.on"))
    salvaged = salvage(["."], drivers=DRIVERS)
    assert rules_of(salvaged) == ["on"]
    assert [(each.kind, each.name, each.file) for each in salvaged.dropped] == [
        ("device", "porch", "a.toml"),
        ("rule", "off", "a.toml"),
        ("device", "porch", "b.toml"),
        ("rule", "off", "b.toml"),
    ]


def test_what_is_written_twice_alike_is_kept(here: Path) -> None:
    (here / "a.toml").write_text(SITE + PORCH + OFF)
    (here / "b.toml").write_text(PORCH)
    salvaged = salvage(["."], drivers=DRIVERS)
    assert (rules_of(salvaged), salvaged.dropped) == (["off"], ())
    assert [problem.code for problem in salvaged.problems] == ["E110"]


@pytest.mark.parametrize(
    ("junk", "why"),
    [
        (b"\x00\x01 not \x02 rules", "neither a table nor key = value"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8 text (byte 5); save it as UTF-8"),
        (b"{\n}\n" * 30, "neither a table nor key = value"),
        (b"x = " + b"[" * 3000, "lists or tables lie too deep inside one another"),
        (b"schema = 2\n[rules.later]\n", "this program knows schema 1, not 2"),
    ],
)
def test_a_file_that_is_no_rule_file_is_left_out_where_there_are_others(junk: bytes, why: str, here: Path) -> None:
    (here / "a.toml").write_text(SITE + PORCH + OFF)
    (here / "b.toml").write_bytes(junk)
    salvaged = salvage(["."], drivers=DRIVERS)
    assert rules_of(salvaged) == ["off"]
    assert [(each.kind, each.name, each.reason) for each in salvaged.dropped][:1] == [("file", "b.toml", why)]
    assert {problem.file for problem in salvaged.problems} == {"b.toml"}


def test_what_cannot_be_read_at_all_is_wrong_use(here: Path) -> None:
    (here / "latin.toml").write_bytes(b"\xfc")
    with pytest.raises(ConfigError, match=r"^latin\.toml: not UTF-8 text \(byte 1\); save it as UTF-8$"):
        salvage(["latin.toml"])
    with pytest.raises(ConfigError, match=r"^none\.toml: there is no such file$"):
        salvage(["none.toml"])


@pytest.mark.parametrize(
    "site", ["", SITE.replace("Berlin", "Berln"), SITE.replace("[site]", "[site"), SITE + "latitude = 5\n"]
)
def test_without_a_sound_site_there_is_no_book(site: str, here: Path) -> None:
    salvaged = saved(site + PORCH + OFF)
    assert salvaged.book is None
    assert salvaged.problems


def test_where_nothing_is_left_there_is_no_book(here: Path) -> None:
    salvaged = saved(SITE + PORCH + OFF.replace("on = false", "on = 0"))
    assert salvaged.book is None
    assert [each.name for each in salvaged.dropped] == ["off"]


def test_an_unreadable_rule_among_many_costs_little(here: Path) -> None:
    many = "".join(OFF.replace(".off", f".off-{number}") for number in range(3_000))
    salvaged = saved(SITE + PORCH + many + "[rules.last]\nenabld = 1\nx = 3m\n")
    assert salvaged.book
    assert len(salvaged.book.rules) == 3_000


# --- Any mistake at all ------------------------------------------------------------------------------------------

LINES = EXAMPLE.split("\n")
HEADS = [number for number, line in enumerate(LINES) if line.startswith("[")] + [len(LINES)]
BLOCKS = {number: LINES[number:end] for number, end in pairwise(HEADS)}
WHOLE = load_text(EXAMPLE).book


def alike(one: Rule, other: Rule) -> bool:
    """Whether two rules are one, but for where they stand and which of its devices are left."""
    return replace(one, source=Source("", 0), device_ids=()) == replace(other, source=Source("", 0), device_ids=())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 9), st.sampled_from(BITS)), min_size=1, max_size=3)
)
def test_a_rule_that_nobody_touched_is_what_it_was_or_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, str]]
) -> None:
    text = EXAMPLE
    for at, removed, bit in changes:
        text = text[:at] + bit + text[at + removed :]
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(text.encode())
    salvaged = salvage([path], drivers=DRIVERS)
    strict = load([path], drivers=DRIVERS)
    assert salvaged.problems == strict.problems
    assert salvaged.book == strict.book or strict.book is None
    assert bool(salvaged.dropped) <= bool(strict.errors)
    assert WHOLE
    for name, rule in salvaged.book.rules.items() if salvaged.book else ():
        block = next((lines for lines in BLOCKS.values() if lines[0].startswith(f"[rules.{name}]")), None)
        if block and "\n".join(block) in text and text.count(f"rules.{name}") == 1 and name in WHOLE.rules:
            assert alike(rule, WHOLE.rules[name])


def test_the_corpus_is_one_of_single_files() -> None:
    assert all(isinstance(broken, Broken) and broken.text.endswith("\n") for broken in CASES.values())
