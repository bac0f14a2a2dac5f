"""The daemon's log: one line an event, for people or as JSON.  It goes to stderr."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.daemon import Event, Metered, Outcome, Recovered, Stepped, Trouble
from tapo_automate.errors import TooLate

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


def log_event(event: Event) -> None:
    """Write what the daemon tells into the log."""
    match event:
        case Outcome(firing=firing, error=None):
            _say(
                logging.INFO, event, f"{firing.rule.id}: {firing.device_id} set to {firing.rule.setting}{_late(event)}"
            )
        case Outcome(firing=firing, error=error):
            level = logging.WARNING if isinstance(error, TooLate) else logging.ERROR
            _say(level, event, f"{firing.rule.id}: {firing.device_id} not set to {firing.rule.setting}: {error}")
        case Trouble(device_id=device_id, error=error):
            _say(logging.WARNING, event, f"{device_id}: {error}")
        case Recovered(device_id=device_id):
            _say(logging.INFO, event, f"{device_id}: answers again")
        case Stepped(by_s=by_s):
            way = "forwards" if by_s > 0 else "backwards"
            _say(logging.WARNING, event, f"the clock went {way} by {abs(by_s):.0f} s; planned anew")
        case Metered(device_id=device_id, power_w=power_w):
            _say(logging.DEBUG, event, f"{device_id}: {power_w:.1f} W")


def event_fields(event: Event) -> dict[str, Any]:
    """Return the event as the JSON log and the demo's machine output have it."""
    fields: dict[str, Any] = {"event": type(event).__name__.lower(), "at": zulu(event.at)}
    match event:
        case Outcome(firing=firing, error=error):
            fields |= {
                "rule": firing.rule.id,
                "device": firing.device_id,
                "due": zulu(firing.due),
                "late_s": round(event.late_s, 3),
                "set": firing.rule.setting.as_rule(),
                "source": str(firing.rule.source),
                "note": firing.note,
                "error": str(error) if error else None,
            }
        case Trouble(device_id=device_id, error=error):
            fields |= {"device": device_id, "error": str(error)}
        case Metered(device_id=device_id, power_w=power_w):
            fields |= {"device": device_id, "power_w": power_w}
        case Recovered(device_id=device_id):
            fields |= {"device": device_id}
        case Stepped(by_s=by_s):
            fields |= {"by_s": round(by_s, 3)}
    return fields


def zulu(instant: dt.datetime) -> str:
    """Return the instant in UTC as ISO 8601 with Z."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _say(level: int, event: Event, message: str) -> None:
    if log.isEnabledFor(level):
        log.log(level, "%s", message, extra={"fields": event_fields(event)})


def _late(event: Outcome) -> str:
    return f", {event.late_s:.1f} s late" if event.late_s >= 1 else ""


class _TextLines(logging.Formatter):
    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, self._zone).strftime("%Y-%m-%d %H:%M:%S")
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = zulu(dt.datetime.fromtimestamp(record.created, dt.UTC))
        fields: dict[str, Any] = {"level": record.levelname.lower(), "event": "message", "at": at}
        fields |= getattr(record, "fields", {})
        fields["message"] = record.getMessage()
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
