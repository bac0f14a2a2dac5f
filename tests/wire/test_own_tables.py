"""What a device holds, read with few requests, and rows written to it, each once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import (
    BadSetting,
    Busy,
    ConnectionLost,
    DeviceError,
    Garbled,
    Refused,
    Unreachable,
    Unsupported,
)
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    HoldsTables,
    Moment,
    NextEvent,
    OpaqueRow,
    OwnClock,
    PowerProtection,
    RowId,
    ScheduleRow,
)
from tapo_automate.wire import SmartDevice
from wire.peers import Answer, ScriptedPeer, lost_after
from wire.test_rows_codec import AWAY, COUNT, ROW

PLUG = {
    "schedule": 2,
    "countdown": 2,
    "antitheft": 1,
    "auto_off": 2,
    "power_protection": 1,
    "energy_monitoring": 2,
    "device_local_time": 1,
}
LAMP = {"schedule": 2, "countdown": 2, "antitheft": 1, "brightness": 1, "color_temperature": 1, "color": 1}
INFO = {"mac": "48-22-54-AA-BB-CC", "model": "P110", "fw_ver": "1.3.0", "device_on": False, "region": "Europe/Berlin"}
PLACE = {"has_set_location_info": True, "latitude": 525200, "longitude": 134050}
OFF_AT_NIGHT = ScheduleRow(Moment("midnight", 1410), Setting(on=False), frozenset(range(5)))


class Holder(ScriptedPeer):
    """A device whose schedule can be written to.  rows: as it keeps them; most: how many it holds."""

    def __init__(self, can: dict[str, int], *rows: dict[str, Any], most: int = 32, page: int = 10, **own: Any) -> None:
        self.rows, self.most, self.page = list(rows), most, page
        negotiated = {"component_list": [{"id": name, "ver_code": version} for name, version in can.items()]}
        answers: dict[str, Any] = {
            "component_nego": negotiated,
            "get_device_info": INFO | PLACE,
            "get_device_time": {"region": "Europe/Berlin", "time_diff": 60, "timestamp": 1768224264},
            "get_next_event": {},
            "get_schedule_rules": self.read,
            "get_countdown_rules": {"countdown_rule_max_count": 1, "enable": False, "rule_list": []},
            "get_antitheft_rules": {"antitheft_rule_max_count": 1, "enable": False, "rule_list": []},
            "get_auto_off_config": {"delay_min": 120, "enable": False},
            "get_protection_power": {"enabled": True, "protection_power": 2960},
            "get_max_power": {"max_power": 3379},
            "multipleRequest": self.several,
            "add_schedule_rule": self.add,
            "edit_schedule_rule": self.edit,
            "remove_schedule_rules": self.remove,
        }
        super().__init__(**answers | own)

    def several(self, params: dict[str, Any]) -> Answer:
        replies = [json.loads(self.carry_out(json.dumps(each).encode())) for each in params["requests"]]
        return {
            "responses": [each | {"method": it["method"]} for each, it in zip(replies, params["requests"], strict=True)]
        }

    def read(self, params: dict[str, Any]) -> Answer:
        start = params["start_index"]
        rows = self.rows[start : start + self.page]
        table = {"enable": bool(self.rows), "rule_list": rows, "start_index": start, "sum": len(self.rows)}
        return table | {"schedule_rule_max_count": self.most}

    def add(self, params: dict[str, Any]) -> Answer:
        if len(self.rows) >= self.most:
            return 63734  # -1802, as an unsigned number
        self.rows.append(params | {"id": f"S{len(self.rows) + 1}"})
        return {"id": self.rows[-1]["id"]}

    def edit(self, params: dict[str, Any]) -> Answer:
        for number, row in enumerate(self.rows):
            if row["id"] == params["id"]:
                self.rows[number] = params
                return {}
        return -1805

    def remove(self, params: dict[str, Any]) -> Answer:
        asked = {each["id"] for each in params["rule_list"]}
        if not asked <= {row["id"] for row in self.rows}:
            return -1805
        self.rows = [row for row in self.rows if row["id"] not in asked]
        return {}

    def device(self) -> SmartDevice:
        return SmartDevice(self.client())

    def params(self, method: str) -> list[dict[str, Any]]:
        return [params for name, params in self.asked if name == method]


def row(number: int, **change: Any) -> dict[str, Any]:
    return ROW | {"id": f"S{number}"} | change


class TestHoldings:
    def test_all_of_it(self) -> None:
        event = {"desired_states": {"on": False}, "e_time": 0, "id": "S1", "s_time": 1768228140, "type": 1}
        it = Holder(PLUG, row(1), get_next_event=event)
        held = it.device().holdings()
        assert held.description.hardware_id == "48-22-54-AA-BB-CC"
        assert {name: (table.max_rows, table.rows, table.enabled) for name, table in held.tables.items()} == {
            "schedule": (32, (OFF_AT_NIGHT,), True),
            "countdown": (1, (), False),
            "antitheft": (1, (), False),
            "auto_off": (1, (), True),
            "power_protection": (1, (PowerProtection(2960),), True),
        }
        assert held.clock == OwnClock(dt.datetime.fromtimestamp(1768224264, dt.UTC), "Europe/Berlin", 60)
        assert held.position == (52.52, 13.405)
        assert (held.local_time, held.row_transitions, held.versions) == (True, False, PLUG)
        at = dt.datetime(2026, 1, 12, 14, 29, tzinfo=dt.UTC)
        assert held.next_event == NextEvent(at, "S1", Setting(on=False))
        assert held.max_power_w == 3379

    def test_it_takes_one_batch_and_a_request_for_each_page(self) -> None:
        it = Holder(PLUG, *(row(number) for number in range(1, 24)))
        device = it.device()
        assert len(device.holdings().tables["schedule"].rows) == 23
        assert [len(each["requests"]) for each in it.params("multipleRequest")] == [5]
        assert [each["start_index"] for each in it.params("get_schedule_rules")] == [0, 10, 20]
        assert it.done.count("component_nego") == it.done.count("get_max_power") == 1
        it.done.clear()
        device.holdings()
        assert "component_nego" not in it.done
        assert "get_max_power" not in it.done

    def test_where_it_is_is_in_no_text(self) -> None:
        assert "52.5" not in repr(Holder(PLUG).device().holdings())

    @pytest.mark.parametrize(
        "place",
        [
            {"has_set_location_info": False},
            {"latitude": 0, "longitude": 0},
            {"latitude": None},
            {"latitude": 900_001},
            {"longitude": "134050"},
        ],
    )
    def test_a_place_that_is_none(self, place: dict[str, Any]) -> None:
        assert Holder(PLUG, get_device_info=INFO | PLACE | place).device().holdings().position is None

    def test_what_is_refused_or_not_there_is_left_out(self) -> None:
        refused = dict.fromkeys(("get_next_event", "get_device_time", "get_protection_power"), -1008)
        gone = {"get_antitheft_rules": -1002, "get_schedule_rules": -1801}
        held = Holder(PLUG, **refused, **gone).device().holdings()
        assert set(held.tables) == {"countdown", "auto_off"}
        assert (held.clock, held.next_event, held.max_power_w) == (None, None, None)

    def test_a_real_failure_is_raised(self) -> None:
        with pytest.raises(Busy):
            Holder(PLUG, get_antitheft_rules=-1301).device().holdings()
        it = Holder(PLUG)
        device = it.device()
        device.describe()
        it.faults = [Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)]
        with pytest.raises(Unreachable):
            device.holdings()
        with pytest.raises(Refused, match="get_device_info was refused with error -1008"):
            Holder(PLUG, get_device_info=-1008).device().holdings()

    def test_a_device_that_hides_rows_is_not_believed(self) -> None:
        """A row that is only hidden would be taken for one that somebody has removed."""
        short = {"enable": True, "rule_list": [row(1)], "schedule_rule_max_count": 32, "start_index": 0, "sum": 3}

        def once(params: dict[str, Any]) -> Answer:
            return short if params["start_index"] == 0 else short | {"rule_list": []}

        for answer in (short, once):
            with pytest.raises(Garbled) as raised:
                Holder(PLUG, get_schedule_rules=answer).device().holdings()
            said = "10.0.0.5: the device does not show all the rows that it says its schedule table has"
            assert str(raised.value) == said

    def test_a_row_that_moves_to_the_next_page_is_there_once(self) -> None:
        pages = {0: [row(1), row(2)], 2: [row(2), row(3)]}

        def moving(params: dict[str, Any]) -> Answer:
            rows = pages.get(params["start_index"], [])
            return {"enable": True, "rule_list": rows, "schedule_rule_max_count": 32, "sum": 3}

        table = Holder(PLUG, get_schedule_rules=moving).device().table("schedule")
        assert [each.id for each in table.rows if isinstance(each, ScheduleRow)] == ["S1", "S2", "S3"]

    def test_tables_of_a_version_that_is_not_known_are_shown_and_left_alone(self) -> None:
        it = Holder(PLUG | {"schedule": 3}, row(1))
        device = it.device()
        (found,) = device.holdings().tables["schedule"].rows
        assert isinstance(found, OpaqueRow)
        assert found.why == "it is of version 3 of such tables, which is not known here"
        said = "10.0.0.5: its schedule table is of version 3, which is not known here: nothing is written there"
        for write in (
            lambda: device.put(OFF_AT_NIGHT),
            lambda: device.put_back(found),
            lambda: device.remove("schedule", ["S1"]),
        ):
            with pytest.raises(Unsupported) as raised:
                write()
            assert str(raised.value) == said
        assert it.rows == [row(1)]

    def test_a_strip_as_a_whole_has_none(self) -> None:
        device = Holder(PLUG | {"control_child": 2}).device()
        for ask in (device.holdings, device.next_event, lambda: device.table("schedule")):
            with pytest.raises(Unsupported) as raised:
                ask()
            assert str(raised.value) == (
                "10.0.0.5: it is a power strip: its sockets have tables, itself it has none; "
                'name a socket, as in "strip/1"'
            )

    @pytest.mark.parametrize(
        ("table", "text"),
        [
            ("schedule", "it has no schedule of its own"),
            ("antitheft", "it has no away mode of its own"),
            ("auto_off", "it has no auto-off"),
            ("power_protection", "it has no power protection"),
        ],
    )
    def test_a_table_that_is_not_there(self, table: Any, text: str) -> None:
        device = Holder({"countdown": 2}).device()
        for ask in (lambda: device.table(table), lambda: device.remove(table, [])):
            with pytest.raises(Unsupported) as raised:
                ask()
            assert str(raised.value) == f"10.0.0.5: {text}"


class TestPut:
    def test_a_row_is_added_and_replaced_whole(self) -> None:
        it = Holder(PLUG)
        device = it.device()
        assert isinstance(device, HoldsTables)
        assert device.put(OFF_AT_NIGHT) == "S1"
        later = ScheduleRow(Moment("sunset", 30), Setting(on=True))
        assert device.put(later, "S1") == "S1"
        assert device.table("schedule").rows == (later,)
        assert it.params("edit_schedule_rule")[0].keys() == it.params("add_schedule_rule")[0].keys() | {"id"}
        device.remove("schedule", ["S1"])
        assert it.rows == []

    @pytest.mark.parametrize(
        ("can", "setting", "states"),
        [
            (PLUG, Setting(on=True), {"desired_states": {"on": True}}),
            (PLUG | {"schedule": 1}, Setting(on=False), {"s_action": "off"}),
            (LAMP, Setting(on=True, brightness_pct=40), {"desired_states": {"on": True, "brightness": 40}}),
            (
                LAMP,
                Setting(on=True, hue_deg=120, saturation_pct=80),
                {"desired_states": {"on": True, "hue": 120, "saturation": 80, "color_temp": 0}},
            ),
            (
                LAMP | {"auto_light": 3},
                Setting(on=True, color_temp_k=2700, transition_ms=1500),
                {"desired_states": {"on": True, "color_temp": 2700, "transition_period": 1500}},
            ),
            (
                LAMP | {"auto_light": 3},
                Setting(on=False, transition_ms=1500),
                {"desired_states": {"on": False, "transition_period": 1500}},
            ),
        ],
    )
    def test_what_a_row_sets(self, can: dict[str, int], setting: Setting, states: dict[str, Any]) -> None:
        it = Holder(can)
        written = ScheduleRow(Moment("midnight", 0), setting)
        device = it.device()
        device.put(written)
        (params,) = it.params("add_schedule_rule")
        assert {name: params[name] for name in ("desired_states", "s_action") if name in params} == states
        assert device.table("schedule").rows == (written,)

    @pytest.mark.parametrize(
        ("can", "setting", "error", "text"),
        [
            (PLUG, Setting(on=True, brightness_pct=40), Unsupported, "it has no brightness to set"),
            (LAMP, Setting(on=True, brightness_pct=0), BadSetting, "brightness 0 is not a brightness"),
            (LAMP, Setting(on=True, color_temp_k=9000), BadSetting, "color_temp 9000 is out of range"),
            (LAMP, Setting(on=False, brightness_pct=9), BadSetting, "what switches off later sets nothing else"),
            (LAMP, Setting(on=True, hue_deg=9), BadSetting, "a row needs both hue and saturation"),
            (LAMP, Setting(), BadSetting, "there is nothing to set when the time comes"),
            (LAMP, Setting(toggle=True), Unsupported, "a row sets values, it cannot toggle"),
            (LAMP, Setting(on=True, transition_ms=5), Unsupported, "its rows take no transition"),
            (
                LAMP | {"schedule": 1},
                Setting(on=True, brightness_pct=5),
                Unsupported,
                "its rows switch on and off, and set nothing else",
            ),
        ],
    )
    def test_what_the_device_cannot_hold_is_not_sent(
        self, can: dict[str, int], setting: Setting, error: type[DeviceError], text: str
    ) -> None:
        it = Holder(can)
        with pytest.raises(error, match=text):
            it.device().put(ScheduleRow(Moment("midnight", 0), setting))
        assert it.rows == []

    def test_a_full_table_says_so(self) -> None:
        with pytest.raises(Refused) as raised:
            Holder(PLUG, row(1), most=1).device().put(OFF_AT_NIGHT)
        assert raised.value.code == -1802
        assert str(raised.value).startswith(
            "10.0.0.5: add_schedule_rule was refused with error -1802 (SCHEDULE_FULL): "
        )

    def test_an_id_that_is_not_there_says_so(self) -> None:
        with pytest.raises(Refused) as raised:
            Holder(PLUG).device().put(OFF_AT_NIGHT, "S7")
        assert raised.value.code == -1805

    def test_a_clash_that_was_stored_is_told_with_the_id(self) -> None:
        told = Holder(PLUG, add_schedule_rule={"id": "S2", "conflict_id": "A1"}).device().put(OFF_AT_NIGHT)
        assert isinstance(told, RowId)
        assert (told, told.conflict_id) == ("S2", "A1")
        with pytest.raises(Refused) as raised:
            Holder(PLUG, add_schedule_rule=63733).device().put(OFF_AT_NIGHT)
        assert raised.value.code == -1803

    def test_nothing_is_written_twice_by_itself(self) -> None:
        writes = {
            "add_schedule_rule": lambda device: device.put(OFF_AT_NIGHT),
            "edit_schedule_rule": lambda device: device.put(OFF_AT_NIGHT, "S1"),
            "remove_schedule_rules": lambda device: device.remove("schedule", ["S1"]),
        }
        for method, write in writes.items():
            it = Holder(PLUG, row(1))
            device = it.device()
            device.describe()
            it.faults = [lost_after]
            with pytest.raises(ConnectionLost) as raised:
                write(device)
            assert raised.value.outcome_unknown
            assert it.done.count(method) == 1

    def test_a_row_without_an_id_is_an_unknown_outcome(self) -> None:
        with pytest.raises(Garbled, match="the device took a row and gave it no id") as raised:
            Holder(PLUG, add_schedule_rule={}).device().put(OFF_AT_NIGHT)
        assert raised.value.outcome_unknown

    def test_countdown_and_away_mode(self) -> None:
        it = Holder(PLUG, add_countdown_rule={"id": "C1"}, edit_antitheft_rule={})
        device = it.device()
        assert device.put(CountdownRow(1800, Setting(on=False))) == "C1"
        assert it.params("add_countdown_rule") == [
            {"enable": True, "delay": 1800, "remain": 1800, "desired_states": {"on": False}}
        ]
        assert device.put(AntitheftRow(Moment("sunset", 10), Moment("midnight", 360)), "A1") == "A1"
        assert it.params("edit_antitheft_rule") == [
            AWAY | {"start_time_type": "sunset", "start_time_offset": 10, "start_min": 0}
        ]
        with pytest.raises(Unsupported, match="its rows take no transition"):
            device.put(CountdownRow(5, Setting(on=False, transition_ms=5)))
        running = Holder(PLUG, add_countdown_rule=-1902).device()
        with pytest.raises(Refused) as raised:
            running.put(CountdownRow(1800, Setting(on=False)))
        assert raised.value.code == -1902


class TestPutBack:
    def test_a_row_that_could_not_be_read_goes_back_as_it_was(self) -> None:
        auto = row(1, desired_states={"on": True, "auto": True, "auto_mode": "x"})
        it = Holder(PLUG, auto)
        device = it.device()
        (found,) = device.table("schedule").rows
        device.remove("schedule", ["S1"])
        assert device.put_back(replace(found, own=json.loads(json.dumps(found.own)))) == "S1"
        assert it.rows == [auto | {"year": 1970, "month": 1, "day": 1}]
        assert device.put_back(found, "S1") == "S1"

    def test_a_row_without_words_is_put_and_an_opaque_one_cannot_be(self) -> None:
        it = Holder(PLUG)
        assert it.device().put_back(OFF_AT_NIGHT) == "S1"
        with pytest.raises(BadSetting) as raised:
            it.device().put_back(OpaqueRow("schedule", "it is new", {}))
        assert str(raised.value) == "10.0.0.5: a row of its schedule table cannot be put back: its words are lost"

    def test_neighbours(self) -> None:
        it = Holder(PLUG, set_auto_off_config={}, set_protection_power={})
        device = it.device()
        own = {"protection_enabled": False, "protection_power": 5}
        assert device.put_back(PowerProtection(5, enabled=False, own=own)) == ""
        assert it.params("set_protection_power") == [own]
        assert device.put_back(AutoOff(7)) == ""
        assert it.params("set_auto_off_config") == [{"enable": True, "delay_min": 7}]


class TestRemove:
    def test_rows_that_are_not_there_are_no_error(self) -> None:
        it = Holder(PLUG, row(1), row(2), row(3))
        device = it.device()
        device.remove("schedule", ["S1", "S9", "S3"])
        assert it.rows == [row(2)]
        device.remove("schedule", ["S9"])
        device.remove("schedule", [])
        assert it.rows == [row(2)]
        assert all(each["rule_list"] for each in it.params("remove_schedule_rules"))

    def test_another_refusal_is_told(self) -> None:
        with pytest.raises(Refused, match="-1804"):
            Holder(PLUG, remove_schedule_rules=-1804).device().remove("schedule", ["S1"])

    def test_a_countdown_by_its_id(self) -> None:
        it = Holder(PLUG, get_countdown_rules={"enable": True, "rule_list": [COUNT]}, remove_countdown_rules={})
        it.device().remove("countdown", ["C1"])
        assert it.params("remove_countdown_rules") == [{"remove_all": False, "rule_list": [{"id": "C1"}]}]

    def test_a_neighbour_is_switched_off_and_keeps_its_number(self) -> None:
        it = Holder(PLUG, set_protection_power={})
        device = it.device()
        device.remove("power_protection", [])
        assert it.params("set_protection_power") == [{"enabled": False, "protection_power": 2960}]
        device.remove("auto_off", [])
        assert "set_auto_off_config" not in it.done, "it is off already"


class TestNeighbours:
    @pytest.mark.parametrize("switch", ["enabled", "protection_enabled"])
    def test_the_power_protection_is_set_in_the_devices_own_words(self, switch: str) -> None:
        told = {switch: False, "protection_power": 0}
        it = Holder(PLUG, get_protection_power=told, set_protection_power={})
        assert it.device().put(PowerProtection(2000)) == ""
        assert it.params("set_protection_power") == [{switch: True, "protection_power": 2000}]

    @pytest.mark.parametrize(
        ("watts", "most", "text"),
        [
            (3380, {"max_power": 3379}, "a power protection at 3380 W is out of range: it takes 1 to 3379 W"),
            (0, -1002, "a power protection at 0 W is out of range: it takes 1 W and up"),
        ],
    )
    def test_a_limit_that_it_cannot_keep(self, watts: int, most: Answer, text: str) -> None:
        with pytest.raises(BadSetting) as raised:
            Holder(PLUG, get_max_power=most).device().put(PowerProtection(watts))
        assert str(raised.value) == f"10.0.0.5: {text}"

    def test_an_auto_off_takes_a_minute_at_least(self) -> None:
        with pytest.raises(BadSetting, match="auto-off after 0 min is out of range: it takes 1 min and up"):
            Holder(PLUG).device().put(AutoOff(0))


def test_the_clock_is_set_with_the_offset_of_winter() -> None:
    it = Holder(PLUG, set_device_time={})
    at = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    it.device().set_clock(at, "Europe/Berlin", 60)
    assert it.params("set_device_time") == [{"timestamp": 1782907200, "time_diff": 60, "region": "Europe/Berlin"}]
