"""What a look over one device finds: each check with what was seen, and a remedy where it is not well."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapo_automate.cli.sync_text import TABLE_WORDS, count
from tapo_automate.errors import AuthRefused, DeviceError, NeedsTpap, OtherKind, TapoAutomateError, Unreachable
from tapo_automate.rows import TABLES, Holdings, NextEvent, OpaqueRow, id_of
from tapo_automate.rules.model import Site
from tapo_automate.sync.ledger import DeviceLedger, hardware_digest
from tapo_automate.sync.model import Reading
from tapo_automate.sync.trust import Doubt, doubts, sun_apart_min
from tapo_automate.sync.upcoming import event_doubt

Level: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.  check: a word, stable.  text: what was seen.  remedy: what to do, "" where nothing."""

    check: str
    level: Level
    text: str
    remedy: str = ""


_OF_OWNER = {
    True: "it is bound to this account, so that its password is another: see to TAPO_PASSWORD or the credentials file, "
    "or, if the account's was changed lately, log out of the Tapo app and in again",
    False: "it is bound to another account, or its e-mail is spelt otherwise there, capital letters included: spell it "
    "exactly as the Tapo app shows it, or remove the device in the app of the other account and add it anew",
    None: "see to the password, and spell the e-mail address exactly as the Tapo app shows it, capital letters "
    "included; a device that was bound to another account keeps that one's",
}


_LOCKED = (
    "the lock ends by itself, and says nothing about your credentials: look which program failed to log in to it, such "
    "as another integration with an old password"
)


def out_of_reach(problem: TapoAutomateError, *, ours: bool | None = None) -> list[Finding]:
    """Return what there is to find of a device that could not be read.

    ours: whether it says that it is bound to the account that it refused, None where it does not say.
    """
    match problem:
        case NeedsTpap():
            return [
                Finding("reachable", "ok", "it answers"),
                Finding(
                    "third-party",
                    "fail",
                    problem.problem.partition(";")[0],
                    "in the Tapo app turn on Me → Third-Party Services → Third-Party Compatibility (if it is on "
                    "already, turn it off and on again)",
                ),
            ]
        case AuthRefused(locked=True):
            return [
                Finding("reachable", "ok", "it answers"),
                Finding("credentials", "fail", problem.problem, _LOCKED),
            ]
        case AuthRefused():
            return [
                Finding("reachable", "ok", "it answers"),
                Finding("credentials", "fail", problem.problem, _OF_OWNER[ours]),
            ]
        case Unreachable():
            remedy = "is it plugged in, on this network, and still at this address?  A mac instead of a host follows it"
            return [Finding("reachable", "fail", problem.problem, remedy)]
        case OtherKind():
            return [
                Finding("reachable", "ok", "it answers"),
                Finding("kind", "fail", problem.problem, "take it out of the rules, or see to its address there"),
            ]
        case DeviceError():
            return [Finding("reachable", "fail", problem.problem)]
        case _:
            return [Finding("reachable", "fail", str(problem))]


def findings(
    reading: Reading, site: Site, ledger: DeviceLedger, auto_update: bool | None, now: dt.datetime
) -> Iterator[Finding]:
    """Yield what a look over a device that was read finds, in the order in which it is told.

    auto_update: whether it renews its firmware by itself, None where it does not say.
    """
    holdings = reading.holdings
    about = holdings.description
    yield Finding("reachable", "ok", f"it answers over {about.transport}")
    yield Finding("firmware", "ok", f"{about.model}, firmware {about.firmware}")
    yield from _update(auto_update)
    if not holdings.tables:
        yield Finding("tables", "ok", "it has no tables of its own: all of its rules are the daemon's")
        return
    doubted: dict[str, list[Doubt]] = {}
    for doubt in doubts(reading, site, now):
        doubted.setdefault(doubt.code, []).append(doubt)
    well = _well(reading, site)
    for check in (*well, *(code for code in doubted if code not in well)):
        for doubt in doubted.get(check, ()):
            yield Finding(check, "warn", doubt.text, doubt.remedy or "the daemon carries its rules out")
        if check not in doubted and well[check]:
            yield Finding(check, "ok", well[check])
    yield from _quotas(holdings)
    yield from _ledger(holdings, ledger)
    yield _next(holdings, site, ledger, now)


