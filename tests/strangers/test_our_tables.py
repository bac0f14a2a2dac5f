"""Rows that we write are what the `tapo` client lists, and its rows are what we read, put back and leave alone."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tapo import ApiClient
from tapo.requests import DaysOfWeek, ScheduleRule, ScheduleTime
from tapo.responses import PowerState, ScheduleRuleResult

from tapo_automate.device import Credentials, Setting
from tapo_automate.errors import Refused
from tapo_automate.rows import Moment, ScheduleRow
from tapo_automate.simulator import Device
from tapo_automate.wire import SmartDevice, connect

EMAIL, PASSWORD = "owner@example.com", "correct horse"
ON, OFF = Setting(on=True), Setting(on=False)
Ours = Callable[[Device], SmartDevice]

# What tapo says, and what we say: the time, the days, the deed, and whether it is enabled.
PAIRS = [
    (
        ScheduleRule.clock_weekly(23, 30, DaysOfWeek.WEEKDAYS, PowerState.Off),
        ScheduleRow(Moment("midnight", 1410), OFF, frozenset(range(5))),
    ),
    (
        ScheduleRule.clock_weekly(0, 0, DaysOfWeek.SUN, PowerState.On),
        ScheduleRow(Moment("midnight", 0), ON, frozenset({6})),
    ),
    (
        ScheduleRule.clock_weekly(7, 5, DaysOfWeek.MON | DaysOfWeek.SAT, PowerState.On).with_enabled(False),
        ScheduleRow(Moment("midnight", 425), ON, frozenset({0, 5}), enabled=False),
    ),
    (
        ScheduleRule.sunset_weekly(-15, DaysOfWeek.EVERY_DAY, PowerState.On),
        ScheduleRow(Moment("sunset", -15), ON),
    ),
    (
        ScheduleRule.sunrise_weekly(360, DaysOfWeek.WEEKEND, PowerState.Off),
        ScheduleRow(Moment("sunrise", 360), OFF, frozenset({5, 6})),
    ),
    (
        ScheduleRule.clock_once(12, 1, PowerState.On),
        ScheduleRow(Moment("midnight", 721), ON, frozenset(), repeats=False),
    ),
    (
        ScheduleRule.sunset_once(0, PowerState.Off),
        ScheduleRow(Moment("sunset", 0), OFF, frozenset(), repeats=False),
    ),
]


@pytest.fixture
def ours() -> Iterator[Ours]:
    opened: list[SmartDevice] = []

    def start(device: Device) -> SmartDevice:
        opened.append(SmartDevice(connect(device.address, Credentials(EMAIL, PASSWORD))))
        return opened[-1]

    yield start
    for device in opened:
        device.close()


def meaning(row: ScheduleRuleResult) -> ScheduleRow:
    """What tapo says about a row, in the words in which a person would say it."""
    match row.time:
        case ScheduleTime.Clock(hour=hour, minute=minute):
            at = Moment("midnight", 60 * hour + minute)
        case ScheduleTime.Sunrise(offset_minutes=offset_min):
            at = Moment("sunrise", offset_min)
        case ScheduleTime.Sunset(offset_minutes=offset_min):
            at = Moment("sunset", offset_min)
    named = [DaysOfWeek.MON, DaysOfWeek.TUE, DaysOfWeek.WED, DaysOfWeek.THU, DaysOfWeek.FRI, DaysOfWeek.SAT]
    named.append(DaysOfWeek.SUN)
    days = frozenset(day for day, name in enumerate(named) if row.days is not None and row.days.contains(name))
    setting = ON if row.desired_state == PowerState.On else OFF
    return ScheduleRow(at, setting, days, repeats=bool(days), enabled=row.enabled)


async def listed(device: Device) -> dict[str, ScheduleRow]:
    plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
    return {row.id: meaning(row) for row in await plug.get_schedule_rules()}


def test_tapo_lists_our_rows_with_the_same_meaning(add: Callable[..., Device], clock: Any, ours: Ours) -> None:
    device = add("P110", now=clock)
    it = ours(device)
    written = {str(it.put(row)): row for _, row in PAIRS}
    assert asyncio.run(listed(device)) == written


def test_we_read_the_rows_of_tapo(add: Callable[..., Device], clock: Any, ours: Ours) -> None:
    device = add("P110", now=clock)

    async def story() -> list[str]:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        return [(await plug.add_schedule_rule(rule)).id for rule, _ in PAIRS]

    ids = asyncio.run(story())
    table = ours(device).table("schedule")
    assert {row.id: row for row in table.rows if isinstance(row, ScheduleRow)} == dict(
        zip(ids, (row for _, row in PAIRS), strict=True)
    )


def test_rows_of_both_live_side_by_side(add: Callable[..., Device], clock: Any, ours: Ours) -> None:
    device = add("P110", now=clock)
    it = ours(device)
    (theirs, as_we_say), (other, _), *_ = PAIRS

    async def begins() -> str:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        return str((await plug.add_schedule_rule(theirs)).id)

    id_of_theirs = asyncio.run(begins())
    id_of_ours = str(it.put(PAIRS[3][1]))
    before = it.table("schedule").rows
    it.put(PAIRS[4][1], id_of_ours)
    assert asyncio.run(listed(device)) == {id_of_theirs: as_we_say, id_of_ours: PAIRS[4][1]}

    async def edits_ours() -> None:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        await plug.edit_schedule_rule(other.with_id(id_of_ours))

    asyncio.run(edits_ours())
    assert [row for row in it.table("schedule").rows if isinstance(row, ScheduleRow)][1] == PAIRS[1][1]
    it.put_back(before[1], id_of_ours)
    assert it.table("schedule").rows == before
    it.remove("schedule", [id_of_ours])
    assert asyncio.run(listed(device)) == {id_of_theirs: as_we_say}


def test_tapo_fills_the_table_and_we_are_told(add: Callable[..., Device], clock: Any, ours: Ours) -> None:
    device = add("P110", now=clock)
    it = ours(device)

    async def fill() -> int:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        most = await plug.get_max_schedule_rules()
        for minute in range(most):
            await plug.add_schedule_rule(
                ScheduleRule.clock_weekly(minute // 60, minute % 60, DaysOfWeek.MON, PowerState.On)
            )
        return int(most)

    most = asyncio.run(fill())
    table = it.table("schedule")
    assert (table.max_rows, len(table.rows)) == (most, most)
    with pytest.raises(Refused, match=r"-1802 \(SCHEDULE_FULL\): the table is full"):
        it.put(PAIRS[0][1])
