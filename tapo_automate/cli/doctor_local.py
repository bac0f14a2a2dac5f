"""What a look over this computer finds: rules, credentials, ledger, journal, time zone data, clock."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tapo_automate.cli.doctor_device import Finding
from tapo_automate.cli.past import open_journal
from tapo_automate.cli.sync_text import count, names
from tapo_automate.daemon.clock import WallClock
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import LedgerUnusable, TapoAutomateError
from tapo_automate.sync.ledger import Ledger, load_ledger
from tapo_automate.sync.model import Reading

if TYPE_CHECKING:
    from tapo_automate.registry import Registry
    from tapo_automate.rules.load import Loaded
    from tapo_automate.rules.model import RuleBook

_SILENT = dt.timedelta(minutes=3)  # a daemon that runs says so much more often than this
_OLD_ZONES = dt.timedelta(days=2 * 365)
_OUR_FAULT_S = 30  # by which most of the devices differ from us
_ENOUGH = 3  # devices, to outvote a computer


def rules_finding(loaded: Loaded) -> Finding:
    """Say whether the rule files are well."""
    book, remedy = loaded.book, "`tapo-automate check` shows each with its place"
    if book is None or loaded.errors:
        return Finding("rules", "fail", count(len(loaded.errors), "error"), remedy)
    text = f"{count(len(book.rules), 'rule')} for {count(len(book.devices), 'device')}"
    if loaded.warnings:
        return Finding("rules", "warn", f"{text}, {count(len(loaded.warnings), 'warning')}", remedy)
    return Finding("rules", "ok", text)


def credentials_finding(registry: Registry, specs: Sequence[DeviceSpec], path: Path) -> Finding:
    """Say who knows the accounts of the devices, and nothing of what they are.  path: the credentials file."""
    found: dict[str, list[str]] = {}
    try:
        for spec in specs:
            found.setdefault(_knower(registry, spec, path), []).append(spec.id)
    except TapoAutomateError as problem:
        return Finding("credentials", "fail", str(problem))
    nobody = found.pop("", [])
    if nobody:
        remedy = "set TAPO_USERNAME and TAPO_PASSWORD, or write a credentials file"
        return Finding("credentials", "fail", f"nobody knows any for {names(nobody)}", remedy)
    return Finding("credentials", "ok", f"from {', and from '.join(found)}" if found else "no device needs any")


def _knower(registry: Registry, spec: DeviceSpec, path: Path) -> str:
    """Return who answers for a device, "" for nobody."""
    from tapo_automate.credentials import StoredCredentials

    found = registry.credentials(spec)
    if found is None:
        return ""
    ours = StoredCredentials(os.environ, path).find_credentials(spec)
    if found != ours:
        return "a plugin"
    if os.environ.get("TAPO_USERNAME") and os.environ.get("TAPO_PASSWORD"):
        return "the environment"
    return f"the file {path}" if path.exists() else "the system keyring"


def ledger_of(path: Path) -> tuple[Ledger, Finding]:
    """Return the ledger, an empty one where it cannot be read, and what there is to say of it."""
    try:
        ledger = load_ledger(path)
    except LedgerUnusable as problem:
        return Ledger(), Finding("ledger", "fail", str(problem))
    rows = sum(len(device.rows) for device in ledger.devices.values())
    if not path.exists():
        return ledger, Finding("ledger", "ok", f"{path}: none yet, so every rule is the daemon's")
    under_way = [name for name, device in ledger.devices.items() if any(row.phase for row in device.rows)]
    if under_way:
        text = f"{path}: an apply ended half-way on {names(under_way)}"
        return ledger, Finding("ledger", "warn", text, "`sync apply` goes on where it ended")
    return ledger, Finding("ledger", "ok", f"{path}: {count(rows, 'row')} on {count(len(ledger.devices), 'device')}")


def left_finding(book: RuleBook, ledger: Ledger) -> Iterator[Finding]:
    """Say which devices the ledger knows and the rules do not."""
    left = [name for name, device in ledger.devices.items() if device.rows and name not in book.devices]
    if left:
        yield Finding(
            "ledger",
            "warn",
            f"rows of ours may still be in devices that the rules have no more: {names(left)}",
            "put their [devices] tables back without rules, run `sync apply`, then take them out",
        )


def journal_finding(folder: Path, now: dt.datetime) -> Finding:
    """Say whether the daemon has kept a journal, and whether it runs."""
    from tapo_automate.journal.database import NAME

    if not (folder / NAME).exists():
        return Finding("journal", "ok", f"{folder}: none yet; the daemon (`tapo-automate run`) begins one")
    try:
        with open_journal(folder) as reader:
            last = reader.last_run()
    except TapoAutomateError as problem:
        return Finding("journal", "fail", str(problem))
    if last is None:
        return Finding("journal", "ok", f"{folder}: no daemon has run yet")
    if last.ended is None and now - last.alive <= _SILENT:
        return Finding("journal", "ok", f"{folder}: the daemon runs")
    until = last.ended or last.alive
    text = f"{folder}: the daemon has not run since {until:%Y-%m-%d %H:%M} UTC"
    return Finding("journal", "warn", text, "start it, or leave to the devices what they can do: `sync plan`")


def zones_finding(now: dt.datetime) -> Finding:
    """Say how old the time zone data is that local times are worked out with."""
    import zoneinfo

    version, source = _zone_data([Path(each) for each in zoneinfo.TZPATH])
    if not version:
        return Finding("time zones", "ok", f"from {source}, which does not say of when")
    year = int(version[:4])
    if now - dt.datetime(year, 12, 31, tzinfo=dt.UTC) > _OLD_ZONES:
        remedy = "update it: governments change summer time at short notice"
        return Finding("time zones", "warn", f"{version}, from {source}", remedy)
    return Finding("time zones", "ok", f"{version}, from {source}")


def _zone_data(folders: Iterable[Path]) -> tuple[str, str]:
    """Return (version such as "2026a" or "", where it is from).  The system's comes first, as zoneinfo has it."""
    for folder in folders:
        if not (folder / "Europe").is_dir():
            continue
        for name in ("tzdata.zi", "+VERSION", "version"):
            try:
                with open(folder / name, encoding="utf-8") as file:
                    found = re.search(r"20[0-9]{2}[a-z]+", file.readline())
            except (OSError, UnicodeDecodeError):
                continue
            if found:
                return found[0], str(folder)
        return "", str(folder)
    try:
        return importlib.metadata.version("tzdata"), "the package tzdata"
    except importlib.metadata.PackageNotFoundError:
        return "", "no known place"


def clock_finding(readings: Iterable[Reading]) -> Finding:
    """Say whether this computer's clock can be right, by itself and by what the devices' clocks say."""
    if not WallClock().plausible():
        return Finding("clock", "fail", "it cannot be right: it is before this program was made", "set it; use NTP")
    ahead_s = [
        (reading.holdings.clock.at - reading.at).total_seconds()
        for reading in readings
        if reading.holdings.clock is not None
    ]
    if len(ahead_s) >= _ENOUGH:
        middle_s = statistics.median(ahead_s)
        agreeing = sum(abs(each - middle_s) < _OUR_FAULT_S / 2 for each in ahead_s)
        if abs(middle_s) > _OUR_FAULT_S and agreeing > len(ahead_s) / 2:
            which = "behind" if middle_s > 0 else "ahead of"
            text = f"{abs(middle_s):.0f} s {which} {agreeing} of {len(ahead_s)} devices, which agree with each other"
            return Finding("clock", "warn", text, "does this computer use NTP?")
    return Finding("clock", "ok", "it may be right")
