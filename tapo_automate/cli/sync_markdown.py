"""A plan as Markdown, for the comment of a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tapo_automate.cli.sync_text import (
    SIGNS,
    choice_words,
    count,
    daemon_reasons,
    details,
    main_words,
    names,
    place_words,
    quota_words,
    totals_line,
)
from tapo_automate.sync.model import Change, DevicePlan, Plan

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#|~@!])")


def plan_markdown(plan: Plan) -> str:
    """Return a plan as GitHub's Markdown: the totals as heading, a table for each device that has anything to say."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"### {_plain(totals_line(plan))}"
    for device in plan.devices:
        if device.error or device.warnings or device.pending or any(each.failed for each in device.nowhere.values()):
            yield from _device(device)
    reasons = daemon_reasons(plan)
    if reasons:
        rows = [(f"`{rule_id}`", _plain(names(devices)), _plain(why)) for (rule_id, why), devices in reasons.items()]
        rules = len({rule_id for rule_id, _ in reasons})
        yield ""
        yield f"<details><summary>{count(rules, 'rule')} with the daemon</summary>"
        yield ""
        yield from _table(("rule", "devices", "why"), rows)
        yield ""
        yield "</details>"


def _device(device: DevicePlan) -> Iterator[str]:
    yield ""
    yield f"#### {_plain(device.device)}" + (f" ({_plain(quota_words(device.quota))})" if device.quota else "")
    if device.error:
        yield ""
        yield f"**Cannot be read:** {_plain(device.error)}"
    rows = [_row(change, device) for change in device.changes if change.action != "foreign"]
    if device.fix_clock:
        rows.insert(0, ("`~`", "clock", "", "set to the site's time and zone"))
    if rows:
        yield ""
        yield from _table(("", "row", "rules", "what"), rows)
    if choice := choice_words(device):
        yield ""
        yield f"`!` was changed by hand: {_plain(choice)}"
    for rule_id, nowhere in device.nowhere.items():
        if nowhere.failed:
            yield ""
            yield f"**`{rule_id}` is carried out by nobody:** {_plain(nowhere.reason)}"
    for warning in device.warnings:
        yield ""
        yield f"⚠️ {_plain(warning)}"


def _row(change: Change, device: DevicePlan) -> tuple[str, str, str, str]:
    what = [_plain(main_words(change))]
    what += [_plain(f"{label}: {text}" if label else text) for label, text in details(change, device)]
    rules = ", ".join(f"`{rule_id}`" for rule_id in change.rules)
    return f"`{SIGNS[change.action]}`", _plain(place_words(change)), rules, "<br>".join(what)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    """Return text with everything that Markdown would read taken for what it is."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