def _well(reading: Reading, site: Site) -> dict[str, str]:
    """Return what there is to say of each check that no doubt is about, "" where nothing."""
    holdings = reading.holdings
    clock = holdings.clock
    ahead_s = round((clock.at - reading.at).total_seconds()) if clock else 0
    versions = ", ".join(
        f"{TABLE_WORDS[name]} {holdings.versions[name]}" for name in TABLES if name in holdings.versions
    )
    return {
        "clock": f"{abs(ahead_s)} s {'behind' if ahead_s < 0 else 'ahead'}" if ahead_s else "right to the second",
        "zone": clock.region if clock else "",
        "location": _sun(holdings, site),
        "switch": "no table is switched off",
        "version": f"versions {versions}" if versions else "",
    }


def _sun(holdings: Holdings, site: Site) -> str:
    if holdings.position is None or site.latitude_deg is None or site.longitude_deg is None:
        return "it has one; the site's is not in the rules"
    apart_min = sun_apart_min(holdings.position, (site.latitude_deg, site.longitude_deg))
    return f"its sun is the site's to within {max(1, math.ceil(apart_min or 0.0))} min"


def _quotas(holdings: Holdings) -> Iterator[Finding]:
    for name in ("schedule", "countdown", "antitheft"):
        table = holdings.tables.get(name)
        if table is None:
            continue
        text = f"{len(table.rows)} of {table.max_rows}"
        if table.max_rows > 1 and len(table.rows) >= table.max_rows:
            yield Finding(name, "warn", f"full, {text}", "rules that find no place stay with the daemon")
        else:
            yield Finding(name, "ok", text)
        for row in table.rows:
            if isinstance(row, OpaqueRow):
                yield Finding(
                    name, "warn", f"row {row.id} cannot be read: {row.why}", "it takes a place and is left alone"
                )


def _ledger(holdings: Holdings, ledger: DeviceLedger) -> Iterator[Finding]:
    hardware = hardware_digest(holdings.description.hardware_id)
    if ledger.hardware and hardware and ledger.hardware != hardware:
        yield Finding(
            "ledger",
            "fail",
            "it is another device than the one that our rows were written to",
            "`sync refresh` with --device and its name makes the ledger follow",
        )
        return
    there = {(name, id_of(row)) for name, table in holdings.tables.items() for row in table.rows}
    lasting = [row for row in ledger.rows if not (row.phase or row.spent_at or row.ignored)]
    gone = [row for row in lasting if (row.table, row.row_id) not in there]
    if gone:
        verb = "row of ours is" if len(gone) == 1 else "rows of ours are"
        yield Finding("ledger", "warn", f"{len(gone)} {verb} no longer there", "`sync drift` shows what to do")
    else:
        yield Finding("ledger", "ok", count(len(ledger.rows), "row") + " of ours")


def _next(holdings: Holdings, site: Site, ledger: DeviceLedger, now: dt.datetime) -> Finding:
    ours = {row.row_id: row.text for row in ledger.rows if row.table == "schedule" and not row.phase}
    doubt = event_doubt(holdings, site, now, ours)
    if doubt:
        return Finding("next event", "warn", doubt, "`sync plan` shows whether its rows are what they should be")
    if not holdings.announces:
        return Finding("next event", "ok", "it does not say what it will do next")
    event = holdings.next_event
    if event is None:
        return Finding("next event", "ok", "nothing to come")
    return Finding("next event", "ok", _said(event, site))


def _said(event: NextEvent, site: Site) -> str:
    at = event.at.astimezone(site.timezone)
    return f"{at:%a %Y-%m-%d %H:%M}" + (f" → {event.setting}" if event.setting is not None else "")


def _update(auto_update: bool | None) -> Iterator[Finding]:
    if auto_update:
        yield Finding(
            "auto-update",
            "warn",
            "it renews its firmware by itself, and a renewal may change the protocol that it speaks",
            "`tapo-automate firmware DEVICE --auto-update off`, or turn Auto Update off in the Tapo app, Device Info",
        )
    elif auto_update is not None:
        yield Finding("auto-update", "ok", "off")
