"""`tapo-automate next`: what comes next, rule by rule, like a timetable."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.options import load_book, rules_option

if TYPE_CHECKING:
    from tapo_automate.rules.model import Firing, Rule, RuleBook, Site


@click.command(name="next")
@rules_option
@click.option("-n", "count", type=click.IntRange(min=1), metavar="N", help="Show no more than N lines.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def next_(rules: tuple[str, ...], count: int | None, as_json: bool) -> None:
    """Show what comes next, rule by rule: the next firing on each of its devices, the soonest first."""
    from tapo_automate.cli.when import as_row, utc_now

    book = load_book(rules)
    now = utc_now()
    firings, never = _next_of_each(book, now)
    firings = firings[:count]
    if as_json:
        rows = [{**as_row(each, book.site), "left_s": int(-each.late_s(now))} for each in firings]
        left_out = [{"rule": rule.id, "reason": reason} for rule, reason in never]
        click.echo(json.dumps({"next": rows, "without": left_out}, indent=2))
        return
    if firings:
        _print_table(firings, book.site, now)
    for rule, reason in never:
        if rule.enabled:
            click.echo(f"without a next time: {rule.id}: {reason}", err=True)


def _next_of_each(book: RuleBook, now: dt.datetime) -> tuple[list[Firing], list[tuple[Rule, str]]]:
    """Return the next firing of each rule and device, in order, and the rules that have none, with the reason."""
    from tapo_automate.rules.forecast import not_forecast

    never = list(not_forecast(book))
    unforeseen = {rule.id for rule, _ in never}
    firings = []
    for rule in book.rules.values():
        if rule.id in unforeseen:
            continue
        found = next_firings(rule, book.site, now)
        firings += found
        if not found:
            never.append((rule, why_never(rule, book.site, now)))
    return sorted(firings, key=lambda firing: firing.due), never


def next_firings(rule: Rule, site: Site, now: dt.datetime) -> list[Firing]:
    """Return the next firing of a rule on each of its devices, by the clock and as far as its condition goes by it."""
    from tapo_automate.rules.forecast import coming

    found: dict[str, Firing] = {}
    for firing in coming(rule, site, now):
        found.setdefault(firing.device_id, firing)
        if len(found) == len(rule.device_ids):
            break
    return list(found.values())


def why_never(rule: Rule, site: Site, now: dt.datetime) -> str:
    """Return why a rule that goes by the clock has no next firing."""
    from tapo_automate.rules.meaning import condition_in_words
    from tapo_automate.rules.model import AtDate
    from tapo_automate.rules.recur import SEARCH_DAYS, moments_after

    if rule.only_if is not None and next(moments_after(rule, site, now), None) is not None:
        return f"its condition never holds when it is due ({condition_in_words(rule.only_if)})"
    if isinstance(rule.trigger, AtDate):
        return "its date is past, or does not exist"
    return f"nothing comes within {SEARCH_DAYS} days"


def left(seconds: float) -> str:
    """Return how long it is until then, in its two greatest units: "3d 4h", "12m 5s"."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")) if count]
    return " ".join(parts[:2]) or "now"


def _print_table(firings: list[Firing], site: Site, now: dt.datetime) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table
    from tapo_automate.rules.meaning import WEEKDAYS, deed_in_words

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NEXT", "LEFT", "RULE", "DEVICE", "SET", "NOTE"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("NEXT", "LEFT"))
    for firing in firings:
        local = firing.due.astimezone(site.timezone)
        when = f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M:%S}"
        deed = deed_in_words(firing.rule)
        table.add_row(when, left(-firing.late_s(now)), firing.rule.id, firing.device_id, deed, firing.note)
    print_table(table)
