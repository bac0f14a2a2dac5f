"""The life of a connection under a daemon: sessions taken and given, generations, addresses, sleep and refusals."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.lived_in import Home
from cli.running import ACCOUNT, Running, daemon
from tapo_automate.simulator import Device, Fleet

EVERY = """
[rules.{name}-on]
devices = ["{name}"]
when.every = {{ interval = "2s" }}
set = {{ on = true }}
"""
UNHURRIED = ("--look", "0", "--no-watch")


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        monkeypatch.setenv("TAPO_AUTOMATE_DISCOVERY", str(fleet.discovery))
        yield Home(tmp_path, fleet, capsys, monkeypatch)


def told(device: Device) -> int:
    """Return how often a device was switched on by a client."""
    return sum(call.method == "set_device_info" and call.error_code == 0 for call in device.calls)


def goes_on(running: Running, device: Device, within_s: float = 60) -> float:
    """Wait until a device is told again what its rule wants, and return how long that took."""
    before, begun = told(device), time.monotonic()
    running.until(lambda: told(device) > before, within_s)
    return time.monotonic() - begun


def sleeper(home: Home) -> Device:
    """Add a device with an address of its own, at which it hears probes."""
    host = f"127.{random.randrange(64, 128)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    return home.add("sleeper", "P100", host=host, discovery=20002)


def test_a_daemon_takes_the_session_at_its_start_and_gives_it_at_its_stop(home: Home) -> None:
    plug = home.add("plug", "P100")
    home.rules(EVERY.format(name="plug"))
    home.does("off", "plug")
    with daemon(home.home, *UNHURRIED) as running:
        running.until(lambda: told(plug) >= 3)
        stored = json.loads(next(home.kept.glob("*.json")).read_text())
        assert "session" not in stored, "it is the daemon's"
        assert running.stop() == 0
    assert plug.sessions == 1
    assert home.cost(plug, "off", "plug") == 1
    with daemon(home.home, *UNHURRIED) as running:
        goes_on(running, plug)
        running.process.kill()
        running.process.wait()
    assert plug.sessions == 1
    home.does("off", "plug")
    assert plug.sessions == 2, "what was killed has lost it"


def test_rules_go_on_while_devices_change_what_they_speak(home: Home) -> None:
    switched, updated = home.add("switched", "P100", "klap"), home.add("updated", "P100", "aes")
    home.rules(EVERY.format(name="switched") + EVERY.format(name="updated"))
    with daemon(home.home, *UNHURRIED) as running:
        running.until(lambda: told(switched) and told(updated))
        for turn in range(4):
            switched.set_third_party_compatibility(bool(turn % 2))
            goes_on(running, switched)
        for transport in ("klap", "tpap", "klap"):
            updated.update_firmware(transport)
            goes_on(running, updated)
        assert (switched.sessions, updated.sessions) == (5, 4), "one login for each change"
        assert not any("login" in line and "failed" in line for line in running.log)
        assert running.stop() == 0


def test_a_device_that_moves_is_followed_by_a_running_daemon(home: Home) -> None:
    moving, other = (home.fleet.add("P100", mac=f"02-00-00-00-00-0{number}", **ACCOUNT) for number in (1, 2))
    home.write("moving", "P100", f'host = "{moving.address}"', f'mac = "{moving.mac}"')
    home.rules(EVERY.format(name="moving"))
    with daemon(home.home, *UNHURRIED, TAPO_AUTOMATE_DISCOVERY=str(home.fleet.discovery)) as running:
        running.until(lambda: told(moving))
        place = (moving.host, moving.port)
        moving.move(port=0)
        assert goes_on(running, moving) < 30
        other.move(*place)
        moving.move(port=0)
        assert goes_on(running, moving) < 30
        assert running.stop() == 0
    assert told(other) == 0
    moving.move(port=0)
    home.does("off", "moving")
    assert not moving.on
    row = json.loads(home.does("status", "moving", "--json"))["devices"][0]
    assert (row["reachable"], row["on"]) == (True, False)
    assert home.run("sync", "plan").code in (0, 2)
    assert told(other) == 0


def test_a_device_that_sleeps_is_woken_by_a_command_and_by_a_daemon(home: Home) -> None:
    plug = sleeper(home)
    plug.restart(asleep=True)
    home.does("on", "sleeper")
    assert (plug.on, plug.probes > 0) == (True, True)
    home.rules(EVERY.format(name="sleeper"))
    with daemon(home.home, *UNHURRIED) as running:
        goes_on(running, plug)
        plug.restart(asleep=True)
        assert goes_on(running, plug) < 30
        assert running.stop() == 0


def test_a_device_that_is_off_is_told_so_in_words(home: Home) -> None:
    plug = sleeper(home)
    plug.set_faults("offline")
    begun = time.monotonic()
    ran = home.run("on", "sleeper")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        f"sleeper: {plug.address}: the connection was refused (after a power cut some devices keep their port shut for "
        "about eight minutes); a probe over UDP was not answered either: is it switched on, and is this still its "
        "address?\n"
    )
    assert time.monotonic() - begun < 20


def test_a_device_that_hears_a_probe_and_stays_shut_is_told_so(home: Home) -> None:
    plug = sleeper(home)
    plug.restart(asleep=True)
    plug.set_faults("probe-lost")
    ran = home.run("on", "sleeper")
    assert (ran.code, "a probe over UDP was not answered either" in ran.err) == (3, True)
    plug.set_faults("answer-lost")
    home.does("on", "sleeper")
    assert plug.on, "it was woken although its answer was lost"


def test_a_daemon_that_was_refused_does_not_try_again_after_a_restart_either(home: Home) -> None:
    plug = home.add("plug", "P100", "tpap")
    home.rules(EVERY.format(name="plug"))
    failed = []
    for _ in range(2):
        with daemon(home.home, *UNHURRIED, TAPO_PASSWORD="canary-wr0ng") as running:
            running.says("left alone")
            time.sleep(2)
            assert running.stop() == 0
        failed.append(sum(each.step == "pake_share" and not each.granted for each in plug.login_attempts))
        assert "canary" not in "\n".join(running.log).lower()
    assert home.run("on", "plug", TAPO_PASSWORD="canary-wr0ng").code == 3
    assert failed == [1, 1]
    assert sum(each.step == "pake_share" for each in plug.login_attempts) == 1
    with daemon(home.home, *UNHURRIED) as running:
        goes_on(running, plug)
        assert running.stop() == 0
