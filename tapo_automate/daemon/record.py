"""Between the planner's values and what the journal keeps of them."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import singledispatch
from typing import Any

from tapo_automate.daemon.absence import as_setting
from tapo_automate.daemon.house import Tried, View
from tapo_automate.daemon.sequences import Run
from tapo_automate.device import State
from tapo_automate.errors import Superseded, TapoAutomateError, TooLate, Unfinished, Withheld
from tapo_automate.journal.entry import Result
from tapo_automate.rules.engine import LatchKey, Memory
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Every,
    Firing,
    PowerPast,
    Rule,
    StateTurns,
)
from tapo_automate.rules.power import Latch
from tapo_automate.rules.turns import Turn

Kept = dict[tuple[str, str], Any | None]

_KINDS: Mapping[type, str] = {
    AtTime: "time",
    AtDate: "date",
    Every: "every",
    PowerPast: "power",
    StateTurns: "state",
    AfterDelay: "countdown",
    Away: "away",
}


def kind_of(rule: Rule) -> str:
    """Return the trigger's name in the rule language."""
    return rule.trigger.event if isinstance(rule.trigger, AtSun) else _KINDS[type(rule.trigger)]


def asked_of(firing: Firing) -> dict[str, Any]:
    """Return what a firing asks for in the words of the rule language; of several steps the last, and how many."""
    settings = firing.settings
    if not settings:
        return {}
    asked = settings[-1][1].as_rule()
    return {**asked, "steps": len(settings)} if len(settings) > 1 else asked


def result_of(error: TapoAutomateError | None) -> Result:
    """Return the journal's word for how a firing ended."""
    match error:
        case None:
            return "done"
        case Withheld():
            return "withheld"
        case Superseded():
            return "superseded"
        case TooLate():
            return "missed"
        case Unfinished():
            return "unfinished"
    return "failed"


def run_key(firing: Firing) -> tuple[str, str]:
    """Return where the journal keeps a sequence under way."""
    return "run", f"{firing.rule.id}\0{firing.device_id}"


@singledispatch
def to_memory(value: object) -> Kept:
    """Return what the journal keeps of a value, as (kind, key) -> JSON; None forgets."""
    raise AssertionError(value)


@to_memory.register
def _(memory: Memory) -> Kept:
    kept: Kept = {}
    for key, latch in memory.latches.items():
        kept["latch", "\0".join(key)] = {
            "armed": latch.armed,
            "since": _text(latch.since),
            "last_at": _text(latch.last_at),
            "condition": latch.condition,
        }
    for key, turn in memory.turns.items():
        kept["turn", "\0".join(key)] = {
            "on": turn.on,
            "since": _text(turn.since),
            "last_at": _text(turn.last_at),
            "fired": turn.fired,
        }
    return kept


@to_memory.register
def _(run: Run) -> Kept:
    return {
        run_key(run.firing): {
            "nominal": _text(run.firing.nominal),
            "due": _text(run.firing.due),
            "begun": _text(run.begun),
            "next": run.next - run.open,  # what is under way may not be done: it is looked at, and done again
            "tries": run.tries,
            "queue": [[_text(firing.nominal), _text(firing.due)] for firing in run.queue],
            "steps": _steps(run.firing),
        }
    }


@to_memory.register
def _(seen: tuple) -> Kept:  # type: ignore[type-arg]
    device_id, view = seen
    assert isinstance(view, View)
    state = {name: value for name, value in asdict(view.state).items() if value is not None and name != "on_for_s"}
    return {
        ("seen", device_id): {
            "state": state,
            "at": _text(view.seen_at),
            "exact": view.exact,
            "hand_at": _text(view.hand_at),
            "tried": [[tried.rule, _text(tried.nominal), tried.setting.as_rule(), tried.by] for tried in view.tried],
        }
    }


def memory_from(latches: Mapping[str, Any], turns: Mapping[str, Any]) -> Memory:
    """Return the engine's state as `to_memory` kept it; what cannot be read is left out."""
    return Memory(
        dict(
            _read(
                latches,
                lambda kept: Latch(
                    bool(kept["armed"]),
                    _instant(kept["since"]),
                    _instant(kept["last_at"]),
                    str(kept.get("condition", "")),
                ),
            )
        ),
        dict(
            _read(
                turns,
                lambda kept: Turn(
                    bool(kept["on"]), _instant(kept["since"]), _certain(kept["last_at"]), bool(kept["fired"])
                ),
            )
        ),
    )


def views_from(seen: Mapping[str, Any]) -> dict[str, View]:
    """Return what an earlier process knew of the devices."""
    views = {}
    for device_id, kept in seen.items():
        try:
            state = State(**kept["state"])
            suspects = kept.get("tried", ())
            tried = tuple(
                Tried(rule, _certain(at), as_setting(dict(setting)), *by) for rule, at, setting, *by in suspects
            )
            views[device_id] = View(
                state, _certain(kept["at"]), bool(kept["exact"]), tried=tried, hand_at=_instant(kept["hand_at"])
            )
        except (KeyError, TypeError, ValueError):
            continue
    return views


def runs_from(kept: Mapping[str, Any], rules: Mapping[str, Rule]) -> Iterator[Run]:
    """Yield the sequences that were under way, but for those whose rule is not among `rules` or has other steps."""
    for name, each in kept.items():
        rule_id, _, device_id = name.partition("\0")
        rule = rules.get(rule_id)
        if rule is None or not rule.steps or device_id not in rule.device_ids:
            continue
        try:
            firing = Firing(rule, device_id, _certain(each["nominal"]), _certain(each["due"]))
            if each["steps"] != _steps(firing):
                continue
            queue = deque(Firing(rule, device_id, _certain(nominal), _certain(due)) for nominal, due in each["queue"])
            yield Run(firing, _certain(each["begun"]), int(each["next"]), 0, int(each["tries"]), queue)
        except (KeyError, TypeError, ValueError):
            continue


def instants_from(kept: Mapping[str, Any]) -> dict[str, list[dt.datetime]]:
    """Return lists of instants by name; what cannot be read is left out."""
    found = {}
    for name, texts in kept.items():
        try:
            found[name] = [_certain(text) for text in texts]
        except (TypeError, ValueError):
            continue
    return found


def _steps(firing: Firing) -> list[list[Any]]:
    return [[after_s, setting.as_rule()] for after_s, setting in firing.settings]


def _read(kept: Mapping[str, Any], value: Callable[[Any], Any]) -> Iterator[tuple[LatchKey, Any]]:
    for name, each in kept.items():
        rule_id, _, device_id = name.partition("\0")
        try:
            yield (rule_id, device_id), value(each)
        except (KeyError, TypeError, ValueError):
            continue


def _text(instant: dt.datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else _certain(text)


def _certain(text: str) -> dt.datetime:
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant
