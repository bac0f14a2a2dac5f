"""A year in a house of which devices and daemon share the rules: together they do what is forecast, each thing once.

The devices live by their own clocks, some of them wrong by most of a minute, their own calendar and their own sun.  The
daemon is up, down, stopped and killed at random; rules are edited, reloaded and synced.  What is compared: the logs of
the devices, which are written by what happened to them, and the forecast, which knows of no device.

YEAR_DAYS makes the year longer or shorter, YEAR_SEED another one.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync.lived_house import SECOND, Deed, LivedHouse
from sync.lived_year import CALM_DAYS, DAY, MINUTE, Year
from tapo_automate.daemon import Outcome
from tapo_automate.rules.catchup import FURTHEST
from tapo_automate.rules.model import AtSun, Firing, Site
from tapo_automate.rules.wall import shifted_days, steady_offset
from tapo_automate.simulator import Fleet

DAYS = int(os.environ.get("YEAR_DAYS", "365"))
SEED = os.environ.get("YEAR_SEED", "1")
BEGIN = dt.datetime(2026, 1, 5, 11, 17, 23, tzinfo=dt.UTC)
CLOCK_MAY, SUN_MAY = 60 * SECOND, 120 * SECOND
PROMPT = 5 * SECOND
LOOKED_FOR = SUN_MAY + 15 * SECOND  # so long the daemon waits until it looks for what a device was to do
WITHIN = 15 * MINUTE  # of a rule that says nothing else

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
NEW_YORK = Site(ZoneInfo("America/New_York"), 40.7, -74.0)
LORD_HOWE = Site(ZoneInfo("Australia/Lord_Howe"), -31.55, 159.08)  # half an hour of summer time
HOUSES = {
    "plugs": (BERLIN, ("P100", "P105", "P110", "P115")),
    "lamps": (BERLIN, ("L510", "L530", "L630", "L900", "L920")),
    "sockets": (BERLIN, ("P304M",)),
    "in New York": (NEW_YORK, ("P110", "L530")),
    "on Lord Howe": (LORD_HOWE, ("P105", "L630")),
}
AHEAD_S = (0, -40, 40, 25, -55)  # by which the devices' clocks are wrong


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", HOUSES)
def test_a_year_is_shared_between_devices_and_daemon_without_loss_or_double(tmp_path: Path, name: str) -> None:
    site, profiles = HOUSES[name]
    with Fleet() as fleet:
        kinds = {kind.lower(): kind for kind in profiles}
        house = LivedHouse(fleet, tmp_path, kinds, site, BEGIN, ahead_s=dict(zip(kinds, AHEAD_S, strict=False)))
        try:
            year = Year(house, seed=f"{name}/{SEED}")
            year.live(DAYS)
            Claims(year).hold()
        finally:
            house.close()


class Claims:
    """What a year has to show.

    left: what was done to each device and is not accounted for yet.
    counts: (executor, what became of it) -> how often.
    """

    def __init__(self, year: Year) -> None:
        self.year = year
        self.deeds = {device_id: year.house.deeds(device_id) for device_id in year.house.specs}
        self.left = {device_id: list(deeds) for device_id, deeds in self.deeds.items()}
        self.ends = year.house.settled
        self.counts: Counter[tuple[str, str]] = Counter()

    def hold(self) -> None:
        for firing, by_device in self.year.expected():
            ends = self.ends.pop((firing.rule.id, firing.device_id, firing.nominal), [])
            span = self.year.absence(firing.due)
            where = f"{firing.rule}, due {firing.due}, without a daemon {span}"
            if by_device:
                alone = (
                    span is not None or self.year.absence(firing.due + LOOKED_FOR, begun_after=firing.due) is not None
                )
                self._the_device_did_it(firing, ends, alone, where)
            elif span is None:
                self._the_daemon_did_it(firing, ends, where)
            else:
                self._nobody_was_there(firing, ends, span[1], where)
        assert {name: deeds for name, deeds in self.left.items() if deeds} == {}, "nobody wanted this"
        self._nothing_else_is_on_record()
        self._the_proof_was_right()
        if self.year.end - self.year.begin > 360 * DAY:
            self._it_was_a_full_year()

    def _the_device_did_it(self, firing: Firing, ends: list[Outcome], alone: bool, where: str) -> None:
        may = SUN_MAY if isinstance(firing.rule.trigger, AtSun) else CLOCK_MAY
        found = [deed for deed in self._like(firing) if abs(deed.at - firing.due) <= may]
        assert [deed.by for deed in found] == ["device"], (where, found)
        self._account_for("device", "done", firing, found)
        if self._is_unheard_of(firing, ends):
            return
        assert len(ends) == 1, (where, ends)
        if not alone or ends[0].result == "done":
            assert (ends[0].result, ends[0].executor) == ("done", "device"), (where, ends)
        elif not self.year.rewritten_after(firing.due):  # else it may be the daemon's by now, which has missed it
            assert ends[0].result == "withheld", (where, ends)
            assert str(ends[0].error).startswith("left to the device itself, schedule row "), (where, ends)

    def _the_daemon_did_it(self, firing: Firing, ends: list[Outcome], where: str) -> None:
        found = [deed for deed in self._like(firing) if firing.due <= deed.at <= firing.due + PROMPT]
        assert [deed.by for deed in found] == ["daemon"], (where, found)
        self._account_for("daemon", "done", firing, found)
        assert [(end.result, end.executor) for end in ends] == [("done", "daemon")], (where, ends)

    def _nobody_was_there(self, firing: Firing, ends: list[Outcome], back: dt.datetime, where: str) -> None:
        """What the daemon missed is made up for once, where that is not too late; else not at all."""
        if self._is_unheard_of(firing, ends):
            return
        [end] = ends
        found = [deed for deed in self._like(firing) if back <= deed.at <= back + PROMPT]
        assert [deed.by for deed in found] == ["daemon"] * (end.result == "done"), (where, found, end)
        late = back - firing.due > WITHIN
        assert (end.result == "missed") if late else (end.result in ("done", "already", "missed")), (where, end)
        self._account_for("daemon", end.result, firing, found)

    def _is_unheard_of(self, firing: Firing, ends: list[Outcome]) -> bool:
        """Whether the daemon came back later than it looks back, or with rules that have no such firing any more."""
        span = self.year.absence(firing.due)
        too_far = span is not None and span[1] - firing.due > FURTHEST
        return not ends and (too_far or self.year.rewritten_after(firing.due))

    def _like(self, firing: Firing) -> list[Deed]:
        return [deed for deed in self.left[firing.device_id] if deed.sets(firing.rule.setting)]

    def _account_for(self, who: str, what: str, firing: Firing, deeds: list[Deed]) -> None:
        self.counts[who, what] += 1
        for deed in deeds:
            self.left[firing.device_id].remove(deed)

    def _nothing_else_is_on_record(self) -> None:
        """Only a condition keeps what comes due out of a forecast; and rules that were not yet what they are now."""
        rest = [end for ends in self.ends.values() for end in ends if end.firing.due <= self.year.end]
        rest = [end for end in rest if not self.year.rewritten_after(end.firing.due)]
        assert [end for end in rest if end.firing.rule.only_if is None] == []
        assert {end.result for end in rest} <= {"withheld", "missed"}

    def _the_proof_was_right(self) -> None:
        """`check --executors` counted beforehand what each was to do in the last weeks."""
        begin, end, counts = self.year.calm, self.year.calm + CALM_DAYS * DAY, self.year.proof.counts
        meanwhile = [deed for deeds in self.deeds.values() for deed in deeds if begin < deed.at < end]
        held_back = [
            outcome
            for outcomes in self.ends.values()
            for outcome in outcomes
            if begin < outcome.firing.due < end and outcome.result == "withheld"
        ]
        done = Counter(deed.by for deed in meanwhile)
        assert (counts.device_instants, counts.daemon_instants) == (done["device"], done["daemon"] + len(held_back))

    def _it_was_a_full_year(self) -> None:
        """Of everything there was enough for the claims to mean something."""
        year = self.year
        assert self.counts["device", "done"] > 50
        assert self.counts["daemon", "done"] > 50
        assert self.counts["daemon", "missed"] > 0
        assert len(year.eras) > 15
        assert len(year.down) > 20
        zone = year.house.site.timezone
        dates = shifted_days(zone, year.begin.date(), year.end.date())
        nights = {date for date in dates if steady_offset(zone, date) is None}
        assert len(nights) == 2, "the clocks change twice a year"
        on_them = [each for each in year.expected() if each[0].due.astimezone(zone).date() in nights]
        assert {by_device for _, by_device in on_them} == {True, False}
