"""`test` as it is run: what it prints in each format, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tapo_automate.cli import group
from tapo_automate.cli import options as options_module

HOUSE = """\
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[rules.off]
devices = ["porch"]
when.time = { at = 23:30:00 }
set = { on = false }
"""
SPAN = 'from = 2026-11-02T23:00:00\nfor = "50m"\n'
CLAIM = 'expect = [{ at = 23:30:00, device = "porch", set.on = false }]\n'
HOLDS = f'[[tests]]\nname = "off at night"\n{SPAN}{CLAIM}'
FAILS = f'[[tests]]\nname = "on, at <night> & 100 %"\n{SPAN}{CLAIM}'.replace("false", "true")


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAPO_AUTOMATE_RULES", raising=False)
    monkeypatch.setattr(options_module, "installed_drivers", lambda: ["tapo-bulb", "tapo-plug"])
    (tmp_path / "rules.toml").write_text(HOUSE + HOLDS)
    (tmp_path / "failing.toml").write_text(HOUSE + HOLDS + FAILS)
    (tmp_path / "none.toml").write_text(HOUSE)
    (tmp_path / "broken.toml").write_text(HOUSE.replace("false", '"off"') + HOLDS)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["test", *words])


def test_tests_that_pass() -> None:
    result = run()
    assert (result.exit_code, result.output) == (0, "ok    off at night\n1 test, none failed\n")


def test_a_test_that_fails_is_shown_with_what_came_instead_and_exit_code_1() -> None:
    result = run("-r", "failing.toml")
    assert (result.exit_code, result.output) == (
        1,
        "ok    off at night\n"
        "FAIL  on, at <night> & 100 %  (failing.toml:15)\n"
        "      23:30:00  expected porch: on\n"
        "                     got porch: off by off (failing.toml:6) at 23:30:00\n"
        "2 tests, 1 failed\n",
    )


def test_some_tests_by_name_in_the_order_of_the_file() -> None:
    assert run("-r", "failing.toml", "off at night").output == "ok    off at night\n1 test, none failed\n"
    both = run("-r", "failing.toml", "on, at <night> & 100 %", "off at night").output
    assert both.startswith("ok    off at night\nFAIL")


def test_tests_of_several_files_make_one_list(house: Path) -> None:
    (house / "tests.toml").write_text(FAILS)
    result = run("-r", "rules.toml", "-r", "tests.toml")
    assert result.exit_code == 1
    assert "FAIL  on, at <night> & 100 %  (tests.toml:1)\n" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-r", "failing.toml", "off at nihgt"], 'unknown test "off at nihgt", did you mean "off at night"?'),
        (["-r", "failing.toml", "x"], 'unknown test "x"; the first is "off at night"'),
        (["-r", "none.toml", "x"], 'unknown test "x"; there are none'),
    ],
)
def test_a_test_that_does_not_exist_is_wrong_use(words: list[str], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_book_without_tests_says_so_and_is_well() -> None:
    result = run("-r", "none.toml")
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "",
        "none.toml: no tests; a [[tests]] table says what the rules should do\n",
    )


def test_broken_rules_are_reported_with_exit_code_2() -> None:
    result = run("-r", "broken.toml")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "broken.toml:9:14: `on` must be true or false, not text [E104]" in result.stderr


def test_json() -> None:
    result = run("-r", "failing.toml", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False,
        "tests": [
            {"name": "off at night", "file": "failing.toml", "line": 10, "passed": True, "mismatches": []},
            {
                "name": "on, at <night> & 100 %",
                "file": "failing.toml",
                "line": 15,
                "passed": False,
                "mismatches": [
                    {
                        "at": "23:30:00",
                        "expected": "porch: on",
                        "got": "porch: off by off (failing.toml:6) at 23:30:00",
                    }
                ],
            },
        ],
    }
    assert json.loads(run("-r", "none.toml", "--format", "json").stdout) == {"ok": True, "tests": []}


def test_github_prints_an_annotation_for_each_test_that_fails() -> None:
    result = run("-r", "failing.toml", "--format", "github")
    assert (result.exit_code, result.stdout) == (
        1,
        "::error file=failing.toml,line=15,title=on%2C at <night> & 100 %25::23:30:00  expected porch: on%0A"
        "               got porch: off by off (failing.toml:6) at 23:30:00\n",
    )
    assert run("--format", "github").stdout == ""


def test_junit_is_xml_that_can_be_read(house: Path) -> None:
    (house / "more.toml").write_text(FAILS.replace("<night>", "\ufffe"))
    result = run("-r", "failing.toml", "-r", "more.toml", "--format", "junit")
    assert result.exit_code == 1
    root = ElementTree.fromstring(result.stdout.encode())
    assert root.attrib == {"name": "rules", "tests": "3", "failures": "2"}
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("failing.toml", "2", "1"),
        ("more.toml", "1", "1"),
    ]
    good, bad, strange = root.iter("testcase")
    assert (good.get("name"), good.get("file"), good.get("line"), list(good)) == (
        "off at night",
        "failing.toml",
        "10",
        [],
    )
    assert bad.get("name") == "on, at <night> & 100 %"
    [failure] = bad
    assert failure.get("message") == "23:30:00: expected porch: on, got porch: off by off (failing.toml:6) at 23:30:00"
    assert failure.text == (
        "23:30:00  expected porch: on\n               got porch: off by off (failing.toml:6) at 23:30:00"
    )
    assert strange.get("name") == "on, at � & 100 %"
    assert ElementTree.fromstring(run("-r", "none.toml", "--format", "junit").stdout).attrib["tests"] == "0"


def test_of_many_mismatches_the_first_are_shown(house: Path) -> None:
    every = HOUSE.replace("time = { at = 23:30:00 }", 'every = { interval = "1m" }')
    (house / "many.toml").write_text(every + f'[[tests]]\nname = "quiet"\n{SPAN}expect = []\n')
    result = run("-r", "many.toml")
    assert result.output.count(" expected nothing\n") == 20
    assert result.output.endswith("      and 31 more\n1 test, 1 failed\n")


def test_a_terminal_gets_colours_unless_it_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m" in CliRunner().invoke(group, ["test"], color=True).output
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(group, ["test"], color=True).output
