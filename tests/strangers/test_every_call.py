"""The table of every_call.py knows each public name of the strangers' classes; one that is new fails."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import plugp100.components
import pytest
import tapo
from kasa.smart.smartchilddevice import SmartChildDevice
from kasa.smart.smartdevice import SmartDevice
from kasa.smart.smartmodule import SmartModule
from plugp100.api.tapo_client import TapoClient
from plugp100.components.base import DeviceComponent
from plugp100.devices import TapoBulb, TapoPlug, TapoStripSocket
from tapo import requests

from strangers.every_call import KASA, KASA_MODULES_LEFT, PLUGP100, TAPO, Calls
from strangers.walking import public

# What other devices than plugs, bulbs, light strips, switches and their sockets are made of.
OTHER_HANDLERS = ("Camera", "Hub", "Ir", "KE100", "S200", "S210", "T100", "T110", "T300", "T31X")
OTHER_COMPONENTS = {
    "AlarmComponent",
    "BatteryComponent",
    "HubChildrenComponent",
    "HumidityComponent",
    "MotionSensorComponent",
    "ReportModeComponent",
    "SmartDoorComponent",
    "TemperatureComponent",
    "TemperatureHumidityRecordComponent",
    "TriggerLogComponent",
    "WaterLeakComponent",
}


def check(kind: Any, calls: Calls, names: set[str]) -> None:
    assert not calls.made & calls.left.keys()
    new, gone = names - calls.made - calls.left.keys(), (calls.made | calls.left.keys()) - names
    assert not new, f"{kind} has calls that every_call.py does not know: {', '.join(sorted(new))}"
    assert not gone, f"{kind} has no longer what every_call.py lists: {', '.join(sorted(gone))}"


@pytest.mark.parametrize("kind", TAPO)
def test_the_table_knows_each_call_of_tapo(kind: str) -> None:
    theirs = getattr(tapo, kind, None) or getattr(requests, kind)
    check(kind, TAPO[kind], public(theirs))


def test_the_table_knows_each_handler_of_tapo() -> None:
    handlers = {name for name in dir(tapo) if name.endswith("Handler") and not name.startswith(OTHER_HANDLERS)}
    assert handlers == {name for name in TAPO if name.endswith("Handler")}


def components() -> dict[str, type]:
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(plugp100.components.__path__):
        inside = vars(importlib.import_module(f"plugp100.components.{module.name}"))
        found |= {
            name: each
            for name, each in inside.items()
            if inspect.isclass(each) and issubclass(each, DeviceComponent) and each is not DeviceComponent
        }
    return found


def test_the_table_knows_each_component_of_plugp100() -> None:
    assert components().keys() - OTHER_COMPONENTS == {name for name in PLUGP100 if not name.startswith("Tapo")}


@pytest.mark.parametrize("kind", PLUGP100)
def test_the_table_knows_each_call_of_plugp100(kind: str) -> None:
    whole = {each.__name__: each for each in (TapoPlug, TapoBulb, TapoStripSocket, TapoClient)}
    check(kind, PLUGP100[kind], public((whole | components())[kind]))


def lower(kind: type) -> set[str]:
    """Return its public names that are no constants and no classes."""
    return {name for name in public(kind) if name[0].islower()}


def test_the_table_knows_each_module_of_python_kasa() -> None:
    modules = SmartModule.REGISTERED_MODULES.keys()
    assert modules == (KASA.keys() - {"SmartDevice", "SmartChildDevice"}) | KASA_MODULES_LEFT.keys()


@pytest.mark.parametrize("kind", sorted(KASA.keys() - {"SmartDevice", "SmartChildDevice"}))
def test_the_table_knows_each_call_of_python_kasas_modules(kind: str) -> None:
    theirs = SmartModule.REGISTERED_MODULES[kind]
    check(kind, KASA[kind], lower(theirs) - lower(SmartModule))


def test_the_table_knows_each_call_of_python_kasas_devices() -> None:
    check("SmartDevice", KASA["SmartDevice"], lower(SmartDevice))
    own = lower(SmartChildDevice) - lower(SmartDevice)
    check("SmartChildDevice", KASA["SmartChildDevice"], own | KASA["SmartChildDevice"].made)
    assert KASA["SmartChildDevice"].made <= lower(SmartDevice)


def test_a_new_call_is_told() -> None:
    with pytest.raises(AssertionError, match=r"every_call.py does not know: dance"):
        check("TapoPlug", PLUGP100["TapoPlug"], public(TapoPlug) | {"dance"})
    with pytest.raises(AssertionError, match=r"no longer what every_call.py lists: turn_on"):
        check("TapoPlug", PLUGP100["TapoPlug"], public(TapoPlug) - {"turn_on"})
