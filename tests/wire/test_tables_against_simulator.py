"""Tables written and read over real HTTP, in devices that other hands wrote and that carry the rows out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import BadSetting, Refused, Unsupported
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    Moment,
    NextEvent,
    OpaqueRow,
    PowerProtection,
    RowId,
    ScheduleRow,
    id_of,
)
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.lookup import profile_for
from tapo_automate.wire import SmartDevice, open_device

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")
SUNDAY = dt.datetime(2026, 11, 22, 11, tzinfo=dt.UTC)  # noon in Berlin, where the simulated devices are
ON, OFF = Setting(on=True), Setting(on=False)
MONDAYS = frozenset({0})


@dataclass
class Clock:
    at: dt.datetime = SUNDAY

    def __call__(self) -> float:
        return self.at.timestamp()


Add = Callable[..., tuple[Device, SmartDevice]]
Open = Callable[..., list[SmartDevice]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened() -> Iterator[list[SmartDevice]]:
    """Whatever is opened in a test, to be closed after it."""
    devices: list[SmartDevice] = []
    yield devices
    for it in devices:
        it.close()


@pytest.fixture
def add(clock: Clock, opened: list[SmartDevice]) -> Iterator[Add]:
    with Fleet() as fleet:

        def start(model: str, transport: str = "klap", **wishes: Any) -> tuple[Device, SmartDevice]:
            own = {"username": ACCOUNT.username, "password": ACCOUNT.password, "now": clock, "seed": 1}
            device = fleet.add(model, transport=transport, **own | wishes)
            opened.append(open_device(DeviceSpec("it", "tapo-plug", device.address), ACCOUNT))
            return device, opened[-1]

        yield start


@pytest.mark.parametrize("mode", [("P100", "aes-v1"), ("P100", "klap"), ("P110", "aes"), ("L530", "klap")])
def test_a_row_is_carried_out_on_its_day_by_the_device_alone(add: Add, clock: Clock, mode: tuple[str, str]) -> None:
    device, it = add(*mode, on=False)
    row_id = it.put(ScheduleRow(Moment("midnight", 7 * 60), ON, MONDAYS))
    event = it.next_event()
    assert event is not None
    assert (event.row_id, event.setting) == (row_id, ON)
    clock.at = event.at - dt.timedelta(seconds=1)
    assert not device.on
    clock.at = event.at + dt.timedelta(seconds=1)
    assert device.on
    assert event.at.date() == dt.date(2026, 11, 23), "Monday"


def test_minutes_are_those_of_the_devices_zone(add: Add) -> None:
    _, it = add("P110")
    it.put(ScheduleRow(Moment("midnight", 7 * 60), ON, MONDAYS))
    assert it.next_event() == NextEvent(dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC), "S1", ON)


@pytest.mark.parametrize(("model", "most"), [("P110", 32), ("P100", 20), ("L900", 16), ("L920", 24)])
def test_a_full_table_of_several_pages(add: Add, model: str, most: int) -> None:
    _, it = add(model)
    rows = [ScheduleRow(Moment("midnight", number), OFF, enabled=False) for number in range(most)]
    ids = [it.put(row) for row in rows]
    table = it.table("schedule")
    assert (table.max_rows, table.rows) == (most, tuple(rows))
    with pytest.raises(Refused) as raised:
        it.put(rows[0])
    assert raised.value.code == -1802
    it.remove("schedule", ids)
    assert it.holdings().tables["schedule"].rows == ()


def test_lamps_hold_light_in_their_rows(add: Add) -> None:
    _, it = add("L530")
    settings = [
        Setting(on=True, brightness_pct=40, color_temp_k=2700),
        Setting(on=True, brightness_pct=5, hue_deg=120, saturation_pct=80),
    ]
    for setting in settings:
        it.put(ScheduleRow(Moment("sunset", -15), setting))
    assert [row.setting for row in it.table("schedule").rows if isinstance(row, ScheduleRow)] == settings
    with pytest.raises(BadSetting, match="color_temp 9000 is out of range: it takes 2500 to 6500 K"):
        it.put(ScheduleRow(Moment("sunset", 0), Setting(on=True, color_temp_k=9000)))
    with pytest.raises(Unsupported, match="its rows take no transition"):
        it.put(ScheduleRow(Moment("sunset", 0), Setting(on=True, transition_ms=1000)))


def test_newer_lamps_fade(add: Add) -> None:
    device, it = add("L430C")
    assert it.holdings().row_transitions
    wake = ScheduleRow(Moment("midnight", 330), Setting(on=True, brightness_pct=100, transition_ms=1_800_000))
    sleep = ScheduleRow(Moment("midnight", 1350), Setting(on=False, transition_ms=60_000))
    it.put(wake)
    it.put(sleep)
    assert it.table("schedule").rows == (wake, sleep)
    assert device.tables["schedule"][0]["desired_states"]["transition_period"] == 1_800_000


def test_what_a_person_edits_is_seen_and_put_back(add: Add) -> None:
    device, it = add("P110")
    row = ScheduleRow(Moment("sunrise", 20), ON)
    row_id = it.put(row)
    (before,) = it.table("schedule").rows
    device.person_edits("schedule", {"id": row_id, "week_day": 0})
    (edited,) = it.table("schedule").rows
    assert isinstance(edited, OpaqueRow)
    assert edited.why == "it repeats on no day of the week"
    it.put_back(before, row_id)
    assert it.table("schedule").rows == (row,)
    it.put_back(edited, row_id)
    assert it.table("schedule").rows == (edited,)


def test_a_clash_is_told_with_what_it_clashes_with(add: Add) -> None:
    _, it = add("P110", clash="told")
    first = it.put(ScheduleRow(Moment("midnight", 420), ON))
    second = it.put(ScheduleRow(Moment("midnight", 420), OFF))
    assert isinstance(second, RowId)
    assert second.conflict_id == first
    assert len(it.table("schedule").rows) == 2
    _, other = add("P110", clash="refused")
    other.put(ScheduleRow(Moment("midnight", 420), ON))
    with pytest.raises(Refused) as raised:
        other.put(ScheduleRow(Moment("midnight", 420), OFF))
    assert raised.value.code == -1803
    assert len(other.table("schedule").rows) == 1


def test_away_mode_and_countdown(add: Add, clock: Clock) -> None:
    device, it = add("P110", on=True)
    row = AntitheftRow(Moment("sunset", 10), Moment("midnight", 1410), MONDAYS)
    away_id = it.put(row)
    assert it.table("antitheft").rows == (row,)
    later = replace(row, end=Moment("midnight", 60), days=frozenset(), repeats=False)
    assert it.put(later, away_id) == away_id
    assert it.table("antitheft").rows == (later,)
    it.remove("antitheft", [away_id])
    assert it.table("antitheft").rows == ()
    count_id = it.put(CountdownRow(600, OFF))
    clock.at += dt.timedelta(seconds=100)
    (running,) = it.table("countdown").rows
    assert running == CountdownRow(600, OFF)
    assert isinstance(running, CountdownRow)
    assert running.left_s == 500
    assert it.timer() == (500, OFF)
    with pytest.raises(Refused) as raised:
        it.put(CountdownRow(5, OFF))
    assert raised.value.code == -1902
    it.put(CountdownRow(900, OFF), count_id)
    clock.at += dt.timedelta(seconds=901)
    assert not device.on
    assert it.table("countdown").rows == (CountdownRow(900, OFF, enabled=False),)
    it.remove("countdown", [count_id, "C7"])


def test_neighbours(add: Add, clock: Clock) -> None:
    device, it = add("P110", on=False)
    assert it.put(AutoOff(45)) == ""
    assert it.put(PowerProtection(2000)) == ""
    held = it.holdings()
    assert held.tables["auto_off"].rows == (AutoOff(45),)
    assert held.tables["power_protection"].rows == (PowerProtection(2000),)
    assert held.max_power_w == 3680
    with pytest.raises(BadSetting, match="a power protection at 4000 W is out of range: it takes 1 to 3680 W"):
        it.put(PowerProtection(4000))
    it.apply(ON)
    clock.at += dt.timedelta(minutes=46)
    assert not device.on
    it.remove("auto_off", [])
    it.remove("power_protection", [])
    assert it.table("auto_off").rows == (AutoOff(45, enabled=False),)
    assert it.table("power_protection").rows == (PowerProtection(2000, enabled=False),)


def test_the_clock_is_lost_seen_and_set(add: Add, clock: Clock) -> None:
    device, it = add("P110")
    device.lose_clock()
    lost = it.holdings().clock
    assert lost is not None
    assert lost.at.year == 2000
    it.set_clock(clock.at, "Europe/Lisbon", 0)
    told = it.holdings().clock
    assert told is not None
    assert abs(told.at - clock.at) <= dt.timedelta(seconds=2)
    assert (told.region, told.standard_offset_min) == ("Europe/Lisbon", 0)


def test_holdings_take_a_batch_and_a_request_for_each_page(add: Add) -> None:
    device, it = add("P110")
    for number in range(12):
        it.put(ScheduleRow(Moment("midnight", number), OFF, enabled=False))
    it.holdings()
    before = device.requests
    it.holdings()
    assert device.requests - before == 1 + 2 + 1 + 1, "small reads, two pages, countdown, away mode"


class TestSockets:
    @pytest.fixture
    def sockets(self, opened: list[SmartDevice]) -> Callable[..., list[SmartDevice]]:
        def open_them(device: Device, *names: str) -> list[SmartDevice]:
            specs = [DeviceSpec(f"strip/{name}", "tapo-plug", device.address, socket=name) for name in names]
            found = [open_device(spec, ACCOUNT) for spec in specs]
            opened.extend(found)
            return found

        return open_them

    @pytest.mark.parametrize(("model", "count"), [("P300", 3), ("P304M", 4)])
    def test_each_has_its_own_and_all_share_one_session(
        self, add: Add, clock: Clock, sockets: Open, model: str, count: int
    ) -> None:
        device, whole = add(model)
        them = sockets(device, *(str(number) for number in range(1, count + 1)))
        assert len({it.describe().hardware_id for it in them}) == count
        for number, it in enumerate(them):
            assert it.put(ScheduleRow(Moment("midnight", 420 + number), ON, MONDAYS)) == "S1"
        for number, it in enumerate(them):
            assert [row.at.offset_min for row in it.table("schedule").rows if isinstance(row, ScheduleRow)] == [
                420 + number
            ]
        them[0].apply(ON)
        assert [it.state().on for it in them] == [True] + [False] * (count - 1)
        clock.at = dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)
        assert all(it.state().on for it in them)
        with pytest.raises(Unsupported, match="it is a power strip"):
            whole.holdings()
        with pytest.raises(Unsupported, match="of a power strip name a socket"):
            whole.state()
        assert device.handshakes == 1

    def test_by_the_name_that_its_owner_gave_it(self, add: Add, sockets: Open) -> None:
        device, _ = add("P300")
        wanted = device.children[1]
        (it,) = sockets(device, wanted.nickname.upper())
        it.apply(ON)
        assert [child.on for child in device.children] == [
            child.nickname == wanted.nickname for child in device.children
        ]
        it.start_timer(60, OFF)
        assert it.timer() == (60, OFF)
        (nobody,) = sockets(device, "9")
        with pytest.raises(Unsupported, match=r"it has no socket 9; it has 3 sockets: 1 \("):
            nobody.state()

    def test_a_metered_socket(self, add: Add, sockets: Open) -> None:
        device, _ = add("P304M", trace="40")
        (it,) = sockets(device, "1")
        assert it.describe().has_power_meter
        it.put(PowerProtection(1000))
        assert it.holdings().tables["power_protection"].rows == (PowerProtection(1000),)
        it.apply(ON)
        assert it.power_w() == 40


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_what_real_devices_held_is_read_whole(path: Path, opened: list[SmartDevice]) -> None:
    try:
        profile = profile_for(path)
    except SimulatorError as problem:
        pytest.skip(f"it cannot be simulated: {problem}")
    dump = json.loads(path.read_text())
    sockets = dump.get("child_devices") or {}
    if profile.children and not sockets:
        pytest.skip("a strip of whose sockets the dump says nothing")
    time_told = dump.get("get_device_time") or {}
    taken = dt.datetime.fromtimestamp(time_told.get("timestamp", SUNDAY.timestamp()), dt.UTC)
    with Fleet() as fleet:
        own = {"username": ACCOUNT.username, "password": ACCOUNT.password, "now": Clock(taken)}
        device = fleet.add(path, **own)
        specs = [
            (said, DeviceSpec("it", "tapo-plug", device.address, socket=str(number)))
            for said, number in [
                (each, each["get_device_info"].get("position", place))
                for place, (_, each) in enumerate(sorted(sockets.items()), 1)
            ]
            or [(dump, "")]
        ]
        for said, spec in specs:
            opened.append(open_device(spec, ACCOUNT))
            held = opened[-1].holdings()
            for name in ("schedule", "countdown", "antitheft"):
                there = said.get(f"get_{name}_rules") or {}
                if "rule_list" not in there:
                    continue
                table = held.tables[name]  # type: ignore[index]
                assert table.max_rows == there[f"{name}_rule_max_count"]
                assert [id_of(row) for row in table.rows] == [row["id"] for row in there["rule_list"]]
                for row, words in zip(table.rows, there["rule_list"], strict=True):
                    assert not isinstance(row, OpaqueRow) or row.why
                    computed = ("id", "year", "month", "day", "s_min", "remain")
                    kept = {name: it for name, it in words.items() if name not in computed}
                    assert kept.items() <= row.own.items()
            if "region" in time_told:
                assert held.clock is not None
                assert held.clock.region == time_told["region"]
            fires = held.next_event is not None
            assert fires or not (said.get("get_next_event") or {}).get("s_time")
