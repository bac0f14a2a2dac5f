"""A row of ours that a person edited in the app: the rule is changed where it stands, to say what the row says now.

Comments and everything else in the file stay.  The new text is loaded and compared before anybody writes it; where the
change cannot be made for certain, the words to write are given to a person, and the file is left as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tapo_automate.device import Setting
from tapo_automate.rows import FoundRow, OpaqueRow
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import Rule, RuleBook, Trigger
from tapo_automate.rules.source import NOWHERE
from tapo_automate.sync.apply import recorded_as
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.difference import changes_of
from tapo_automate.sync.fromrow import said, set_words, when_words
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Change, InDaemon, Reading, Wanted
from tapo_automate.sync.rows import in_words, key_of
from tapo_automate.sync.wanted import compile_device


@dataclass(frozen=True, slots=True)
class Redrafted:
    """What becomes of the drift on one device.

    texts: the files that change, whole, by name.  ledger: what is recorded once they are written.  done: what was
    changed, by_hand: what a person has to do, with the reason; both as lines for people.
    """

    texts: Mapping[str, str]
    ledger: DeviceLedger
    done: tuple[str, ...]
    by_hand: tuple[str, ...]


class _ByHand(Exception):
    """Its text is the reason, as half a sentence."""


def adopt_drift(
    book: RuleBook,
    device_id: str,
    drifts: Sequence[Change],
    texts: Mapping[str, str],
    reading: Reading,
    ledger: DeviceLedger,
    now: dt.datetime,
) -> Redrafted:
    """Return the rule files changed to what a person made of the rows.

    drifts: the changes of a plan whose action is "drift".  texts: every file of the book by name, as they were loaded,
    in their order.
    """
    now_texts = dict(texts)
    done: list[str] = []
    by_hand: list[str] = []
    for change in drifts:
        try:
            new_texts, new_book = _changed(book, device_id, change, now_texts, reading)
            new_ledger = _followed(new_book, device_id, change, reading, ledger, now)
        except _ByHand as why:
            by_hand.append(_advice(book, device_id, change, reading, str(why)))
            continue
        now_texts, book, ledger = new_texts, new_book, new_ledger
        done.append(f"rule {change.rules[0]}: {_now_says(change)}")
    changed = {name: text for name, text in now_texts.items() if text != texts[name]}
    return Redrafted(changed, ledger, tuple(done), tuple(by_hand))


def _changed(
    book: RuleBook, device_id: str, change: Change, texts: Mapping[str, str], reading: Reading
) -> tuple[dict[str, str], RuleBook]:
    """Return the files and the book with the rule of one drift changed.  Raises _ByHand."""
    rule = _only_rule(book, device_id, change)
    name = rule.source.file
    if name not in texts:
        raise _ByHand("its file is not among those that were read")
    meaning = _meaning(change.after, book, reading)
    try:
        document = tomlkit.parse(texts[name])
        table: Any = document["rules"][rule.id]
        if meaning is None:
            table["enabled"] = False
        else:
            _redraft(table, rule, change.after, *meaning, book)
        text = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, TypeError, AttributeError) as error:
        raise _ByHand("it is written in a way that cannot be changed for certain") from error
    new_texts = {**texts, name: text}
    loaded = load_texts(list(new_texts.items())).book
    if loaded is None or _without(loaded, rule.id) != _without(book, rule.id):
        raise _ByHand("it is written in a way that cannot be changed for certain")
    new_rule = loaded.rules[rule.id]
    if meaning is None:
        expected = replace(rule, enabled=False)
    else:
        expected = replace(rule, trigger=new_rule.trigger, setting=new_rule.setting)
        compiled = row_of(new_rule, book.site)
        if isinstance(compiled, InDaemon) or compiled[0] != change.after:
            raise _ByHand("it is written in a way that cannot be changed for certain")
    if replace(new_rule, source=NOWHERE) != replace(expected, source=NOWHERE):
        raise _ByHand("it is written in a way that cannot be changed for certain")
    return new_texts, loaded


def _only_rule(book: RuleBook, device_id: str, change: Change) -> Rule:
    if len(change.rules) != 1:
        raise _ByHand("they share this row, and it is for you to say which of them is to change")
    rule = book.rules.get(change.rules[0])
    if rule is None:
        raise _ByHand("it is no longer in the rules: `--ignore` leaves its row, `--restore` removes it")
    others = [each for each in rule.device_ids if each != device_id]
    if others:
        raise _ByHand(f"it is for {', '.join(others)} too: give {device_id} a rule of its own")
    return rule


def _meaning(row: FoundRow | None, book: RuleBook, reading: Reading) -> tuple[Trigger, Setting] | None:
    """Return what a row says now, None where it is gone or switched off.  Raises _ByHand."""
    if row is None or (not isinstance(row, OpaqueRow) and not row.enabled):
        return None
    meaning = said(row, book.site, reading.at)
    if isinstance(meaning, str):
        raise _ByHand(f"its row says what no rule can: {meaning}")
    return meaning


def _redraft(table: Any, rule: Rule, row: FoundRow | None, trigger: Trigger, setting: Setting, book: RuleBook) -> None:
    """Change `when` and `set` of a rule's table, each only where it means something else."""
    if trigger != rule.trigger:
        new: Any = tomlkit.parse(when_words(trigger))["when"]
        if new.keys() == table["when"].keys():
            _into(table["when"], new)
        else:
            table["when"] = new
    before = row_of(rule, book.site)
    was = None if isinstance(before, InDaemon) else getattr(before[0], "setting", None)
    if was != getattr(row, "setting", None):
        _into(table["set"], tomlkit.parse(set_words(setting))["set"])


