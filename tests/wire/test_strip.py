"""The sockets of a power strip, each a device of its own over one session."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import ConnectionLost, Garbled, Refused, Unsupported
from tapo_automate.rows import ScheduleRow
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.parts import Part
from tapo_automate.wire.strip import Socket
from wire.peers import Answer, ScriptedPeer, lost_after
from wire.test_own_tables import INFO, OFF_AT_NIGHT, Holder

CAN = {"schedule": 2, "countdown": 2, "antitheft": 1, "device_local_time": 1}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Strip(ScriptedPeer):
    """A strip whose sockets are devices inside it.  names: nickname of each, in the order in which it lists them."""

    def __init__(self, *names: str, places: bool = True, page: int = 10) -> None:
        self.sockets = {f"CHILD{number}": Holder(CAN) for number in range(len(names))}
        self.page = page
        # As real strips do, it lists its last socket first.
        self.entries: list[dict[str, Any]] = [
            {"device_id": f"CHILD{number}", "nickname": b64(name)}
            | ({"position": len(names) - number, "slot_number": len(names)} if places else {})
            for number, name in enumerate(names)
        ]
        for entry in self.entries:
            self.sockets[entry["device_id"]].answers["get_device_info"] = {
                **entry,
                "device_on": False,
                "mac": "000000000000",
                "model": "P300",
                "region": "Europe/Berlin",
            }
        can = [{"id": name, "ver_code": version} for name, version in CAN.items()]
        self.components = [{"device_id": name, "component_list": can} for name in self.sockets]
        self.whole = self.client()
        super().__init__(
            component_nego={"component_list": [*can, {"id": "control_child", "ver_code": 2}]},
            get_device_info={key: it for key, it in INFO.items() if key != "device_on"},
            get_child_device_list=lambda params: self.paged("child_device_list", self.entries, params),
            get_child_device_component_list=lambda p: self.paged("child_component_list", self.components, p),
            control_child=self.pass_on,
            get_device_time={"region": "Europe/Berlin", "time_diff": 60, "timestamp": 1768224264},
            set_device_time={},
        )

    def paged(self, key: str, entries: list[dict[str, Any]], params: dict[str, Any]) -> Answer:
        start = params["start_index"]
        return {key: entries[start : start + self.page], "start_index": start, "sum": len(entries)}

    def pass_on(self, params: dict[str, Any]) -> Answer:
        socket = self.sockets.get(params["device_id"])
        if socket is None:
            return -1008
        return {"responseData": json.loads(socket.carry_out(json.dumps(params["requestData"]).encode()))}

    def open(self, wanted: str) -> SmartDevice:
        return SmartDevice(Socket(self.whole, wanted))


@pytest.mark.parametrize("wanted", ["2", "tv", "TV "])
def test_a_socket_is_found_by_number_or_name(wanted: str) -> None:
    strip = Strip("Lamp", "TV", "Kettle")
    strip.open(wanted).put(OFF_AT_NIGHT)
    assert [len(socket.rows) for socket in strip.sockets.values()] == [0, 1, 0]


def test_it_is_counted_as_the_strip_counts_else_as_it_lists() -> None:
    for places, chosen in ((True, "CHILD2"), (False, "CHILD0")):
        strip = Strip("Lamp", "TV", "Kettle", places=places)
        strip.open("1").put(OFF_AT_NIGHT)
        assert [name for name, socket in strip.sockets.items() if socket.rows] == [chosen]


def test_all_pages_of_sockets_are_read() -> None:
    strip = Strip("A", "B", "C", "D", "E", page=2)
    strip.open("a").put(OFF_AT_NIGHT)
    assert strip.sockets["CHILD0"].rows


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("4", "it has no socket 4; it has 3 sockets: 1 (Kettle), 2, 3 (Kettle)"),
        ("lamp", "it has no socket lamp; it has 3 sockets: 1 (Kettle), 2, 3 (Kettle)"),
        ("kettle", "it has 2 sockets of the name kettle; say which by its number: 1 (Kettle), 2, 3 (Kettle)"),
    ],
)
def test_a_socket_that_is_not_there_is_told_with_those_that_are(wanted: str, text: str) -> None:
    with pytest.raises(Unsupported) as raised:
        Strip("Kettle", "", "Kettle").open(wanted).state()
    assert str(raised.value) == f"10.0.0.5: {text}"


def test_a_name_is_found_whatever_its_capitals_and_blanks() -> None:
    strip = Strip("Left  lamp ", "right Lamp")
    for wanted in ("left lamp", " LEFT   LAMP"):
        assert strip.open(wanted).describe().hardware_id.endswith("/2")


def test_a_number_is_a_number_before_it_is_a_name() -> None:
    strip = Strip("1", "TV")
    assert strip.open("1").describe().hardware_id.endswith("/1")
    assert strip.open("tv").describe().hardware_id.endswith("/1"), "the strip lists its last socket first"


def test_without_positions_the_order_of_the_list_does_not_matter() -> None:
    strip = Strip("Fan", "Light", places=False)
    strip.entries.reverse()
    assert strip.open("fan").describe().hardware_id.endswith("/1")
    assert strip.open("2").describe().hardware_id == strip.open("light").describe().hardware_id


def test_parts_that_are_no_sockets_are_called_what_they_are() -> None:
    strip = Strip("", "Porch", "", places=False)
    for entry, kind in zip(strip.entries, ("sub-fan", "sub-dimmer", "sub-plug"), strict=True):
        entry["category"] = f"kasa.switch.outlet.{kind}"
    assert strip.open("fan").describe().hardware_id.endswith("/1")
    assert strip.open("Light").describe().hardware_id.endswith("/2")
    with pytest.raises(Unsupported) as raised:
        strip.open("9").state()
    assert str(raised.value) == "10.0.0.5: it has no socket 9; it has 3 parts: fan 1, light 2 (Porch), socket 3"
    strip.sockets["CHILD0"].answers["set_device_info"] = -1008
    with pytest.raises(Refused, match=r"^10\.0\.0\.5: fan 1: set_device_info was refused"):
        strip.open("fan").apply(Setting(on=True))


def test_a_device_that_shows_its_first_page_forever_is_not_asked_forever() -> None:
    strip = Strip("A", "B", "C", page=2)
    strip.answers["get_child_device_list"] = {"child_device_list": strip.entries[:2], "start_index": 0, "sum": 3}
    assert strip.open("a").state().on is False
    assert strip.done.count("get_child_device_list") == 2


def test_a_plug_has_no_sockets() -> None:
    with pytest.raises(Unsupported) as raised:
        SmartDevice(Socket(Holder(CAN).client(), "1")).state()
    said = "10.0.0.5: it is no power strip, it has no socket 1: name the device without one"
    assert str(raised.value) == said


def test_a_strip_that_passes_the_switch_over_is_not_taken_for_switched() -> None:
    strip = Strip("Lamp", "TV")
    strip.answers["set_device_info"] = {}  # as devices answer to names that they do not have
    whole = SmartDevice(strip.whole)
    for _ in range(2):
        with pytest.raises(Unsupported, match=r'it cannot be switched as a whole; .* name a socket, as in "strip/1"'):
            whole.apply(Setting(on=True))
    assert strip.done.count("component_nego") == 1


def test_what_has_a_switch_of_its_own_is_asked_for_it_once_at_most() -> None:
    plug = ScriptedPeer(component_nego={"component_list": []}, set_device_info={}, get_device_info=INFO)
    device = SmartDevice(plug.client())
    device.apply(Setting(on=True))
    device.apply(Setting(on=False))
    assert plug.done == ["set_device_info", "get_device_info", "set_device_info"]
    watched = SmartDevice(ScriptedPeer(set_device_info={}, get_device_info=INFO).client())
    watched.state()
    watched.apply(Setting(on=True))  # it has shown a switch: what it cannot do is not asked


def test_what_does_not_say_what_it_can_do_is_believed_to_have_switched() -> None:
    plug = ScriptedPeer(set_device_info={}, component_nego=-1001)
    SmartDevice(plug.client()).apply(Setting(on=True))
    assert plug.done[0] == "set_device_info"


def test_a_socket_has_its_own_tables_and_the_clock_of_the_strip() -> None:
    strip = Strip("Lamp", "TV")
    socket = strip.open("1")
    socket.put(OFF_AT_NIGHT)
    held = socket.holdings()
    assert held.tables["schedule"].rows == (OFF_AT_NIGHT,)
    assert held.clock is not None
    assert held.clock.region == "Europe/Berlin"
    assert held.versions == CAN
    assert (held.description.hardware_id, held.description.firmware) == ("48-22-54-AA-BB-CC/1", "1.3.0")
    assert socket.describe() == held.description
    socket.set_clock(dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC), "Europe/Berlin", 60)
    assert strip.done.count("set_device_time") == 1
    assert strip.open("2").holdings().tables["schedule"].rows == ()


def test_the_small_reads_of_a_socket_share_a_request() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.done.clear()
    socket.holdings()
    assert strip.done.count("control_child") == 4, "one batch, and three tables"
    assert strip.done.count("get_device_time") == 1


def test_a_socket_is_switched_and_counts_down() -> None:
    strip = Strip("Lamp", "TV")
    there = strip.sockets["CHILD1"]
    there.answers |= {"set_device_info": {}, "add_countdown_rule": -1008}
    socket = strip.open("TV")
    socket.apply(Setting(on=True))
    assert there.params("set_device_info") == [{"device_on": True}]
    assert socket.state().on is False
    assert socket.timer() is None
    with pytest.raises(Refused, match="add_countdown_rule was refused with error -1008"):
        socket.start_timer(60, Setting(on=False))


def test_what_a_socket_refuses_is_told_with_its_code() -> None:
    strip = Strip("Lamp")
    there = strip.sockets["CHILD0"]
    there.most = 0
    with pytest.raises(Refused) as raised:
        strip.open("1").put(OFF_AT_NIGHT)
    assert (raised.value.method, raised.value.code) == ("add_schedule_rule", -1802)
    assert str(raised.value).startswith("10.0.0.5: socket 1: add_schedule_rule was refused with error -1802")
    with pytest.raises(Unsupported) as unknown:
        strip.open("1").call("get_something")
    said = "10.0.0.5: socket 1: the device has no function get_something, at least not in this version"
    assert str(unknown.value).startswith(said)


def test_a_write_to_a_socket_is_not_repeated_either() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.faults = [lost_after]
    with pytest.raises(ConnectionLost) as raised:
        socket.put(OFF_AT_NIGHT)
    assert str(raised.value).endswith("; whether the device has carried out add_schedule_rule of socket 1 is unknown")
    assert len(strip.sockets["CHILD0"].rows) == 1


def test_a_save_that_failed_is_tried_again_for_what_is_absolute() -> None:
    strip = Strip("Lamp")
    there = strip.sockets["CHILD0"]
    tries: list[Answer] = [-1804, {}]
    there.answers["set_auto_off_config"] = lambda _: tries.pop(0)
    socket = strip.open("1")
    socket.call("set_auto_off_config", {"enable": False, "delay_min": 5})
    assert tries == []
    there.answers["add_schedule_rule"] = -1804
    with pytest.raises(Refused):
        socket.put(OFF_AT_NIGHT)
    assert there.done.count("add_schedule_rule") == 1


def test_a_strip_that_was_replaced_is_looked_at_anew() -> None:
    strip = Strip("Lamp")
    socket = strip.open("lamp")
    socket.describe()
    strip.sockets = {"OTHER": strip.sockets["CHILD0"]}
    strip.entries[0]["device_id"] = strip.components[0]["device_id"] = "OTHER"
    assert socket.state().on is False
    assert strip.done.count("get_child_device_list") == 2


def test_what_the_strip_does_not_pass_on_is_told_as_what_was_asked() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.sockets = {}
    for said in (0, 1):
        with pytest.raises(Refused) as raised:
            socket.state()
        assert (raised.value.method, raised.value.code) == ("get_device_info", -1008), said
        assert str(raised.value).startswith(
            "10.0.0.5: get_device_info of socket 1 was refused with error -1008 (PARAMS)"
        )
    with pytest.raises(Refused, match=r"add_schedule_rule of socket 1 was refused with error -1008"):
        socket.put(OFF_AT_NIGHT)


def rename(strip: Strip, **names: str) -> None:
    for entry in strip.entries:
        if (name := names.get(entry["device_id"])) is not None:
            entry["nickname"] = b64(name)
            strip.sockets[entry["device_id"]].answers["get_device_info"]["nickname"] = b64(name)


class TestRenaming:
    def test_a_name_that_two_sockets_exchange_is_followed(self) -> None:
        strip = Strip("Lamp", "TV")
        socket = strip.open("lamp")
        socket.describe()
        strip.sockets["CHILD1"].answers["get_device_info"]["device_on"] = True
        rename(strip, CHILD0="TV", CHILD1="Lamp")
        assert socket.state().on is True
        assert socket.holdings().description.hardware_id.endswith("/1")

    def test_reads_that_share_a_request_are_asked_of_the_right_one(self) -> None:
        strip = Strip("Lamp", "TV")
        socket = Socket(strip.whole, "lamp")
        socket.call("get_device_info")
        strip.sockets["CHILD1"].answers["get_auto_off_config"] = {"delay_min": 7, "enable": True}
        rename(strip, CHILD0="TV", CHILD1="Lamp")
        calls = [("get_device_info", None), ("get_auto_off_config", None), ("get_device_time", None)]
        info, auto_off, clock = socket.multiple(calls)
        assert (info["nickname"], auto_off["delay_min"], clock["time_diff"]) == (b64("Lamp"), 7, 60)

    def test_a_name_that_nobody_has_any_more_is_told_with_those_there_are(self) -> None:
        strip = Strip("Lamp", "TV")
        socket = strip.open("lamp")
        socket.describe()
        rename(strip, CHILD0="Heater")
        for _ in range(2):
            with pytest.raises(Unsupported, match=r"it has no socket lamp; it has 2 sockets: 1 \(TV\), 2 \(Heater\)$"):
                socket.state()

    def test_a_number_stays_where_it_is(self) -> None:
        strip = Strip("Lamp", "TV")
        socket = strip.open("2")
        socket.describe()
        rename(strip, CHILD0="2", CHILD1="Lamp")
        socket.state()
        assert strip.done.count("get_child_device_list") == 1

    def test_a_name_that_is_given_meanwhile_is_found(self) -> None:
        strip = Strip("Lamp", "TV")
        first = strip.open("1")
        first.describe()
        other = strip.open("heater")
        rename(strip, CHILD0="Heater")
        assert other.state().on is False


@pytest.mark.parametrize("method", ["get_led_info", "set_led_info", "device_reboot", "get_latest_fw"])
def test_what_is_the_whole_strips_is_not_asked_of_a_socket(method: str) -> None:
    strip = Strip("Lamp")
    socket = strip.open("Lamp")
    with pytest.raises(Unsupported) as raised:
        socket.call(method)
    assert str(raised.value) == f"10.0.0.5: {method} is the whole strip's: name the device without /Lamp"
    assert strip.done == []


def test_an_inner_answer_without_a_code_is_a_success() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    strip.answers["control_child"] = {"responseData": {"result": {"device_on": True}}}
    assert socket.state().on is True
    strip.answers["control_child"] = {"responseData": {}}
    assert socket.call("set_auto_off_config", {"enable": False, "delay_min": 5}) == {}


@pytest.mark.parametrize("refused", [-1002, 1200, -1003, "outside"])
def test_a_strip_that_takes_no_batch_for_a_socket_is_asked_singly(refused: int | str) -> None:
    strip = Strip("Lamp")
    there = strip.sockets["CHILD0"]
    if refused == "outside":
        strip.answers["control_child"] = lambda params: (
            -1008 if params["requestData"]["method"] == "multipleRequest" else strip.pass_on(params)
        )
    else:
        there.answers["multipleRequest"] = refused
    socket = strip.open("1")
    for _ in range(2):
        assert socket.holdings().tables["schedule"].rows == ()
    asked = [params["requestData"]["method"] for method, params in strip.asked if method == "control_child"]
    assert asked.count("multipleRequest") == 1, "and it is remembered"
    assert asked.count("get_next_event") == 2


def test_the_two_lists_are_never_in_one_request() -> None:
    strip = Strip("Lamp", "TV")
    lists = ("get_child_device_list", "get_child_device_component_list")
    strip.client().multiple([(method, {"start_index": 0}) for method in lists])
    assert strip.done == list(lists)


def test_an_answer_without_one_is_garbled() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.answers["control_child"] = {}
    with pytest.raises(Garbled) as raised:
        socket.put(OFF_AT_NIGHT)
    assert str(raised.value) == "10.0.0.5: the strip did not say what its socket 1 answered to add_schedule_rule"
    assert raised.value.outcome_unknown


def test_every_row_kind_of_a_socket_is_its_own() -> None:
    strip = Strip("Lamp", "TV")
    first, second = strip.open("1"), strip.open("2")
    assert first.put(OFF_AT_NIGHT) == "S1"
    assert second.put(OFF_AT_NIGHT) == "S1"
    first.remove("schedule", ["S1"])
    assert first.table("schedule").rows == ()
    (left,) = second.table("schedule").rows
    assert isinstance(left, ScheduleRow)


def test_no_error_and_no_repr_has_the_name_of_a_socket_since_both_are_logged() -> None:
    part = Part("0000", 2, "Anna's lamp", "socket")
    assert str(part) == "socket 2"
    assert "Anna" not in repr(part)
