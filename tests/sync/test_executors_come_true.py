"""What `check --executors` proves comes true: where it finds nothing, a week shows each thing done once.

The rules are edited and not synced, or synced by an apply that is killed, at random.  Then nobody touches anything for
a week, and what was done to the device is held against the forecast.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from sync.lived_house import SECOND, Deed, Killed, LivedHouse
from sync.lived_year import DAY, Year
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import RuleBook, Site
from tapo_automate.simulator import Fleet
from tapo_automate.sync.executors import who_executes
from tapo_automate.sync.model import Change

BEGIN = dt.datetime(2026, 3, 23, 11, 17, 23, tzinfo=dt.UTC)  # the clocks change at the end of this week
SITE = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
MAY = 125 * SECOND  # a device's sun, or its clock and a repair
WEEK = 7


def a_mess(house: LivedHouse, dice: random.Random) -> RuleBook:
    """Bring rules to the device, edit some, and sync again or not, or not to the end; return the rules as they are."""
    year = Year(house, seed=str(dice.random()))
    house.sync(house.book(*year.rules.values()))
    for _ in range(dice.randint(0, 6)):
        year.edit()
        book = house.book(*year.rules.values())
        match dice.randrange(3):
            case 0:
                house.sync(book)
            case 1:
                sync_until_killed(house, book, dice.randint(1, 4))
            case _:
                pass  # forgotten
    return house.book(*year.rules.values())


def sync_until_killed(house: LivedHouse, book: RuleBook, steps: int) -> None:
    left = steps

    def told(change: Change, said: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    with contextlib.suppress(Killed):
        house.sync(book, told=told)


def not_as_forecast(book: RuleBook, begin: dt.datetime, end: dt.datetime, deeds: list[Deed]) -> Iterator[str]:
    """Yield what was forecast and was not done once, and what was done and not forecast."""
    left = [deed for deed in deeds if begin < deed.at <= end]
    for firing in firings_between(book, begin, end - MAY):
        found = [deed for deed in left if abs(deed.at - firing.due) <= MAY and deed.sets(firing.rule.setting)]
        if len(found) != 1:
            yield f"{firing.rule.id}, due {firing.due}: {found}"
        left = [deed for deed in left if deed not in found]
    yield from (f"nobody wanted {deed}" for deed in left)


def test_where_nothing_is_found_everything_is_done_once_and_nothing_else(tmp_path: Path) -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(30):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with Fleet() as fleet:
            house = LivedHouse(fleet, folder, {"lamp": "L510"}, SITE, BEGIN)
            try:
                book = a_mess(house, random.Random(seed))
                begin = house.clock.at
                findings = who_executes(book, house.ledger, begin, WEEK).findings
                house.start(book)
                house.go(WEEK * DAY)
                wrong = list(not_as_forecast(book, begin, house.clock.at, house.deeds("lamp")))
            finally:
                house.close()
        assert findings or not wrong, (seed, wrong)
        seen[bool(findings), bool(wrong)] += 1
    assert seen[False, False] > 10
    assert seen[True, True] > 3, "else this week has nothing in it that could have been found"
