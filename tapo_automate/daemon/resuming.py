"""Taking up what an earlier life of the daemon left open, and making up for what came due since it ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tapo_automate.daemon.absence import as_setting
from tapo_automate.daemon.decider import Decider
from tapo_automate.daemon.dispatch import Dispatch
from tapo_automate.daemon.docket import FOR_OLDER, Docket, by_event, key_of
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.inheritance import Inheritance
from tapo_automate.errors import NotCarriedOut
from tapo_automate.journal.entry import Entry
from tapo_automate.rules.catchup import merged
from tapo_automate.rules.model import Firing, Rule


def resume(
    past: Inheritance,
    since: Iterable[Firing],
    rules: Mapping[str, Rule],
    now: dt.datetime,
    docket: Docket,
    decider: Decider,
    dispatch: Dispatch,
    effects: Effects,
) -> set[str]:
    """Go on with what was open; return the devices to which something may have been done without a record of it.

    since: what came due by the clock since the last life was seen alive.  rules: those that are carried out.
    """
    for run in past.runs:
        dispatch.sequences.resume(run)
        for firing in (run.firing, *run.queue):
            docket.open(firing, effects, written=True)
    pending = {entry.key: entry for entry in past.pending}
    late = [_with_older(each, pending.get(key_of(each))) for each in since if docket.unsettled(each)]
    found = {key_of(firing) for firing in late}
    restored = [_restored(entry, rules, now, effects) for entry in past.pending if entry.key not in found]
    open_ones = [firing for firing in restored if firing is not None and firing not in docket]
    late += [firing for firing in open_ones if firing.due <= now and not by_event(firing)]
    suspects = decider.suspect([*late, *open_ones], now)
    decider.make_up_for(sorted(late, key=lambda firing: firing.due), now, effects)
    for firing in open_ones:
        if firing.due > now:
            docket.open(firing, effects, written=True)
            decider.later.add(firing.due, firing)
        elif by_event(firing):  # a reading or a look brought it about, which nothing will repeat
            docket.open(firing, effects, written=True)
            if firing.rule.setting.toggle:  # which may have been carried out, and is not to be undone
                why = NotCarriedOut("a toggle is not made up for")
                docket.settle(firing, now, why, effects, result="missed")
            else:
                decider.judge_it(firing, now, effects)
    return suspects


def _with_older(firing: Firing, entry: Entry | None) -> Firing:
    """Return a firing with what an earlier life had added to it of older ones, which it had settled then."""
    if entry is None or entry.reason != FOR_OLDER or len(firing.settings) != 1:
        return firing
    setting = firing.settings[0][1]
    shown = merged(as_setting(entry.asked), setting)
    return firing if shown == setting else replace(firing, setting=shown)


def _restored(entry: Entry, rules: Mapping[str, Rule], now: dt.datetime, effects: Effects) -> Firing | None:
    """Return an open firing of an earlier life, if there still is such a rule."""
    rule = rules.get(entry.rule)
    if rule is None or entry.device not in rule.device_ids:
        reason = "its rule was taken out of the rules meanwhile"
        effects.entries.append(replace(entry, result="withheld", at=now, reason=reason))
        return None
    setting = as_setting(entry.asked) if entry.role == "switch" else None
    firing = Firing(rule, entry.device, entry.nominal, entry.due, "", entry.role, setting, entry.seed)
    return _with_older(firing, entry)
