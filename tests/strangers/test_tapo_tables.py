"""What the sync tool writes the `tapo` client lists with the same meaning; what `tapo` writes the sync tool leaves
alone, or adopts when it is told to.  Both speak to the same simulated device over HTTP.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import pytest
from tapo import ApiClient
from tapo.requests import DaysOfWeek, ScheduleRule, ScheduleTime
from tapo.responses import PowerState

from cli.sync_house import House, house_in
from cli.terminal import PASSWORD, USERNAME
from tapo_automate.simulator import Device

Heard: TypeAlias = tuple[str, int, tuple[str, ...], bool, bool]
"""A row as tapo tells it: clock, sunrise or sunset; minutes; days; whether it turns on; whether it is enabled."""
Answer = TypeVar("Answer")

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
WEEK, WEEKEND, ALL = NAMES[:5], NAMES[5:], NAMES
ON, OFF = PowerState.On, PowerState.Off


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def with_tapo(device: Device, story: Callable[[Any], Awaitable[Answer]]) -> Answer:
    async def tell() -> Answer:
        return await story(await ApiClient(USERNAME, PASSWORD).p110(device.address))

    return asyncio.run(tell())


def listed(device: Device) -> dict[str, Heard]:
    """Return what tapo lists, by id."""

    async def story(plug: Any) -> dict[str, Heard]:
        return {row.id: heard(row) for row in await plug.get_schedule_rules()}

    return with_tapo(device, story)


def heard(row: Any) -> Heard:
    match row.time:
        case ScheduleTime.Clock(hour=hour, minute=minute):
            kind, minutes = "clock", 60 * hour + minute
        case ScheduleTime.Sunrise(offset_minutes=minutes):
            kind = "sunrise"
        case ScheduleTime.Sunset(offset_minutes=minutes):
            kind = "sunset"
    days = tuple(name for name in NAMES if row.days is not None and row.days.contains(getattr(DaysOfWeek, name)))
    return kind, minutes, days, row.desired_state == ON, row.enabled


def adds(device: Device, *rules: ScheduleRule) -> list[str]:
    """Let tapo add rows, and return their ids."""

    async def story(plug: Any) -> list[str]:
        return [(await plug.add_schedule_rule(rule)).id for rule in rules]

    return with_tapo(device, story)


def rule(name: str, when: str, *, on: bool, more: str = "") -> str:
    return f'[rules.{name}]\ndevices = ["rail"]\nwhen.{when}\nset = {{ on = {str(on).lower()} }}\n{more}\n'


def plan_of_rail(house: House) -> dict[str, Any]:
    [found] = [each for each in json.loads(house.sync("plan", "--json").out)["devices"] if each["device"] == "rail"]
    return dict(found)


def changes(house: House) -> list[tuple[str, str]]:
    return [(change["action"], change["text"]) for change in plan_of_rail(house)["changes"]]


class TestOurs:
    @pytest.mark.parametrize(
        ("when", "on", "wanted"),
        [
            ("time = { at = 23:30:00 }", False, ("clock", 1410, ALL, False, True)),
            ("time = { at = 00:00:00 }", True, ("clock", 0, ALL, True, True)),
            ('time = { at = 07:05:00, days = ["sun"] }', True, ("clock", 425, ("SUN",), True, True)),
            ('time = { at = 07:05:00, days = ["mon", "sat"] }', False, ("clock", 425, ("MON", "SAT"), False, True)),
            ("sunset = {}", True, ("sunset", 0, ALL, True, True)),
            (
                'sunset = { offset = "-15m", days = ["mon", "tue", "wed", "thu", "fri"] }',
                True,
                ("sunset", -15, WEEK, True, True),
            ),
            ('sunrise = { offset = "1h30m", days = ["sat", "sun"] }', False, ("sunrise", 90, WEEKEND, False, True)),
            ('sunrise = { offset = "6h" }', False, ("sunrise", 360, ALL, False, True)),
        ],
    )
    def test_a_rule_that_was_applied_is_listed_with_its_meaning(
        self, house: House, when: str, on: bool, wanted: Heard
    ) -> None:
        house.rules(rule("ours", when, on=on))
        applied = house.sync("apply", "--yes")
        assert (applied.code, applied.out.splitlines()[-1]) == (0, "Done: 1 change on 1 device."), applied.err
        assert list(listed(house.rail).values()) == [wanted]
        house.rules()
        assert house.sync("apply", "--yes", "--allow-emptying", "--allow-mass-delete").code == 0
        assert listed(house.rail) == {}

    def test_a_date_is_a_row_for_the_next_time(self, house: House) -> None:
        at = (dt.datetime.now(BERLIN) + dt.timedelta(hours=5)).replace(second=0, microsecond=0)
        house.rules(rule("ours", f"date = {{ at = {at.replace(tzinfo=None).isoformat()} }}", on=True))
        assert house.sync("apply", "--yes").code == 0
        assert list(listed(house.rail).values()) == [("clock", 60 * at.hour + at.minute, (), True, True)]

    def test_rules_that_differ_in_days_are_one_row_and_what_a_plug_cannot_do_is_none(self, house: House) -> None:
        house.rules(
            rule("week", 'time = { at = 06:00:00, days = ["mon", "tue", "wed", "thu", "fri"] }', on=True),
            rule("end", 'time = { at = 06:00:00, days = ["sat"] }', on=True),
            rule("later", "time = { at = 09:00:30 }", on=False),
            rule("mine", "time = { at = 10:00:00 }", on=False, more='executor = "daemon"'),
        )
        assert house.sync("apply", "--yes").code == 0
        assert list(listed(house.rail).values()) == [("clock", 360, NAMES[:6], True, True)]

    def test_a_full_table_of_ours_is_listed_whole(self, house: House) -> None:
        times = [f"{8 + number // 4:02}:{number % 4 * 15:02}:00" for number in range(32)]
        house.rules(*(rule(f"r{number}", f"time = {{ at = {at} }}", on=True) for number, at in enumerate(times)))
        assert house.sync("apply", "--yes").code == 0
        assert sorted(listed(house.rail).values()) == [("clock", 480 + 15 * n, ALL, True, True) for n in range(32)]

    def test_a_countdown_of_ours_is_its_timer(self, house: House) -> None:
        house.rules(rule("ours", 'countdown = { after = "45m", from = "apply" }', on=False))
        assert house.sync("apply", "--yes").code == 0

        async def reads_and_clears(plug: Any) -> tuple[int, bool, bool]:
            timer = await plug.get_timer()
            await plug.clear_timer()
            return timer.delay_s, timer.remaining_s <= 2700, timer.desired_state == OFF

        assert with_tapo(house.rail, reads_and_clears) == (2700, True, True)
        assert changes(house) == [], "an event is started once, whatever becomes of it"
        assert house.sync("apply", "--yes", "--rearm").code == 0

        async def reads(plug: Any) -> int:
            return int((await plug.get_timer()).delay_s)

        assert with_tapo(house.rail, reads) == 2700


THEIRS = [
    (
        ScheduleRule.clock_weekly(23, 30, DaysOfWeek.WEEKDAYS, OFF),
        "weekdays at 23:30 → off",
        ['when.time = { at = 23:30:00, days = ["mon", "tue", "wed", "thu", "fri"] }', "set = { on = false }"],
    ),
    (
        ScheduleRule.clock_weekly(7, 5, DaysOfWeek.MON | DaysOfWeek.SAT, ON),
        "mon, sat at 07:05 → on",
        ['when.time = { at = 07:05:00, days = ["mon", "sat"] }', "set = { on = true }"],
    ),
    (
        ScheduleRule.sunset_weekly(-15, DaysOfWeek.EVERY_DAY, ON),
        "every day 15 min before sunset → on",
        ['when.sunset = { offset = "-15m" }', "set = { on = true }"],
    ),
    (
        ScheduleRule.sunrise_weekly(0, DaysOfWeek.WEEKEND, OFF),
        "weekends at sunrise → off",
        ['when.sunrise = { days = ["sat", "sun"] }', "set = { on = false }"],
    ),
]


class TestTheirs:
    def test_rows_of_tapo_are_shown_counted_and_left_alone(self, house: House) -> None:
        house.rules(rule("ours", "time = { at = 12:00:00 }", on=True))
        ids = adds(house.rail, *(rule for rule, _, _ in THEIRS))
        before, bytes_before = listed(house.rail), house.rail.tables["schedule"]
        plan = plan_of_rail(house)
        shown = {change["id"]: change["text"] for change in plan["changes"] if change["action"] == "foreign"}
        assert shown == dict(zip(ids, (text for _, text, _ in THEIRS), strict=True))
        assert plan["quota"]["schedule"] == {"max": 32, "used": 4, "foreign": 4, "ours": 0, "after": 5}
        assert house.sync("apply", "--yes").code == 0
        after = listed(house.rail)
        assert {row_id: row for row_id, row in after.items() if row_id in before} == before
        assert [row for row_id, row in after.items() if row_id not in before] == [("clock", 720, ALL, True, True)]
        assert [row for row in house.rail.tables["schedule"] if row["id"] in ids] == bytes_before
        assert {write.method for write in house.rail.writes} == {"add_schedule_rule"}

    def test_rows_of_tapo_are_adopted_as_rules_and_then_nothing_is_to_do(self, house: House) -> None:
        house.rules()
        ids = adds(house.rail, *(rule for rule, _, _ in THEIRS))
        before, writes = listed(house.rail), house.rail.writes
        assert house.sync("adopt", "--yes").code == 0
        text = (house.home / "rules.adopted.toml").read_text()
        for row_id, (_, words, lines) in zip(ids, THEIRS, strict=True):
            [section] = [each for each in text.split("\n\n") if f"schedule row {row_id}," in each]
            assert section.splitlines()[0].endswith(f": {words}")
            assert section.splitlines()[-2:] == lines
        assert house.sync("plan").code == 0
        assert changes(house) == []
        assert house.sync("apply", "--yes").out.splitlines()[-1] == "Nothing to do."
        assert (listed(house.rail), house.rail.writes) == (before, writes)

    def test_what_tapo_removes_and_edits_is_drift_until_it_is_restored(self, house: House) -> None:
        house.rules()
        first, second, *_ = adds(house.rail, *(rule for rule, _, _ in THEIRS))
        assert house.sync("adopt", "--yes").code == 0
        before = listed(house.rail)

        async def meddles(plug: Any) -> None:
            await plug.remove_schedule_rule(first)
            await plug.edit_schedule_rule(ScheduleRule.clock_weekly(8, 0, DaysOfWeek.FRI, ON).with_id(second))

        with_tapo(house.rail, meddles)
        writes = len(house.rail.writes)
        assert sorted(changes(house)) == [
            ("drift", "mon, sat at 07:05 → on was changed by hand to fri at 08:00 → on"),
            ("drift", "weekdays at 23:30 → off was removed by hand"),
        ]
        assert house.sync("apply", "--yes").code == 2
        assert len(house.rail.writes) == writes, "a person is asked first"
        assert house.sync("drift", "--restore", "--yes").code == 0
        assert sorted(listed(house.rail).values()) == sorted(before.values())
        assert house.sync("plan").code == 0

    def test_a_row_that_says_what_a_rule_says_becomes_ours_without_a_write(self, house: House) -> None:
        [row_id] = adds(house.rail, ScheduleRule.clock_weekly(23, 30, DaysOfWeek.EVERY_DAY, OFF))
        house.rules(rule("ours", "time = { at = 23:30:00 }", on=False))
        assert changes(house) == [("adopt", "every day at 23:30 → off, there already")]
        writes = house.rail.writes
        assert house.sync("apply", "--yes").code == 0
        assert house.rail.writes == writes
        house.rules(rule("ours", "time = { at = 23:45:00 }", on=False))
        assert house.sync("apply", "--yes").code == 0
        assert listed(house.rail) == {row_id: ("clock", 1425, ALL, False, True)}, "ours now, and edited in place"

    def test_what_is_off_or_happens_once_stays_with_people(self, house: House) -> None:
        house.rules()
        adds(
            house.rail,
            ScheduleRule.clock_weekly(12, 0, DaysOfWeek.MON, ON).with_enabled(False),
            ScheduleRule.sunset_once(0, OFF),
        )
        before = listed(house.rail)
        found = json.loads(house.sync("adopt", "--yes", "--json").out)
        [rail] = [device for device in found["devices"] if device["device"] == "rail"]
        assert [row["text"] for row in rail["left_alone"]] == [
            "mon at 12:00 → on (switched off)",
            "once at sunset → off",
        ]
        assert rail["rules"] == []
        assert listed(house.rail) == before

    def test_a_table_that_tapo_has_filled_leaves_our_rules_to_the_daemon(self, house: House) -> None:
        adds(house.rail, *(ScheduleRule.clock_weekly(8 + n // 4, n % 4 * 15, DaysOfWeek.MON, ON) for n in range(31)))
        house.rules(
            rule("first", "time = { at = 20:00:00 }", on=True), rule("second", "time = { at = 21:00:00 }", on=False)
        )
        assert house.sync("apply", "--yes").code == 0
        assert len(listed(house.rail)) == 32
        assert [(each["rule"], each["reason"]) for each in plan_of_rail(house)["daemon"]] == [
            ("second", "its schedule is full: 32 places, 31 of them taken by rows that are not ours")
        ]

    def test_a_timer_of_tapo_keeps_the_slot(self, house: House) -> None:
        async def starts(plug: Any) -> None:
            await plug.set_timer(600, ON)

        with_tapo(house.rail, starts)
        house.rules(rule("ours", 'countdown = { after = "45m", from = "apply" }', on=False))
        plan = plan_of_rail(house)
        assert [change["action"] for change in plan["changes"]] == ["foreign"]
        assert [(each["rule"], each["code"]) for each in plan["nowhere"]] == [("ours", "slot")]
        assert house.sync("apply", "--yes").out.splitlines()[-1] == "Nothing to do. 1 rule is carried out by nobody."

        async def reads(plug: Any) -> int:
            return int((await plug.get_timer()).delay_s)

        assert with_tapo(house.rail, reads) == 600
