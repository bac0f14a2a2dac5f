"""What a device's tables held before they were written to: one JSON file each time, the last fifty of each device.

A backup holds rows and nothing of the device's clock, place or account.  It says which rows were ours, so that
`restore` can give them back to the ledger as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tapo_automate.errors import ConfigError, SyncError
from tapo_automate.rows import FoundRow, Holdings, TableName, id_of, table_of
from tapo_automate.sync.ledger import hardware_digest
from tapo_automate.sync.model import Recorded
from tapo_automate.sync.plainrows import as_plain, from_plain
from tapo_automate.sync.rows import in_words

KEPT = 50
SCHEMA = 1
_LONGEST_FOLDER = 100  # bytes; most file systems take 255


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, read.

    hardware: as of `DeviceLedger`.  at: when the device was read, UTC.  tables: the rows of each.
    recorded: (table, row id) -> what the ledger said of the row then; "" is the id in a neighbour of the tables.
    """

    device: str
    hardware: str
    at: dt.datetime
    tables: Mapping[TableName, tuple[FoundRow, ...]]
    recorded: Mapping[tuple[TableName, str], Recorded]


class Backups:
    """The backups of all devices in a folder, which is made when the first is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, device_id: str, holdings: Holdings, at: dt.datetime, recorded: Sequence[Recorded] = ()) -> Path:
        """Write a backup, whole or not at all, and drop the oldest over fifty; return its file.

        recorded: the ledger's rows of the device.  Raises SyncError where it cannot be written.
        """
        folder = self.folder / _folder_name(device_id)
        text = json.dumps(_document(device_id, holdings, at, recorded), indent=1, ensure_ascii=False) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free_name(folder, at)
            _write(path, text)
            for old in sorted(folder.glob("*.json"))[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise SyncError(
                f"{folder}: the backup of {device_id} cannot be written ({error.strerror}), "
                "so the device was left as it is"
            ) from error
        return path

    def all_of(self, device_id: str) -> tuple[Path, ...]:
        """Return the files of a device's backups, the oldest first."""
        return tuple(sorted((self.folder / _folder_name(device_id)).glob("*.json")))

    def latest(self, device_id: str) -> Path | None:
        """Return the file of a device's last backup, or None."""
        return max(self.all_of(device_id), default=None)

    def load(self, path: Path) -> Backup:
        """Read a backup.  Raises ConfigError for a file that is none."""
        try:
            words = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{path}: damaged, it is not JSON ({error}); take an older backup") from error
        schema = words.get("schema") if isinstance(words, Mapping) else None
        if type(schema) is int and schema > SCHEMA:
            raise ConfigError(f"{path}: written by a newer tapo-automate (schema {schema}); update this one")
        try:
            return _backup(words)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path}: no backup of tapo-automate, or damaged ({error}); take an older one") from error


def _document(device_id: str, holdings: Holdings, at: dt.datetime, recorded: Sequence[Recorded]) -> dict[str, Any]:
    ours = {(row.table, row.row_id): row for row in recorded if not row.phase}
    return {
        "schema": SCHEMA,
        "device": device_id,
        "model": holdings.description.model,
        "firmware": holdings.description.firmware,
        "hardware": hardware_digest(holdings.description.hardware_id),
        "at": at.astimezone(dt.UTC).isoformat(),
        "tables": {
            name: [_row(row, ours.get((name, id_of(row)))) for row in table.rows]
            for name, table in holdings.tables.items()
        },
    }


def _row(row: FoundRow, ours: Recorded | None) -> dict[str, Any]:
    words: dict[str, Any] = {"text": in_words(row), **as_plain(row)}
    if ours is not None:
        words["ours"] = {
            "rules": dict(ours.rules),
            "wrote": ours.wrote,
            "shown": ours.shown,
            "text": ours.text,
            "at": ours.at.isoformat(),
            "ignored": ours.ignored,
            "spent_at": None if ours.spent_at is None else ours.spent_at.isoformat(),
        }
    return words


def _backup(words: Mapping[str, Any]) -> Backup:
    if words["schema"] != SCHEMA:
        raise ValueError(f"schema is {words['schema']!r}")
    tables: dict[TableName, tuple[FoundRow, ...]] = {}
    recorded = {}
    for name, rows in words["tables"].items():
        found = []
        for each in rows:
            row = from_plain(each)
            if table_of(row) != name:
                raise ValueError(f"a row of {table_of(row)} is in {name}")
            found.append(row)
            if "ours" in each:
                recorded[table_of(row), id_of(row)] = _recorded(row, each["ours"])
        tables[name] = tuple(found)
    at = dt.datetime.fromisoformat(words["at"])
    if at.tzinfo is None:
        raise ValueError("`at` has no zone")
    return Backup(str(words["device"]), str(words["hardware"]), at, tables, recorded)


def _recorded(row: FoundRow, words: Mapping[str, Any]) -> Recorded:
    spent_at = words["spent_at"]
    return Recorded(
        table=table_of(row),
        row_id=id_of(row),
        rules={str(rule): str(key) for rule, key in words["rules"].items()},
        wrote=str(words["wrote"]),
        shown=str(words["shown"]),
        text=str(words["text"]),
        at=dt.datetime.fromisoformat(words["at"]),
        ignored=str(words["ignored"]),
        spent_at=None if spent_at is None else dt.datetime.fromisoformat(spent_at),
    )


def _folder_name(device_id: str) -> str:
    """Return a name that every file system takes, "strip/1" as "strip%2F1"; different ones for different devices."""
    name = quote(device_id, safe=" ").replace(".", "%2E")
    if len(name) <= _LONGEST_FOLDER:
        return name
    return f"{name[:_LONGEST_FOLDER]}-{hashlib.sha256(device_id.encode()).hexdigest()[:12]}"


def _free_name(folder: Path, at: dt.datetime) -> Path:
    name = at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H-%M-%S")
    others = sorted(folder.glob(f"{name}Z*.json"))
    if not others:
        return folder / f"{name}Z.json"
    last = others[-1].stem.partition("~")[2]
    return folder / f"{name}Z~{int(last or 1) + 1:03}.json"  # sorted after the first


def _write(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
