"""Logins that fail: once, told with what the device says of it, remembered over processes, until a person says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.lived_in import Home
from cli.running import daemon
from cli.terminal import PASSWORD, USERNAME
from tapo_automate.simulator import Device, Fleet

WRONG: dict[str, str] = {"TAPO_PASSWORD": "canary-wr0ng"}


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with Fleet() as fleet:
        yield Home(tmp_path, fleet, capsys, monkeypatch)


def failures(device: Device) -> int:
    """Return how many logins the device has counted as failed."""
    return sum(
        attempt.step in ("pake_share", "login_device") and not attempt.granted for attempt in device.login_attempts
    )


# ---------------------------------------------------------------- one attempt


@pytest.mark.parametrize("tpap", ["", "tls=1"])
def test_a_refusal_over_tpap_costs_one_failure_over_all_commands(home: Home, tpap: str) -> None:
    plug = home.add("plug", "P100", "tpap", tpap=tpap)
    said = [home.run(*words, **WRONG) for words in (["on", "plug"], ["status", "plug"], ["off", "plug"])]
    assert [ran.code for ran in said] == [3, 3, 3]
    assert failures(plug) == 1
    assert "it says that it bears 14 more" in said[0].err
    assert "(it bears 14 more failures)" in said[2].err
    assert "say `tapo-automate login DEVICE`" in said[2].err
    assert not plug.on


@pytest.mark.parametrize(("transport", "most"), [("aes", 3), ("aes-v1", 3)])
def test_a_refusal_over_securepassthrough_is_remembered_too(home: Home, transport: str, most: int) -> None:
    plug = home.add("plug", "P100", transport)
    home.run("on", "plug", **WRONG)
    first = failures(plug)
    assert 1 <= first <= most, "the account, in either version where it is not known, and the vendor's default"
    for word in ("off", "on", "status"):
        assert home.run(word, "plug", **WRONG).code == 3
    assert failures(plug) == first


def test_a_mismatch_over_klap_fails_no_login_and_is_not_remembered(home: Home) -> None:
    plug = home.add("plug", "P100", "klap")
    for _ in range(3):
        assert home.run("on", "plug", **WRONG).code == 3
    assert failures(plug) == plug.logins == 0
    assert not (home.kept / "refusals.json").exists()
    plug.set_credentials(USERNAME, WRONG["TAPO_PASSWORD"])
    home.does("on", "plug", **WRONG)
    assert plug.on


def test_other_credentials_are_tried_at_once_and_those_that_were_refused_never(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap")
    assert home.run("on", "plug", **WRONG).code == 3
    home.does("on", "plug")
    assert plug.on
    assert home.run("off", "plug", **WRONG).code == 3
    assert (plug.on, failures(plug)) == (True, 1)


def test_what_is_remembered_of_a_refusal_tells_nobody_the_password(home: Home) -> None:
    home.add("plug", "P100", "tpap")
    home.run("on", "plug", **WRONG)
    told = (home.kept / "refusals.json").read_text()
    [refusal] = json.loads(told).values()
    assert sorted(refusal) == ["at", "impostor", "locked_min", "remaining", "whose"]
    assert len(refusal["whose"]) == 4, "two bytes: too few to try passwords against"
    assert (home.kept / "refusals.json").stat().st_mode & 0o777 == 0o600
    everything = "".join(path.read_text() for path in home.kept.iterdir())
    assert WRONG["TAPO_PASSWORD"] not in everything
    assert USERNAME not in everything


def test_a_refusal_that_no_file_takes_is_remembered_by_the_process(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap")
    home.write("again", "P100", f'host = "{plug.address}"')
    home.state.mkdir()
    home.kept.write_text("somebody else's file")
    assert home.run("status", "plug", "again", **WRONG).code == 3
    assert failures(plug) == 1


def test_a_locked_device_is_told_with_its_minutes_and_not_counted_against_us(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap", tpap="attempts=1,locked_min=7")
    home.run("on", "plug", **WRONG)
    ran = home.run("on", "plug")
    assert ran.code == 3
    assert "the device has locked logins after too many failures (error -2101)" in ran.err
    assert "It says that it takes none for 7 min" in ran.err
    refusals = json.loads((home.kept / "refusals.json").read_text())
    assert len(refusals) == 1, "the one that was ours"
    assert failures(plug) == 1


def test_the_second_try_that_is_allowed_happens_with_a_short_number_alone(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap", tpap="w0=short", faults="short-w0=once")
    home.does("on", "plug")
    assert (plug.on, failures(plug)) == (True, 1)
    other = home.add("other", "P100", "tpap", tpap="w0=short", faults="short-w0")
    for _ in range(2):
        assert home.run("on", "other").code == 3
    assert failures(other) == 2


# ---------------------------------------------------------------- login


@pytest.mark.parametrize(
    ("transport", "words"),
    [("klap", "KLAP"), ("aes", "securePassthrough"), ("tpap", "TPAP")],
)
def test_login_logs_in_once_and_says_over_what(home: Home, transport: str, words: str) -> None:
    plug = home.add("plug", "P100", transport)
    home.does("on", "plug")
    assert home.does("login", "plug") == f"plug: logged in over {words}\n"
    assert plug.sessions == 2, "a kept session would prove nothing"
    assert home.cost(plug, "off", "plug") == 1, "and the new one is kept"


@pytest.mark.parametrize("transport", ["aes", "tpap"])
def test_login_forgets_a_refusal_that_is_over(home: Home, transport: str) -> None:
    plug = home.add("plug", "P100", transport)
    plug.set_credentials(USERNAME, "another")
    assert home.run("on", "plug").code == 3
    plug.set_credentials(USERNAME, PASSWORD)
    assert home.run("on", "plug").code == 3, "nobody has told us"
    home.does("login", "plug")
    home.does("on", "plug")
    assert plug.on


def test_login_fails_once_and_is_remembered_again(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap")
    home.run("on", "plug", **WRONG)
    ran = home.run("login", "plug", **WRONG)
    assert (ran.code, ran.out, failures(plug)) == (3, "", 2)
    assert ran.err.startswith(f"plug: {plug.address}: ")
    assert "it says that it bears 13 more" in ran.err
    assert home.run("on", "plug", **WRONG).code == 3
    assert failures(plug) == 2


def test_login_in_json_has_what_the_device_says_of_it(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap")
    good = home.add("good", "L530", "klap")
    home.write("gone", "P100", 'host = "127.0.0.1:9"')
    plug.set_credentials(USERNAME, "another")
    ran = home.run("login", "plug", "good", "gone", "--json")
    rows: dict[str, Any] = {row["device"]: row for row in json.loads(ran.out)["devices"]}
    assert ran.code == 3
    assert rows["good"] == {
        "device": "good",
        "host": good.address,
        "reachable": True,
        "transport": "klap",
        "remaining": None,
        "locked_min": None,
        "error": None,
    }
    assert (rows["plug"]["reachable"], rows["plug"]["transport"], rows["plug"]["remaining"]) == (True, None, 14)
    assert (rows["gone"]["reachable"], rows["gone"]["transport"]) == (False, None)
    assert rows["gone"]["error"].startswith("127.0.0.1:9: the connection was refused")


def test_login_to_a_socket_is_one_to_its_strip(home: Home) -> None:
    strip = home.add("strip", "P300")
    assert home.does("login", "strip/2") == "strip/2: logged in over KLAP\n"
    assert strip.sessions == 1


def test_login_wants_a_device(home: Home) -> None:
    home.add("plug", "P100")
    ran = home.run("login")
    assert (ran.code, ran.err) == (
        2,
        "tapo-automate: Missing argument 'DEVICE...'. (see tapo-automate login --help)\n",
    )
    ran = home.run("login", "plgu")
    assert (ran.code, ran.err) == (
        2,
        "tapo-automate: unknown device or group 'plgu', did you mean 'plug'? (see tapo-automate login --help)\n",
    )


# ---------------------------------------------------------------- a daemon that runs


@pytest.mark.parametrize("transport", ["klap", "tpap"])
def test_a_daemon_that_leaves_a_device_alone_hears_of_a_login(home: Home, transport: str) -> None:
    plug = home.add("plug", "P110", transport, faults="wrong-proof" if transport == "klap" else "")
    if transport == "tpap":
        plug.set_credentials("somebody@example.org", "else")
    home.rules('[rules.often]\ndevices = ["plug"]\nwhen.every = { interval = "1s" }\nset = { on = true }\n')
    with daemon(home.home) as running:
        running.says("left alone until the credentials change, or `tapo-automate login plug` succeeds")
        failed = failures(plug)
        plug.set_faults("")
        plug.set_credentials(USERNAME, PASSWORD)
        assert not plug.on
        home.does("login", "plug")
        running.says("plug: somebody has had it log in; it is spoken to again")
        running.until(lambda: plug.on)
        assert failures(plug) == failed
        assert running.stop() == 0
