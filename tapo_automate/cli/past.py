"""What the commands about the past share: the journal, where and when the user is, and how records are told."""

from __future__ import annotations

import datetime as dt
import os
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from tapo_automate.cli.when import instant_of, with_z
from tapo_automate.errors import ConfigError, JournalUnreadable
from tapo_automate.rules import durations
from tapo_automate.rules.faults import did_you_mean
from tapo_automate.rules.model import Site

if TYPE_CHECKING:
    from tapo_automate.journal.entry import Entry, Run
    from tapo_automate.journal.reading import Reader
    from tapo_automate.rules.model import RuleBook

_DAYS_AND_MORE = re.compile(r"(?=[0-9])(?:([0-9]{1,5})d)?([0-9hms]*)", re.ASCII)
_TIME_OF_DAY = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
_LONGEST_S = 100_000 * 86_400
_RESTART_S = 60  # a pause no longer than this is a restart, or the daemon was just about to say that it is alive
_SILENT_S = 180  # a daemon that runs says so much more often than this


@contextmanager
def open_journal(folder: Path) -> Iterator[Reader]:
    """Give the journal in a state folder to read from; a daemon may be writing it.

    Raises JournalUnreadable, then and while it is read, and ConfigError for one that a newer version wrote.
    """
    from tapo_automate.journal import database
    from tapo_automate.journal.reading import Reader

    path = folder / database.NAME
    try:
        connection = database.open_for_reading(path)
        try:
            yield Reader(connection)
        finally:
            connection.close()
    except FileNotFoundError:
        raise JournalUnreadable(
            f"{folder}: there is no journal here; the daemon (tapo-automate run) begins one; name the folder that it "
            "keeps its state in with --state"
        ) from None
    except (sqlite3.Error, PermissionError) as error:
        if isinstance(error, PermissionError) or not os.access(path, os.R_OK):
            raise JournalUnreadable(
                f"{path}: this user may not read it; ask as the user that runs the daemon"
            ) from None
        if database.is_damage(error):
            raise JournalUnreadable(
                f"{path}: it is damaged ({error}); the daemon moves it aside and saves what it can, when it starts and "
                "when it meets with the damage"
            ) from None
        raise JournalUnreadable(database.in_words(error, path)) from None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the user is: the rule book, None where none can be read, and the zone that local times are in."""

    book: RuleBook | None
    site: Site
    zone_name: str

    def local(self, instant: dt.datetime) -> str:
        """Return an instant as people here write it, to the second."""
        return f"{instant.astimezone(self.site.timezone):%Y-%m-%d %H:%M:%S}"


def place_of(rules: Sequence[str]) -> Place:
    """Return where the rules say that the site is, or where this system is; says on stderr why it is not the site."""
    from tapo_automate.rules.load import load

    problem = "they have errors, which `tapo-automate check` shows"
    try:
        if book := load(rules).book:
            return Place(book, book.site, book.site.timezone.key)
    except ConfigError as error:
        problem = str(error)
    zone, name = _system_zone()
    # Whoever runs no rules here has named none, and need not be told.
    if any(Path(path).exists() for path in rules) or list(rules) != ["rules.toml"]:
        click.echo(f"the rules cannot be read, so times are in {name}: {problem}", err=True)
    return Place(None, Site(zone), name)


def _system_zone() -> tuple[ZoneInfo, str]:
    """Return the zone that the system keeps, and what it is called."""
    if name := os.environ.get("TZ", "").lstrip(":"):
        try:
            return ZoneInfo(name), name
        except (KeyError, ValueError, OSError):  # not a name: a zone can be written there in other ways, too
            pass
    try:
        with open("/etc/localtime", "rb") as file:
            zone = ZoneInfo.from_file(file, key="local")
        return zone, os.path.realpath("/etc/localtime").partition("zoneinfo/")[2] or "the system's zone"
    except (ValueError, OSError):
        return ZoneInfo("UTC"), "UTC"


def span_named(text: str, site: Site, now: dt.datetime, option: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the first instant that is meant, and the first after it that is not.

    A date means its whole day, a time its whole minute or second; a time alone is the last one that has come, a
    length such as "7d" or "1h30m" so long ago.  Raises click.UsageError.
    """
    text = text.strip()
    if (length := _length(text)) is not None:
        return now - length, now - length
    if _TIME_OF_DAY.fullmatch(text):
        start = _last_time(text, site, now, option)
        return start, start + (dt.timedelta(seconds=1) if text.count(":") == 2 else dt.timedelta(minutes=1))
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        pass
    else:
        start = instant_of(text, site, option)
        return start, instant_of(str(day + dt.timedelta(days=1)), site, option)
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"{option} {text!r} is not an instant; write 2026-03-29, 2026-03-29T02:30, 2026-03-29T02:30Z, 02:30 for "
            "the last time it was so late, or 7d, 12h, 1h30m for so long ago"
        ) from None
    start = instant_of(text, site, option)
    clock = re.split("[Zz+-]", re.split("[T ]", text, maxsplit=1)[-1])[0]
    to_the_second = sum(map(str.isdigit, clock)) > 4
    return start, start + (dt.timedelta(seconds=1) if to_the_second else dt.timedelta(minutes=1))


