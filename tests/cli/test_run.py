"""The daemon as a process: it carries rules out on real devices' protocols and stops when told to."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.terminal import PASSWORD, USERNAME, environment, tapo_automate
from tapo_automate.simulator import Fleet

ACCOUNT = {"username": USERNAME, "password": PASSWORD}


@contextmanager
def daemon(home: Path, *words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tapo_automate", "run", "--state", str(home / "state"), *words],
        cwd=home,
        env=environment(home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(true: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def finish(process: subprocess.Popen[str], number: int) -> tuple[int, list[str]]:
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    return process.returncode, err.splitlines()


def in_seconds(seconds: float) -> str:
    """Return a local date-time in UTC so many seconds from now, as TOML writes it."""
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_carries_rules_out_and_stops_when_told_to(tmp_path: Path, number: int) -> None:
    with Fleet() as fleet:
        lamp = fleet.add("L530", transport="klap", **ACCOUNT)
        plug = fleet.add("P110", transport="aes", trace="100", on=True, **ACCOUNT)
        (tmp_path / "rules.toml").write_text(f"""
            [site]
            timezone = "UTC"
            [devices.lamp]
            driver = "tapo-bulb"
            host = "{lamp.address}"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
            [rules.light]
            devices = ["lamp"]
            when.date = {{ at = {in_seconds(4)} }}
            set = {{ on = true, brightness = 40, color_temp = 2700 }}
            [rules.overload]
            devices = ["plug"]
            when.power = {{ above = 50, for = "2s" }}
            set = {{ on = false }}
        """)
        with daemon(tmp_path, "--poll", "1", "--log-format", "json") as process:
            until(lambda: lamp.state["device_on"] and not plug.state["device_on"])
            code, lines = finish(process, number)
    assert code == 0
    events = [json.loads(line) for line in lines]
    outcomes = {event["rule"]: event for event in events if event["event"] == "outcome"}
    assert outcomes["light"]["error"] is None
    assert outcomes["light"]["set"] == {"on": True, "brightness": 40, "color_temp": 2700}
    assert outcomes["light"]["late_s"] < 2
    assert outcomes["light"]["source"] == "rules.toml:10"
    assert outcomes["overload"]["device"] == "plug"
    assert lamp.state == {"device_on": True, "brightness": 40, "hue": 0, "saturation": 100, "color_temp": 2700}
    assert events[-1]["message"] == "stopping"
    assert not any("canary" in line.lower() for line in lines), "neither name nor password may reach the log"


def test_a_dead_device_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    with Fleet() as fleet:
        plug, dead = (fleet.add("P110", transport="klap", **ACCOUNT) for _ in range(2))
        dead.set_faults("offline")
        (tmp_path / "rules.toml").write_text(f"""
            site.timezone = "UTC"
            [devices.dead]
            driver = "tapo-plug"
            host = "{dead.address}"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
            [rules.both]
            devices = ["dead", "plug"]
            when.date = {{ at = {in_seconds(3)} }}
            set = {{ on = true }}
        """)
        with daemon(tmp_path) as process:
            until(lambda: bool(plug.state["device_on"]))
            time.sleep(0.5)
            code, lines = finish(process, signal.SIGTERM)
    assert code == 0
    assert any(f"both: dead not set to on: {dead.address}" in line for line in lines)
    assert any(line.endswith("both: plug set to on") for line in lines)


def test_a_second_daemon_on_one_state_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[site]\ntimezone = "UTC"\n')
    state = str(tmp_path / "state")
    with daemon(tmp_path) as process:
        assert process.stderr is not None
        assert "carrying out 0 of 0 rules" in process.stderr.readline()
        done = tapo_automate("run", "--state", state, home=tmp_path)
        assert done.returncode == 2
        assert done.stderr == f"tapo-automate: {state}: another daemon is using this state folder\n"
        process.kill()
        process.wait()
    with daemon(tmp_path) as process:
        assert process.stderr is not None
        assert "carrying out" in process.stderr.readline(), "a lock must not outlive a daemon that was killed"


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        ([], None, "rules.toml: there is no such file"),
        (["--poll", "0.1"], "", "--poll"),
        (["--poll", "nan"], "", "--poll"),
        (["--state", "rules.toml"], "", "rules.toml"),
    ],
)
def test_what_keeps_a_daemon_from_starting_is_one_line(
    tmp_path: Path, words: list[str], text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "rules.toml").write_text(text)
    done = tapo_automate("run", *words, home=tmp_path)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert message in line


def test_without_credentials_the_daemon_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("""
        site.timezone = "UTC"
        [devices.plug]
        driver = "tapo-plug"
        host = "127.0.0.1:9"
        [rules.tea]
        devices = ["plug"]
        when.time = { at = 16:00:00 }
        set = { on = true }
    """)
    done = tapo_automate("run", "--state", str(tmp_path / "s"), home=tmp_path, credentials=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("tapo-automate: no credentials for device 'plug'")


HANGING_PLUGIN = """
import time
from tapo_automate import hookimpl

class Device:
    def apply(self, setting):
        time.sleep(1000)
    def close(self): ...
    describe = state = power_w = call = None

class Driver:
    name = "hanging"
    def open(self, spec, credentials):
        return Device()

@hookimpl
def register_drivers():
    return [Driver()]
"""


def test_a_driver_that_hangs_keeps_the_daemon_neither_from_its_work_nor_from_stopping(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    (lib / "hanging-1.dist-info").mkdir(parents=True)
    (lib / "hanging.py").write_text(HANGING_PLUGIN)
    (lib / "hanging-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: hanging\nVersion: 1\n")
    (lib / "hanging-1.dist-info" / "entry_points.txt").write_text("[tapo_automate]\nhanging = hanging\n")
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        (tmp_path / "rules.toml").write_text(f"""
            site.timezone = "UTC"
            [devices.stuck]
            driver = "hanging"
            host = "nowhere"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
            [rules.both]
            devices = ["stuck", "plug"]
            when.date = {{ at = {in_seconds(3)} }}
            set = {{ on = true }}
        """)
        with daemon(tmp_path, PYTHONPATH=str(lib)) as process:
            until(lambda: bool(plug.state["device_on"]))
            code, lines = finish(process, signal.SIGTERM)
    assert code == 0
    assert any("both: stuck not set to on: the daemon was stopped before the device had answered" in x for x in lines)
    assert "stopped while a device had not answered yet" in lines[-1]


def test_a_device_known_by_its_mac_alone_is_reported_and_the_others_are_served(tmp_path: Path) -> None:
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        (tmp_path / "rules.toml").write_text(f"""
            site.timezone = "UTC"
            [devices.lost]
            driver = "tapo-plug"
            mac = "48-22-54-AA-BB-CC"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
        """)
        done = tapo_automate("status", "--json", home=tmp_path)
    assert done.returncode == 3
    lost, found = json.loads(done.stdout)["devices"]
    assert lost["error"] == "48-22-54-AA-BB-CC: devices cannot be found by their MAC yet; give the device a host"
    assert found["error"] is None
