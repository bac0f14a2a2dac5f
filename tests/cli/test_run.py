"""The daemon as a process: it carries rules out on real devices' protocols and stops when told to."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.running import ACCOUNT, daemon, install
from cli.terminal import environment, tapo_automate
from tapo_automate.journal.store import Journal
from tapo_automate.simulator import Fleet

NO_RULES = 'site.timezone = "UTC"\n'


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
            when.every = {{ interval = "3s" }}
            set = {{ on = true, brightness = 40, color_temp = 2700 }}
            [rules.overload]
            devices = ["plug"]
            when.power = {{ above = 50, for = "2s" }}
            set = {{ on = false }}
        """)
        with daemon(tmp_path, "--poll", "1", "--log-format", "json") as running:
            running.until(lambda: lamp.state["device_on"] and not plug.state["device_on"])
            assert running.stop(number) == 0
    events = running.events
    outcomes = {event["rule"]: event for event in reversed(events) if event["event"] == "outcome"}
    assert outcomes["light"]["error"] is None
    assert outcomes["light"]["result"] == "done"
    assert outcomes["light"]["set"] == {"on": True, "brightness": 40, "color_temp": 2700}
    assert outcomes["light"]["late_s"] < 5
    assert outcomes["light"]["source"] == "rules.toml:10"
    assert outcomes["overload"]["device"] == "plug"
    assert lamp.state == {"device_on": True, "brightness": 40, "hue": 0, "saturation": 100, "color_temp": 2700}
    assert "stopping" in [event["message"] for event in events[-3:]]
    assert not any("canary" in line.lower() for line in running.log), "neither name nor password may reach the log"


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
            when.every = {{ interval = "3s" }}
            set = {{ on = true }}
        """)
        with daemon(tmp_path) as running:
            running.until(lambda: plug.state["device_on"])
            running.says("both: plug set to on")
            running.says(f"both: dead not set to on yet: {dead.address}")
            assert running.stop() == 0


def test_a_second_daemon_on_one_state_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(NO_RULES)
    state = str(tmp_path / "state")
    with daemon(tmp_path) as running:
        running.says("carrying out 0 of 0 rules")
        done = tapo_automate("run", "--state", state, home=tmp_path)
        assert done.returncode == 2
        assert done.stderr == (
            f"tapo-automate: {state}: another daemon (process {running.process.pid}) is using this state folder\n"
        )
        running.process.kill()
        running.process.wait()
    with daemon(tmp_path) as running:
        running.says("carrying out")  # a lock must not outlive a daemon that was killed


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        ([], None, "rules.toml: there is no such file"),
        (["--poll", "0.1"], "", "--poll"),
        (["--poll", "nan"], "", "--poll"),
        (["--look", "0.5"], "", "Invalid value for --look: 0.5 is less than a second; 0 is for never"),
        (["--look", "inf"], "", "Invalid value for --look: inf is not a number of seconds"),
        (["--state", "rules.toml"], "", "rules.toml"),
        (["--health", "8080"], NO_RULES, "'8080' is not a host and a port; write it as 127.0.0.1:8080"),
        (["--health", "0.0.0.0:80"], NO_RULES, "0.0.0.0 is not a loopback address"),
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


def test_a_port_in_use_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(NO_RULES)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = tapo_automate("run", "--state", str(tmp_path / "s"), "--health", place, home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"tapo-automate: cannot listen on {place}: Address already in use; choose another port\n"


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


HALF_BROKEN = """
site.timezone = "UTC"
[devices.plug]
driver = "tapo-plug"
host = "127.0.0.1:9"
[rules.sound]
devices = ["plug"]
when.time = { at = 16:00:00 }
set = { on = true }
[rules.broken]
devices = ["plug"]
when.time = { at = 16:00:00, days = ["tus"] }
set = { on = true }
"""


def test_a_broken_rule_is_left_out_and_the_others_are_carried_out(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(HALF_BROKEN)
    with daemon(tmp_path, "--health", "127.0.0.1:0") as running:
        running.says("health is told at")
        [left_out] = [line for line in running.log if "left out" in line]
        assert left_out[20:] == (
            'error   rules.toml:12: rule broken is left out: unknown weekday "tus", did you mean "tue"?'
        )
        assert any(line.endswith("carrying out 1 of 1 rule for 1 device") for line in running.log)
        assert "rules: those that were offered last have errors; the log shows them" in running.ask("/readyz")[1]
        assert running.stop() == 0


def test_a_strict_daemon_does_not_start_with_a_broken_rule(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(HALF_BROKEN)
    done = tapo_automate("run", "--strict", "--state", str(tmp_path / "s"), home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "tapo-automate: 1 error in the rules",
        'rules.toml:12:38: unknown weekday "tus", did you mean "tue"? [E102]',
        '    when.time = { at = 16:00:00, days = ["tus"] }',
        "                                         ^^^^^",
    ]


def test_rules_of_which_nothing_is_left_are_reported_whole(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(
        HALF_BROKEN.replace('"UTC"', '"UCT+25"').replace("[rules.sound]", "[rule.sound]")
    )
    done = tapo_automate("run", "--state", str(tmp_path / "s"), home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("tapo-automate: 3 errors in the rules\nrules.toml:2:17: ")
    assert "Traceback" not in done.stderr


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

WITH_A_STUCK_DEVICE = """
site.timezone = "UTC"
[devices.stuck]
driver = "hanging"
host = "nowhere"
[devices.plug]
driver = "tapo-plug"
host = "{address}"
[rules.both]
devices = ["stuck", "plug"]
when.every = {{ interval = "3s" }}
set = {{ on = true }}
"""


def test_a_driver_that_hangs_keeps_the_daemon_neither_from_its_work_nor_from_stopping(tmp_path: Path) -> None:
    lib = install(tmp_path, "hanging", HANGING_PLUGIN)
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        (tmp_path / "rules.toml").write_text(WITH_A_STUCK_DEVICE.format(address=plug.address))
        with daemon(tmp_path, "--health", "127.0.0.1:0", PYTHONPATH=lib) as running:
            running.until(lambda: plug.state["device_on"])
            assert running.ask("/healthz") == (200, "ok\n")
            running.send(signal.SIGTERM)
            running.says("stopping")
            running.send(signal.SIGHUP)  # who stops takes on nothing new, and does not end by it
            assert running.ask("/readyz") == (503, "stopping\n")
            assert running.process.wait(timeout=40) == 0
    assert any(
        "both: stuck not set to on: the daemon was stopped before the device had answered" in x for x in running.log
    )
    assert "stopped while a device had not answered yet" in running.log[-1]


def test_what_is_under_way_is_finished_before_the_daemon_ends(tmp_path: Path) -> None:
    slow = HANGING_PLUGIN.replace("time.sleep(1000)", 'open("begun", "w").close(); time.sleep(4)')
    lib = install(tmp_path, "hanging", slow)
    (tmp_path / "rules.toml").write_text("""
        site.timezone = "UTC"
        [devices.slow]
        driver = "hanging"
        host = "nowhere"
        [rules.often]
        devices = ["slow"]
        when.every = { interval = "6s" }
        set = { on = true }
    """)
    with daemon(tmp_path, "--look", "0", PYTHONPATH=lib) as running:
        running.until((tmp_path / "begun").exists)
        assert running.stop() == 0
        said = [line[28:] for line in running.log]
    [done] = [number for number, line in enumerate(said) if line.startswith("often: slow set to on")]
    assert said.index("stopping") < done


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_the_daemon_at_once(tmp_path: Path, number: int, code: int) -> None:
    lib = install(tmp_path, "hanging", HANGING_PLUGIN)
    (tmp_path / "rules.toml").write_text(WITH_A_STUCK_DEVICE.format(address="127.0.0.1:9"))
    with daemon(tmp_path, PYTHONPATH=lib) as running:
        running.says("carrying out 1 of 1")
        running.until(lambda: "plug not set to on" in "".join(running.log))
        running.send(signal.SIGTERM)
        running.says("stopping")
        assert running.stop(number) == code


def test_a_terminal_that_is_closed_stops_the_daemon_that_was_started_at_it(tmp_path: Path) -> None:
    """SIGHUP means both: read the rules anew, and the terminal has gone."""
    (tmp_path / "rules.toml").write_text(NO_RULES)
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "tapo_automate", "run", "--state", str(tmp_path / "state")]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdin=its, stderr=its)
    os.close(its)
    try:
        said = b""
        while b"carrying out" not in said:
            said += os.read(ours, 4096)
        process.send_signal(signal.SIGHUP)
        while b"the rules were reloaded: nothing changed" not in said:
            said += os.read(ours, 4096)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=40)
    finally:
        process.kill()
        process.wait()
    with Journal.open(tmp_path / "state") as journal:
        last = journal.begin(dt.datetime.now(dt.UTC))
    assert last is not None
    assert last.ended is not None, "it stopped in good order"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_journal_keeps_which_version_of_a_rule_fired(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        (tmp_path / "rules.toml").write_text(f"""
            site.timezone = "UTC"
            [devices.plug]
            driver = "tapo-plug"
            host = "{plug.address}"
            [rules.often]
            devices = ["plug"]
            when.every = {{ interval = "3s" }}
            set = {{ on = true }}
        """)
        git("init", "-q")
        git("add", "rules.toml")
        git("commit", "-q", "-m", "rules")
        with daemon(tmp_path) as running:
            running.says("often: plug set to on")
            assert running.stop() == 0
    with Journal.open(running.state) as journal:
        entry = journal.entries(results=["done"], newest_first=False)[0]
    assert (entry.rule, entry.device, entry.asked) == ("often", "plug", {"on": True})
    assert (entry.file, entry.line) == ("rules.toml", 6)
    assert entry.commit == git("rev-parse", "HEAD")[:12]
    assert dt.datetime.now(dt.UTC) - entry.due < dt.timedelta(minutes=2)


def test_a_device_that_is_not_found_by_its_mac_is_reported_and_the_others_are_served(tmp_path: Path) -> None:
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
    assert lost["error"].startswith("48-22-54-AA-BB-CC: no device with this MAC answered a search over UDP: ")
    assert lost["error"].endswith("give it a host where it is in another network")
    assert found["error"] is None