def _length(text: str) -> dt.timedelta | None:
    """Return a length of time.

    >>> _length("7d"), _length("1d12h"), _length("20260329")
    (datetime.timedelta(days=7), datetime.timedelta(days=1, seconds=43200), None)
    """
    match = _DAYS_AND_MORE.fullmatch(text)
    if match is None:
        return None
    seconds = durations.seconds(match[2]) if match[2] else 0
    if seconds is None or seconds > _LONGEST_S:
        return None
    return dt.timedelta(days=int(match[1] or 0), seconds=seconds)


def _last_time(text: str, site: Site, now: dt.datetime, option: str) -> dt.datetime:
    from tapo_automate.rules.wall import resolve

    try:
        time = dt.time.fromisoformat(text.zfill(8 if text.count(":") == 2 else 5))
    except ValueError:
        raise click.UsageError(f"{option} {text!r}: a day goes from 00:00:00 to 23:59:59") from None
    today = now.astimezone(site.timezone).date()
    found: list[dt.datetime] = []
    for days_ago in range(3):
        earlier, later, exists = resolve(dt.datetime.combine(today - dt.timedelta(days=days_ago), time), site.timezone)
        found += [earlier, later] if exists else [later]
    return max(instant for instant in found if instant <= now)


def known_names(what: str, names: Iterable[str], recorded: Collection[str], in_rules: Collection[str]) -> None:
    """Raise click.UsageError for a name that neither the journal nor the rules have.  what: "rule" or "device"."""
    known = sorted({*recorded, *in_rules})
    for name in names:
        if name not in known:
            some = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
            hint = did_you_mean(name, known) or f"; the journal and the rules have: {some or 'none'}"
            raise click.UsageError(f'unknown {what} "{name}"{hint}')


def pauses(runs: Sequence[Run], now: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime | None]]:
    """Yield from when until when the daemon did not run; None where it still does not.  runs: in order."""
    for run, following in pairwise(runs):
        last = run.ended or run.alive
        if (following.started - last).total_seconds() > _RESTART_S:
            yield last, following.started
    if runs and (runs[-1].ended or (now - runs[-1].alive).total_seconds() > _SILENT_S):
        yield runs[-1].ended or runs[-1].alive, None


def not_running(since: dt.datetime, until: dt.datetime | None, place: Place) -> str:
    """Return a pause in words: "not running 10:00–12:00, 2 h"."""
    start = since.astimezone(place.site.timezone)
    if until is None:
        return f"not running since {start:%Y-%m-%d %H:%M}"
    end = until.astimezone(place.site.timezone)
    form = "%H:%M" if start.date() == end.date() else "%Y-%m-%d %H:%M"
    return f"not running {start:{form}}–{end:{form}}, {lasting((until - since).total_seconds())}"


def lasting(seconds: float) -> str:
    """Return how long something took, in its two greatest units.

    >>> lasting(0.31), lasting(75), lasting(7200), lasting(-2), lasting(90061)
    ('0.3 s', '1 min 15 s', '2 h', '-2.0 s', '1 d 1 h')
    """
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    days, rest = divmod(round(abs(seconds)), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return ("-" if seconds < 0 else "") + " ".join(parts[:2])


def in_words(shown: Mapping[str, Any]) -> str:
    """Return a setting, or what a device shows, in words.

    >>> in_words({"on": True, "brightness": 40}), in_words({"toggle": True}), in_words({})
    ('on, brightness 40', 'toggle', 'nothing')
    """
    parts = []
    for name, value in shown.items():
        if name == "on":
            parts.append("on" if value else "off")
        else:
            parts.append(name if value is True else f"{name} {value}")
    return ", ".join(parts) or "nothing"


def source_of(entry: Entry) -> str:
    """Return where the rule stood: "rules.toml:14 5e1dbe5", without the commit outside git, "" if it is not known."""
    place = f"{entry.file}:{entry.line}" if entry.file else ""
    commit, plus, changes = entry.commit.partition("+")
    return " ".join(part for part in (place, f"{commit[:7]}{plus}{changes}") if part)


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return an entry as the JSON of every command has it."""
    return {
        "rule": entry.rule,
        "device": entry.device,
        "nominal": with_z(entry.nominal),
        "due": with_z(entry.due),
        "at": None if entry.at is None else with_z(entry.at),
        "late_s": entry.late_s,
        "result": entry.result,
        "asked": dict(entry.asked),
        "tries": entry.tries,
        "reason": entry.reason,
        "kind": entry.kind,
        "role": entry.role,
        "seed": entry.seed,
        "file": entry.file,
        "line": entry.line,
        "commit": entry.commit,
    }
