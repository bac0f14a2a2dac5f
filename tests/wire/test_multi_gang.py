"""Every strip, outlet and switch that is made of several, opened part by part in the simulator over real HTTP."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.rows import Moment, ScheduleRow
from tapo_automate.simulator import Device, Fleet
from tapo_automate.simulator.lookup import profile_for
from tapo_automate.wire import SmartDevice, connect, open_device
from tapo_automate.wire.commands.fan import Fan, get_fan, set_fan
from tapo_automate.wire.strip import Socket

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")
ON, OFF = Setting(on=True), Setting(on=False)
EVERY_DAY = frozenset(range(7))
MODELS = {
    "P300": 3, "P304M": 4, "P306": 5, "P316M": 6, "P210M": 2, "TP25": 2, "EP40M": 2, "KS240": 2,
}  # fmt: skip
LISTS = ("get_child_device_list", "get_child_device_component_list")

Add = Callable[..., Device]
Open = Callable[[Device, str], SmartDevice]


class Clock:
    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 22, 11, tzinfo=dt.UTC)

    def __call__(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def add(clock: Clock) -> Iterator[Add]:
    with Fleet() as fleet:

        def start(model: Any, **wishes: Any) -> Device:
            own = {"username": ACCOUNT.username, "password": ACCOUNT.password, "now": clock, "seed": 1}
            return fleet.add(model, **own | wishes)

        yield start


@pytest.fixture
def part(add: Add) -> Iterator[Open]:
    """Opens a part of a device by number or name, over a client of the device's own."""
    clients = {}

    def open_it(device: Device, wanted: str) -> SmartDevice:
        if device.address not in clients:
            clients[device.address] = connect(device.address, ACCOUNT, read_timeout_s=5)
        return SmartDevice(Socket(clients[device.address], wanted))

    yield open_it
    for client in clients.values():
        client.close()


def called(device: Device, method: str) -> int:
    return sum(call.method == method for call in device.calls)


@pytest.mark.parametrize("model", MODELS)
def test_every_part_is_switched_read_and_has_tables_of_its_own(add: Add, part: Open, clock: Clock, model: str) -> None:
    device = add(model)
    parts = [part(device, str(number)) for number in range(1, MODELS[model] + 1)]
    for number, it in enumerate(parts, 1):
        described = it.describe()
        assert (described.hardware_id, described.model) == (f"{device.mac}/{number}", model)
        assert described.firmware == device.profile.info["fw_ver"]
        assert described.has_power_meter is (model in METERED)
        it.apply(ON)
        assert [each.on for each in device.children] == [each.position == number for each in device.children]
        assert it.state().on
        it.apply(OFF)
        assert it.put(ScheduleRow(Moment("midnight", 600 + number), ON, EVERY_DAY)) == "S1"
        it.start_timer(60, ON)
        held = it.holdings()
        assert [row.at.offset_min for row in held.tables["schedule"].rows if isinstance(row, ScheduleRow)] == [
            600 + number
        ]
        assert ("antitheft" in held.tables) is (described.model != "KS240" or described.has_brightness)
        assert held.clock is not None
        assert held.clock.region == "Europe/Berlin"
        clock.at += dt.timedelta(seconds=61)
        assert it.state().on, "its own countdown"
        it.apply(OFF)
    assert [called(device, method) for method in LISTS] == [1, 1]
    with pytest.raises(Unsupported, match=rf"it has no socket 9; it has {MODELS[model]} (sockets|parts): "):
        part(device, "9").state()


METERED = ("P304M", "P316M", "P210M")


@pytest.mark.parametrize("model", METERED)
def test_a_metered_socket_tells_its_own_load_in_the_finest_words_it_has(add: Add, part: Open, model: str) -> None:
    device = add(model, trace="42.4")
    last = part(device, str(MODELS[model]))
    assert last.power_w() == 0
    last.apply(ON)
    assert last.power_w() == (42 if model == "P304M" else 42.4)
    assert part(device, "1").power_w() == 0


def test_a_dimmed_light_and_a_fan_in_one_switch(add: Add, part: Open) -> None:
    device = add("KS240")
    fan, light = part(device, "fan"), part(device, "light")
    described = light.describe()
    assert (described.has_brightness, described.has_color, fan.describe().has_brightness) == (True, False, False)
    light.apply(Setting(brightness_pct=35))
    assert light.state().brightness_pct == 35
    with pytest.raises(BadSetting, match="it takes 1 to 100 percent"):
        light.apply(Setting(brightness_pct=101))
    with pytest.raises(Unsupported, match="it has no brightness to set"):
        fan.apply(Setting(brightness_pct=35))
    assert get_fan(fan) == Fan(on=False, speed=1, sleep=False)
    set_fan(fan, 4, sleep=True)
    assert get_fan(fan) == Fan(on=True, speed=4, sleep=True)
    fan.apply(OFF)
    assert get_fan(fan) == Fan(on=False, speed=4, sleep=True)
    assert device.children[1].on, "the light is none of the fan's business"
    with pytest.raises(Unsupported, match=r"it has no fan$"):
        set_fan(light, 1)
    client = connect(device.address, ACCOUNT)
    with pytest.raises(Unsupported, match=r'it has no fan as a whole; name its part, as in "switch/fan"$'):
        set_fan(client, 1)
    client.close()
    light.start_timer(60, Setting(on=True, brightness_pct=80))
    assert light.timer() == (60, Setting(on=True, brightness_pct=80))


