"""The sockets of a power strip, each a device of its own over one session."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.errors import ConfigError, ConnectionLost, DeviceError, Garbled, Refused, Unreachable, Unsupported
from tapo_automate.rows import ScheduleRow
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.client import Client
from tapo_automate.wire.shared import Leases
from tapo_automate.wire.strip import Socket
from wire.peers import ACCOUNT, Answer, ScriptedPeer, lost_after
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
        return SmartDevice(Socket(self.client(), wanted))


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
        ("4", "it has no socket 4; it has 1 (Kettle), 2, 3 (Kettle)"),
        ("lamp", "it has no socket lamp; it has 1 (Kettle), 2, 3 (Kettle)"),
        ("kettle", "it has 2 sockets of the name kettle; say which by its number: 1 (Kettle), 2, 3 (Kettle)"),
    ],
)
def test_a_socket_that_is_not_there_is_told_with_those_that_are(wanted: str, text: str) -> None:
    with pytest.raises(Unsupported) as raised:
        Strip("Kettle", "", "Kettle").open(wanted).state()
    assert str(raised.value) == f"10.0.0.5: {text}"


def test_a_plug_has_no_sockets() -> None:
    with pytest.raises(Unsupported) as raised:
        SmartDevice(Socket(Holder(CAN).client(), "1")).state()
    said = "10.0.0.5: it is no power strip, it has no socket 1: name the device without one"
    assert str(raised.value) == said


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


def test_a_write_to_a_socket_is_not_repeated_either() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.faults = [lost_after]
    with pytest.raises(ConnectionLost):
        socket.put(OFF_AT_NIGHT)
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
    with pytest.raises(Refused, match="control_child was refused"):
        socket.state()
    assert socket.state().on is False


def test_an_answer_without_one_is_garbled() -> None:
    strip = Strip("Lamp")
    socket = strip.open("1")
    socket.describe()
    strip.answers["control_child"] = {}
    with pytest.raises(Garbled) as raised:
        socket.put(OFF_AT_NIGHT)
    assert str(raised.value) == "10.0.0.5: the strip did not say what its socket 1 answered to add_schedule_rule"
    assert raised.value.outcome_unknown


class TestSharing:
    def test_the_sockets_of_a_strip_share_one_session(self) -> None:
        strip = Strip("Lamp", "TV")
        leases = Leases(lambda host, credentials: strip.client(credentials=credentials))
        sockets = [SmartDevice(Socket(leases.lease(host, ACCOUNT), name)) for host, name in [("s", "1"), (" S", "2")]]
        whole = SmartDevice(leases.lease("s", ACCOUNT))
        for device in sockets:
            device.state()
        assert whole.describe().model == "P110"
        assert strip.handshakes == 1
        sockets[0].close()
        sockets[0].close()
        sockets[1].state()
        assert strip.handshakes == 1, "another still uses it"
        sockets[1].close()
        whole.close()
        sockets[0].state()
        assert strip.handshakes == 2, "the last one let go of it, and it can be used again"

    def test_other_credentials_are_another_session(self) -> None:
        made: list[Client] = []

        def connect(host: str, credentials: Any) -> Client:
            made.append(Strip("Lamp").client(credentials=credentials))
            return made[-1]

        leases = Leases(connect)
        held = [leases.lease("s", ACCOUNT), leases.lease("s", None), leases.lease("t", ACCOUNT)]
        assert len(made) == len(held) == 3

    def test_an_address_that_is_none_is_refused_and_nothing_is_kept(self) -> None:
        from tapo_automate.wire import open_device

        for _ in range(2):
            with pytest.raises(ConfigError):
                open_device(DeviceSpec("strip/1", "tapo-plug", "http://x", socket="1"), ACCOUNT)

    def test_a_failure_names_the_host_and_says_whether_it_logged_in(self) -> None:
        strip = Strip("Lamp")
        strip.faults = [Unreachable("10.0.0.5", "no answer within 8 s")]
        with pytest.raises(DeviceError) as raised:
            strip.open("1").state()
        assert raised.value.after_login


def test_every_row_kind_of_a_socket_is_its_own() -> None:
    strip = Strip("Lamp", "TV")
    first, second = strip.open("1"), strip.open("2")
    assert first.put(OFF_AT_NIGHT) == "S1"
    assert second.put(OFF_AT_NIGHT) == "S1"
    first.remove("schedule", ["S1"])
    assert first.table("schedule").rows == ()
    (left,) = second.table("schedule").rows
    assert isinstance(left, ScheduleRow)
