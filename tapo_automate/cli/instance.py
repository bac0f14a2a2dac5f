"""One daemon per state folder, and how other processes find it.

The kernel's lock on `daemon.lock` is the proof that a daemon lives: it falls with the process, however that ends.
What the file says is only who holds the lock; without the lock it says nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tapo_automate.errors import ConfigError, TapoAutomateError

LOCK = "daemon.lock"
_PATIENCE_S = 0.5  # whoever looks who is there holds the lock for an instant


@dataclass(frozen=True, slots=True)
class Holder:
    """A running daemon.

    pid: as its own pid namespace counts.  namespace: that one's name.  started: the kernel's stamp of the process.
    The last two are "" where the system does not say.
    """

    pid: int
    namespace: str
    started: str

    @property
    def is_here(self) -> bool:
        """Whether `pid` means the same process to us: in another container it is somebody else's."""
        return self.namespace == _namespace()

    def __str__(self) -> str:
        return f"process {self.pid}" + ("" if self.is_here else " of another container")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two daemons on one book would do everything twice.  Makes the folder if need be.

    Raises ConfigError that names the daemon which holds it already.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise _cannot_keep(folder, problem) from None
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(Holder(os.getpid(), _namespace(), _started(os.getpid())))).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(folder: Path) -> Holder | None:
    """Return the daemon that uses the folder now, or None where there is none.

    Raises ConfigError where that cannot be found out.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise ConfigError(
            f"{folder}: cannot see who uses it: {problem.strerror}; run this as the user that the daemon runs as"
        ) from None
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            if found := _written(descriptor):
                return found
            if time.monotonic() > deadline:
                raise ConfigError(f"{folder / LOCK}: held by a process that does not say who it is")
            time.sleep(0.02)  # it has the lock and is about to write
    finally:
        os.close(descriptor)


def hang_up(folder: Path, daemon: Holder) -> None:
    """Send SIGHUP to a daemon that `holder` found: it reads its rules anew.

    Raises TapoAutomateError if it cannot be sent, or if the daemon has ended meanwhile.
    """
    if not daemon.is_here:
        raise TapoAutomateError(f"the daemon is {daemon}; run this inside that container")
    # A daemon that has just taken the lock over may not have written yet: what is there is then of the one before.
    # Where processes are hidden from us, the kernel still knows whom we may signal.
    if holder(folder) != daemon or _started(daemon.pid) not in ("", daemon.started):
        raise _ended(daemon)
    try:
        os.kill(daemon.pid, signal.SIGHUP)
    except ProcessLookupError:
        raise _ended(daemon) from None
    except PermissionError:
        raise TapoAutomateError(f"the daemon ({daemon}) belongs to another user; run this as that user") from None


def _take(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                found = _written(descriptor)
                whom = f"another daemon ({found})" if found else "another daemon"
                raise ConfigError(f"{folder}: {whom} is using this state folder") from None
            time.sleep(0.02)
        except OSError as problem:  # a network file system without locks
            raise _cannot_keep(folder, problem) from None


def _written(descriptor: int) -> Holder | None:
    """Return what the holder of the lock wrote, or None where it has not yet, or not in our words."""
    try:
        fields = json.loads(os.pread(descriptor, 1024, 0))
        pid = fields["pid"]
        if not isinstance(pid, int) or pid < 1:  # 0 and below are whole groups of processes
            return None
        return Holder(pid, str(fields["namespace"]), str(fields["started"]))
    except (ValueError, TypeError, KeyError):
        return None


def _ended(daemon: Holder) -> TapoAutomateError:
    return TapoAutomateError(f"the daemon ({daemon}) has ended meanwhile")


def _cannot_keep(folder: Path, problem: OSError) -> ConfigError:
    return ConfigError(f"{folder}: cannot keep state there: {problem.strerror}; name a folder with --state")


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]  # proc(5)
    except (OSError, IndexError):
        return ""
