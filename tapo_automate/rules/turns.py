"""Runs of a device being on or off, as seen from outside: what a hold by state is counted from.

A device is looked at now and then.  What it did between two looks is known only as far as it says itself since when it
has been on.  A turn is a plain value: it can be written down and read back, and a running hold with it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

SAME_RUN = dt.timedelta(seconds=2)  # devices say whole seconds, and an answer takes its time


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device was seen to be on or off.

    at: aware, UTC.  since: when it turned on, where the device says so; means nothing while it is off.  doubt: by how
    much sooner it may have been: the answer took so long, and nobody knows when on its way the device counted.
    """

    device_id: str
    at: dt.datetime
    on: bool
    since: dt.datetime | None = None
    doubt: dt.timedelta = dt.timedelta()


@dataclass(frozen=True, slots=True)
class Turn:
    """The run that a device is in.

    since: when it turned so; None where nobody saw it turn.  last_at: the latest sighting that counted.
    fired: nothing is left to fire in this run: it has fired, or it is not one that the rule waits for.
    """

    on: bool
    since: dt.datetime | None
    last_at: dt.datetime
    fired: bool


def seen(turn: Turn | None, sighting: Sighting, *, wanted: bool, first_counts: bool) -> Turn:
    """Return the turn after a sighting; the same object where the sighting is out of order.

    wanted: whether the rule waits for the device to be on, or to be off.  first_counts: a device that is first seen
    as wanted counts as turned then; otherwise nobody knows when it turned, and this run does not fire.

    A run goes on over any time without sightings, unless the device says that it turned on since the last one, beyond
    the doubt of a slow answer.
    """
    at = sighting.at
    if turn is None:
        since = _said(sighting) or (at if first_counts else None)
        return Turn(sighting.on, since, at, fired=not (first_counts and sighting.on == wanted))
    if at <= turn.last_at:
        return turn
    said = _said(sighting)
    if sighting.on != turn.on:
        since = max(said, turn.last_at) if said and said > turn.last_at - SAME_RUN else at
        return Turn(sighting.on, since, at, fired=sighting.on != wanted)
    again = said and said - sighting.doubt - (turn.since or turn.last_at) > SAME_RUN
    if said and again and said > turn.last_at - SAME_RUN:
        return Turn(True, said, at, fired=not wanted)
    since = turn.since
    if since is None or (said and since - said > SAME_RUN):
        since = said or since  # it was on already when we believed to have turned it on
    return Turn(turn.on, since, at, turn.fired)


def _said(sighting: Sighting) -> dt.datetime | None:
    if not sighting.on or sighting.since is None:
        return None
    return min(sighting.since, sighting.at)
