"""What one command leaves to the next: sessions, kept where nobody else reads them, and never more than a handshake's
worth."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from cli.lived_in import Home
from cli.terminal import PASSWORD, USERNAME, environment
from tapo_automate import memory
from tapo_automate.simulator import Fleet

TRANSPORTS = [("klap", ""), ("klap-v1", ""), ("aes", ""), ("aes-v1", ""), ("tpap", ""), ("tpap", "tls=1")]


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with Fleet() as fleet:
        yield Home(tmp_path, fleet, capsys, monkeypatch)


# ---------------------------------------------------------------- what a command costs


@pytest.mark.parametrize(("transport", "tpap"), TRANSPORTS)
def test_a_warm_command_costs_one_request(home: Home, transport: str, tpap: str) -> None:
    lamp = home.add("lamp", "L530", transport, tpap=tpap)
    first = home.cost(lamp, "set", "lamp", "--brightness", "40")
    assert lamp.sessions == 1
    assert first <= 9, "the question, a login in one version or two, its components, the setting, its switch"
    for words in (["on"], ["off"], ["set", "--brightness", "30"], ["set", "--hue", "120", "--saturation", "90"]):
        assert home.cost(lamp, words[0], "lamp", *words[1:]) == 1, words
    assert home.cost(lamp, "status", "lamp") == 1
    assert home.cost(lamp, "set", "lamp", "--color-temp", "3000") == 2, "the range of its whites, and the setting"
    assert (lamp.state["color_temp"], lamp.sessions) == (3000, 1)


def test_a_warm_status_of_a_meter_costs_what_it_is_and_what_it_draws(home: Home) -> None:
    plug = home.add("plug", "P110", on=True, trace="120")
    home.does("status", "plug")
    assert home.cost(plug, "status", "plug") == 2
    assert plug.sessions == 1


@pytest.mark.parametrize("how", ["host", "mac", "both"])
def test_a_device_that_is_known_by_its_mac_is_not_asked_for_it_again_in_a_kept_session(
    home: Home, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = home.fleet.add("P100", username=USERNAME, password=PASSWORD, discovery="127.0.0.1:0")
    monkeypatch.setenv("TAPO_AUTOMATE_DISCOVERY", str(plug.discovery))
    lines = {"host": f'host = "{plug.address}"', "mac": f'mac = "{plug.mac}"'}
    home.write("plug", "P100", *(lines.values() if how == "both" else [lines[how]]))
    home.does("status", "plug")
    assert [home.cost(plug, word, "plug") for word in ("off", "on", "status")] == [1, 1, 1]
    assert plug.sessions == 1


def test_a_socket_costs_the_lists_of_its_strip_beside_the_command_itself(home: Home) -> None:
    strip = home.add("strip", "P304M")
    home.does("on", "strip/1")
    before = len(strip.calls)
    assert home.cost(strip, "off", "strip/1") == len(strip.calls) - before, "nothing but methods: no handshake"
    methods = [call.method for call in strip.calls[before:]]
    assert methods[-1] == "control_child"
    assert len(methods) <= 4, "its parts and what they can do, in two lists, and whose they are"
    assert strip.sessions == 1


# ---------------------------------------------------------------- how fast a device is asked


def test_requests_of_a_command_reach_the_device_apart(home: Home) -> None:
    strip = home.add("strip", "P304M")
    home.does("on", "strip/1", "strip/2", "strip/4", TAPO_AUTOMATE_SPACING="100ms")
    times = [call.received_monotonic for call in strip.calls]
    assert len(times) >= 5
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.08, "but for the way that they took"


@pytest.mark.parametrize("text", ["soon", "", "1m", "60s", "-1s"])
def test_a_spacing_that_is_none_is_wrong_use(home: Home, text: str) -> None:
    plug = home.add("plug", "P100")
    ran = home.run("on", "plug", TAPO_AUTOMATE_SPACING=text)
    assert (ran.code, ran.err) == (
        2,
        f"tapo-automate: TAPO_AUTOMATE_SPACING is {text!r}: no time between two calls of a device, such as "
        '"250ms" or "1s", at most "10s"\n',
    )
    assert plug.requests == 0


def test_the_spacing_of_one_device_is_an_option_of_its_table(home: Home) -> None:
    plug = home.fleet.add("P110", username=USERNAME, password=PASSWORD)
    home.write("plug", "P110", f'host = "{plug.address}"', 'options = { spacing = "300ms" }')
    home.does("status", "plug")
    times = [call.received_monotonic for call in plug.calls]
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.25


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ('spacing = "soon"', 'spacing = "soon" is no time between two calls, such as "250ms"; at most "10s"'),
        ('pace = "1s"', "has an option 'pace'; its driver knows only \"spacing\""),
    ],
)
def test_an_option_that_is_none_is_wrong_use(home: Home, options: str, problem: str) -> None:
    home.write("plug", "P110", 'host = "127.0.0.1:9"', f"options = {{ {options} }}")
    ran = home.run("on", "plug")
    assert ran.code == 2
    assert problem in ran.err


# ---------------------------------------------------------------- who may read it


def secrets_of(home: Home, key: bytes) -> set[str]:
    """Return the texts in the kept sessions."""
    found: set[str] = set()

    def gather(value: object) -> None:
        if isinstance(value, dict):
            for each in value.values():
                gather(each)
        elif isinstance(value, list):
            for each in value:
                gather(each)
        elif isinstance(value, str):
            found.add(value)

    for path in home.kept.glob("*.json"):
        sealed = json.loads(path.read_text()).get("session")
        opened = memory.Vault(key).unseal(sealed) if sealed else None
        gather({name: value for name, value in (opened or {}).items() if name not in ("steady", "transport", "mac")})
    return found


@pytest.mark.parametrize(("transport", "tpap"), TRANSPORTS)
def test_nothing_secret_stands_in_the_files_and_only_the_user_reads_them(home: Home, transport: str, tpap: str) -> None:
    os.umask(0o022)
    home.add("plug", "P110", transport, tpap=tpap)
    home.does("on", "plug")
    assert home.kept.stat().st_mode & 0o777 == 0o700
    files = {path.name: path.read_bytes() for path in home.kept.iterdir()}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in home.kept.iterdir())
    secrets = secrets_of(home, files["key"])
    assert len(secrets) >= 3, "keys, and a cookie, a token or a stok"
    for secret in {USERNAME, USERNAME.lower(), PASSWORD, *secrets}:
        for name, content in files.items():
            assert secret.encode() not in content, f"{name} has what is secret"


def test_without_keeping_sessions_nothing_of_them_is_on_disk(home: Home) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug", "--no-keep-sessions")
    home.does("off", "plug", TAPO_AUTOMATE_KEEP_SESSIONS="0")
    assert plug.sessions == 2
    assert sorted(path.suffix for path in home.kept.iterdir()) == ["", ".json"], "its lock, and how it is spoken to"
    assert "session" not in "".join(path.read_text() for path in home.kept.iterdir())
    home.does("on", "plug")
    assert plug.sessions == 3
    assert home.cost(plug, "off", "plug", TAPO_AUTOMATE_KEEP_SESSIONS="0") > 1, "nor is one taken"
    assert plug.sessions == 4


# ---------------------------------------------------------------- what may be wrong with the files


def only_file(home: Home) -> Path:
    [path] = [path for path in home.kept.glob("*.json") if path.name != "refusals.json"]
    return path


def changed(home: Home, change: Callable[[dict[str, object]], object]) -> None:
    words = json.loads(only_file(home).read_text())
    change(words)
    only_file(home).write_text(json.dumps(words))


DAMAGES: dict[str, Callable[[Home], object]] = {
    "the file is gone": lambda home: only_file(home).unlink(),
    "the file is empty": lambda home: only_file(home).write_bytes(b""),
    "the file is cut off": lambda home: only_file(home).write_bytes(only_file(home).read_bytes()[:-40]),
    "the file is no JSON": lambda home: only_file(home).write_bytes(b"\xff\x00" * 40),
    "the file is nested without end": lambda home: only_file(home).write_bytes(b"[" * 200_000),
    "the file is a list": lambda home: only_file(home).write_text("[]"),
    "the session is no text": lambda home: changed(home, lambda words: words.update(session={"a": 1})),
    "the session is another text": lambda home: changed(home, lambda words: words.update(session="gAAAAA")),
    "the session is no ASCII": lambda home: changed(home, lambda words: words.update(session="é" * 100)),
    "what is known is nonsense": lambda home: changed(
        home, lambda words: words.update(known={"transport": "smoke", "login_version": "x", "batches": 7, "more": 1})
    ),
    "the key is gone": lambda home: (home.kept / "key").unlink(),
    "the key is damaged": lambda home: (home.kept / "key").write_bytes(b"not a key"),
    "the key is another": lambda home: (home.kept / "key").write_bytes(memory.Vault.new_key()),
    "the folder is gone": lambda home: [path.unlink() for path in home.kept.iterdir()] and home.kept.rmdir(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_costs_a_handshake_at_most_and_mends_itself(home: Home, damage: str) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    DAMAGES[damage](home)
    home.does("off", "plug")
    assert not plug.on
    assert plug.sessions <= 2
    assert home.cost(plug, "on", "plug") == 1, "and it is kept again"


def sealed_as(home: Home, **changes: object) -> None:
    """Seal the kept session again with other words in it, as an older or newer program may have done."""
    vault = memory.Vault((home.kept / "key").read_bytes())
    words = json.loads(only_file(home).read_text())
    opened = vault.unseal(words["session"])
    assert opened is not None
    words["session"] = vault.seal({name: value for name, value in {**opened, **changes}.items() if value is not None})
    only_file(home).write_text(json.dumps(words))


OTHERS: dict[str, dict[str, object]] = {
    "another protocol": {"transport": "smoke"},
    "no protocol": {"transport": None},
    "no time": {"at": None},
    "a time that is none": {"at": "yesterday"},
    "a time beyond all": {"at": 1e300},
    "of another account": {"whose": "ffff"},
    "a number that is a text": {"sequence": "x", "seq": "x"},
    "without its cookie": {"cookie": None},
    "a cookie with a line break": {"cookie": "TP_SESSIONID=A\r\nX: y"},
    "steady answers that are none": {"steady": [1, 2]},
}


@pytest.mark.parametrize("change", OTHERS)
@pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])
def test_a_session_in_other_words_costs_a_handshake_at_most(home: Home, transport: str, change: str) -> None:
    plug = home.add("plug", "P100", transport)
    home.does("on", "plug")
    sealed_as(home, **OTHERS[change])
    home.does("off", "plug")
    assert not plug.on
    assert plug.sessions <= 2


def test_a_folder_that_takes_nothing_is_told_once_and_keeps_no_command_from_being_carried_out(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    plugs = [home.add(name, "P100") for name in ("a", "b", "c")]
    home.state.mkdir()
    home.kept.write_text("somebody else's file")
    home.does("on", "a", "b", "c")
    assert all(plug.on for plug in plugs)
    assert caplog.messages == [f"what is known of devices cannot be kept in {home.kept}: File exists"]


def test_a_full_disk_is_told_once_and_keeps_no_command_from_being_carried_out(home: Home) -> None:
    plug = home.add("plug", "P100")
    variables = environment(
        home.home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD, TAPO_AUTOMATE_STATE=str(home.state)
    )

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    command = [sys.executable, "-B", "-m", "tapo_automate", "on", "plug"]
    ran = subprocess.Popen(
        command, env=variables, cwd=home.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=no_room
    )
    out, err = (text.decode() for text in ran.communicate(timeout=60))
    assert (ran.returncode, out) == (0, "plug: on\n")
    assert err == f"what is known of devices cannot be kept in {home.kept}: File too large\n"
    assert plug.on
    left = [path.name for path in home.kept.iterdir() if path.stat().st_size]
    assert left == [], "no half of a file"


# ---------------------------------------------------------------- whose it is, and for how long


def test_other_credentials_do_not_use_the_session(home: Home) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    ran = home.run("off", "plug", TAPO_PASSWORD="another")
    assert ran.code == 3
    assert plug.on
    plug.set_credentials(USERNAME, "another")
    home.does("off", "plug", TAPO_PASSWORD="another")
    assert (plug.on, plug.sessions) == (False, 2)


@pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])
def test_a_session_that_the_device_forgot_costs_one_handshake(home: Home, transport: str) -> None:
    plug = home.add("plug", "P100", transport)
    home.does("on", "plug")
    for sessions, lose in ((2, plug.forget_session), (3, lambda: plug.restart(asleep=False))):
        lose()
        home.does("off" if plug.on else "on", "plug")
        assert plug.sessions == sessions
        assert home.cost(plug, "status", "plug") == 2, "its components are read anew in each session"
        assert home.cost(plug, "status", "plug") == 1


@pytest.mark.parametrize(
    ("passed", "sessions"),
    [
        (dt.timedelta(hours=23), 1),
        (dt.timedelta(hours=24), 2),
        (dt.timedelta(days=400), 2),
        (-dt.timedelta(seconds=2), 2),
        (-dt.timedelta(days=400), 2),
    ],
)
def test_a_session_is_used_for_a_day_and_not_while_the_clock_says_less(
    home: Home, monkeypatch: pytest.MonkeyPatch, passed: dt.timedelta, sessions: int
) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    later(monkeypatch, passed)
    home.does("off", "plug")
    assert (plug.on, plug.sessions) == (False, sessions)


def test_a_session_does_not_become_younger_by_being_used(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    for hours in (8, 16, 23):
        later(monkeypatch, dt.timedelta(hours=hours))
        home.does("status", "plug")
    assert plug.sessions == 1
    later(monkeypatch, dt.timedelta(hours=30))
    home.does("off", "plug")
    assert plug.sessions == 2


def later(monkeypatch: pytest.MonkeyPatch, passed: dt.timedelta) -> None:
    """Let what is remembered be asked for at another time than now."""
    wanted = memory.DeviceMemory.__init__
    original = getattr(wanted, "original", wanted)

    def begin(self: memory.DeviceMemory, folder: Path, now: Callable[[], dt.datetime], **options: bool) -> None:
        original(self, folder, lambda: now() + passed, **options)

    begin.original = original  # type: ignore[attr-defined]
    monkeypatch.setattr(memory.DeviceMemory, "__init__", begin)


# ---------------------------------------------------------------- several programs


def started(home: Home, *words: str) -> subprocess.Popen[bytes]:
    variables = environment(
        home.home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD, TAPO_AUTOMATE_STATE=str(home.state)
    )
    command = [sys.executable, "-m", "tapo_automate", *words]
    return subprocess.Popen(command, env=variables, cwd=home.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_of_two_processes_at_once_one_has_the_session(home: Home) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    plug.set_faults("slow.request=1.5")
    both = [started(home, "off", "plug"), started(home, "status", "plug")]
    ended = [(each.communicate(timeout=60)[1], each.returncode) for each in both]
    assert ended == [(b"", 0), (b"", 0)]
    assert not plug.on
    assert plug.sessions >= 2, "the other one had to log in"


def test_a_killed_process_loses_its_session_and_nothing_else(home: Home) -> None:
    plug = home.add("plug", "P100")
    home.does("on", "plug")
    plug.set_faults("freeze=once")
    calls = plug.requests
    frozen = started(home, "status", "plug")
    while plug.requests == calls:
        assert frozen.poll() is None
    frozen.kill()
    frozen.communicate()
    assert "session" not in json.loads(only_file(home).read_text())
    home.does("off", "plug")
    assert (plug.on, plug.sessions) == (False, 2)
    assert home.cost(plug, "on", "plug") == 1
