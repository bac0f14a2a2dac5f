"""Files and folders that make one book, what cannot be read, what is not carried out yet, and the time it takes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tapo_automate.errors import ConfigError, RulesInvalid
from tapo_automate.rules.load import load, load_or_raise, load_text
from tapo_automate.rules.problems import report
from tapo_automate.rules.support import not_carried_out

SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'
PORCH = '[devices.porch]\ndriver = "tapo-bulb"\nhost = "192.168.1.33"\n'
RULE = '[rules.off]\ndevices = ["porch"]\nwhen.time = { at = 23:30:00 }\nset = { on = false }\n'


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_one_book(here: Path) -> None:
    rules = here / "rules"
    (rules / "more").mkdir(parents=True)
    write(rules, b=PORCH, a=RULE, c=SITE)
    (rules / "readme.md").write_text("not a rule file")
    (rules / "more" / "no.toml").write_text("not read = ")
    loaded = load(["rules"])
    assert loaded.files == ("rules/a.toml", "rules/b.toml", "rules/c.toml")
    assert loaded.book
    assert str(loaded.book.rules["off"].source) == "rules/a.toml:1"


def test_a_file_that_is_named_twice_is_read_once(here: Path) -> None:
    write(here, a=SITE + PORCH + RULE)
    assert load(["a.toml", ".", "./a.toml"]).files == ("a.toml",)


def test_errors_of_all_files_come_together_in_the_order_of_the_files(here: Path) -> None:
    write(here, a=RULE.replace('"porch"', '"proch"'), b=SITE + PORCH + "[groups]\nx = []\n", c="[rules.y]\n= 3\n")
    found = [(problem.file, problem.line, problem.code) for problem in load(["c.toml", "a.toml", "b.toml"]).problems]
    assert found == [("c.toml", 2, "E100"), ("a.toml", 2, "E111"), ("b.toml", 9, "E109")]


def test_a_name_that_is_defined_twice_shows_both_places(here: Path) -> None:
    write(here, a=SITE + PORCH + RULE, b=PORCH + RULE + '[groups]\nlamps = ["porch"]\n', c=SITE)
    write(here, d='[devices.lamps]\ndriver = "tapo-bulb"\nhost = "x"\n')
    assert report(load(["."]).problems) == (
        'b.toml:1:10: device "porch" is defined twice; first at a.toml:5:10 [E110]\n'
        "    [devices.porch]\n"
        "             ^^^^^\n"
        "    hint: give one of them another name\n"
        'b.toml:4:8: rule "off" is defined twice; first at a.toml:8:8 [E110]\n'
        "    [rules.off]\n"
        "           ^^^\n"
        "    hint: give one of them another name\n"
        'b.toml:9:1: group "lamps" has the name of a device, defined at d.toml:1:10 [E110]\n'
        '    lamps = ["porch"]\n'
        "    ^^^^^\n"
        "    hint: give one of them another name\n"
        "c.toml:1:2: a second [site] table; the first is at a.toml:1:2 [E110]\n"
        "    [site]\n"
        "     ^^^^\n"
        "    hint: one book has one site; leave it out"
    )


def test_a_file_that_cannot_be_read_as_toml_does_not_make_its_names_unknown_elsewhere(here: Path) -> None:
    write(here, a=SITE + RULE, b=PORCH.replace("]", "", 1))
    assert [(problem.file, problem.code) for problem in load(["."]).problems] == [("b.toml", "E100")]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none.toml", "none.toml: there is no such file"),
        ("empty", "empty: a folder without a .toml file in it"),
        ("latin.toml", "latin.toml: not UTF-8 text (byte 6); save it as UTF-8"),
        ("a.toml/b.toml", "a.toml/b.toml: Not a directory"),
        ("loop.toml", "loop.toml: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read_is_one_line(here: Path, path: str, words: str) -> None:
    write(here, a=SITE)
    (here / "empty").mkdir()
    (here / "latin.toml").write_bytes("a = 'ü'".encode("latin-1"))
    (here / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(ConfigError) as caught:
        load([path])
    assert str(caught.value) == words


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_one_line(here: Path) -> None:
    write(here, a=SITE)
    (here / "a.toml").chmod(0)
    with pytest.raises(ConfigError, match=r"^a\.toml: Permission denied$"):
        load(["a.toml"])


def test_no_path_at_all_is_wrong_use() -> None:
    with pytest.raises(ConfigError, match=r"^no rule file was named$"):
        load([])


def test_load_or_raise_gives_the_book_or_the_report(here: Path) -> None:
    write(here, a=SITE + PORCH + RULE, b=SITE + PORCH + RULE + "enabld = true\n")
    assert list(load_or_raise(["a.toml"]).rules) == ["off"]
    with pytest.raises(RulesInvalid) as caught:
        load_or_raise(["b.toml"])
    assert str(caught.value) == (
        "1 error in the rules\n"
        'b.toml:12:1: unknown key "enabld" in rule "off", did you mean "enabled"? [E101]\n'
        "    enabld = true\n"
        "    ^^^^^^"
    )


def test_a_book_without_rules_is_a_warning() -> None:
    loaded = load_text(SITE + PORCH)
    assert loaded.book
    assert [(problem.code, problem.line) for problem in loaded.warnings] == [("W206", 1)]


def test_drivers_are_checked_only_when_they_are_known() -> None:
    assert load_text(SITE + PORCH + RULE).problems == ()
    assert [problem.hint for problem in load_text(SITE + PORCH + RULE, drivers=[]).errors] == ["installed: none"]


FIRED = {
    'when.countdown = { after = "1h", from = "apply" }\nset.on = true': (
        "the countdown runs in the device itself, once `sync apply` has started it"
    ),
    'executor = "device"\nwhen.time.at = 23:30:00\nset.on = true': None,  # the ledger says so at the firing
    'when.countdown = { after = "1h", from = "on" }\nset.on = true': None,
    'when.state = { device = "porch", turns = "on" }\nset.on = true': None,
    "when.away = { from = 19:00:00, until = 23:00:00 }": None,
    "when.time.at = 23:30:00\nset.on = true": None,
}


@pytest.mark.parametrize("body", FIRED)
def test_what_a_device_alone_can_do_is_kept_from_firing_and_no_rule_is_warned_about(body: str) -> None:
    loaded = load_text(SITE + PORCH + f'[rules.r]\n{body}\ndevices = ["porch"]\n')
    assert loaded.book
    assert loaded.problems == ()
    assert not_carried_out(loaded.book.rules["r"]) == FIRED[body]


@pytest.mark.parametrize("host", ["", 'host = "192.168.1.33"\n'])
def test_a_device_is_known_by_its_mac_with_and_without_a_host(host: str) -> None:
    known = f'{host}mac = "48:22:54:aa:bb:cc"'
    loaded = load_text(SITE + PORCH.replace('host = "192.168.1.33"', known) + RULE)
    assert loaded.problems == ()
    assert loaded.book
    porch = loaded.book.devices["porch"]
    assert (porch.host, porch.mac) == ("192.168.1.33" if host else "", "48-22-54-AA-BB-CC")


def test_a_sun_that_does_not_set_is_warned_about_without_giving_the_place_away() -> None:
    text = SITE.replace("Europe/Berlin", "Europe/Oslo").replace("52.52", "69.65").replace("13.405", "18.96")
    rule = RULE.replace("time = { at = 23:30:00 }", 'sunset = { days = ["mon", "tue", "wed"] }')
    loaded = load_text(text + PORCH + rule)
    (problem,) = loaded.problems
    assert loaded.book
    assert (problem.code, problem.line, problem.column) == ("W207", 10, 6)
    assert problem.message.startswith("the sun does not set here on ")
    assert problem.hint.startswith("about ")
    assert load_text(SITE + PORCH + rule).problems == ()


AGAIN = '[devices.again]\ndriver = "tapo-bulb"\n'


@pytest.mark.parametrize(
    ("porch", "again", "said"),
    [
        ('host = "192.168.1.33"', 'host = "192.168.1.33:80"', "address"),
        ('host = "porch.lan"', 'host = "Porch.LAN"', "address"),
        ('mac = "48:22:54:aa:bb:cc"', 'host = "192.168.1.33"\nmac = "482254AABBCC"', "MAC"),
        ('host = "192.168.1.33"', 'host = "192.168.1.33"\nmac = "48:22:54:aa:bb:cc"', "address"),
        ('host = "192.168.1.33"', 'host = "192.168.1.33:8080"', ""),
        ('host = "192.168.1.33"\nmac = "48:22:54:aa:bb:cc"', 'host = "192.168.1.33"\nmac = "48:22:54:aa:bb:cd"', ""),
        ('host = "192.168.1.33"', 'host = "192.168.1.33"\noptions = { channel = "2" }', ""),
    ],
)
def test_two_tables_for_one_device_are_warned_about(porch: str, again: str, said: str) -> None:
    loaded = load_text(SITE + PORCH.replace('host = "192.168.1.33"', porch) + AGAIN + again + "\n" + RULE)
    assert loaded.book
    assert [(each.code, each.message) for each in loaded.problems] == (
        [("W208", f'device "again" has the {said} of device "porch"')] if said else []
    )
    assert {each.hint for each in loaded.problems} <= {
        "a device keeps one session: name it once, and use that name everywhere"
    }
    assert all(again.splitlines()[0 if said == "address" else -1] in each.source_line for each in loaded.problems)


HUGE = SITE + PORCH + "".join(RULE.replace("off", f"off-{number}") for number in range(10_000))


def test_ten_thousand_rules_are_read_in_a_few_seconds() -> None:
    started = time.perf_counter()
    loaded = load_text(HUGE)
    assert loaded.book
    assert loaded.book.rules["off-9999"].source.line == 8 + 4 * 9999
    assert time.perf_counter() - started < 20  # two on an idle machine


def test_an_error_at_the_end_of_ten_thousand_rules_is_found_as_quickly() -> None:
    started = time.perf_counter()
    loaded = load_text(HUGE + "[rules.last]\nenabld = 1\nx = 3m\n")
    assert [(problem.code, problem.line) for problem in loaded.problems] == [("E101", 40009), ("E100", 40010)]
    assert time.perf_counter() - started < 40


@pytest.mark.parametrize("levels", [60, 3_000])
@pytest.mark.parametrize(("before", "each", "after"), [("[", "a.", "a]"), ("", "a.", "a = 1"), ("a = ", "[", "")])
def test_tables_in_tables_without_end_are_one_error(levels: int, before: str, each: str, after: str) -> None:
    closing = "]" * levels if each == "[" else ""
    [problem] = load_text(SITE + PORCH + RULE + before + each * levels + after + closing + "\n").problems
    assert (problem.code, problem.message) == ("E100", "lists or tables lie too deep inside one another")


def test_what_was_adopted_for_a_file_is_read_with_it_and_a_ledger_is_no_rule_file(here: Path) -> None:
    write(here, a=SITE + PORCH)
    (here / "a.adopted.toml").write_text(RULE)
    (here / "a.ledger.toml").write_text("version = 1\n")
    assert load(["a.toml"]).files == ("a.toml", "a.adopted.toml")
    assert load(["a.adopted.toml", "a.toml"]).files == ("a.adopted.toml", "a.toml")
    assert load(["."]).files == ("a.adopted.toml", "a.toml")
    with pytest.raises(ConfigError) as caught:
        load(["a.ledger.toml"])
    assert str(caught.value) == (
        "a.ledger.toml: the sync tool's own record, not rules; name the rule file that it stands beside"
    )


def test_a_folder_with_nothing_but_a_ledger_has_no_rules(here: Path) -> None:
    (here / "rules").mkdir()
    (here / "rules" / "tapo-automate.ledger.toml").write_text("")
    with pytest.raises(ConfigError, match=r"^rules: a folder without a \.toml file in it$"):
        load(["rules"])
