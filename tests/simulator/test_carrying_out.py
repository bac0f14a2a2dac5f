"""Rows are carried out by the device's own clock, zone, place and sun, with nobody asking."""

import random
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from simulator.ruled import DAILY, OFF, ON, Ruled, at, wall
from simulator.speaking import Clock
from tapo_automate.rules.sun import Site, sun_instants
from tapo_automate.simulator import Device
from tapo_automate.simulator.habits import Habits
from tapo_automate.simulator.records import Execution
from tapo_automate.simulator.recurrence import Moment, Place, instants

Add = Callable[..., Device]


@pytest.fixture
def plug(add: Add, clock: Clock) -> Ruled:
    return Ruled(add, clock)


def made(device: Device) -> list[tuple[bool, str, str]]:
    return [(change.on, change.by, change.detail) for change in device.changes][1:]


def test_a_row_switches_at_its_minute_however_late_one_looks(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    clock.at += 7200
    fired = plug.device.changes[-1]
    assert (fired.at, fired.true_at) == (at("2026-07-13 13:00:00"),) * 2
    assert made(plug.device) == [(True, "schedule", "S1")]
    assert plug.device.executions == [
        Execution(at("2026-07-13 13:00:00"), at("2026-07-13 13:00:00"), "schedule", "S1", ON, changed=True)
    ]


def test_what_found_everything_done_is_an_execution_and_no_change(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780, desired_states=OFF)
    clock.at += 2 * 86_400
    assert made(plug.device) == []
    assert [(row.id, row.changed, row.states) for row in plug.device.executions] == [("S1", False, OFF)] * 2


def test_days_enabled_and_the_master_switch_decide(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780, week_day=0b0010100)  # Tuesday and Thursday
    plug.stored(s_min=790, enable=False)
    plug.stored(s_min=800, week_day=0)
    clock.at = at("2026-07-20 12:00:00")
    assert plug.done() == [("S1", "2026-07-14 13:00:00"), ("S1", "2026-07-16 13:00:00")]
    plug.device.set_table("schedule", enabled=False)
    assert (plug.page()["enable"], plug.next_event()) == (False, {})
    clock.at = at("2026-07-22 12:00:00")
    assert len(plug.done()) == 2
    plug.device.set_table("schedule", enabled=True)
    assert plug.page()["enable"] is True
    clock.at = at("2026-07-23 14:00:00")
    assert plug.done()[2:] == [("S1", "2026-07-23 13:00:00")], "what was missed is not made up for"


def test_rows_at_one_minute_come_in_the_order_of_their_numbers(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780, desired_states=ON)
    plug.stored(s_min=780, desired_states=OFF)
    assert plug.next_event()["id"] == "S1"
    clock.at += 7200
    assert made(plug.device) == [(True, "schedule", "S1"), (False, "schedule", "S2")]


def test_each_thing_happens_at_its_own_instant_in_order(plug: Ruled, clock: Clock) -> None:
    plug.call("set_auto_off_config", {"enable": True, "delay_min": 30})
    plug.stored(s_min=780)
    plug.stored(s_min=781, desired_states=OFF)
    plug.call("add_countdown_rule", {"enable": True, "delay": 3690, "desired_states": ON})
    clock.at += 86_400 - 3600
    assert [(change.by, wall(change.at)[11:]) for change in plug.device.changes[1:]] == [
        ("schedule", "13:00:00"), ("schedule", "13:01:00"), ("countdown", "13:01:30"), ("auto-off", "13:31:30"),
    ]  # fmt: skip
    assert [(row.table, row.id) for row in plug.device.executions] == [
        ("schedule", "S1"), ("schedule", "S2"), ("countdown", "C1"), ("auto_off", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("spent", ["disabled", "gone"])
def test_a_row_that_happens_once_fires_at_the_next_such_minute(add: Add, clock: Clock, spent: str) -> None:
    plug = Ruled(add, clock, spent=spent)
    plug.stored(mode="once", week_day=5, s_min=719)
    plug.stored(mode="once", s_min=720, desired_states=OFF)
    assert [(row["week_day"], row["day"]) for row in plug.rows()] == [(0, 14), (0, 14)]
    clock.at += 10 * 86_400
    assert plug.done() == [("S1", "2026-07-14 11:59:00"), ("S2", "2026-07-14 12:00:00")]
    left = [] if spent == "gone" else [("S1", False, 14), ("S2", False, 14)]
    assert [(row["id"], row["enable"], row["day"]) for row in plug.rows()] == left
    if left:
        plug.call("edit_schedule_rule", {"id": "S2", "enable": True})
        clock.at += 86_400
        assert plug.done()[2:] == [("S2", "2026-07-24 12:00:00")], "enabled again, it is armed again"


def test_the_next_event_is_told_with_its_states(plug: Ruled, clock: Clock) -> None:
    assert plug.next_event() == {}
    plug.stored(s_min=900, desired_states=OFF)
    plug.stored(s_min=800)
    told = {"desired_states": ON, "e_time": 0, "id": "S2", "s_time": int(at("2026-07-13 13:20:00")), "type": 1}
    assert plug.next_event() == told == plug.device.next_event
    clock.at = at("2026-07-13 13:20:00")
    assert (plug.next_event()["id"], plug.next_event()["desired_states"]) == ("S1", OFF)


def test_a_lamp_takes_on_what_the_row_says_and_tells_a_fade_as_begun(add: Add, clock: Clock) -> None:
    lamp = Ruled(add, clock, "L430C")
    lamp.stored(s_min=780, desired_states={"on": True, "brightness": 30, "color_temp": 4000})
    lamp.stored(s_min=800, desired_states={"on": True, "color_temp": 0, "hue": 200, "saturation": 90,
                                           "transition_period": 90_000})  # fmt: skip
    lamp.stored(s_min=810, desired_states={"on": False, "transition_period": 60_000})
    clock.at = at("2026-07-13 13:25:00")
    assert lamp.device.state == {"device_on": True, "brightness": 30, "hue": 200, "saturation": 90, "color_temp": 0}
    clock.at = at("2026-07-13 13:30:00")
    assert made(lamp.device) == [
        (True, "schedule", "S1"), (True, "schedule", "S2, over 90 s"), (False, "schedule", "S3, over 60 s"),
    ]  # fmt: skip
    assert lamp.device.executions[1].states["transition_period"] == 90_000


# Verified sunsets.  Source: docs/protocol.md, 7.4.
@pytest.mark.parametrize(
    ("place", "zone", "now", "offset", "minute", "coming"),
    [
        ((34.772, 32.430), "Asia/Nicosia", "2026-01-12 15:24:24", -30, 989, 1_768_228_140),  # Paphos
        ((35.186, 33.382), "Asia/Nicosia", "2026-01-12 15:24:24", -30, 984, None),  # Nicosia: sunset at 1014
        ((39.739, -104.990), "America/Denver", "2024-10-18 23:42:21", -15, 1081, 1_729_382_340),
        ((51.507, -0.128), "Europe/London", "2024-01-20 09:25:30", 0, 989, None),
    ],
)
def test_the_sun_is_that_of_the_devices_that_were_read(
    add: Add, clock: Clock, place: tuple[float, float], zone: str, now: str, offset: int, minute: int, coming: int
) -> None:
    clock.at = at(now, zone)
    plug = Ruled(add, clock)
    plug.device.set_clock(clock.at, region=zone)
    plug.device.set_location(*place)
    plug.stored(s_type="sunset", time_offset=offset)
    assert plug.rows()[0]["s_min"] == pytest.approx(minute, abs=1)
    if coming is not None:
        assert plug.next_event()["s_time"] == pytest.approx(coming, abs=60)


def test_the_minute_is_that_of_today_and_the_date_that_of_the_next_firing(add: Add, clock: Clock) -> None:
    """As the EP40M of the protocol's 7.4 told it: 1081 on the 18th for the 19th, whose event comes at 1079."""
    zone = "America/Denver"
    clock.at = at("2024-10-18 23:42:21", zone)
    plug = Ruled(add, clock)
    plug.device.set_clock(clock.at, region=zone, time_diff=-420)
    plug.device.set_location(40.015, -105.271)  # Boulder
    plug.stored(s_type="sunset", s_min=3, time_offset=-15)
    row = plug.rows()[0]
    assert (row["s_min"], row["year"], row["month"], row["day"]) == (1081, 2024, 10, 19)
    assert wall(plug.next_event()["s_time"], zone) == "2024-10-19 18:00:00"
    clock.at = at("2024-10-19 00:00:00", zone)
    assert plug.rows()[0]["s_min"] == 1080


def test_without_a_place_the_sun_rises_at_seven_and_sets_at_nineteen(plug: Ruled, clock: Clock) -> None:
    plug.device.set_location(None, None)
    plug.stored(s_type="sunrise", time_offset=-10)
    plug.stored(s_type="sunset", time_offset=360)
    assert [row["s_min"] for row in plug.rows()] == [410, 60]
    clock.at += 86_400
    assert plug.done() == [("S2", "2026-07-14 01:00:00"), ("S1", "2026-07-14 06:50:00")]
    plug.call("set_device_info", {"latitude": 525_200, "longitude": 134_050})
    assert plug.rows()[0]["s_min"] == pytest.approx(4 * 60 + 50, abs=15)
    assert [row["day"] for row in plug.rows()] == [15, 15], "the sun of the 14th and six hours end on the 15th"


def test_a_polar_day_has_no_sunset_and_the_row_waits(plug: Ruled, clock: Clock) -> None:
    plug.device.set_location(69.65, 18.96)  # Tromsø: no sunset from 18 May to 25 July
    plug.stored(s_type="sunset")
    assert plug.rows()[0]["s_min"] == 1140
    clock.at = at("2026-07-30 12:00:00")
    fired = [row.at for row in plug.device.executions]
    assert "2026-07-24" <= wall(fired[0])[:10] <= "2026-07-28"
    assert len(fired) > 2
    assert all(abs(later - sooner - 86_400) < 1800 for sooner, later in pairwise(fired)), "once for each day's sun"


def test_where_the_calendar_is_a_day_ahead_the_sun_is_that_of_the_day() -> None:
    apia = Place(ZoneInfo("Pacific/Apia"), (-13.83, -171.76), Habits())
    (sunset,) = instants(Moment("sunset"), date(2026, 1, 12), apia)
    assert wall(sunset, "Pacific/Apia")[:13] == "2026-01-12 19"


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("Europe/Berlin", (52.52, 13.40)),
        ("Pacific/Auckland", (-36.85, 174.76)),
        ("Pacific/Apia", (-13.83, -171.76)),
        ("America/Anchorage", (61.22, -149.90)),
        ("Asia/Shanghai", (43.83, 87.62)),
    ],
)
def test_the_sun_of_the_rules_and_that_of_the_devices_agree(zone: str, place: tuple[float, float]) -> None:
    """They were written apart: what one has wrong the other shows."""
    own, site = Place(ZoneInfo(zone), place, Habits()), Site(ZoneInfo(zone), *place)
    events: tuple[Literal["sunrise", "sunset"], ...] = ("sunrise", "sunset")
    for number in range(0, 365, 3):
        day = date(2026, 1, 1) + timedelta(number)
        for event in events:
            (ours,), (theirs,) = instants(Moment(event), day, own), sun_instants(event, day, site)
            assert abs(ours - theirs.timestamp()) <= 60, (event, day)


@pytest.mark.parametrize(
    ("gap", "fired"),
    [("skip", []), ("shift", ["2026-03-29 03:30:00"])],
)
def test_a_wall_time_that_the_night_skips(add: Add, clock: Clock, gap: str, fired: list[str]) -> None:
    clock.at = at("2026-03-28 12:00:00")
    plug = Ruled(add, clock, gap=gap)
    plug.stored(s_min=150)
    clock.at = at("2026-03-30 12:00:00")
    assert [when for _, when in plug.done()] == [*fired, "2026-03-30 02:30:00"]


@pytest.mark.parametrize(("overlap", "hours"), [("first", [0]), ("second", [1]), ("both", [0, 1])])
def test_a_wall_time_that_the_night_has_twice(add: Add, clock: Clock, overlap: str, hours: list[int]) -> None:
    clock.at = at("2026-10-24 12:00:00")
    plug = Ruled(add, clock, overlap=overlap)
    plug.stored(s_min=150)
    clock.at = at("2026-10-25 12:00:00")
    first = at("2026-10-25 02:30:00")  # summer time
    assert [row.at for row in plug.device.executions] == [first + hour * 3600 for hour in hours]


def test_without_a_region_it_runs_on_its_time_difference_all_year(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock)
    plug.call("set_device_time", {"timestamp": int(clock.at), "time_diff": 60, "region": ""})
    plug.stored(s_min=780)
    clock.at += 7200
    assert plug.done() == [("S1", "2026-07-13 14:00:00")], "13:00 an hour east of Greenwich"


def test_a_lost_clock_fires_at_nonsense_times_until_it_is_set(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    plug.device.lose_clock()  # it is 01:00 on the first of January 2000 there
    row = plug.rows()[0]
    assert (row["year"], row["month"], row["day"]) == (2000, 1, 1)
    assert plug.next_event()["s_time"] == 946_728_000
    clock.at += 12 * 3600
    fired = plug.device.executions[0]
    assert (fired.at, wall(fired.true_at)) == (946_728_000, "2026-07-14 00:00:00")
    now = int(clock.at)
    plug.call("set_device_time", {"timestamp": now, "time_diff": 60, "region": "Europe/Berlin"})
    clock.at += 86_400
    assert plug.done()[1:] == [("S1", "2026-07-14 13:00:00")]


def test_a_clock_that_is_set_over_a_row_skips_it_and_set_back_it_comes_again(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    plug.device.set_clock(at("2026-07-13 14:00:00"))
    assert plug.device.executions == []
    plug.device.set_clock(at("2026-07-14 12:59:00"))
    clock.at += 60
    plug.device.set_clock(at("2026-07-14 12:59:00"))
    clock.at += 60
    assert plug.done() == [("S1", "2026-07-14 13:00:00")] * 2


def test_another_zone_moves_the_rows(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    plug.device.set_clock(clock.at, region="Europe/London", time_diff=0)
    clock.at += 7200
    assert plug.done("Europe/London") == [("S1", "2026-07-13 13:00:00")]


def test_rows_survive_a_loss_of_power(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    plug.device.restart()
    clock.at += 7200
    assert made(plug.device)[-1] == (True, "schedule", "S1")


def test_a_row_comes_to_nothing_while_the_device_starts_again(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock)
    plug.stored(s_min=780)
    plug.stored(s_min=840)
    plug.device.set_faults("reboots=3000+1200")  # away from 12:50 to 13:10, and from 14:00 on
    clock.at += 86_400 - 1
    assert plug.done() == []
    plug.device.set_faults("offline")
    clock.at += 86_400
    assert plug.done() == [("S1", "2026-07-14 13:00:00"), ("S2", "2026-07-14 14:00:00")]


def test_a_reset_wipes_all_tables(plug: Ruled) -> None:
    plug.stored(s_min=5)
    plug.away()
    plug.device.person_adds("countdown", {"delay": 60, "desired_states": ON})
    plug.call("device_reset", {})
    assert plug.device.tables == {"schedule": [], "countdown": [], "antitheft": []}


def test_a_fault_that_only_pretends_leaves_the_table_alone(plug: Ruled) -> None:
    plug.stored(s_min=5)
    plug.device.set_faults("ignore")
    assert plug.add(s_min=6) == {"error_code": 0, "result": {"id": "S2"}}
    plug.call("remove_schedule_rules", {"remove_all": True})
    assert [row["id"] for row in plug.rows()] == ["S1"]


@pytest.mark.parametrize("region", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_a_calendar_walked_minute_by_minute_says_the_same(add: Add, clock: Clock, region: str) -> None:
    """Both nights of the clock change of the zones that have them lie in these weeks, of Lord Howe by half an hour."""
    dice = random.Random(region)
    for start in ("2026-03-05 00:00:00", "2026-10-02 00:00:00"):
        clock.at = at(start, region)
        plug = Ruled(add, clock, keep_calls=50_000)
        plug.device.set_clock(clock.at, region=region)
        rows = []
        for _ in range(12):
            minute, days = dice.choice([dice.randrange(240), dice.randrange(1440)]), dice.randrange(128)
            rows.append((plug.stored(s_min=minute, week_day=days), minute, days))
        began, zone = clock.at, ZoneInfo(region)
        clock.at += 32 * 86_400
        expected = set()
        for instant in range(int(began) + 60, int(clock.at) + 1, 60):
            local = datetime.fromtimestamp(instant, zone)
            for number, minute, days in rows:
                due = local.hour * 60 + local.minute == minute and days >> local.isoweekday() % 7 & 1
                if due and not local.fold:
                    expected.add((number, float(instant)))
        assert {(row.id, row.at) for row in plug.device.executions} == expected


def test_a_year_of_a_full_table_is_settled_in_a_moment(add: Add, clock: Clock) -> None:
    clock.at = at("2026-01-01 00:00:00")
    plug = Ruled(add, clock, gap="shift", overlap="first", keep_calls=20_000)
    for number in range(32):
        sun = {"s_type": "sunset", "time_offset": number} if number % 2 else {"s_min": number * 45}
        plug.stored(desired_states={"on": number % 2 == 0}, **sun)
    began = time.perf_counter()
    clock.at = at("2027-01-01 00:00:00")
    done = plug.device.executions
    assert time.perf_counter() - began < 20
    # Midnight of the first day had come when the row was made; that of the last belongs to the year.
    assert len(done) == 32 * 365
    assert all(sooner.at <= later.at for sooner, later in pairwise(done))


def test_a_row_of_one_device_can_be_compared_with_another_ones(add: Add, clock: Clock) -> None:
    """Two devices with the same rows do the same, whoever wrote them and however often one looked."""
    one, other = Ruled(add, clock), Ruled(add, clock)
    for number, fields in enumerate(({"s_min": 375}, {"s_type": "sunrise", "time_offset": 20}, {"s_min": 1300})):
        one.stored(**fields, desired_states={"on": number == 1})
        other.device.person_adds("schedule", DAILY | fields | {"desired_states": {"on": number == 1}})
    for _ in range(50):
        clock.at += 5000.5
        assert one.device.on in (True, False)
    assert one.done() == other.done()
