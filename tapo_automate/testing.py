"""One suite of claims that every driver has to keep.  Subclass it in your plugin's tests; needs pytest.

class TestMyPlug(DriverConformance):
    @pytest.fixture
    def device(self, my_simulated_plug):
        return MyDriver().open(DeviceSpec("plug", "my-plug", my_simulated_plug.address), None)

    @pytest.fixture
    def unreachable(self):
        return MyDriver().open(DeviceSpec("gone", "my-plug", "127.0.0.1:9"), None)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo, available_timezones

import pytest

from tapo_automate.device import Description, Device, Explains, HasTimer, Setting, State
from tapo_automate.errors import BadSetting, DeviceError, Refused, Unreachable, Unsupported
from tapo_automate.rows import FoundRow, HoldsTables, Moment, ScheduleRow, id_of

SLACK_S = 120  # what a busy machine may take for a few requests
AT_MIN = 197  # 03:17, when hardly any row of a person's does anything


class DriverConformance:
    """What the daemon and the commands rely on.  Each test has a device that works, whatever its state."""

    @pytest.fixture
    def device(self) -> Device:
        """Return an open device of the driver under test."""
        raise AssertionError("give the suite a fixture named `device`")

    @pytest.fixture
    def unreachable(self) -> Device:
        """Return an open device at a loopback address where nobody listens."""
        raise AssertionError("give the suite a fixture named `unreachable`")

    def test_it_is_a_device(self, device: Device) -> None:
        assert isinstance(device, Device)

    def test_it_says_what_it_is(self, device: Device) -> None:
        description = device.describe()
        assert isinstance(description, Description)
        assert description.hardware_id
        assert description.model
        assert description.transport

    def test_switching_shows_in_the_state(self, device: Device) -> None:
        for on in (True, False, True):
            device.apply(Setting(on=on))
            state = device.state()
            assert isinstance(state, State)
            assert state.on is on

    def test_applying_twice_does_no_harm(self, device: Device) -> None:
        device.apply(Setting(on=False))
        device.apply(Setting(on=False))
        assert not device.state().on

    def test_an_empty_setting_changes_nothing(self, device: Device) -> None:
        device.apply(Setting(on=False))
        before = device.state()
        device.apply(Setting())
        assert device.state() == before

    def test_brightness_is_kept_within_its_range(self, device: Device) -> None:
        if not device.describe().has_brightness:
            with pytest.raises(Unsupported):
                device.apply(Setting(brightness_pct=50))
            return
        device.apply(Setting(on=True, brightness_pct=37))
        assert device.state().brightness_pct == 37
        for wrong in (0, 101):
            with pytest.raises(BadSetting):
                device.apply(Setting(brightness_pct=wrong))
        assert device.state().brightness_pct == 37

    def test_white_is_kept_within_the_range_that_the_device_gives(self, device: Device) -> None:
        span = device.describe().color_temp_range_k
        if span is None:
            with pytest.raises(Unsupported):
                device.apply(Setting(color_temp_k=3000))
            return
        low, high = span
        device.apply(Setting(on=True, color_temp_k=high))
        assert device.state().color_temp_k == high
        for wrong in (low - 1, high + 1):
            with pytest.raises(BadSetting):
                device.apply(Setting(color_temp_k=wrong))

    def test_a_colour_shows_in_the_state_and_white_does_not(self, device: Device) -> None:
        if not device.describe().has_color:
            with pytest.raises(Unsupported):
                device.apply(Setting(hue_deg=120, saturation_pct=80))
            return
        device.apply(Setting(on=True, hue_deg=120, saturation_pct=80))
        state = device.state()
        assert (state.hue_deg, state.saturation_pct, state.color_temp_k) == (120, 80, None)

    def test_the_meter_gives_watts_or_is_not_there(self, device: Device) -> None:
        if not device.describe().has_power_meter:
            with pytest.raises(Unsupported):
                device.power_w()
            return
        device.apply(Setting(on=False))
        assert device.power_w() == 0
        device.apply(Setting(on=True))
        assert device.power_w() >= 0

    def test_how_long_it_has_been_on_is_said_only_while_it_is_on(self, device: Device) -> None:
        device.apply(Setting(on=False))
        assert device.state().on_for_s is None
        device.apply(Setting(on=True))
        on_for_s = device.state().on_for_s
        assert on_for_s is None or 0 <= on_for_s < SLACK_S

    def test_a_countdown_is_started_replaced_and_stopped(self, device: Device) -> None:
        if not isinstance(device, HasTimer):
            return
        try:
            device.start_timer(3600, Setting(on=False))
        except Unsupported:
            return
        for after_s, on in ((3600, False), (7200, True), (60 + SLACK_S, False)):
            device.start_timer(after_s, Setting(on=on))
            running = device.timer()
            assert running is not None
            left_s, setting = running
            assert after_s - SLACK_S < left_s <= after_s
            assert setting.on is on
        device.stop_timer()
        assert device.timer() is None
        device.stop_timer()

    def test_what_switched_it_is_said_in_words_or_not_at_all(self, device: Device) -> None:
        if isinstance(device, Explains):
            words = device.switched_by(True, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            assert words is None or words.strip()

    def test_what_a_device_holds_is_what_its_tables_show(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            held = holder.holdings()
            assert held.description == device.describe()
            for name, table in held.tables.items():
                assert holder.table(name) == table
                assert len(table.rows) <= table.max_rows

    def test_a_row_that_is_put_is_in_the_table_until_it_is_removed(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            moments = (Moment("midnight", 0), Moment("midnight", 1439), Moment("sunrise", -360), Moment("sunset", 15))
            for at in moments:
                row = _row(at, days=frozenset({0, 6}))
                row_id = holder.put(row)
                assert row_id
                assert _found(holder, row_id) == row
                holder.remove("schedule", [row_id])
                assert row_id not in _rows(holder)

    def test_a_row_that_is_put_twice_by_its_id_is_one_row(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            row_id = holder.put(_row())
            count = len(_rows(holder))
            for row in (_row(on=True), _row(on=True, repeats=False, days=frozenset())):
                assert holder.put(row, row_id) == row_id
                assert holder.put(row, row_id) == row_id
                assert _found(holder, row_id) == row
            assert len(_rows(holder)) == count

    def test_a_row_goes_back_as_it_was(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            row_id = holder.put(_row(days=frozenset({3})))
            found = _found(holder, row_id)
            holder.remove("schedule", [row_id])
            assert _found(holder, holder.put_back(found)) == found

    def test_a_table_takes_as_many_rows_as_it_says_and_no_more(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            table = holder.table("schedule")
            for number in range(table.max_rows - len(table.rows)):
                holder.put(_row(Moment("midnight", number)))
            assert len(_rows(holder)) == table.max_rows
            with pytest.raises(Refused):
                holder.put(_row())
            assert len(_rows(holder)) == table.max_rows

    def test_a_row_that_is_not_there_is_removed_without_an_error_and_not_replaced(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            row_id = holder.put(_row())
            holder.remove("schedule", [row_id])
            holder.remove("schedule", [row_id])
            with pytest.raises(Refused):
                holder.put(_row(), row_id)
            assert row_id not in _rows(holder)

    def test_a_row_that_the_device_cannot_hold_is_refused_before_it_is_sent(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            wrong = [_row(Moment("midnight", 1440)), _row(Moment("sunset", 361)), _row(days=frozenset())]
            for row in wrong:
                with pytest.raises(BadSetting):
                    holder.put(row)
            dim = ScheduleRow(Moment("midnight", 0), Setting(on=True, brightness_pct=101), enabled=False)
            with pytest.raises(BadSetting if device.describe().has_brightness else Unsupported):
                holder.put(dim)

    def test_what_comes_next_is_a_row_that_is_there(self, device: Device) -> None:
        with _holding(device) as holder:
            if holder is None:
                return
            row_id = holder.put(_row(Moment("midnight", AT_MIN), on=True, enabled=True))
            held = holder.holdings()
            event = held.next_event
            assert event is not None
            assert event.row_id in _rows(holder)
            if held.clock is None:
                return
            since = event.at - held.clock.at
            assert dt.timedelta(seconds=-SLACK_S) <= since <= dt.timedelta(hours=25), "a row of each day comes next"
            if event.row_id == row_id:
                assert event.setting == Setting(on=True)
                if held.local_time and held.clock.region in available_timezones():
                    reads = event.at.astimezone(ZoneInfo(held.clock.region))
                    assert reads.hour * 60 + reads.minute == AT_MIN

    def test_it_can_be_used_again_after_it_was_closed(self, device: Device) -> None:
        device.apply(Setting(on=True))
        device.close()
        device.close()
        assert device.state().on

    def test_an_unknown_method_is_a_device_error(self, device: Device) -> None:
        with pytest.raises(DeviceError):
            device.call("no_such_method")

    def test_nobody_there_is_unreachable_and_names_the_host(self, unreachable: Device) -> None:
        with pytest.raises(Unreachable) as caught:
            unreachable.state()
        assert caught.value.host in str(caught.value)


@contextmanager
def _holding(device: Device) -> Iterator[HoldsTables | None]:
    """Give the device if it has a schedule of its own, else None; in the end it holds what it held before."""
    if not isinstance(device, HoldsTables):
        yield None
        return
    try:
        before = _rows(device)
    except Unsupported:
        yield None
        return
    yield device
    ours = [row_id for row_id in _rows(device) if row_id not in before]
    device.remove("schedule", ours)
    assert _rows(device) == before, "rows that were there are left alone"


def _rows(holder: HoldsTables) -> dict[str, FoundRow]:
    return {id_of(row): row for row in holder.table("schedule").rows}


def _found(holder: HoldsTables, row_id: str) -> FoundRow:
    rows = _rows(holder)
    assert row_id in rows
    return rows[row_id]


def _row(
    at: Moment = Moment("midnight", AT_MIN),  # noqa: B008  (frozen)
    *,
    on: bool = False,
    days: frozenset[int] = frozenset(range(7)),
    repeats: bool = True,
    enabled: bool = False,
) -> ScheduleRow:
    """Return a row that does nothing while it is there, unless it is enabled."""
    return ScheduleRow(at, Setting(on=on), days, repeats, enabled)
