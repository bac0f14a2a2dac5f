"""The lock of a state folder, between real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tapo_automate.cli.instance import LOCK, Holder, hang_up, holder, only_one
from tapo_automate.errors import ConfigError, TapoAutomateError

HOLDS = """
import signal, sys
from pathlib import Path
from tapo_automate.cli.instance import only_one
signal.signal(signal.SIGHUP, lambda *_: print("heard", flush=True))
with only_one(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_daemon_that_holds_the_lock_is_found_and_hears(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        found = holder(tmp_path)
        assert found is not None
        assert (found.pid, found.is_here, str(found)) == (process.pid, True, f"process {process.pid}")
        hang_up(tmp_path, found)
        assert process.stdout is not None
        assert process.stdout.readline() == "heard\n"


def test_a_second_daemon_is_told_who_was_first(tmp_path: Path) -> None:
    with holding(tmp_path) as process, pytest.raises(ConfigError) as refused, only_one(tmp_path):
        pass
    assert str(refused.value) == f"{tmp_path}: another daemon (process {process.pid}) is using this state folder"


def test_a_daemon_that_was_killed_leaves_no_lock_and_is_never_signalled(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        found = holder(tmp_path)
        assert found is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert holder(tmp_path) is None, "the file is there, and the lock is not"
        with pytest.raises(TapoAutomateError) as refused:
            hang_up(tmp_path, found)
        assert str(refused.value) == f"the daemon (process {process.pid}) has ended meanwhile"
    with only_one(tmp_path):
        assert holder(tmp_path) is not None


def test_a_pid_that_another_process_has_now_is_not_signalled(tmp_path: Path) -> None:
    # What a daemon looks like that has the lock and has not yet written over what the last one left.
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system does not say when a process began")
    with holding(tmp_path) as process, subprocess.Popen(["sleep", "60"]) as innocent:
        found = holder(tmp_path)
        assert found is not None
        stale = {"pid": innocent.pid, "namespace": found.namespace, "started": found.started}
        (tmp_path / LOCK).write_text(json.dumps(stale))
        with pytest.raises(TapoAutomateError, match="has ended meanwhile"):
            hang_up(tmp_path, Holder(**stale))  # type: ignore[arg-type]
        assert innocent.poll() is None
        innocent.kill()
        assert process.poll() is None


def test_a_daemon_of_another_container_is_not_signalled_by_a_number_of_ours(tmp_path: Path) -> None:
    there = Holder(os.getpid(), "pid:[1]", "7")
    assert str(there) == f"process {os.getpid()} of another container"
    with pytest.raises(TapoAutomateError) as refused:
        hang_up(tmp_path, there)
    assert str(refused.value) == f"the daemon is {there}; run this inside that container"


@pytest.mark.parametrize("written", ["", "12", "{}", '{"pid": -1, "namespace": "", "started": ""}', "\0\xff"])
def test_a_holder_that_does_not_say_who_it_is_is_not_guessed(tmp_path: Path, written: str) -> None:
    with holding(tmp_path):
        (tmp_path / LOCK).write_text(written)
        with pytest.raises(ConfigError) as refused:
            holder(tmp_path)
        assert str(refused.value) == f"{tmp_path / LOCK}: held by a process that does not say who it is"
        with pytest.raises(ConfigError) as second, only_one(tmp_path):
            pass
        assert str(second.value) == f"{tmp_path}: another daemon is using this state folder"


def test_without_a_folder_there_is_no_daemon(tmp_path: Path) -> None:
    assert holder(tmp_path / "none") is None
    with only_one(tmp_path / "made" / "here"):
        assert (tmp_path / "made" / "here").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as refused, only_one(tmp_path / "file"):
        pass
    assert str(refused.value) == (
        f"{tmp_path / 'file'}: cannot keep state there: File exists; name a folder with --state"
    )
    with pytest.raises(ConfigError) as unseen:
        holder(tmp_path / "file")
    assert str(unseen.value) == (
        f"{tmp_path / 'file'}: cannot see who uses it: Not a directory; run this as the user that the daemon runs as"
    )


def test_whoever_looks_keeps_no_daemon_from_starting(tmp_path: Path) -> None:
    looks = "import sys; from pathlib import Path; from tapo_automate.cli.instance import holder\n"
    looks += "print('looks', flush=True)\nwhile True: holder(Path(sys.argv[1]))"
    with only_one(tmp_path):
        pass
    with subprocess.Popen([sys.executable, "-c", looks, str(tmp_path)], stdout=subprocess.PIPE, text=True) as looking:
        assert looking.stdout is not None
        assert looking.stdout.readline() == "looks\n"
        try:
            for _ in range(50):
                with only_one(tmp_path):
                    pass
        finally:
            looking.kill()
