"""Whatever stands in a rule file: a place and a sentence, the right exit code, and never a traceback."""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli.terminal import tapo_automate
from rules.broken_files import CASES
from tapo_automate.cli import main

EXAMPLE = (Path(__file__).parents[2] / "rules.example.toml").read_bytes()
PLACE = re.compile(r"rules\.toml:(\d+):(\d+): (warning: )?\S.*\[[EW]\d{3}\]")
SUMMARY = re.compile(r"rules\.toml:( \d+ rules?| no rules) for (\d+|no) devices?, no errors|rules\.toml: \d+ errors?, ")
few = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def command(*words: str) -> Done:
    """Run the command line in this process, from `main` down, in the present folder."""
    out, err = io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", ["tapo-automate", *words]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


def check(text: bytes, *words: str) -> Done:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("rules.toml").write_bytes(text)
        return command("check", *words)


def well_said(done: Done, text: bytes) -> None:
    """The answer is one of three kinds, and each problem has a place that is in the file."""
    assert "Traceback" not in done.out + done.err
    if done.code == 2:
        assert re.fullmatch(r"tapo-automate: rules\.toml: not UTF-8 text \(byte \d+\); save it as UTF-8\n", done.err)
        assert done.out == ""
        return
    assert done.err == ""
    lines = text.decode().removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    problems = [match for line in done.out.split("\n") if (match := PLACE.match(line))]
    assert (done.code == 1) == any(not match[3] for match in problems)
    for match in problems:
        assert 1 <= int(match[1]) <= len(lines)
        assert 1 <= int(match[2]) <= len(lines[int(match[1]) - 1]) + 1
    assert SUMMARY.match(done.out.rstrip("\n").split("\n")[-1])


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder in which the rules are broken, and stay in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAPO_AUTOMATE_RULES", raising=False)
    (tmp_path / "rules.toml").write_text(CASES["capital-true"].text)
    return tmp_path


def test_every_broken_file_ends_with_1_and_names_the_place() -> None:
    assert len(CASES) >= 150
    for name, case in CASES.items():
        done = check(case.text.encode())
        well_said(done, case.text.encode())
        assert done.code == 1, name
        errors = [line for line in done.out.split("\n") if PLACE.match(line) and ": warning: " not in line]
        message = case.message.replace("broken.toml", "rules.toml")
        assert errors == [f"rules.toml:{case.line}:{case.column}: {message} [{case.code}]"]


@pytest.mark.parametrize("style", ["json", "github"])
def test_every_broken_file_is_named_to_programs_too(style: str) -> None:
    for name, case in list(CASES.items())[::5]:
        done = check(case.text.encode(), "--format", style)
        assert (done.code, done.err) == (1, ""), name
        if style == "json":
            [problem] = json.loads(done.out)["errors"]
            assert (problem["code"], problem["line"], problem["column"]) == (case.code, case.line, case.column)
        else:
            assert f"::error file=rules.toml,line={case.line},col={case.column}," in done.out


@few
@given(st.binary(max_size=400))
@example(b"")
@example(b"\0")
@example(b"\xff\xfe[\0s\0i\0t\0e\0]\0")
@example(b"\xef\xbb\xbf")
def test_arbitrary_bytes(text: bytes) -> None:
    well_said(check(text), text)


bits = st.sampled_from([b"\0", b"\xff", b"\xc3", b"\r", b"\xef\xbb\xbf", b'"""', b"[[", b"]", b"{", b"\x1b[31m", b"\n"])
wounds = st.lists(
    st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 60), bits | st.binary(max_size=5)), min_size=1, max_size=4
)


@few
@given(wounds)
def test_bytes_changed_at_random(wounds: list[tuple[int, int, bytes]]) -> None:
    text = EXAMPLE
    for at, removed, put in wounds:
        text = text[:at] + put + text[at + removed :]
    well_said(check(text), text)


@settings(few, max_examples=40)
@given(st.integers(0, len(EXAMPLE)))
def test_a_file_cut_off_anywhere(length: int) -> None:
    well_said(check(EXAMPLE[:length]), EXAMPLE[:length])


