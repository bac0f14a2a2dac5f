"""`check` and `schema` as they are run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from rules.broken_files import CASES, MODULES
from tapo_automate.cli import group
from tapo_automate.cli import options as options_module
from tapo_automate.cli.options import load_book
from tapo_automate.errors import ConfigError

SOUND = """\
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[rules.off]
devices = ["porch"]
when.time = { at = 23:30:00, days = ["tue"] }
set = { on = false }
"""
BROKEN = SOUND.replace('"tue"', '"tus"').replace("false", '"off"')
WARNED = SOUND.partition("[rules.off]")[0] + '[devices.hall]\ndriver = "tapo-plug"\nmac = "48-22-54-AA-BB-CC"\n'


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAPO_AUTOMATE_RULES", raising=False)
    monkeypatch.setattr("tapo_automate.cli.check.installed_drivers", lambda: ["tapo-bulb", "tapo-plug"])
    monkeypatch.setattr(options_module, "installed_drivers", lambda: ["tapo-bulb", "tapo-plug"])
    for name, text in {"rules": SOUND, "broken": BROKEN, "warned": WARNED}.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["check", *words])


def test_a_sound_file_is_one_line_and_exit_code_0() -> None:
    result = run()
    assert (result.exit_code, result.output) == (
        0,
        "rules.toml: 1 rule for 1 device, no errors, no warnings\n",
    )


def test_a_broken_file_shows_every_error_and_exit_code_1() -> None:
    result = run("broken.toml")
    assert result.exit_code == 1
    assert result.output == (
        'broken.toml:8:38: unknown weekday "tus", did you mean "tue"? [E102]\n'
        '    when.time = { at = 23:30:00, days = ["tus"] }\n'
        "                                         ^^^^^\n"
        "broken.toml:9:14: `on` must be true or false, not text [E104]\n"
        '    set = { on = "off" }\n'
        "                 ^^^^^\n"
        "    hint: write on = false\n"
        "broken.toml: 2 errors, no warnings\n"
    )


def test_a_warning_is_not_an_error() -> None:
    result = run("-r", "warned.toml")
    assert result.exit_code == 0
    assert result.output.startswith("warned.toml:1:1: warning: there is no rule here yet [W206]")
    assert result.output.endswith("warned.toml: no rules for 2 devices, no errors, 1 warning\n")


def test_json_is_what_the_page_says() -> None:
    result = run("--format", "json", "broken.toml")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "ok": False,
        "errors": [
            {
                "code": "E102",
                "message": 'unknown weekday "tus", did you mean "tue"?',
                "file": "broken.toml",
                "line": 8,
                "column": 38,
                "hint": 'did you mean "tue"?',
            },
            {
                "code": "E104",
                "message": "`on` must be true or false, not text",
                "file": "broken.toml",
                "line": 9,
                "column": 14,
                "hint": "write on = false",
            },
        ],
        "warnings": [],
    }
    assert json.loads(run("--format", "json").output) == {"ok": True, "errors": [], "warnings": []}
    assert [problem["code"] for problem in json.loads(run("--format=json", "warned.toml").output)["warnings"]] == [
        "W206"
    ]


def test_github_prints_annotations_and_nothing_else() -> None:
    result = run("--format", "github", "broken.toml")
    assert result.exit_code == 1
    assert result.output == (
        "::error file=broken.toml,line=8,col=38,endColumn=43,title=E102::"
        'unknown weekday "tus", did you mean "tue"?\n'
        "::error file=broken.toml,line=9,col=14,endColumn=19,title=E104::"
        "`on` must be true or false, not text%0Ahint: write on = false\n"
    )


def test_paths_come_from_the_command_the_environment_or_are_rules_toml(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house / "more").mkdir()
    (house / "more" / "a.toml").write_text(SOUND.split("[rules")[0])
    (house / "more" / "b.toml").write_text("[rules" + SOUND.split("[rules")[1])
    monkeypatch.setenv("TAPO_AUTOMATE_RULES", os.pathsep.join(["more/a.toml", "more/b.toml"]))
    assert run().output == "2 files: 1 rule for 1 device, no errors, no warnings\n"
    assert run("rules.toml").output == "rules.toml: 1 rule for 1 device, no errors, no warnings\n"
    assert run("-r", "rules.toml").output == "rules.toml: 1 rule for 1 device, no errors, no warnings\n"
    assert run("-r", "more/a.toml", "more/b.toml").output.startswith("2 files: 1 rule for 1 device")
    assert run("more").output == "2 files: 1 rule for 1 device, no errors, no warnings\n"


def in_a_process(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tapo_automate", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (["check", "none.toml"], "tapo-automate: none.toml: there is no such file\n"),
        (["check", "-r", "."], ""),
        (["check", "latin.toml"], "tapo-automate: latin.toml: not UTF-8 text (byte 1); save it as UTF-8\n"),
    ],
)
def test_what_cannot_be_read_is_one_line_on_stderr_and_exit_code_2(house: Path, words: list[str], stderr: str) -> None:
    (house / "latin.toml").write_bytes(b"\xfc")
    if words[-1] == ".":
        (house / "empty").mkdir()
        words, stderr = ["check", "empty"], "tapo-automate: empty: a folder without a .toml file in it\n"
    done = in_a_process(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", stderr)


def test_a_wrong_format_is_one_line_and_exit_code_2() -> None:
    done = in_a_process("check", "--format", "xml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_terminal_gets_colours_and_a_pipe_does_not() -> None:
    coloured = CliRunner().invoke(group, ["check", "broken.toml"], color=True)
    assert "\x1b[31m" in coloured.output
    assert "\x1b[" not in run("broken.toml").output


def test_no_color_is_honoured_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = CliRunner().invoke(group, ["check", "broken.toml"], color=True)
    assert "\x1b[" not in coloured.output


def test_schema_prints_the_schema() -> None:
    result = CliRunner().invoke(group, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.output)["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_other_commands_get_the_book_or_stop_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(load_book(["rules.toml"]).rules) == ["off"]
    with pytest.raises(SystemExit) as stopped:
        load_book(["broken.toml"])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith('tapo-automate: 2 errors in the rules\nbroken.toml:8:38: unknown weekday "tus"')
    with pytest.raises(ConfigError):
        load_book(["none.toml"])


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.removeprefix("rules."))
def test_every_broken_file_is_told_its_fault_and_is_never_a_traceback(house: Path, module: ModuleType) -> None:
    for name in module.FAULTS:
        broken = CASES[name]
        (house / "broken.toml").write_text(broken.text)
        result = run("broken.toml")
        assert result.exit_code == 1, name
        assert isinstance(result.exception, SystemExit), name
        *lines, last = result.output.splitlines()
        assert f"broken.toml:{broken.line}:{broken.column}: {broken.message} [{broken.code}]" in lines, name
        assert last.startswith("broken.toml: 1 error, "), name
