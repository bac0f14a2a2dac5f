"""What we have written into the devices' own tables: the only proof that a row is ours, kept beside the rules.

Rows carry no name on a device, so a row that is not in the ledger is somebody else's and is never touched.  A ledger
that is lost costs nothing but that: `sync refresh` finds the rows again that equal what the rules want.

The file is TOML, sorted, fit for git: a diff shows what has changed and nothing else.  A key that this version does
not know is refused, not dropped and not carried along: it may change what the others mean.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tapo_automate.errors import LedgerUnusable
from tapo_automate.rows import TABLES, TableName
from tapo_automate.sync.model import Recorded

SCHEMA = 1

_HEADER = """\
# What `tapo-automate sync` has written into the devices' own tables: the only proof of which rows are ours.
# Keep this file in git beside the rules, and leave it to the tool; `tapo-automate sync refresh` rebuilds it.
"""
REBUILD = "rebuild it with `sync refresh`, which touches no device, or take an older one from git"


def _place(row: Recorded) -> tuple[int, int, str, str, str, tuple[str, ...]]:
    return (TABLES.index(row.table), len(row.row_id), row.row_id, row.text, row.wrote, tuple(sorted(row.rules)))


@dataclass(frozen=True, slots=True)
class DeviceLedger:
    """Our rows on one device, sorted by table and id (S2 before S10), however they were given.

    hardware: `hardware_digest` of the device they were written to, "" where it is not known.
    """

    hardware: str = ""
    rows: tuple[Recorded, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(sorted(self.rows, key=_place)))


@dataclass(frozen=True, slots=True)
class Ledger:
    """Our rows on all devices, by device id."""

    devices: Mapping[str, DeviceLedger] = field(default_factory=dict)

    def of(self, device_id: str) -> DeviceLedger:
        """Return what is recorded for a device, nothing where it is not known."""
        return self.devices.get(device_id, DeviceLedger())

    def replaced(self, device_id: str, device: DeviceLedger) -> Ledger:
        """Return a ledger with this for one device; one of which nothing is known any more is left out."""
        devices = {**self.devices, device_id: device}
        if device == DeviceLedger():
            del devices[device_id]
        return Ledger(devices)


def hardware_digest(hardware_id: str) -> str:
    """Return what the ledger keeps of `Description.hardware_id`: enough to notice another device in its place."""
    return hashlib.sha256(hardware_id.encode()).hexdigest()[:16] if hardware_id else ""


_Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]


class _RowTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    table: TableName
    id: str
    text: str
    wrote: _Digest
    shown: _Digest
    at: AwareDatetime
    rules: dict[str, str]
    phase: Literal["", "coming", "leaving"] = ""
    ignored: Annotated[str, Field(pattern=r"^([0-9a-f]{16}|gone)?$")] = ""
    spent_at: AwareDatetime | None = None


class _DeviceTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    hardware: _Digest = ""
    rows: list[_RowTable] = []


class _FileTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Annotated[int, Field(alias="schema")]
    devices: dict[str, _DeviceTable] = {}


def ledger_text(ledger: Ledger) -> str:
    """Return the ledger as it stands in its file."""
    return LedgerTexts().of(ledger)


class LedgerTexts:
    """The texts of a ledger that changes device by device: what has not changed is not spelt out again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[DeviceLedger, str]] = {}

    def of(self, ledger: Ledger) -> str:
        """Return a ledger as it stands in its file."""
        self._known = {name: self._device(name, ledger.devices[name]) for name in sorted(ledger.devices)}
        devices = "\n".join(text for _, text in self._known.values()) or tomli_w.dumps({"devices": {}})
        return f"{_HEADER}\n{tomli_w.dumps({'schema': SCHEMA})}\n{devices}"

    def _device(self, name: str, device: DeviceLedger) -> tuple[DeviceLedger, str]:
        known = self._known.get(name)
        if known is not None and known[0] is device:
            return known
        return device, tomli_w.dumps({"devices": {name: _device_words(device)}})


def read_ledger(text: str, path: str) -> Ledger:
    """Return the ledger that a text holds.  path: for the error.  Raises LedgerUnusable."""
    try:
        words = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if "<<<<<<<" in text and ">>>>>>>" in text:
            raise LedgerUnusable(
                path, f"it holds a merge that was not finished: choose a side, then {REBUILD}"
            ) from None
        raise LedgerUnusable(path, f"damaged, it is not TOML any more ({error}): {REBUILD}") from None
    schema = words.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise LedgerUnusable(
            path,
            f"written by a newer tapo-automate (schema = {schema}, this one knows {SCHEMA}): update tapo-automate; "
            "no device was touched",
        )
    if type(schema) is not int or schema != SCHEMA:
        raise LedgerUnusable(path, f"damaged, it does not begin with schema = {SCHEMA}: {REBUILD}")
    try:
        table = _FileTable.model_validate(words)
    except ValidationError as error:
        raise LedgerUnusable(path, _complaint(error)) from None
    ledger = Ledger({name: _device(device) for name, device in table.devices.items()})
    _no_row_twice(ledger, path)
    return ledger


def _device_words(device: DeviceLedger) -> dict[str, Any]:
    words: dict[str, Any] = {"hardware": device.hardware} if device.hardware else {}
    words["rows"] = [_row_words(row) for row in device.rows]
    return words


def _row_words(row: Recorded) -> dict[str, Any]:
    words: dict[str, Any] = {"table": row.table, "id": row.row_id, "text": row.text}
    words |= {"wrote": row.wrote, "shown": row.shown, "at": row.at.astimezone(dt.UTC)}
    if row.phase:
        words["phase"] = row.phase
    if row.ignored:
        words["ignored"] = row.ignored
    if row.spent_at is not None:
        words["spent_at"] = row.spent_at.astimezone(dt.UTC)
    return {**words, "rules": dict(sorted(row.rules.items()))}


def _device(table: _DeviceTable) -> DeviceLedger:
    return DeviceLedger(
        table.hardware,
        tuple(
            Recorded(
                table=row.table,
                row_id=row.id,
                rules=row.rules,
                wrote=row.wrote,
                shown=row.shown,
                text=row.text,
                at=row.at.astimezone(dt.UTC),
                phase=row.phase,
                ignored=row.ignored,
                spent_at=None if row.spent_at is None else row.spent_at.astimezone(dt.UTC),
            )
            for row in table.rows
        ),
    )


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "extra_forbidden":
        return (
            f"{where} is nothing that this version knows: update tapo-automate if a newer one wrote it, "
            "or take it out if a person did"
        )
    return f"damaged at {where} ({first['msg'][0].lower()}{first['msg'][1:]}): {REBUILD}"


def _no_row_twice(ledger: Ledger, path: str) -> None:
    for device_id, device in ledger.devices.items():
        seen = set()
        for row in device.rows:
            if row.row_id and (row.table, row.row_id) in seen:
                raise LedgerUnusable(
                    path, f"damaged, {device_id} has the {row.table} row {row.row_id} twice: {REBUILD}"
                )
            seen.add((row.table, row.row_id))
