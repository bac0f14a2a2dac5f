"""The daemon's log: one line an event, for people or as JSON.  It goes to stderr."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

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
from tapo_automate.journal.entry import Change
from tapo_automate.rules.durations import spell
from tapo_automate.rules.model import Firing
from tapo_automate.wire.private import scrubbed

_MOST_CHANGES = 20  # of a reload, in one line

log = logging.getLogger("tapo_automate")


def set_up_log(style: str, level: str, zone: ZoneInfo) -> None:
    """Send the log to stderr.  style: "text" or "json".  level: "debug", "info", "warning" or "error".

    zone: in which the text style tells the time; JSON is always UTC.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if style == "json" else _TextLines(zone))
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
    # APScheduler says at INFO that it added and ran a job: ours is one job, armed anew at every wake.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("apscheduler").handlers[:] = [handler]


def take_in_others() -> None:
    """Let what plugins warn of by themselves, and what becomes of threads of theirs, be lines of this log like others.

    As they are, they would be no JSON, and would tell what they hold.  For the process of a daemon, after `set_up_log`.
    """
    logging.getLogger().handlers[:] = log.handlers
    logging.getLogger("apscheduler").propagate = False  # it has the same one
    logging.captureWarnings(True)
    threading.excepthook = _thread_died


def _thread_died(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None and not isinstance(died.exc_value, SystemExit):
        name = died.thread.name if died.thread else "that is gone"
        log.error("unexpected error in the thread %s", name, exc_info=died.exc_value)


def log_event(event: Event) -> None:
    """Write what the daemon tells into the log."""
    level = _level(event)
    if log.isEnabledFor(level):
        log.log(level, "%s", told(event), extra={"fields": event_fields(event)})


def _level(event: Event) -> int:
    match event:
        case Outcome(result="done" | "already" | "withheld" | "superseded"):
            return logging.INFO
        case Outcome(result="failed"):
            return logging.ERROR
        case Outcome() | Retrying() | Trouble() | Stepped():
            return logging.WARNING
        case Alarm(over=over):
            return logging.INFO if over else logging.ERROR
        case Metered():
            return logging.DEBUG
        case _:
            return logging.INFO


def told(event: Event) -> str:
    """Return the event as a line for people, without its time."""
    match event:
        case Outcome(firing=firing):
            return f"{firing.rule.id}: {_settled(event)}"
        case Retrying(firing=firing, at=at, error=error, again=again):
            wait_s = max(0, round((again - at).total_seconds()))
            return f"{firing.rule.id}: {firing.device_id} not set to {asked(firing)} yet: {error}; again in {wait_s} s"
        case Changed(change=change):
            known = f" ({change.detail})" if change.detail else ""
            return f"{change.device}: {_seen(change.before)} → {_seen(change.after)}, {_by(change)}{known}"
        case Trouble(device_id=device_id, error=error):
            return f"{device_id}: {error}"
        case Recovered(device_id=device_id):
            return f"{device_id}: answers again"
        case Stepped(by_s=by_s):
            way = "forwards" if by_s > 0 else "backwards"
            return f"the clock went {way} by {abs(by_s):.0f} s; planned anew"
        case Metered(device_id=device_id, power_w=power_w):
            return f"{device_id}: {power_w:.1f} W"
        case Alarm(text=text, over=over):
            return f"alarm over: {text}" if over else f"alarm: {text}"
        case Reloaded(changes=changes):
            shown = "; ".join(changes[:_MOST_CHANGES]) or "nothing changed"
            more = len(changes) - _MOST_CHANGES
            return f"the rules were reloaded: {shown}" + (f"; and {more} more, in reload.json" if more > 0 else "")
        case Noticed(notice=notice):
            return f"{notice.rule.id}: {notice.device_id}: {notice.text}"


def asked(firing: Firing) -> str:
    """Return what a firing sets: "on, brightness 40", or "on, then off after 45s" where it has steps."""
    if firing.role == "begin":
        return "random switching"
    parts = [f"{setting} after {spell(after_s)}" if after_s else str(setting) for after_s, setting in firing.settings]
    return ", then ".join(parts) or "nothing"


def _settled(outcome: Outcome) -> str:
    firing = outcome.firing
    device, what = firing.device_id, asked(firing)
    if outcome.error is not None:
        return f"{device} not set to {what}: {outcome.error}"
    late = f", {outcome.late_s:.1f} s late" if outcome.late_s >= 1 else ""
    tries = f", after {outcome.tries} tries" if outcome.tries > 1 else ""
    if outcome.executor == "stand-in":
        tries += f"; {firing.note}"
    match outcome.result, firing.role:
        case "done", _ if outcome.executor == "device":
            return f"{device} is {what}, {firing.note}"
        case "already", _:
            return f"{device} was {what} already, nothing was sent{late}{tries}"
        case "done", "begin":
            return f"{device} is switched at random from now on"
        case "done", _ if not firing.settings:
            return f"{device} needs no setting{late}"
        case "done", "return":
            return f"{device} put back to {what}{late}{tries}"
        case "done", _:
            return f"{device} set to {what}{late}{tries}"
        case result, _:
            return f"{device} not set to {what}: {result}"


def _seen(words: Mapping[str, Any]) -> str:
    """Return what a device showed, in the words of the rule language: "on, brightness 40"."""
    rest = [f"{name} {value}" for name, value in words.items() if name != "on"]
    return ", ".join(["on" if words["on"] else "off", *rest] if "on" in words else rest) or "unknown"


def _by(change: Change) -> str:
    match change.by:
        case "rule":
            return f"by the rule {change.rule}"
        case "table":
            return "by a table or timer of its own"
        case "person":
            return "by a person"
        case "unknown":
            return "by whom is not known"


def event_fields(event: Event) -> dict[str, Any]:
    """Return the event as the JSON log and the demo's machine output have it."""
    fields: dict[str, Any] = {"event": type(event).__name__.lower(), "at": zulu(event.at)}
    match event:
        case Outcome(firing=firing, error=error):
            fields |= _firing_fields(firing)
            fields |= {
                "late_s": round(event.late_s, 3),
                "result": event.result,
                "tries": event.tries,
                "executor": event.executor,
                "error": str(error) if error else None,
            }
        case Retrying(firing=firing, error=error, again=again):
            fields |= _firing_fields(firing)
            fields |= {"error": str(error), "again": zulu(again)}
        case Changed(change=change):
            fields |= {
                "device": change.device,
                "before": dict(change.before),
                "after": dict(change.after),
                "by": change.by,
                "since": change.since and zulu(change.since),
                "rule": change.rule or None,
                "detail": change.detail,
            }
        case Trouble(device_id=device_id, error=error):
            fields |= {"device": device_id, "error": str(error)}
        case Metered(device_id=device_id, power_w=power_w):
            fields |= {"device": device_id, "power_w": power_w}
        case Recovered(device_id=device_id):
            fields |= {"device": device_id}
        case Stepped(by_s=by_s):
            fields |= {"by_s": round(by_s, 3)}
        case Alarm(topic=topic, text=text, over=over):
            fields |= {"topic": topic, "text": text, "over": over}
        case Reloaded(changes=changes):
            fields |= {"changes": list(changes)}
        case Noticed(notice=notice):
            fields |= {"rule": notice.rule.id, "device": notice.device_id, "text": notice.text}
    return fields


def _firing_fields(firing: Firing) -> dict[str, Any]:
    settings = [(after_s, setting.as_rule()) for after_s, setting in firing.settings]
    steps = len(settings) > 1 or any(after_s for after_s, _ in settings)
    return {
        "rule": firing.rule.id,
        "device": firing.device_id,
        "due": zulu(firing.due),
        "set": settings[0][1] if settings and not steps else {},
        "steps": [{"after_s": after_s, "set": words} for after_s, words in settings] if steps else [],
        "role": firing.role,
        "source": str(firing.rule.source),
        "note": firing.note,
    }


def zulu(instant: dt.datetime) -> str:
    """Return the instant in UTC as ISO 8601 with Z."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextLines(logging.Formatter):
    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, self._zone).strftime("%Y-%m-%d %H:%M:%S")
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}"
        return scrubbed(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = zulu(dt.datetime.fromtimestamp(record.created, dt.UTC))
        fields: dict[str, Any] = {"level": record.levelname.lower(), "event": "message", "at": at}
        fields |= getattr(record, "fields", {})
        fields["message"] = scrubbed(record.getMessage())
        if record.exc_info:
            fields["traceback"] = scrubbed(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)
