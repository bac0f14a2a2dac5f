"""What the daemon tells, as lines for people and as JSON."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import replace
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from tapo_automate import AuthRefused, Rule, Setting, Unreachable
from tapo_automate.cli.log import event_fields, log_event, set_up_log
from tapo_automate.daemon import (
    Alarm,
    Changed,
    Event,
    Metered,
    Noticed,
    Outcome,
    Recovered,
    Reloaded,
    Retrying,
    Stepped,
    Trouble,
)
from tapo_automate.errors import Superseded, TooLate, Unfinished, Withheld
from tapo_automate.journal.entry import Change, Result
from tapo_automate.rules.model import AtTime, Away, Firing, Notice, Source, Step

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
TEA = Rule("tea", ("plug",), AtTime(dt.time(12)), Setting(on=True), source=Source("rules.toml", 7))
LAMP = Setting(on=True, brightness_pct=40)
STEPS = (Step(0, Setting(on=True)), Step(45, None), Step(0, Setting(on=False)))
AWAY = replace(TEA, id="holiday", trigger=Away(dt.time(20), dt.time(23)), setting=Setting())
AWAY_TEXT = "192.168.1.31: no answer within 8 s"


def firing(rule: Rule = TEA, **more: Any) -> Firing:
    return Firing(rule, "plug", NOON, NOON, **more)


def seconds(count: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=count)


def change(**more: Any) -> Changed:
    known = {"by": "person", **more}
    return Changed(Change("porch", NOON, {"on": True, "brightness": 40}, {"on": False}, **known))


EVENTS: dict[str, tuple[Event, str, str]] = {
    "done": (Outcome(firing(), seconds(0.4), None), "info", "tea: plug set to on"),
    "done by the device": (
        Outcome(firing(note="by the device itself, schedule row S3"), seconds(5), None, tries=0, executor="device"),
        "info",
        "tea: plug is on, by the device itself, schedule row S3",
    ),
    "done in its place": (
        Outcome(firing(note="repaired: plug has not done it"), seconds(70), None, executor="stand-in"),
        "info",
        "tea: plug set to on, 70.0 s late; repaired: plug has not done it",
    ),
    "done late": (Outcome(firing(), seconds(9.25), None), "info", "tea: plug set to on, 9.2 s late"),
    "done at last": (
        Outcome(firing(), seconds(30), None, tries=3),
        "info",
        "tea: plug set to on, 30.0 s late, after 3 tries",
    ),
    "steps": (
        Outcome(firing(replace(TEA, setting=Setting(), steps=STEPS)), seconds(0), None),
        "info",
        "tea: plug set to on, then off after 45s",
    ),
    "told only": (
        Outcome(firing(replace(TEA, setting=Setting(), notify="tea!")), seconds(0), None),
        "info",
        "tea: plug needs no setting",
    ),
    "away begins": (
        Outcome(firing(AWAY, role="begin"), seconds(0), None),
        "info",
        "holiday: plug is switched at random from now on",
    ),
    "away": (
        Outcome(firing(AWAY, role="switch", setting=LAMP), seconds(0), None),
        "info",
        "holiday: plug set to on, brightness 40",
    ),
    "away ends": (
        Outcome(firing(AWAY, role="return", setting=Setting(on=False)), seconds(0), None),
        "info",
        "holiday: plug put back to off",
    ),
    "already": (
        Outcome(firing(), seconds(0), None, "already", 0),
        "info",
        "tea: plug was on already, nothing was sent",
    ),
    "withheld": (
        Outcome(firing(), seconds(0), Withheld("it is not between 18:00 and 23:00"), "withheld", 0),
        "info",
        "tea: plug not set to on: it is not between 18:00 and 23:00",
    ),
    "away withheld": (
        Outcome(firing(AWAY, role="begin"), seconds(0), Withheld("washer is on"), "withheld", 0),
        "info",
        "holiday: plug not set to random switching: washer is on",
    ),
    "superseded": (
        Outcome(firing(), seconds(5), Superseded("bedtime"), "superseded"),
        "info",
        "tea: plug not set to on: a newer command came first: bedtime",
    ),
    "missed": (
        Outcome(firing(), seconds(1000), TooLate(1000, 900), "missed", 0),
        "warning",
        "tea: plug not set to on: came due 1000 s ago, more than the 900 s within which it may still be done",
    ),
    "unfinished": (
        Outcome(firing(), seconds(1), Unfinished(), "unfinished"),
        "warning",
        "tea: plug not set to on: the daemon was stopped before the device had answered",
    ),
    "failed": (
        Outcome(firing(), seconds(900), Unreachable("192.168.1.31", "no answer within 8 s"), "failed", 12),
        "error",
        f"tea: plug not set to on: {AWAY_TEXT}",
    ),
    "retrying": (
        Retrying(firing(), NOON, Unreachable("192.168.1.31", "no answer within 8 s"), seconds(4)),
        "warning",
        f"tea: plug not set to on yet: {AWAY_TEXT}; again in 4 s",
    ),
    "person": (change(), "info", "porch: on, brightness 40 → off, by a person"),
    "table": (
        change(by="table", detail="its countdown"),
        "info",
        "porch: on, brightness 40 → off, by a table or timer of its own (its countdown)",
    ),
    "rule": (
        change(by="rule", rule="tea", nominal=NOON, detail="seen afterwards: its answer was lost"),
        "info",
        "porch: on, brightness 40 → off, by the rule tea (seen afterwards: its answer was lost)",
    ),
    "nobody": (change(by="unknown"), "info", "porch: on, brightness 40 → off, by whom is not known"),
    "alarm": (Alarm("clock", NOON, "the clock shows 1970"), "error", "alarm: the clock shows 1970"),
    "alarm over": (Alarm("clock", NOON, "the clock is right", True), "info", "alarm over: the clock is right"),
    "reloaded": (
        Reloaded(NOON, ("tea: at 16:00 instead of 15:00", "bedtime: new")),
        "info",
        "the rules were reloaded: tea: at 16:00 instead of 15:00; bedtime: new",
    ),
    "reloaded, much": (
        Reloaded(NOON, tuple(f"r{number}: added" for number in range(25))),
        "info",
        "the rules were reloaded: "
        + "; ".join(f"r{number}: added" for number in range(20))
        + "; and 5 more, in reload.json",
    ),
    "reloaded in vain": (Reloaded(NOON, ()), "info", "the rules were reloaded: nothing changed"),
    "noticed": (Noticed(Notice(TEA, "plug", NOON, "Tea is ready.")), "info", "tea: plug: Tea is ready."),
    "trouble": (Trouble("plug", NOON, AuthRefused("plug", "no")), "warning", "plug: plug: no"),
    "recovered": (Recovered("plug", NOON), "info", "plug: answers again"),
    "forwards": (Stepped(NOON, 3600), "warning", "the clock went forwards by 3600 s; planned anew"),
    "backwards": (Stepped(NOON, -2.4), "warning", "the clock went backwards by 2 s; planned anew"),
    "metered": (Metered("plug", NOON, 12.34), "debug", "plug: 12.3 W"),
}


@pytest.fixture(autouse=True)
def _as_before() -> Any:
    """The log is one for the process: leave it as it was."""
    logs = [logging.getLogger("tapo_automate"), logging.getLogger("apscheduler")]
    before = [(log.handlers[:], log.level, log.propagate) for log in logs]
    yield
    for log, (handlers, level, propagate) in zip(logs, before, strict=True):
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.mark.parametrize(("event", "level", "line"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_one_clear_line(event: Event, level: str, line: str, capfd: pytest.CaptureFixture[str]) -> None:
    set_up_log("json", "debug", ZoneInfo("UTC"))
    log_event(event)
    [written] = capfd.readouterr().err.splitlines()
    fields = json.loads(written)
    assert (fields["level"], fields["message"]) == (level, line)
    assert fields["event"] == type(event).__name__.lower()
    assert {**fields, **event_fields(event)} == fields, "the JSON line has what the event has"


def test_every_kind_of_event_and_result_has_its_line_here() -> None:
    assert {type(event) for event, _, _ in EVENTS.values()} == set(get_args(Event))
    results = {event.result for event, _, _ in EVENTS.values() if isinstance(event, Outcome)}
    assert results == set(get_args(Result)) - {"pending"}


def test_a_line_for_people_tells_the_time_at_the_site(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_log("text", "info", ZoneInfo("Asia/Kathmandu"))
    log_event(Metered("plug", NOON, 1))
    log_event(Recovered("plug", NOON))
    [line] = capfd.readouterr().err.splitlines()
    stamp, level, message = line[:19], line[20:27], line[28:]
    local = dt.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert abs(dt.datetime.now(dt.UTC) - local) < dt.timedelta(minutes=2)
    assert (level, message) == ("info   ", "plug: answers again"), "a reading is for debugging"


def test_an_outcome_says_in_json_what_was_asked_and_what_became_of_it() -> None:
    fields = event_fields(Outcome(firing(note="02:30 does not exist"), seconds(1.5), None, tries=2))
    assert fields == {
        "event": "outcome",
        "at": "2026-06-01T12:00:01.500Z",
        "rule": "tea",
        "device": "plug",
        "due": "2026-06-01T12:00:00.000Z",
        "set": {"on": True},
        "steps": [],
        "role": "",
        "source": "rules.toml:7",
        "note": "02:30 does not exist",
        "late_s": 1.5,
        "result": "done",
        "tries": 2,
        "executor": "daemon",
        "error": None,
    }


def test_steps_are_told_in_json_with_their_times() -> None:
    fields = event_fields(Outcome(firing(replace(TEA, setting=Setting(), steps=STEPS)), NOON, None))
    assert fields["set"] == {}
    assert fields["steps"] == [{"after_s": 0, "set": {"on": True}}, {"after_s": 45, "set": {"on": False}}]
