"""A plan as a file: everything that `sync apply` needs to carry out exactly what was shown.

TOML with a checksum over every character beneath it.  The checksum is no signature: it tells an accident from a plan.
What a plan does not know is whether the rules have changed since; `stale_rules` compares.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, get_args

import tomli_w

from tapo_automate.errors import ConfigError
from tapo_automate.rows import TABLES, FoundRow, OpaqueRow, TableName
from tapo_automate.rules.model import RuleBook, Site
from tapo_automate.sync.model import Action, Change, DevicePlan, InDaemon, Nowhere, Plan, Quota, Wanted
from tapo_automate.sync.partition import rule_keys
from tapo_automate.sync.plainrows import as_plain, from_plain

SCHEMA = 1

_HEADER = """\
# A plan of tapo-automate: `tapo-automate sync apply THIS_FILE` carries out exactly what it was shown to do.
# Not to be edited: make a new one with `tapo-automate sync plan -o THIS_FILE`.
"""
_AGAIN = "make a new one with `sync plan -o FILE`"
_CHECKSUM = re.compile(r'^checksum = "([0-9a-f]{64})"\n', re.MULTILINE)


def is_plan(text: str) -> bool:
    """Whether a file is one of plans, of whatever version."""
    return text.startswith(_HEADER.partition(":")[0])


def dump_plan(plan: Plan) -> str:
    """Return the text of a plan file."""
    words = {
        "schema": SCHEMA,
        "tool": version("tapo-automate"),
        "made_at": plan.made_at.astimezone(dt.UTC),
        "devices": [_device_words(device) for device in plan.devices],
    }
    body = tomli_w.dumps(words)
    return f'{_HEADER}checksum = "{_digest(body)}"\n{body}'


def load_plan(text: str, name: str) -> Plan:
    """Return the plan of a file.  name: for the error.  Raises ConfigError for an edited, damaged or newer one."""
    try:
        words = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: this plan is damaged, it is not TOML ({error}); {_AGAIN}") from None
    schema = words.get("schema")
    if type(schema) is not int or "checksum" not in words or "devices" not in words:
        raise ConfigError(f"{name}: this is not a plan of `sync plan`; {_AGAIN}")
    if schema != SCHEMA:
        raise ConfigError(
            f"{name}: this plan was made by tapo-automate {words.get('tool', 'of another version')}, in a form that "
            f"this version does not know (schema = {schema}, known is {SCHEMA}); {_AGAIN}"
        )
    text = text.replace("\r\n", "\n")  # git and mail may have changed the ends of lines, which mean nothing
    sealed = _CHECKSUM.search(text)
    if sealed is None or text[: sealed.start()] != _HEADER or _digest(text[sealed.end() :]) != sealed[1]:
        raise ConfigError(f"{name}: this plan was changed after it was made, and is not carried out; {_AGAIN}")
    try:
        return Plan(tuple(_device(each) for each in words["devices"]), words["made_at"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{name}: this plan is damaged ({error!r}); {_AGAIN}") from None


def stale_rules(plan: Plan | DevicePlan, book: RuleBook, site: Site | None = None) -> tuple[str, ...]:
    """Return the ids of the rules that say something else to a planned device than when the plan was made, sorted.

    New rules and rules that are gone count.  site: where another than the book's is meant.  A plan that could not be
    made for a device knows nothing of its rules.
    """
    if site is not None and site != book.site:
        book = RuleBook(site, book.devices, book.groups, book.rules)
    stale: set[str] = set()
    for device in plan.devices if isinstance(plan, Plan) else (plan,):
        if not device.error:
            stale.update(rule for rule, _ in device.keys.items() ^ rule_keys(book, device.device).items())
    return tuple(sorted(stale))


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _device_words(device: DevicePlan) -> dict[str, Any]:
    return {
        "device": device.device,
        "basis": device.basis,
        "fix_clock": device.fix_clock,
        "error": device.error,
        "warnings": list(device.warnings),
        "keys": dict(sorted(device.keys.items())),
        "quota": {
            name: [quota.max, quota.used, quota.foreign, quota.ours, quota.after]
            for name, quota in device.quota.items()
        },
        "daemon": {rule: {"code": why.code, "reason": why.reason} for rule, why in device.daemon.items()},
        "nowhere": {
            rule: {"code": why.code, "reason": why.reason, "failed": why.failed} for rule, why in device.nowhere.items()
        },
        "changes": [_change_words(change) for change in device.changes],
    }


def _change_words(change: Change) -> dict[str, Any]:
    words: dict[str, Any] = {
        "action": change.action,
        "table": change.table,
        "id": change.row_id,
        "rules": list(change.rules),
        "text": change.text,
    }
    if change.before is not None:
        words["before"] = _row_words(change.before)
    if change.after is not None:
        words["after"] = _row_words(change.after)
    if change.wanted is not None:
        words["wanted"] = {"row": _row_words(change.wanted.row), "rules": dict(change.wanted.rules)}
        if change.wanted.spent_at is not None:
            words["wanted"]["spent_at"] = change.wanted.spent_at.astimezone(dt.UTC)
    return words


def _row_words(row: FoundRow) -> dict[str, Any]:
    words = as_plain(row)
    own = words.pop("own", None)
    if isinstance(row, OpaqueRow):  # nothing else tells such rows apart; TOML has no null, which devices have
        words["own"] = json.dumps(own, sort_keys=True)
    return words


def _device(words: Mapping[str, Any]) -> DevicePlan:
    return DevicePlan(
        device=words["device"],
        basis=words["basis"],
        changes=tuple(_change(each) for each in words["changes"]),
        quota={_table(name): Quota(*places) for name, places in words["quota"].items()},
        daemon={rule: InDaemon(why["code"], why["reason"]) for rule, why in words["daemon"].items()},
        nowhere={rule: Nowhere(why["code"], why["reason"], why["failed"]) for rule, why in words["nowhere"].items()},
        warnings=tuple(words["warnings"]),
        fix_clock=words["fix_clock"],
        error=words["error"],
        keys=words["keys"],
    )


def _change(words: Mapping[str, Any]) -> Change:
    if words["action"] not in get_args(Action):
        raise ValueError(f"there is no action {words['action']!r}")
    wanted = words.get("wanted")
    return Change(
        action=words["action"],
        table=_table(words["table"]),
        row_id=words["id"],
        rules=tuple(words["rules"]),
        before=_row(words.get("before")),
        after=_row(words.get("after")),
        text=words["text"],
        wanted=None if wanted is None else _wanted(wanted),
    )


def _wanted(words: Mapping[str, Any]) -> Wanted:
    row = _row(words["row"])
    if row is None or isinstance(row, OpaqueRow):
        raise ValueError("a row that cannot be read cannot be wanted")
    return Wanted(row, words["rules"], words.get("spent_at"))


def _row(words: Mapping[str, Any] | None) -> FoundRow | None:
    if words is None:
        return None
    return from_plain({**words, "own": json.loads(words["own"])} if "own" in words else words)


def _table(name: str) -> TableName:
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}")
    return name
