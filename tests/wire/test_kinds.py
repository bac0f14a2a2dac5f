"""Hubs, chimes, vacuum cleaners and the like: named for what they are, and never taken for switched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import OtherKind, Unsupported
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.memory import ShortMemory
from tapo_automate.wire.parts import read_parts
from tapo_automate.wire.strip import Socket
from wire.peers import ScriptedPeer

KINDS = {
    "SMART.TAPOHUB": "a hub",
    "SMART.KASAHUB": "a hub",
    "SMART.TAPOCHIME": "a chime",
    "SMART.TAPOROBOVAC": "a vacuum cleaner",
    "SMART.IPCAMERA": "a camera",
    "SMART.TAPOLOCK": r"another kind of device \(SMART.TAPOLOCK\)",
}
every_kind = pytest.mark.parametrize("kind", KINDS)

THERMOSTAT = {"device_id": "C1", "category": "subg.trv", "model": "KE100", "target_temp": 23.0}
SENSOR = {"device_id": "C2", "category": "subg.trigger.temp-hmdt-sensor", "model": "T315"}


def peer(kind: str, *more: str, **answers: Any) -> ScriptedPeer:
    """Return a device of a kind, which passes over what it does not know, as firmware does."""
    can = ["device", "schedule", *more, *(["control_child", "child_device"] if kind.endswith("HUB") else [])]
    said: dict[str, Any] = {
        "component_nego": {"component_list": [{"id": each, "ver_code": 2} for each in can]},
        "get_device_info": {"mac": "02-00-00-00-00-61", "model": "X1", "fw_ver": "1.0", "type": kind},
        "get_schedule_rules": {"rule_list": [], "schedule_rule_max_count": 32, "start_index": 0, "sum": 0},
        "set_device_info": {},
    }
    return ScriptedPeer(**said | answers)


def said_of(kind: str) -> str:
    return rf"^10\.0\.0\.5: it is {KINDS[kind]}; only plugs, bulbs, switches and power strips can be switched$"


@every_kind
def test_what_has_no_switch_is_not_taken_for_switched(kind: str) -> None:
    device = SmartDevice(peer(kind).client())
    for _ in range(2):
        with pytest.raises(OtherKind, match=said_of(kind)):
            device.apply(Setting(on=True))


@every_kind
def test_one_that_refuses_the_switch_is_named_too(kind: str) -> None:
    device = SmartDevice(peer(kind, set_device_info=-1008).client())
    with pytest.raises(OtherKind, match=said_of(kind)):
        device.apply(Setting(on=True))


@every_kind
@pytest.mark.parametrize("read", [SmartDevice.state, SmartDevice.holdings], ids=["state", "holdings"])
def test_its_state_and_its_tables_are_none_that_rules_know(kind: str, read: Callable[[SmartDevice], object]) -> None:
    with pytest.raises(OtherKind, match=said_of(kind)):
        read(SmartDevice(peer(kind).client()))


def test_a_plug_of_a_type_that_is_not_known_yet_is_switched_all_the_same() -> None:
    plug = ScriptedPeer(
        component_nego={"component_list": []},
        get_device_info={"mac": "02-00-00-00-00-61", "type": "SMART.NEWTHING", "device_on": True},
        set_device_info={},
    )
    device = SmartDevice(plug.client())
    device.apply(Setting(on=True))
    assert device.state().on


def test_a_lamp_is_asked_once_in_its_life_whether_it_has_a_switch() -> None:
    lamp = ScriptedPeer(
        component_nego={"component_list": [{"id": "brightness", "ver_code": 1}]},
        get_device_info={"mac": "02-00-00-00-00-61", "type": "SMART.TAPOBULB", "device_on": True},
        set_device_info={},
    )
    memory = ShortMemory()
    SmartDevice(lamp.client(memory=memory)).apply(Setting(brightness_pct=40))
    assert lamp.done == ["component_nego", "set_device_info", "get_device_info"]
    SmartDevice(lamp.client(memory=memory)).apply(Setting(on=True))
    assert lamp.done[3:] == ["set_device_info"]


def test_the_sensors_of_a_hub_are_no_sockets() -> None:
    listed = {"child_device_list": [THERMOSTAT, SENSOR], "start_index": 0, "sum": 2}
    hub = peer("SMART.TAPOHUB", get_child_device_list=listed)
    assert read_parts(hub.client()) == []
    with pytest.raises(Unsupported, match=r"it is no power strip, it has no socket 1: name the device without one"):
        SmartDevice(Socket(hub.client(), "1")).apply(Setting(on=True))
    assert "control_child" not in hub.done


def test_a_switch_that_a_hub_has_is_found_by_its_number() -> None:
    switch = {"device_id": "C3", "category": "subg.plugswitch.switch", "device_on": False, "nickname": ""}
    listed = {"child_device_list": [SENSOR, switch], "start_index": 0, "sum": 2}
    (found,) = read_parts(peer("SMART.TAPOHUB", get_child_device_list=listed).client())
    assert (found.id, found.number) == ("C3", 1)
