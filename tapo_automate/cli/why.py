"""`tapo-automate why`: what changed a device, and what rules wanted of it since."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import state_folder, state_option
from tapo_automate.cli.options import rules_option
from tapo_automate.cli.past import (
    Place,
    entry_fields,
    in_words,
    known_names,
    lasting,
    not_running,
    open_journal,
    pauses,
    place_of,
    source_of,
    span_named,
)
from tapo_automate.cli.when import utc_now, with_z
from tapo_automate.journal.entry import Change, Entry, Result

if TYPE_CHECKING:
    from tapo_automate.journal.reading import Reader

_NOT_DONE: tuple[Result, ...] = ("pending", "withheld", "superseded", "missed", "failed", "unfinished")
_MOST_SINCE = 50
_AMONG = 20  # entries that are looked at for the one that was carried out last
_FOR_WHOM = {"person": "by a person, at the device or in the app", "table": "by a table or timer of the device itself"}


@click.command()
@click.argument("device")
@click.option("--at", "named", metavar="T", help="The last change until then.  [default: now]")
@rules_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(device: str, named: str | None, rules: tuple[str, ...], state: Path | None, as_json: bool) -> None:
    """Say what changed a device last: a rule, the device itself, or a person; and what rules wanted since in vain.

    T is a date or a date-time, local to the site unless it has an offset, a time alone (the last time it was so late),
    or a length of time such as 7d, 12h or 1h30m (so long ago).  `why porch --at 03:12` takes in the whole minute.
    """
    now = utc_now()
    place = place_of(rules)
    at, until = (now, now + dt.timedelta(seconds=1)) if named is None else span_named(named, place.site, now, "--at")
    if at > now:
        raise click.UsageError(f"--at {named!r} is yet to come")
    with open_journal(state_folder(state)) as reader:
        known_names("device", [device], reader.names("device"), place.book.devices if place.book else ())
        found = _found(reader, device, until, now)
        answer = [*_answer(found, device, at, place), *_pauses_meanwhile(reader, found, place, now)]
    if as_json:
        shown = {
            "device": device,
            "at": with_z(at),
            "answer": " ".join(answer),
            "by": found.by,
            "change": None if found.change is None else _change_fields(found.change),
            "entry": None if found.entry is None else entry_fields(found.entry),
            "since": [entry_fields(entry) for entry in found.since],
        }
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo("\n".join(answer))
    if found.since:
        click.echo("Wanted since then and not done:")
    for entry in found.since:
        click.echo(f"  {place.local(entry.due)}  {_in_vain(entry)}")


@dataclass(frozen=True, slots=True)
class _Found:
    """change: the last one until then.  entry: of the firing that did it, where it was a rule and is on record.

    since: the newest firings from then to the next change that did not get what they wanted, the last last.
    """

    change: Change | None
    entry: Entry | None
    since: Sequence[Entry]

    @property
    def by(self) -> str:
        return self.change.by if self.change else "rule" if self.entry else "unknown"


def _found(reader: Reader, device: str, until: dt.datetime, now: dt.datetime) -> _Found:
    change = next(reader.changes(device, until=until, limit=1), None)
    if change is None:
        entry = _last_done(reader, device, until)
        begin = entry.at if entry else None
    elif change.by == "rule" and change.nominal:
        entry, begin = reader.entry(change.rule, device, change.nominal), change.at
    else:
        entry, begin = None, change.at
    following = next(reader.changes(device, since=until, limit=1, newest_first=False), None)
    end = following.at if following else now + dt.timedelta(seconds=1)
    newest = reader.entries(devices=[device], since=begin, until=end, results=_NOT_DONE, limit=_MOST_SINCE)
    since = [each for each in newest if entry is None or each.key != entry.key]
    return _Found(change, entry, since[::-1])


def _last_done(reader: Reader, device: str, until: dt.datetime) -> Entry | None:
    """Return the firing that was carried out last: there is no change on record where nobody had seen it before."""
    found = reader.entries(devices=[device], until=until, results=["done"], limit=_AMONG)
    return max((each for each in found if each.at and each.at < until), key=lambda each: each.at or until, default=None)


def _answer(found: _Found, device: str, at: dt.datetime, place: Place) -> list[str]:
    """Return what did it, as sentences."""
    change, entry = found.change, found.entry
    if change is None and entry is None:
        return [f"Nothing is on record of what changed {device} until {place.local(at)}."]
    if change is None:
        assert entry is not None
        assert entry.at is not None
        what, when = f"{device} was set to {in_words(entry.asked)}", f"at {place.local(entry.at)}"
    else:
        what, when = f"{device} {_deed(change)}", _when(change, place)
    if found.by == "rule":
        rule = entry.rule if entry else change.rule if change else ""
        source = f" ({source_of(entry)})" if entry and source_of(entry) else ""
        sentences = [f"{what} {when} by the rule {rule}{source}."]
    elif found.by == "unknown":
        sentences = [f"{what} {when}; by what is not known."]
    else:
        sentences = [f"{what} {when} {_FOR_WHOM[found.by]}."]
    if change and change.detail:
        sentences.append(f"{change.detail[:1].upper()}{change.detail[1:]}.")
    firing = _firing(entry, place) if entry else []
    return [*sentences, *(sentence for sentence in firing if sentence not in sentences)]


def _deed(change: Change) -> str:
    """Return what happened to the device: "was turned on (brightness 40)", "was changed: brightness 40 → 80"."""
    before, after = dict(change.before), dict(change.after)
    was_on, is_on = before.pop("on", None), after.pop("on", None)
    if is_on is False:
        return "was turned off"
    if is_on and was_on is False:
        return f"was turned on{f' ({in_words(after)})' if after else ''}"
    if is_on and was_on is None:
        return f"was set to {in_words(change.after)}"
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    parts = [f"{name} {_value(before, name)} → {_value(after, name)}" for name in names]
    return f"was changed: {', '.join(parts)}," if parts else "was changed"


def _value(values: Mapping[str, Any], name: str) -> Any:
    return values.get(name, "none")


def _when(change: Change, place: Place) -> str:
    if change.since is None:
        return f"at {place.local(change.at)}"
    return f"between {place.local(change.since)} and {place.local(change.at)}"


def _firing(entry: Entry, place: Place) -> list[str]:
    """Return what there is to say about the firing that did it."""
    sentences = []
    late_s = entry.late_s or 0.0
    late = f", {lasting(late_s)} late" if late_s >= 1 else ""
    tries = f", after {entry.tries} tries" if entry.tries > 1 else ""
    if entry.by_itself:
        sentences.append(f"It was due at {place.local(entry.due)} and seen to be done {lasting(late_s)} later.")
    elif entry.result == "done":
        sentences.append(f"It was due at {place.local(entry.due)} and done{late}{tries}.")
    else:
        sentences.append(f"It was due at {place.local(entry.due)}; it is {entry.result}{_because(entry)}.")
    if entry.due != entry.nominal:
        sentences.append(f"The rule means {place.local(entry.nominal)}, before jitter and waits.")
    if entry.seed is not None and entry.role == "switch":
        sentences.append(
            f"It belongs to a window of away: chance chose the moment, and seed {entry.seed} chooses it again."
        )
    if entry.role == "return":
        sentences.append("A window of away was over, and it went back to what it was before.")
    if entry.result == "done" and entry.reason:
        sentences.append(f"{entry.reason[:1].upper()}{entry.reason[1:]}.")
    return sentences


def _because(entry: Entry) -> str:
    return f": {entry.reason}" if entry.reason else ""


def _pauses_meanwhile(reader: Reader, found: _Found, place: Place, now: dt.datetime) -> list[str]:
    """Return why nobody saw who did it."""
    change = found.change
    if found.by != "unknown":
        return []
    runs = reader.runs()
    if not runs:
        return ["The daemon has not run yet."]
    if change is None:
        return [f"The journal begins at {place.local(runs[0].started)}."]
    since = change.since or change.at
    meanwhile = [
        (first, last) for first, last in pauses(runs, now) if first < change.at and (last is None or last > since)
    ]
    if meanwhile:
        return [f"The daemon was {not_running(first, last, place)}." for first, last in meanwhile]
    if change.since is None:
        return ["The daemon was not looking then."]
    sentence = f"The daemon had no look at it from {place.local(since)} to {place.local(change.at)}"
    failed = reader.entries(devices=[change.device], since=since, until=change.at, results=["failed"], limit=1)
    return [f"{sentence}{''.join(_because(entry) for entry in failed)}."]


def _in_vain(entry: Entry) -> str:
    return f"{entry.rule} wanted {in_words(entry.asked)}: {entry.result}{_because(entry)}"


def _change_fields(change: Change) -> dict[str, Any]:
    return {
        "device": change.device,
        "at": with_z(change.at),
        "since": None if change.since is None else with_z(change.since),
        "before": dict(change.before),
        "after": dict(change.after),
        "by": change.by,
        "rule": change.rule,
        "nominal": None if change.nominal is None else with_z(change.nominal),
        "detail": change.detail,
    }