def _into(old: Any, new: Any) -> None:
    """Let a table say what another does, and keep whatever says so already."""
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        if key in old and isinstance(old[key], dict) and isinstance(value, dict):
            _into(old[key], value)
        elif key not in old or not _alike(old[key], value):
            old[key] = value


def _alike(old: Any, new: Any) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return sorted(old) == sorted(new)
    return bool(old == new)


def _without(book: RuleBook, rule_id: str) -> tuple[Any, ...]:
    rules = {name: replace(rule, source=NOWHERE) for name, rule in book.rules.items() if name != rule_id}
    return book.site, dict(book.devices), dict(book.groups), rules, len(book.tests)


def _followed(
    book: RuleBook, device_id: str, change: Change, reading: Reading, ledger: DeviceLedger, now: dt.datetime
) -> DeviceLedger:
    """Return the ledger with the row as it is now; it leaves the ledger where the rule is switched off.

    Raises _ByHand where the next plan would not leave the row as it is.
    """
    rows = [each for each in ledger.rows if (each.table, each.row_id) != (change.table, change.row_id)]
    rule_id, row = change.rules[0], change.after
    if book.rules[rule_id].enabled:
        compiled = row_of(book.rules[rule_id], book.site)
        assert row is not None
        assert not isinstance(compiled, InDaemon)
        wanted = Wanted(compiled[0], {rule_id: key_of(book.rules[rule_id], compiled[0])}, compiled[1])
        rows.append(recorded_as(wanted, change.row_id, row, now))
    followed = DeviceLedger(ledger.hardware, tuple(rows))
    compiled_device = compile_device(book, device_id, reading, followed.rows, now)
    for why in (compiled_device.daemon.get(rule_id), compiled_device.nowhere.get(rule_id)):
        if why is not None and book.rules[rule_id].enabled:
            raise _ByHand(f"the device could not keep the row: {why.reason}")
    for left in changes_of(compiled_device, followed.rows, reading, now):
        if rule_id in left.rules:
            raise _ByHand(f"the row would not stay as it is: {left.text}")
    return followed


def _now_says(change: Change) -> str:
    row = change.after
    if row is None:
        return "switched off (enabled = false), since its row was removed by hand"
    if not isinstance(row, OpaqueRow) and not row.enabled:
        return "switched off (enabled = false), as its row was by hand"
    return f"now says {in_words(row)}"


def _advice(book: RuleBook, device_id: str, change: Change, reading: Reading, why: str) -> str:
    """Return what a person has to write, with the place and the reason."""
    rules = [book.rules[each] for each in change.rules if each in book.rules]
    where = f" ({rules[0].source})" if rules and rules[0].source != NOWHERE else ""
    text = f"{'rule' if len(change.rules) == 1 else 'rules'} {', '.join(change.rules)} on {device_id}{where}: {why}"
    row = change.after
    meaning = None if row is None else said(row, book.site, reading.at)
    if not rules or meaning is None or isinstance(meaning, str):
        return text
    trigger, setting = meaning
    lines = [f'devices = ["{device_id}"]', when_words(trigger)]
    if setting != Setting():
        lines.append(set_words(setting))
    return "\n".join([text, *(f"    {line}" for line in lines)])