@settings(few, max_examples=30)
@given(st.integers(0, len(EXAMPLE)), st.sampled_from(["utf-16", "utf-8-sig", "latin-1", "cp037", "utf-7", "shift_jis"]))
def test_a_file_whose_second_half_is_in_another_encoding(at: int, encoding: str) -> None:
    text = EXAMPLE[:at] + EXAMPLE[at:].decode(errors="replace").encode(encoding, errors="replace")
    well_said(check(text), text)


HUGE = {
    "a line of ten million characters": b'x = "' + b"y" * 10_000_000 + b'"',
    "a text without end": b"x = '" + b"y" * 1_000_000,
    "three hundred thousand lines": b"# nothing\n" * 300_000,
    "brackets without end": b"x = " + b"[" * 1_000_000,
    "tables in one another": b"x = " + b"{a = " * 5_000 + b"1" + b"}" * 5_000,
    "a name of many parts": b"a" + b".a" * 2_000 + b" = 1",
    "a number of a million digits": b"x = " + b"9" * 1_000_000,
    "NUL": b"\0" * 1_000_000,
    "NUL on every line": b"\0\n" * 10_000,
    "commas": b"x = [" + b"," * 1_000_000 + b"]",
    "the same table again and again": b"[rules.r]\n" * 1_500,
    "groups in a ring": b"[groups]\n" + b"".join(b'g%d = ["g%d"]\n' % (n, (n + 1) % 500) for n in range(500)),
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_what_is_huge_or_deep(text: bytes) -> None:
    done = check(text)
    assert done.code == 1
    well_said(done, text)
    assert len(done.out) < 100_000, "a screenful, not the file"


def test_control_characters_in_a_file_do_not_reach_the_terminal() -> None:
    done = check(b'[site]\ntimezone = "UTC"\n[rules."a\x1b]0;title\x07"]\n')
    assert done.code == 1
    assert "\x1b" not in done.out


READERS = [["forecast"], ["next"], ["explain", "r"], ["status"], ["on", "porch"], ["run", "--strict"]]


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_every_command_that_reads_rules_says_the_same_and_ends_with_2(broken: Path, words: list[str]) -> None:
    done = command(*words)
    assert (done.code, done.out) == (2, "")
    error = "rules.toml:17:11: TOML writes true in small letters and without quotes [E100]"
    assert done.err.startswith(f"tapo-automate: 1 error in the rules\n{error}\n")


SAMPLE = ["time-without-seconds", "capital-true", "text-without-quotes"]


@pytest.mark.parametrize("name", SAMPLE)
def test_in_a_process_of_its_own(broken: Path, name: str) -> None:
    case = CASES[name]
    (broken / "rules.toml").write_text(case.text)
    done = tapo_automate("check", home=broken)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"rules.toml:{case.line}:{case.column}: {case.message} [{case.code}]\n")


@pytest.mark.parametrize("text", [b"\xff\xfe\0", b"\0", b"x = " + b"[" * 100_000], ids=["UTF-16", "NUL", "deep"])
def test_in_a_process_of_its_own_what_is_no_rule_file(broken: Path, text: bytes) -> None:
    (broken / "rules.toml").write_bytes(text)
    done = tapo_automate("check", home=broken)
    well_said(Done(done.returncode, done.stdout, done.stderr), text)
    done = tapo_automate("run", "--state", str(broken / "state"), home=broken)
    assert done.returncode == 2
    assert done.stderr.startswith("tapo-automate: ")
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_ascii_only_is_written_to_all_the_same(broken: Path) -> None:
    (broken / "rules.toml").write_text('[site]\ntimezone = "Köln"\n')
    done = tapo_automate("check", home=broken, PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("rules.toml:2:12: ")


def test_a_terminal_that_has_no_arrows_is_written_to_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(
        '[site]\ntimezone = "Europe/Berlin"\n[devices.porch]\ndriver = "tapo-plug"\nhost = "192.0.2.1"\n'
        '[rules.night]\ndevices = ["porch"]\nwhen.time = { at = 02:30:00 }\nset = { on = true }\n'
    )
    done = tapo_automate("explain", "night", home=tmp_path, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  sets     porch \\u2192 on\n" in done.stdout
