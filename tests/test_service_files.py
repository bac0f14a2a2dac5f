"""The files for service managers fit the program: its options, its variables, its files, its endpoints."""

from __future__ import annotations

import configparser
import datetime as dt
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli.terminal import tapo_automate
from tapo_automate.daemon import Health
from tapo_automate.daemon.metrics import Metrics
from tapo_automate.daemon.web import Endpoints

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "docs" / "tapo-automate.service"
DOCKERFILE = ROOT / "docs" / "Dockerfile"
INSTALLED = "/opt/tapo-automate/bin/tapo-automate"


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return {name: tapo_automate(name, "--help", home=home).stdout for name in ("run", "reload")}


class Unit(configparser.RawConfigParser):
    """A unit file: keys keep their case and may be there several times."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#", ";"))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read_string(UNIT.read_text())


def lines(key: str) -> list[str]:
    return [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(f"{key}=")]


def test_every_option_and_variable_of_the_unit_exists(helps: dict[str, str]) -> None:
    service = Unit()["Service"]
    for key, command in (("ExecStart", "run"), ("ExecReload", "reload")):
        program, name, *words = shlex.split(service[key])
        assert (program, name) == (INSTALLED, command)
        for word in words:
            assert not word.startswith("--") or re.search(rf"{word}\b", helps[command]), word
    variables = [line.partition("=")[0] for line in lines("Environment") if line.startswith("TAPO_")]
    assert variables == ["TAPO_AUTOMATE_RULES", "TAPO_AUTOMATE_STATE", "TAPO_CREDENTIALS"]
    for variable in variables:
        assert variable in " ".join(helps["run"].split())


def test_the_unit_s_parts_agree_with_each_other_and_with_the_program(helps: dict[str, str]) -> None:
    service = Unit()["Service"]
    assert service["Type"] == "notify"
    assert f"TAPO_AUTOMATE_STATE=%S/{service['StateDirectory']}" in lines("Environment")
    assert f"TAPO_CREDENTIALS=%d/{service['LoadCredential'].partition(':')[0]}" in lines("Environment")
    prevented = service["RestartPreventExitStatus"]
    assert re.search(rf"^ +{prevented} +wrong use", helps["run"], re.MULTILINE)
    assert service["Restart"] == "on-failure"
    assert service["WatchdogSec"] == "60s", "twice the time after which a planner stands still"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, sys.executable))  # a program that is there
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert str(unit) not in done.stderr, done.stderr


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, with continued lines joined and comments left out."""
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#"))
    joined = text.replace("\\\n", " ")
    return [(words[0], words[1].strip()) for line in joined.splitlines() if (words := line.split(maxsplit=1))]


def last(name: str) -> str:
    return [text for word, text in instructions() if word == name][-1]


def test_the_image_s_command_has_options_that_exist(helps: dict[str, str]) -> None:
    assert json.loads(last("ENTRYPOINT")) == ["tapo-automate"], "the exec form: a shell would keep the signals"
    command, *words = json.loads(last("CMD"))
    assert command == "run"
    for word in words:
        assert not word.startswith("--") or re.search(rf"{word}\b", helps["run"]), word
    variables = re.findall(r"\b(TAPO_\w+)=", last("ENV"))
    assert variables == ["TAPO_AUTOMATE_RULES", "TAPO_AUTOMATE_STATE"]
    for variable in variables:
        assert variable in " ".join(helps["run"].split())


def test_the_image_runs_as_somebody_who_owns_its_state_only() -> None:
    names = [word for word, _ in instructions()]
    assert names.index("USER") < names.index("CMD")
    user, _, group = last("USER").partition(":")
    assert int(user) > 0, "a number: Kubernetes cannot tell of a name whether it is root"
    assert int(group) > 0
    [made] = [text for word, text in instructions() if word == "RUN" and "useradd" in text]
    state = re.search(r"TAPO_AUTOMATE_STATE=(\S+)", last("ENV"))
    assert state is not None
    assert re.search(rf"groupadd .*--gid {group} tapo\b", made)
    assert re.search(rf"useradd .*--uid {user} --gid tapo .*\btapo\b", made)
    assert f"install -d -o tapo -g tapo -m 0700 {state[1]}" in made
    assert json.loads(last("VOLUME")) == [state[1]]


def test_the_image_is_built_from_files_that_are_there_and_nothing_else(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    files = tracked.stdout.splitlines() if tracked.returncode == 0 else None
    copied = [text.split()[:-1] for word, text in instructions() if word == "COPY" and "--from" not in text]
    sources = [source for words in copied for source in words]
    assert "pyproject.toml" in sources
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == set(sources)
    context = tmp_path / "context"
    context.mkdir()
    for source in sources:
        here, there = ROOT / source, context / source
        assert here.exists(), source
        assert files is None or any(file == source or file.startswith(f"{source}/") for file in files), source
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, there)
    # What the image's `pip install .` does, without asking the network for the build tools.
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", context]
    done = subprocess.run(build, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "dist").glob("tapo_automate-*.whl"))


NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
WELL = Health(NOON, NOON, 1.0, True, "", "", 0, {}, frozenset(), None, 0)


@pytest.fixture
def health() -> Iterator[tuple[list[Health], Endpoints]]:
    held = [WELL]
    endpoints = Endpoints(("127.0.0.1", 0), lambda: held[0], Metrics(lambda: held[0]))
    endpoints.start()
    yield held, endpoints
    endpoints.close()


def test_the_image_s_health_check_tells_well_from_unwell(health: tuple[list[Health], Endpoints]) -> None:
    held, endpoints = health
    served = re.search(r'"--health", "127\.0\.0\.1:(\d+)"', last("CMD"))
    assert served is not None
    program, *words = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert program == "python"
    assert f"'127.0.0.1', {served[1]}," in words[-1], "the check asks where the command serves"

    def checked(port: str) -> int:
        command = [sys.executable, *words[:-1], words[-1].replace(served[1], port)]
        return subprocess.run(command, capture_output=True, timeout=60).returncode

    port = endpoints.url.rpartition(":")[2]
    assert checked(port) == 0
    held[0] = replace(WELL, progress_s=60)
    assert checked(port) == 1
    endpoints.close()
    assert checked(port) == 1, "nobody listens"


def test_the_page_names_every_metric(health: tuple[list[Health], Endpoints]) -> None:
    page = (ROOT / "docs" / "service.md").read_text()
    held = replace(WELL, next_due=NOON, devices={"porch": ""})
    text = Metrics(lambda: held).exposition()[0].decode()
    names = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    assert names
    assert names == set(re.findall(r"\b(tapo_automate_\w+)\b(?=[`{])", page))
