"""The ledger's file: where it is, how it is written so that a crash loses nothing, and one sync at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tapo_automate.errors import LedgerUnusable, SyncUnderWay
from tapo_automate.sync.ledgertext import REBUILD, LedgerTexts, ledger_text, read_ledger
from tapo_automate.sync.ledgertext import DeviceLedger as DeviceLedger
from tapo_automate.sync.ledgertext import Ledger as Ledger
from tapo_automate.sync.ledgertext import hardware_digest as hardware_digest

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def default_ledger(rule_paths: Sequence[str]) -> Path:
    """Return where the ledger of a rule book is: beside the first of its files, or in the first folder.

    >>> str(default_ledger(["home/rules.toml", "more.toml"]))
    'home/rules.ledger.toml'
    """
    first = Path(rule_paths[0])
    if first.is_dir():
        return first / "tapo-automate.ledger.toml"
    return first.with_name(first.name.removesuffix(".toml") + ".ledger.toml")


def load_ledger(path: Path) -> Ledger:
    """Return the ledger of a file, an empty one where there is none.

    Raises LedgerUnusable for one that is damaged, of a newer version, or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Ledger()
    except UnicodeDecodeError:
        raise LedgerUnusable(str(path), f"damaged, it is not UTF-8: {REBUILD}") from None
    except OSError as error:
        raise LedgerUnusable(str(path), f"it cannot be read: {error.strerror}") from None
    return read_ledger(text, str(path))


def save_ledger(path: Path, ledger: Ledger) -> None:
    """Write the ledger, whole or not at all; nothing is written where the file says the same already.

    Whoever saves holds `locked(path)`.  Raises LedgerUnusable.
    """
    _save(path, ledger_text(ledger))


def _save(path: Path, text: str) -> None:
    target = _target(path)  # behind a link, which stays one
    try:
        if target.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass  # not there, or not what it should be: it is replaced, or the attempt says why not
    _refuse_read_only(path, target)
    try:
        _sweep(target)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _settle(target.parent)
    except OSError as error:
        raise LedgerUnusable(str(path), f"it cannot be written: {error.strerror}") from None


class LedgerFile:
    """A ledger and its file, for the threads of one sync, which holds `locked(path)`.

    Every change is in the file before `replace` returns.  Changes that come while one is being saved are saved together
    after it: two hundred devices would wait for each other's writing otherwise, at each of their rows.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.  Raises LedgerUnusable."""
        self.path = path
        self._changing = threading.Lock()  # for _coming and _changes, never held for long
        self._saving = threading.Lock()
        self._ledger = self._coming = load_ledger(path)
        self._changes = self._saved = 0
        self._texts = LedgerTexts()

    @property
    def ledger(self) -> Ledger:
        """What the file says."""
        return self._ledger

    def replace(self, device_id: str, device: DeviceLedger) -> None:
        """Record this for a device, by one thread at a time.  Raises LedgerUnusable, and then nothing has changed."""
        with self._changing:
            self._coming = self._coming.replaced(device_id, device)
            self._changes += 1
            mine = self._changes
        with self._saving:
            if self._saved >= mine:
                return  # another thread has saved it with its own
            with self._changing:
                ledger, changes = self._coming, self._changes
            try:
                _save(self.path, self._texts.of(ledger))
            except LedgerUnusable:
                with self._changing:
                    self._coming = self._coming.replaced(device_id, self._ledger.of(device_id))
                raise
            self._ledger, self._saved = ledger, changes

    def check_writable(self) -> None:
        """Find out before the first write to any device.  Raises LedgerUnusable."""
        target = _target(self.path)
        _refuse_read_only(self.path, target)
        try:
            # Another thread that saves meanwhile would sweep the trial away.
            with self._saving, tempfile.NamedTemporaryFile(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent):
                pass
        except OSError as error:
            raise LedgerUnusable(str(self.path), f"it cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time work with a ledger; it ends with the process, however that ends.

    The lock is on the ledger's folder, so that no file is left behind.  Raises SyncUnderWay, LedgerUnusable.
    """
    folder = _target(path).parent
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise LedgerUnusable(str(path), f"its folder cannot be opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SyncUnderWay(str(path)) from None
        except OSError as error:
            raise LedgerUnusable(str(path), f"its folder cannot be locked: {error.strerror}") from None
        yield
    finally:
        os.close(descriptor)


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _refuse_read_only(path: Path, target: Path) -> None:
    """Respect a mark that `rename` and root would go over."""
    for each, what in ((target, "it is"), (target.parent, "its folder is")):
        try:
            mode = each.stat().st_mode
        except FileNotFoundError:
            continue
        if not mode & _WRITE_BITS or not os.access(each, os.W_OK):
            raise LedgerUnusable(
                str(path), f"{what} read-only, and what is written to devices has to be recorded: make it writable"
            )


def _sweep(target: Path) -> None:
    """Remove what a writer left behind that died before its rename."""
    for each in target.parent.iterdir():
        if each.name.startswith(f".{target.name}.") and each.name.endswith(".tmp"):
            each.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Bring the rename itself to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