def test_a_night_light_in_a_strip_is_dimmed(add: Add, part: Open) -> None:
    device = add("P306")
    light = part(device, "Night  light")
    assert light.describe().hardware_id.endswith("/5")
    light.apply(Setting(on=True, brightness_pct=5))
    assert device.children[4].state == {"device_on": True, "brightness": 5}
    with pytest.raises(Unsupported, match="it has no brightness to set"):
        part(device, "4").apply(Setting(brightness_pct=5))


def test_lists_in_small_pages_are_read_to_their_end(add: Add, part: Open) -> None:
    for page in (1, 4):
        device = add(replace(profile_for("P316M"), child_page=page))
        assert part(device, "6").describe().hardware_id.endswith("/6")
        assert called(device, LISTS[0]) == called(device, LISTS[1]) == -(-6 // page)


def test_the_owners_names_are_found_with_their_letters(add: Add, part: Open) -> None:
    device = add("P300")
    client = connect(device.address, ACCOUNT)
    client.call(
        "control_child",
        {
            "device_id": device.children[0].device_id,
            "requestData": {
                "method": "set_device_info",
                "params": {"nickname": base64.b64encode("Küche: Tee".encode()).decode()},
            },
        },
    )
    client.close()
    assert part(device, "KÜCHE: TEE").describe().hardware_id.endswith("/1")
    with pytest.raises(Unsupported) as raised:
        part(device, "Küche").state()
    assert (
        raised.value.problem == "it has no socket Küche; it has 3 sockets: 1 (Küche: Tee), 2 (socket 2), 3 (socket 3)"
    )


def test_what_a_part_refuses_names_it_and_its_method(add: Add, part: Open) -> None:
    device = add("P300", faults="lag=1")
    with pytest.raises(Unsupported) as raised:
        part(device, "2").call("get_energy_usage")
    assert raised.value.problem.startswith("socket 2: the device has no function get_energy_usage")
    assert "control_child" not in str(raised.value)


@pytest.mark.parametrize("setting", [ON, OFF])
def test_a_whole_strip_is_not_switched(add: Add, setting: Setting) -> None:
    device = add("P300", on=True)
    client = connect(device.address, ACCOUNT)
    with pytest.raises(Unsupported) as raised:
        SmartDevice(client).apply(setting)
    client.close()
    said = 'it cannot be switched as a whole; of a power strip name a socket, as in "strip/1"'
    assert raised.value.problem == said
    assert [child.on for child in device.children] == [True] * 3


def test_the_parts_may_be_asked_side_by_side(add: Add) -> None:
    device = add("P316M", on=True)
    specs = [DeviceSpec(f"strip/{number}", "tapo-plug", device.address, socket=str(number)) for number in range(1, 7)]

    def ask(spec: DeviceSpec) -> bool:
        it = open_device(spec, ACCOUNT)
        try:
            it.apply(OFF)
            return it.state().on
        finally:
            it.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, specs)) == [False] * 6
    assert not any(child.on for child in device.children)


FOLDER = os.environ.get("TAPO_FIXTURES")
DUMPS = sorted(Path(FOLDER).rglob("*.json")) if FOLDER else []


def strips() -> list[Path]:
    """Return the dumps of devices that are made of several, hubs aside."""
    found = []
    for path in DUMPS:
        dump = json.loads(path.read_text(encoding="utf-8"))
        listed = (dump.get("get_child_device_list") or {}).get("child_device_list") if isinstance(dump, dict) else None
        if listed and all(".sub-" in str(each.get("category")) for each in listed):
            found.append(path)
    return found


STRIPS = strips()


@pytest.mark.skipif(not STRIPS, reason="TAPO_FIXTURES names no folder with dumps of strips")
@pytest.mark.parametrize("path", STRIPS, ids=[path.stem for path in STRIPS])
def test_every_part_of_a_real_dump_opens_as_its_own_list_says(add: Add, part: Open, path: Path) -> None:
    dump = json.loads(path.read_text(encoding="utf-8"))
    device = add(path)
    told = {
        each["device_id"]: {row["id"]: row["ver_code"] for row in each["component_list"]}
        for each in dump["get_child_device_component_list"]["child_component_list"]
    }
    entries = dump["get_child_device_list"]["child_device_list"]
    if any(("fan_speed_level" in each) is not ("fan_control" in told[each["device_id"]]) for each in entries):
        pytest.skip("its two lists contradict each other: the tool that made it mixed up the ids of the parts")
    for place, entry in enumerate(sorted(entries, key=lambda each: str(each["device_id"])), 1):
        can = told[entry["device_id"]]
        it = part(device, str(entry.get("position", place)))
        described = it.describe()
        assert described.has_power_meter is ("energy_monitoring" in can)
        assert described.has_brightness is ("brightness" in can)
        assert described.firmware == dump["get_device_info"]["fw_ver"]
        state = it.state()
        assert state.on is entry["device_on"]
        assert state.brightness_pct == entry.get("brightness")
        if described.has_power_meter:
            assert it.power_w() >= 0
        held = it.holdings()
        for table in ("schedule", "countdown", "antitheft"):
            assert (table in held.tables) is (table in can)
        assert held.versions == can
        assert (get_fan(it).speed if "fan_control" in can else None) == entry.get("fan_speed_level")
