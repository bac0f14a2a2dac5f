"""The command simulate as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simulator.speaking import Klap
from simulator.speaking_tpap import TpapClient

COMMAND = [sys.executable, "-c", "from tapo_automate.cli.simulate import simulate; simulate()"]
OWNER = ["--username", "User@Example.com", "--password", "Sw0rdfish!"]


class Address(NamedTuple):
    host: str
    port: int


def plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("TAPO_")}


@contextmanager
def running(*arguments: str, **extra: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=plain_environment() | extra,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def refused(*arguments: str) -> str:
    """Run the command, which must end at once with exit code 2, and return its one line of complaint."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, env=plain_environment())
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with running("--profile", "P110", "--nickname", "washer", *OWNER) as process:
        (line,) = lines_of(process, 1)
        address, model, transport, _, nickname = line.split()
        assert (model, transport, nickname) == ("P110", "klap", "washer")
        host, _, port = address.partition(":")
        assert Klap(Address(host, int(port))).log_in().call("get_device_info")["error_code"] == 0
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_json_tells_a_device_per_line() -> None:
    with running("--profile", "L530", "--transport", "AES", "--host", "127.0.0.3", "--json", *OWNER) as process:
        told: dict[str, Any] = json.loads(lines_of(process, 1)[0])
        assert told == told | {"host": "127.0.0.3", "model": "L530", "transport": "aes"}
        assert told["address"] == f"127.0.0.3:{told['port']}"
        assert len(told["device_id"]) == 40


def test_the_account_may_come_from_the_environment() -> None:
    with running("--profile", "P110", TAPO_USERNAME="User@Example.com", TAPO_PASSWORD="Sw0rdfish!") as process:
        host, _, port = lines_of(process, 1)[0].split()[0].partition(":")
        Klap(Address(host, int(port))).log_in()


def test_many_devices_have_ports_one_after_the_other() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.4", 0))
        port = min(free.getsockname()[1], 65_000)
    arguments = ["--profile", "P110", "--profile", "L530", "--count", "2", "--host", "127.0.0.4", "--port", str(port)]
    with running(*arguments, *OWNER) as process:
        told = [line.split()[:2] for line in lines_of(process, 4)]
    models = ["P110", "P110", "L530", "L530"]
    assert told == [[f"127.0.0.4:{port + index}", model] for index, model in enumerate(models)]


def test_a_fleet_file_is_started(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text('[[device]]\nprofile = "P105"\nnickname = "fan"\n', encoding="utf-8")
    with running("--fleet", str(path), *OWNER) as process:
        assert lines_of(process, 1)[0].split()[-1] == "fan"


def test_the_habits_of_tables_come_from_options_and_files(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text('[[device]]\nprofile = "P105"\n[[device]]\nprofile = "P105"\nids = "lowest"\n', encoding="utf-8")
    row = {"enable": True, "mode": "repeat", "week_day": 127, "s_type": "normal", "s_min": 5,
           "desired_states": {"on": True}}  # fmt: skip
    given = []
    with running("--fleet", str(path), "--ids", "next", "--clash", "refused", *OWNER) as process:
        for line in lines_of(process, 2):
            host, _, port = line.split()[0].partition(":")
            session = Klap(Address(host, int(port))).log_in()
            session.call("add_schedule_rule", row)
            assert session.call("add_schedule_rule", row) == {"error_code": -1803}
            session.call("remove_schedule_rules", {"remove_all": True})
            given.append(session.call("add_schedule_rule", row)["result"]["id"])
    assert given == ["S2", "S1"], "the file goes before the command line"
    path.write_text('[[device]]\nprofile = "P105"\nspent = "gon"\n', encoding="utf-8")
    assert refused("--fleet", str(path), *OWNER) == "Error: spent is 'gon'; did you mean 'gone'?"


def test_choices_of_tpap_come_from_the_command_line() -> None:
    with running("--profile", "P110", "--transport", "tpap", "--tpap", "iterations=10,pake=0", *OWNER) as process:
        host, _, port = lines_of(process, 1)[0].split()[0].partition(":")
        assert TpapClient(Address(host, int(port))).discover()["result"]["tpap"]["pake"] == [0]
    told = refused("--profile", "P110", "--tpap", "tls=on", *OWNER)
    assert told == "Error: tpap: tls is 'on'; choose from: 0, 1"


def test_wrong_wishes_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("=", encoding="utf-8")
    p110 = ["--profile", "P110"]
    told = {
        "no account": refused(*p110),
        "no profile": refused(*OWNER),
        "unknown profile": refused("--profile", "P11O", *OWNER),
        "dump": refused("--profile", str(tmp_path / "broken.json"), *OWNER),
        "fault": refused(*p110, "--faults", "dorp=1", *OWNER),
        "trace": refused(*p110, "--trace", "watts", *OWNER),
        "address": refused(*p110, "--host", "192.0.2.1", *OWNER),
        "fleet": refused("--fleet", str(tmp_path / "broken.toml"), *OWNER),
        "no fleet": refused("--fleet", str(tmp_path / "none.toml"), *OWNER),
    }
    expected = {
        "no account": "Error: no username: give --username or set TAPO_USERNAME",
        "no profile": "Error: give --profile (once or more) or --fleet, one of the two",
        "fault": "Error: unknown fault 'dorp'; did you mean 'drop'?",
        "no fleet": f"Error: cannot read fleet {tmp_path / 'none.toml'}: No such file or directory",
    }
    assert {key: told[key] for key in expected} == expected
    assert all(line.startswith("Error: ") for line in told.values())
    assert "cannot listen on 192.0.2.1:0" in told["address"]


def test_a_port_in_use_is_one_line_and_exit_code_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused("--profile", "P110", "--port", str(port), *OWNER)
    assert told == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"
