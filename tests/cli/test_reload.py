"""Rules that change under a running daemon: by signal, by themselves, refused, and only looked at."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.running import ACCOUNT, Running, daemon, install
from cli.terminal import PASSWORD, USERNAME, tapo_automate
from tapo_automate.simulator import Device, Fleet

HEAD = """
[site]
timezone = "Europe/Berlin"
latitude = 52.5163
longitude = 13.3777
[devices.plug]
driver = "tapo-plug"
host = "{address}"
"""
TEA = """
[rules.tea]
devices = ["plug"]
when.time = {{ at = {at} }}
set = {{ on = true }}
"""
OFTEN = """
[rules.often]
devices = ["plug"]
when.every = { interval = "2s" }
set = { on = true }
"""
BROKEN = '\n[rules.broken]\ndevices = ["plugg"]\nwhen.time = { at = 16:00:00 }\nset = { on = true }\n'


def write(home: Path, plug: Device | None, *more: str, at: str = "16:00:00") -> None:
    """Replace the rule file as a careful editor does."""
    address = plug.address if plug else "127.0.0.1:9"
    (home / "new").write_text(HEAD.format(address=address) + TEA.format(at=at) + "".join(more))
    (home / "new").replace(home / "rules.toml")


def reload(running: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return tapo_automate("reload", "--state", str(running.state), *words, home=running.home)


def result(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((running.state / "reload.json").read_text())
    return found


def test_a_rule_that_is_added_is_carried_out_and_what_changed_is_shown(tmp_path: Path) -> None:
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        write(tmp_path, plug)
        with daemon(tmp_path, "--no-watch", "--health", "127.0.0.1:0") as running:
            running.says("carrying out 1 of 1 rule")
            write(tmp_path, plug, OFTEN, at="17:30:00")
            done = reload(running)
            assert done.stdout.splitlines() == [
                "reloaded, 2 changes:",
                "  rule often: added",
                "  rule tea: every day at 16:00 -> every day at 17:30",
            ], done.stderr
            assert done.returncode == 0
            running.until(lambda: plug.state["device_on"])
            assert result(running)["count"] == 1
            assert 'tapo_automate_reloads_total{result="ok"} 1.0' in running.ask("/metrics")[1]
            again = reload(running)
            assert again.stdout == f"nothing changed; these rules are carried out since {result(running)['since']}\n"
            assert again.returncode == 0
            assert running.stop() == 0
    assert any(
        line.endswith("the rules were reloaded: rule often: added; rule tea: every day at 16:00 -> every day at 17:30")
        for line in running.log
    )


def test_a_file_that_changes_is_taken_on_without_being_asked(tmp_path: Path) -> None:
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        write(tmp_path, plug)
        with daemon(tmp_path) as running:
            running.says("carrying out 1 of 1 rule")
            write(tmp_path, plug, OFTEN)
            running.says("the rules were reloaded: rule often: added")
            running.until(lambda: plug.state["device_on"])
            (tmp_path / "rules.toml").touch()
            write(tmp_path, plug, OFTEN, BROKEN)
            running.says("the rules were not reloaded")
            write(tmp_path, plug)
            running.says("the rules were reloaded: rule often: removed")
            assert running.stop() == 0
    assert len([line for line in running.log if "reloaded" in line]) == 3, "each change once, a touched file never"


def test_rules_with_errors_are_refused_and_those_from_before_go_on(tmp_path: Path) -> None:
    with Fleet() as fleet:
        plug = fleet.add("P110", transport="klap", **ACCOUNT)
        write(tmp_path, plug, OFTEN)
        with daemon(tmp_path, "--no-watch", "--health", "127.0.0.1:0") as running:
            running.until(lambda: plug.state["device_on"])
            write(tmp_path, plug, BROKEN)
            done = reload(running)
            assert (done.returncode, done.stdout) == (2, "")
            report = done.stderr.splitlines()
            assert report[0] == "tapo-automate: the daemon carries on with the rules from before"
            assert report[1].startswith("rules.toml:16:12: ")
            assert 'did you mean "plug"?' in report[1]
            plug.person_sets(device_on=False)
            running.until(lambda: plug.state["device_on"])
            assert running.ask("/readyz") == (
                200,
                "ok\nrules: those that were offered last have errors; the log shows them\n",
            )
            refused = json.loads(reload(running, "--json").stdout)
            assert (refused["ok"], refused["changes"]) == (False, [])
            assert refused["report"].startswith("rules.toml:16:12: ")
            assert 'tapo_automate_reloads_total{result="refused"} 2.0' in running.ask("/metrics")[1]
            (tmp_path / "rules.toml").unlink()
            gone = reload(running)
            assert gone.returncode == 2
            assert gone.stderr.splitlines()[1] == "rules.toml: there is no such file"
            write(tmp_path, plug)
            assert reload(running).stdout.splitlines()[1:] == ["  rule often: removed"]
            assert running.ask("/readyz") == (200, "ok\n")
            assert running.stop() == 0


def test_a_dry_run_shows_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, None)
    with daemon(tmp_path, "--no-watch") as running:
        running.says("carrying out 1 of 1 rule")
        running.until(lambda: (running.state / "reload.json").exists())
        before = result(running)
        assert reload(running, "--dry-run").stdout == "nothing would change\n"
        write(tmp_path, None, at="17:30:00")
        changes = ["rule tea: every day at 16:00 -> every day at 17:30"]
        assert reload(running, "--dry-run").stdout.splitlines() == [
            "would be reloaded, 1 change:",
            f"  {changes[0]}",
        ]
        answer = json.loads(reload(running, "--dry-run", "--json").stdout)
        assert answer == {
            "ok": True, "dry_run": True, "changes": changes, "report": "", "at": None, "since": None
        }  # fmt: skip
        (tmp_path / "other.toml").write_text(HEAD.format(address="127.0.0.1:9") + BROKEN)
        refused = reload(running, "--dry-run", "-r", "other.toml")
        assert refused.returncode == 2
        assert refused.stderr.splitlines()[0] == "tapo-automate: the daemon would carry on with the rules from before"
        assert refused.stderr.splitlines()[1].startswith("other.toml:11:12: ")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        done = tapo_automate("reload", "--state", str(running.state), "--dry-run", home=tmp_path, cwd=elsewhere)
        assert done.stdout.splitlines()[1:] == [f"  {changes[0]}"], "the daemon's own files, wherever one stands"
        assert result(running) == before
        assert running.stop() == 0


def test_what_the_daemon_leaves_for_others_holds_nothing_secret(tmp_path: Path) -> None:
    write(tmp_path, None)
    with daemon(tmp_path) as running:
        running.says("carrying out")
        running.until(lambda: (running.state / "reload.json").exists())
        write(tmp_path, None, BROKEN.replace("[rules.broken]", "[site]\nlatitude = 51.2468\n[rules.broken]"))
        running.says("not reloaded")
        running.until(lambda: result(running)["count"] == 1)
        text = (running.state / "reload.json").read_text()
        for secret in (USERNAME, PASSWORD, "52.5163", "13.3777", "51.2468", "2468"):
            assert secret not in text + "".join(running.log)
        assert not result(running)["ok"]
        assert (running.state / "reload.json").stat().st_mode & 0o777 == 0o600
        assert (running.state / "daemon.lock").stat().st_mode & 0o077 == 0o044
        assert running.stop() == 0


def test_without_a_daemon_there_is_nobody_to_reload(tmp_path: Path) -> None:
    write(tmp_path, None)
    state = tmp_path / "state"
    for words in ([], ["--dry-run"]):
        done = tapo_automate("reload", "--state", str(state), *words, home=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"tapo-automate: no daemon is running with the state folder {state}; name its folder with --state\n"
        )
    with daemon(tmp_path) as running:
        running.says("carrying out")
        running.stop(signal.SIGKILL)
        assert "no daemon is running" in reload(running).stderr, "what it left behind is not it"


def test_the_daemon_reads_its_own_files_and_no_others(tmp_path: Path) -> None:
    done = tapo_automate("reload", "-r", "rules.toml", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "tapo-automate: -r goes with --dry-run only: the daemon reads the files that it was started with "
        "(see tapo-automate reload --help)\n"
    )


def test_a_daemon_that_does_not_answer_is_not_waited_for_forever(tmp_path: Path) -> None:
    write(tmp_path, None)
    with daemon(tmp_path) as running:
        running.says("carrying out")
        running.send(signal.SIGSTOP)
        done = reload(running, "--timeout", "0.5")
        assert done.returncode == 1
        assert done.stderr == (
            f"tapo-automate: the daemon (process {running.process.pid}) has not answered within 0.5 s; "
            "its log says more\n"
        )
        running.send(signal.SIGCONT)
        running.says("the rules were reloaded: nothing changed")
        assert running.stop() == 0


def test_a_service_manager_hears_of_start_reload_life_and_stop(tmp_path: Path) -> None:
    write(tmp_path, None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(40)
        watched = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}

        def heard(but: str = "WATCHDOG=1") -> list[str]:
            while (words := manager.recv(4096).decode().split("\n")) == [but]:
                pass
            return words

        with daemon(tmp_path, **watched) as running:
            assert heard() == ["READY=1", "STATUS=carrying out 1 of 1 rule for 1 device"]
            assert manager.recv(4096) == b"WATCHDOG=1"
            assert manager.recv(4096) == b"WATCHDOG=1"
            running.send(signal.SIGHUP)
            assert heard()[0] == "RELOADING=1"
            assert heard()[0] == "READY=1"
            write(tmp_path, None, BROKEN)
            assert heard()[0] == "RELOADING=1"
            assert heard() == [
                "READY=1",
                "STATUS=carrying out 1 of 1 rule for 1 device; what was offered last has errors",
            ]
            assert running.stop() == 0
            assert heard() == ["STOPPING=1", "STATUS=stopping"]


ENVIRONMENT_PLUGIN = """
import os
from tapo_automate import hookimpl

@hookimpl
def register_drivers():
    with open("environment", "w") as file:
        print(*sorted(os.environ), sep="\\n", file=file)
    return []
"""


def test_what_the_daemon_starts_does_not_inherit_the_service_manager(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('site.timezone = "UTC"\n')
    lib = install(tmp_path, "environment", ENVIRONMENT_PLUGIN)
    manager = {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}
    with daemon(tmp_path, PYTHONPATH=lib, **manager) as running:
        running.says("carrying out")
        assert running.stop() == 0
    names = set((tmp_path / "environment").read_text().split())
    assert "PATH" in names
    assert not names & manager.keys()


@pytest.mark.parametrize("words", [["--timeout", "0"], ["--timeout", "nan"], ["--state", "rules.toml"]])
def test_wrong_use_is_one_line(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path, None)
    done = tapo_automate("reload", *words, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert words[0] in line
