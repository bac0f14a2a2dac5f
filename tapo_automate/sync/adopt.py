"""Rows that people made in the app, as rules: text for a rule file, and what the ledger then keeps.

A row is adopted only if the rules that come of it leave nothing to do: the text is read back and compared, and the
device is compiled and compared with it, before anybody writes anything.  What cannot be adopted is left, with a reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tapo_automate.device import Setting
from tapo_automate.rows import (
    TABLES,
    AntitheftRow,
    AutoOff,
    FoundRow,
    PowerProtection,
    Row,
    ScheduleRow,
    TableName,
    id_of,
    table_of,
)
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import Rule, RuleBook, Site, Trigger
from tapo_automate.rules.source import NOWHERE
from tapo_automate.sync.apply import recorded_as
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.difference import changes_of, runs
from tapo_automate.sync.fromrow import said, set_words, toml_key, toml_text, when_words
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Change, InDaemon, Reading, Recorded, Wanted
from tapo_automate.sync.rows import days_in_words, digest, in_words, key_of, moment_in_words
from tapo_automate.sync.wanted import compile_device

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A row of nobody's that does not become a rule.  text: in words.  reason: half a sentence."""

    table: TableName
    row_id: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """What becomes of one device's rows.

    text: its rules as TOML, "" for none; several devices' texts go into one file by `rule_file`.  rules: by id.
    recorded: what the ledger gets beside what it has, once the text is in a rule file.
    """

    device: str
    text: str
    rules: Mapping[str, Rule]
    recorded: tuple[Recorded, ...]
    left_alone: tuple[LeftAlone, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: Row
    rule: Rule
    text: str


def adopt_rows(
    book: RuleBook, device_id: str, reading: Reading, ledger: DeviceLedger, taken: Collection[str] = ()
) -> Adopted:
    """Return rules for the rows of a device that are nobody's.

    taken: names of rules beside the book's that are in use, as those just given to another device's rows.
    """
    names = {*book.rules, *taken}
    left: list[LeftAlone] = []
    candidates: list[_Candidate] = []
    for row in _foreign(reading, ledger):
        meaning = said(row, book.site, reading.at)
        if _by_sun(row) and book.site.latitude_deg is None:
            meaning = "it follows the sun, and [site] has no latitude and longitude"
        if isinstance(meaning, str):
            left.append(_left(row, meaning))
            continue
        double = next((each for each in candidates if each.row == row), None)
        if double is not None:
            left.append(_left(row, f"it does the same as {_row_name(double.row)}: remove one of them in the app"))
            continue
        sibling = next((each for each in candidates if _differs_in_days(each.row, row)), None)
        if sibling is not None:
            why = f"it differs from {_row_name(sibling.row)} in its days alone, and rules share one row then"
            left.append(_left(row, f"{why}: give that one its days in the app, and remove this one"))
            continue
        candidate = _candidate(row, *meaning, book, device_id, reading, names)
        if candidate is None:
            left.append(_left(row, f"the rule language has no word for what it sets: {in_words(row)}"))
            continue
        names.add(candidate.rule.id)
        candidates.append(candidate)
    while True:
        reasons = _reasons(book, device_id, reading, ledger, candidates)
        if not reasons:
            break
        left += [_left(each.row, reasons[each.rule.id]) for each in candidates if each.rule.id in reasons]
        candidates = [each for each in candidates if each.rule.id not in reasons]
    recorded = tuple(_recorded(each, book.site, reading.at) for each in candidates)
    rules = {each.rule.id: each.rule for each in candidates}
    left.sort(key=lambda each: (TABLES.index(each.table), len(each.row_id), each.row_id))
    return Adopted(device_id, _section(device_id, candidates), rules, recorded, tuple(left))


def rule_file(adopted: Sequence[Adopted], before: str = "") -> str:
    """Return the text of a rule file with the rules of several devices, after what it says already.

    before: the file's text from an earlier adoption, "" for a new file.
    """
    sections = [each.text for each in adopted if each.text]
    head = before.rstrip("\n") or "# Rules that were made in the phone app, and are kept here now.\n\nschema = 1"
    return "\n\n".join([head, *sections]) + "\n"


def _foreign(reading: Reading, ledger: DeviceLedger) -> list[FoundRow]:
    """Return the rows that are nobody's, in the order in which a person would list them."""
    ours = {(each.table, each.row_id) for each in ledger.rows}
    unborn = {(each.table, each.wrote) for each in ledger.rows if each.phase == "coming" and not each.row_id}
    found = []
    for name, table in reading.holdings.tables.items():
        for row in table.rows:
            if runs(row) and (name, id_of(row)) not in ours and (name, digest(row)) not in unborn:
                found.append(row)
    return sorted(found, key=_in_order)


def _in_order(row: FoundRow) -> tuple[int, str, int, str]:
    place = TABLES.index(table_of(row))
    if isinstance(row, ScheduleRow):
        return place, row.at.anchor, row.at.offset_min, in_words(row)
    return place, "", 0, in_words(row)


def _candidate(
    row: FoundRow,
    trigger: Trigger,
    setting: Setting,
    book: RuleBook,
    device_id: str,
    reading: Reading,
    names: Collection[str],
) -> _Candidate | None:
    """Return a row with its rule and the rule's text, or None where the text does not mean that."""
    assert isinstance(row, ScheduleRow | AntitheftRow | AutoOff | PowerProtection)
    name = _unique(_name(device_id, row), names)
    rule = Rule(name, (device_id,), trigger, setting)
    day = reading.at.astimezone(book.site.timezone).date()
    lines = [
        f"# {device_id}, {_row_name(row)}, adopted {day}: {in_words(row)}",
        f"[rules.{toml_key(name)}]",
        f"devices = [{toml_text(device_id)}]",
        when_words(trigger),
    ]
    if setting != Setting():
        lines.append(set_words(setting))
    text = "\n".join(lines)
    return _Candidate(row, rule, text) if _read(text, name, device_id, book.site) == rule else None


def _read(text: str, name: str, device_id: str, site: Site) -> Rule | None:
    """Return the rule as a rule file says it, None where it does not load."""
    strip = device_id.partition("/")[0]
    position = ""
    if site.latitude_deg is not None and site.longitude_deg is not None:
        position = f"latitude = {float(site.latitude_deg)}\nlongitude = {float(site.longitude_deg)}\n"
    around = (
        f"[site]\ntimezone = {toml_text(site.timezone.key)}\n{position}"
        f'[devices.{toml_key(strip)}]\ndriver = "any"\nhost = "any.example"\n'
    )
    loaded = load_text(f"{around}\n{text}\n", "adopted")
    if loaded.book is None or name not in loaded.book.rules:
        return None
    return replace(loaded.book.rules[name], source=NOWHERE)


def _reasons(
    book: RuleBook, device_id: str, reading: Reading, ledger: DeviceLedger, candidates: Sequence[_Candidate]
) -> dict[str, str]:
    """Return rule id -> why it cannot be, for those of the candidates that would leave something to do."""
    rules = {each.rule.id: each.rule for each in candidates}
    whole = replace(book, rules={**book.rules, **rules})
    recorded = (*ledger.rows, *(_recorded(each, book.site, reading.at) for each in candidates))
    compiled = compile_device(whole, device_id, reading, recorded, reading.at)
    reasons = {name: why.reason for name, why in compiled.daemon.items() if name in rules}
    reasons |= {name: why.reason for name, why in compiled.nowhere.items() if name in rules}
    if reasons:
        return reasons
    before = compile_device(book, device_id, reading, ledger.rows, reading.at)
    pending = set(map(_outline, changes_of(before, ledger.rows, reading, reading.at)))
    for change in changes_of(compiled, recorded, reading, reading.at):
        if change.action != "foreign" and _outline(change) not in pending:
            reasons |= dict.fromkeys(rules.keys() & set(change.rules), f"it would not stay as it is: {change.text}")
    turned_away = sorted(compiled.daemon.keys() - before.daemon.keys())
    if turned_away:
        names = ", ".join(turned_away)
        reasons |= dict.fromkeys(rules, f"beside it the device could not carry out {names}, as it is to do")
    return reasons


def _outline(change: Change) -> tuple[str, str, str, tuple[str, ...], str]:
    return change.action, change.table, change.row_id, change.rules, change.text


def _recorded(candidate: _Candidate, site: Site, at: dt.datetime) -> Recorded:
    compiled = row_of(candidate.rule, site)
    key, spent_at = ("", None) if isinstance(compiled, InDaemon) else (key_of(candidate.rule, compiled[0]), compiled[1])
    wanted = Wanted(candidate.row, {candidate.rule.id: key}, spent_at)
    return recorded_as(wanted, id_of(candidate.row), candidate.row, at)


def _section(device_id: str, candidates: Sequence[_Candidate]) -> str:
    if not candidates:
        return ""
    ruler = f"# {'-' * 64} {device_id}"
    return "\n\n".join([ruler, *(each.text for each in candidates)])


def _differs_in_days(one: FoundRow, other: FoundRow) -> bool:
    if not isinstance(one, ScheduleRow) or not isinstance(other, ScheduleRow):
        return False
    return one.repeats and other.repeats and replace(one, days=other.days) == other


def _by_sun(row: FoundRow) -> bool:
    match row:
        case ScheduleRow(at=at):
            return at.anchor != "midnight"
        case AntitheftRow(start=start, end=end):
            return {start.anchor, end.anchor} != {"midnight"}
    return False


def _left(row: FoundRow, reason: str) -> LeftAlone:
    return LeftAlone(table_of(row), id_of(row), in_words(row), reason)


def _row_name(row: FoundRow) -> str:
    words = {"auto_off": "auto-off", "power_protection": "power protection", "antitheft": "away mode"}
    name = words.get(table_of(row), table_of(row))
    return f"{name} row {id_of(row)}" if id_of(row) else name


def _name(device_id: str, row: FoundRow) -> str:
    """Return a name that says what a row does: "porch-on-weekdays-07-00"."""
    match row:
        case AutoOff():
            said_of_it = "auto-off"
        case PowerProtection():
            said_of_it = "power-limit"
        case AntitheftRow(days=days):
            said_of_it = f"away {_days(days, True)}"
        case ScheduleRow(at=moment, setting=setting, days=days, repeats=repeats):
            deed = "on" if setting.on else "off"
            when = moment_in_words(moment).removeprefix("at ")
            said_of_it = f"{deed} {_days(days, repeats)} {when}"
        case _:
            raise AssertionError(row)
    slug = re.sub(r"[^\w]+", "-", f"{device_id} {said_of_it}").strip("-")
    return slug[:_LONGEST_NAME].strip("-") or "adopted"


def _days(days: frozenset[int], repeats: bool) -> str:
    return "" if repeats and len(days) == 7 else days_in_words(days, repeats)


def _unique(name: str, names: Collection[str]) -> str:
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name}-{number}"
    return found
