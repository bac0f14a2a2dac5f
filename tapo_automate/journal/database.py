"""The file `journal.sqlite`: how it is opened and begun, and what its errors mean.

WAL lets others read while the daemon writes.  With synchronous=NORMAL a commit is handed to the kernel and not to the
disk: `kill -9` loses nothing that was committed.  A power cut may lose the last moments, though it damages nothing;
the daemon finds them again by looking at the devices.  A journal that waits for the disk at every firing wears out SD
cards, which is what most of these machines run from.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from tapo_automate.errors import ConfigError
from tapo_automate.journal.rows import CHANGE, ENTRY, MEMORY, RUN

NAME = "journal.sqlite"
VERSION = 1  # of the tables; counted up when they change
TABLES = {"entries": ENTRY, "changes": CHANGE, "memory": MEMORY, "runs": RUN}

_APPLICATION_ID = 0x7461706F  # "tapo": this file is ours
_BUSY_TIMEOUT_S = 5.0
_CHECKPOINT_PAGES = 4000  # 16 MiB; a record writes some seven, and one in five hundred waits for the disk
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    rule TEXT NOT NULL, device TEXT NOT NULL, nominal INTEGER NOT NULL,
    due INTEGER NOT NULL, deadline INTEGER NOT NULL, result TEXT NOT NULL, asked TEXT NOT NULL,
    at INTEGER, tries INTEGER NOT NULL, reason TEXT NOT NULL, kind TEXT NOT NULL, role TEXT NOT NULL, seed TEXT,
    file TEXT NOT NULL, line INTEGER NOT NULL, git_commit TEXT NOT NULL,
    UNIQUE (rule, device, nominal)
);
CREATE INDEX entries_due ON entries (due);
CREATE INDEX entries_rule ON entries (rule, due);
CREATE INDEX entries_device ON entries (device, due);
CREATE INDEX entries_result ON entries (result, due);
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL, at INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, by TEXT NOT NULL,
    since INTEGER, rule TEXT NOT NULL, nominal INTEGER, detail TEXT NOT NULL
);
CREATE INDEX changes_at ON changes (at);
CREATE INDEX changes_device ON changes (device, at);
CREATE TABLE memory (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (kind, key)
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started INTEGER NOT NULL UNIQUE, alive INTEGER NOT NULL, ended INTEGER
);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection to the journal at `path`, begun there if there is none.  Nobody but the owner may read it.

    Raises ConfigError for a newer version's journal and for another program's database, sqlite3.Error and OSError for
    what the world does; `is_damage` tells damage from the rest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # SQLite would leave the mode to the umask, and it says when people are at home.  Its other files copy the mode.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    connection = _connect(path, "mode=rw")
    try:
        version = _checked_version(connection, path)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        # Some network file systems have no WAL; there, NORMAL could damage the file.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        if version == 0:
            connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """Return a journal that no disk is needed for."""
    connection = _connect(Path(), "", name=":memory:")
    connection.executescript(_SCHEMA)
    return connection


def open_for_reading(path: Path, *, damaged: bool = False) -> sqlite3.Connection:
    """Return a connection that cannot write; a daemon may be writing meanwhile.

    damaged: read what can be read of a file that has lost its end, or whose tables are not what they were.
    Raises as `open_for_writing` does, FileNotFoundError among it.
    """
    path.stat()
    try:
        return _open_to_read(path, "mode=ro", damaged)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # Readers of a WAL share a file beside it, which cannot be made in a folder that is read-only.
        return _open_to_read(path, "mode=ro&immutable=1", damaged)


def _open_to_read(path: Path, options: str, damaged: bool) -> sqlite3.Connection:
    connection = _connect(path, options)
    try:
        if damaged:  # which is what SQLite does this for, beside letting its schema be written, which we cannot
            connection.execute("PRAGMA writable_schema = ON")
        if not _checked_version(connection, path):
            raise FileNotFoundError(errno.ENOENT, "nothing is recorded in it yet")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, options: str, name: str = "") -> sqlite3.Connection:
    # Whoever uses it, uses it from one thread at a time.
    connection = sqlite3.connect(
        name or f"file:{quote(os.fspath(path.absolute()))}?{options}",
        uri=not name,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = _lenient_text
    return connection


def _lenient_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")  # only damage brings anything else


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables, 0 where there are none yet.

    Raises ConfigError for a database that is not for us, sqlite3.DatabaseError for one without the tables it claims.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if owner == 0 and not version and not tables:
        return 0
    if owner != _APPLICATION_ID:
        raise ConfigError(f"{path}: a database of another program; move it away, or name another folder with --state")
    if version > VERSION:
        raise ConfigError(
            f"{path}: written by a newer version of tapo-automate (its tables are version {version}, this one knows "
            f"{VERSION}); update, or name another folder with --state"
        )
    if not tables >= TABLES.keys():
        raise sqlite3.DatabaseError("tables are missing")
    return int(version)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault, so that trying again is of no use."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return type(error) is sqlite3.DatabaseError  # raised above
    if code == sqlite3.SQLITE_ERROR:  # our statements are fixed, so the tables are not what they were
        return str(error).startswith(("no such table", "no such column")) or "has no column named" in str(error)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def in_words(error: Exception, path: Path) -> str:
    """Return what keeps the journal from being written or read, and what a person can do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return f"{path}: the disk is full; make room on it"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path}: another program keeps it locked; end that program"
    if isinstance(error, PermissionError) or code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return f"{path}: it cannot be opened or written; see to it that the file and its folder belong to this user"
    if code == sqlite3.SQLITE_IOERR:
        return f"{path}: the disk reports an error ({error}); a quota may be used up, or the disk may be failing"
    if is_damage(error):
        return f"{path}: it is damaged ({error})"
    return f"{path}: {getattr(error, 'strerror', None) or error}"


def _is_full(folder: Path) -> bool:
    try:
        free = os.statvfs(folder)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize < 2**18  # growing the files beside the database takes 32 KiB at a time
