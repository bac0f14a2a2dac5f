"""`tapo-automate explain`: what one rule means, when it fires, and which nights touch it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.cli.sync_options import ledger_option, ledger_path

if TYPE_CHECKING:
    from tapo_automate.rules.model import Rule, RuleBook, Site

_NEXT = 5
_LOOK_AHEAD_DAYS = 400


@click.command()
@click.argument("rule")
@rules_option
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(rule: str, rules: tuple[str, ...], ledger: Path | None, as_json: bool) -> None:
    """Say in plain words what a rule means, who carries it out, when it fires next, and which nights touch it.

    The ledger of `sync apply` says which devices carry it out by themselves; no device is asked.
    """
    from tapo_automate.cli.executing import executors
    from tapo_automate.cli.when import chosen_rule, utc_now
    from tapo_automate.sync.ledger import load_ledger

    book = load_book(rules)
    chosen = chosen_rule(book, rule)
    now = utc_now()
    found = _explained(chosen, book, now)
    found["executors"] = executors(chosen, book, load_ledger(ledger_path(ledger, rules)), now)
    found["executor"] = _executor(found)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _print_text(found, chosen)


def _explained(rule: Rule, book: RuleBook, now: dt.datetime) -> dict[str, Any]:
    """Return all that there is to say about a rule, as the JSON has it."""
    from tapo_automate.cli.when import deed
    from tapo_automate.rules.forecast import why_not_forecast
    from tapo_automate.rules.meaning import condition_in_words, conduct_in_words, in_words
    from tapo_automate.rules.nights import touched_nights
    from tapo_automate.rules.support import not_carried_out

    today = now.astimezone(book.site.timezone).date()
    last = today + dt.timedelta(days=_LOOK_AHEAD_DAYS)
    reason = not_carried_out(rule) if rule.enabled else "it is switched off (enabled = false)"
    nights = touched_nights(rule, book.site, today, last)
    return {
        "rule": rule.id,
        "source": str(rule.source),
        "means": in_words(rule),
        "devices": list(rule.device_ids),
        **deed(rule),
        "minds": conduct_in_words(rule),
        "only_if": condition_in_words(rule.only_if) if rule.only_if is not None else None,
        "timezone": book.site.timezone.key,
        "executor": None,
        "not_carried_out": reason,
        "not_forecast": why_not_forecast(rule),
        "next": _coming(rule, book.site, now) if reason is None else [],
        "clock_changes": [{"date": day.isoformat(), "what": what} for day, what in nights],
        "without_sun": _without_sun(rule, book.site, today, last),
    }


def _executor(found: dict[str, Any]) -> str | None:
    """Return who carries the rule out on all of its devices: "device", "daemon", "both", or None for nobody."""
    if not found["executors"]:  # a rule that only notifies
        return "daemon" if found["not_carried_out"] is None else None
    every = {each["executor"] for each in found["executors"]} - {None}
    return "both" if len(every) > 1 else next(iter(every), None)


def _coming(rule: Rule, site: Site, now: dt.datetime) -> list[dict[str, str]]:
    """Return the next moments that the rule means; the delay of each device's jitter is not in them."""
    from tapo_automate.cli.when import with_z

    return [
        {"at": with_z(at), "local": at.astimezone(site.timezone).isoformat(), "note": note}
        for (at, note), _ in islice(groupby(_moments(rule, site, now)), _NEXT)
    ]


def _moments(rule: Rule, site: Site, now: dt.datetime) -> Iterator[tuple[dt.datetime, str]]:
    """Yield the moments after now; of an away rule the windows, for what is switched in them is nobody's to know."""
    from tapo_automate.rules.away import named, windows
    from tapo_automate.rules.conditions import why_not_by_time
    from tapo_automate.rules.forecast import coming
    from tapo_automate.rules.model import Away

    if not isinstance(rule.trigger, Away):
        yield from ((firing.nominal, firing.note) for firing in coming(rule, site, now) if firing.nominal > now)
        return
    for window in islice(windows(rule.trigger, site, now), _LOOK_AHEAD_DAYS):
        if window.start > now and (rule.only_if is None or why_not_by_time(rule.only_if, site, window.start) is None):
            yield window.start, named(window, site)


def _without_sun(rule: Rule, site: Site, first: dt.date, last: dt.date) -> list[dict[str, str]]:
    """Return the days on which a rule lacks its sun (an away rule: its window), in runs with one reason."""
    from tapo_automate.rules.away import windowless_days
    from tapo_automate.rules.model import AtSun, Away
    from tapo_automate.rules.recur import silent_days

    match rule.trigger:
        case AtSun():
            silences = silent_days(rule, site, first, last)
        case Away():
            silences = windowless_days(rule, site, first, last)
        case _:
            return []
    spans: list[dict[str, str]] = []
    follows = None  # the rule's next day after the run
    for silence in silences:
        if spans and silence.date == follows and silence.reason == spans[-1]["reason"]:
            spans[-1]["to"] = silence.date.isoformat()
        else:
            spans.append({"from": (day := silence.date.isoformat()), "to": day, "reason": silence.reason})
        follows = silence.date + dt.timedelta(days=1)
        while follows.weekday() not in rule.trigger.days:
            follows += dt.timedelta(days=1)
    return spans


def _print_text(found: dict[str, Any], rule: Rule) -> None:
    from tapo_automate.cli.executing import in_lines
    from tapo_automate.rules.meaning import WEEKDAYS, deed_in_words

    click.echo(f"{found['rule']}  ({found['source']})")
    click.echo(f"  fires    {found['means']}")
    if found["only_if"]:
        click.echo(f"  if       {found['only_if']}")
    deed = deed_in_words(rule)
    click.echo(f"  sets     {', '.join(found['devices'])}{f' → {deed}' if deed else ''}")
    for number, sentence in enumerate(found["minds"]):
        click.echo(f"  {'and' if number == 0 else '':8} {sentence}")
    for number, line in enumerate(
        in_lines(found["executors"]) or ["the daemon" if found["executor"] else f"nobody: {found['not_carried_out']}"]
    ):
        click.echo(f"  {'' if number else 'run by':8} {line}")
    if found["next"]:
        click.echo(f"  next     (in {found['timezone']}, and in UTC)")
    elif found["executor"]:
        click.echo(f"  next     not known: {found['not_forecast'] or 'nothing is to come'}")
    for each in found["next"]:
        local = dt.datetime.fromisoformat(each["local"])
        note = f"  {each['note']}" if each["note"] else ""
        click.echo(f"    {WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M:%S}  {each['at']}{note}")
    _print_days(f"changes of the clocks in the next {_LOOK_AHEAD_DAYS} days", found["clock_changes"], "date", "what")
    for span in found["without_sun"]:
        span["days"] = span["from"] if span["from"] == span["to"] else f"{span['from']} to {span['to']}"
    _print_days(f"days without the event in the next {_LOOK_AHEAD_DAYS} days", found["without_sun"], "days", "reason")


def _print_days(heading: str, rows: list[dict[str, str]], day: str, what: str) -> None:
    if rows:
        click.echo(f"  {heading}")
    for row in rows:
        click.echo(f"    {row[day]}: {row[what]}")
