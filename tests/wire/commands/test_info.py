"""What a device tells of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import Garbled, Unsupported
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.components import component_nego, qs_component_nego
from tapo_automate.wire.commands.info import get_device_info, get_device_running_info
from wire.commands.recorded import Recorded, listed

PLUG: dict[str, Any] = {
    "auto_off_remain_time": 250,
    "auto_off_status": "on",
    "charging_status": "normal",
    "device_id": "80" * 20,
    "device_on": True,
    "fw_ver": "1.3.0 Build 230905 Rel.152200",
    "has_set_location_info": True,
    "hw_ver": "1.0",
    "ip": "10.0.0.5",
    "lang": "en_US",
    "latitude": 497269,
    "longitude": -73024,
    "mac": "02-00-00-00-00-05",
    "model": "P110",
    "nickname": "V2FzaGVy",
    "on_time": 83,
    "overcurrent_status": "normal",
    "overheated": False,
    "power_protection_status": "normal",
    "region": "Europe/Berlin",
    "rssi": -52,
    "signal_level": 2,
    "specs": "EU",
    "ssid": "SG9tZQ==",
    "time_diff": 60,
    "type": "SMART.TAPOPLUG",
}


def test_who_is_asked_is_whoever_has_a_host_and_can_be_called() -> None:
    assert isinstance(Recorded(), Asked)


def test_a_plug_is_read_in_words_and_units() -> None:
    info = get_device_info(Recorded(get_device_info=PLUG))
    assert (info.model, info.kind, info.hardware, info.specs) == ("P110", "SMART.TAPOPLUG", "1.0", "EU")
    assert info.firmware == "1.3.0 Build 230905 Rel.152200"
    assert (info.region, info.standard_offset_min) == ("Europe/Berlin", 60)
    assert (info.on, info.on_for_s, info.auto_off_left_s) == (True, 83, 250)
    assert (info.signal, info.signal_dbm) == (2, -52)
    assert (info.heat, info.current, info.power, info.charging) == ("normal",) * 4
    assert (info.nickname, info.ssid) == ("Washer", "Home")
    assert (info.latitude_deg, info.longitude_deg) == (49.7269, -7.3024)
    assert info.brightness_pct is None


def test_what_tells_whose_it_is_and_where_is_not_in_the_repr() -> None:
    shown = repr(get_device_info(Recorded(get_device_info=PLUG)))
    for private in ("Washer", "Home", "49.72", "7.30", "80808080", "02-00-00", "10.0.0.5"):
        assert private not in shown
    assert "P110" in shown


@pytest.mark.parametrize(
    ("said", "heat"),
    [
        ({"overheated": False}, "normal"),
        ({"overheated": True}, "overheated"),
        ({"overheat_status": "overheated"}, "overheated"),
        ({"overheat_status": "normal", "overheated": True}, "normal"),
        ({}, None),
    ],
)
def test_heat_is_one_word_whichever_firmware_says_it(said: dict[str, Any], heat: str | None) -> None:
    info = {name: value for name, value in PLUG.items() if name != "overheated"}
    assert get_device_info(Recorded(get_device_info={**info, **said})).heat == heat


def test_what_a_device_leaves_out_is_none() -> None:
    info = get_device_info(Recorded(get_device_info={"model": "H100", "fw_ver": "1", "has_set_location_info": False}))
    assert (info.on, info.on_for_s, info.signal, info.region, info.latitude_deg, info.ssid) == (None,) * 6


def test_auto_off_that_is_off_leaves_no_time() -> None:
    info = get_device_info(Recorded(get_device_info={**PLUG, "auto_off_status": "off", "auto_off_remain_time": 0}))
    assert info.auto_off_left_s is None


def test_a_lamp_is_asked_by_the_former_name_too() -> None:
    lamp = {"model": "L530", "fw_ver": "1.0.6", "brightness": 80, "color_temp": 0, "hue": 255, "saturation": 93.0}
    info = get_device_running_info(Recorded(get_device_running_info=lamp))
    assert (info.brightness_pct, info.color_temp_k, info.hue_deg, info.saturation_pct) == (80, 0, 255, 93)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"model": None}, "the answer to get_device_info has nothing under 'model' where text belongs"),
        (
            {"rssi": "loud"},
            "the answer to get_device_info has something else under 'rssi' where a whole number belongs",
        ),
        (
            {"device_on": "yes"},
            "the answer to get_device_info has something else under 'device_on' where true or false",
        ),
    ],
)
def test_what_cannot_be_read_is_named_and_not_shown(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(Garbled) as caught:
        get_device_info(Recorded(get_device_info={**PLUG, **wrong}))
    assert str(caught.value).startswith(f"10.0.0.5: {text}")


def test_components_are_versions_by_name() -> None:
    assert component_nego(Recorded(component_nego=listed(device=2, energy_monitoring=1))).versions == {
        "device": 2,
        "energy_monitoring": 1,
    }
    with pytest.raises(Garbled, match="the answer to component_nego has nothing under 'component_list'"):
        component_nego(Recorded(component_nego={}))


def test_the_components_of_a_first_set_up_say_model_and_protocol() -> None:
    said = {**listed(quick_setup=3), "extra_info": {"device_model": "P110", "device_type": "SMART.TAPOPLUG"}}
    found = qs_component_nego(Recorded(qs_component_nego=said))
    assert (found.versions, found.model, found.kind, found.is_klap) == (
        {"quick_setup": 3},
        "P110",
        "SMART.TAPOPLUG",
        False,
    )
    said["extra_info"]["is_klap"] = True
    assert qs_component_nego(Recorded(qs_component_nego=said)).is_klap
    assert qs_component_nego(Recorded(qs_component_nego=listed(quick_setup=3))).model is None


def test_a_device_without_the_former_name_says_so() -> None:
    with pytest.raises(Unsupported, match="the device has no function get_device_running_info"):
        get_device_running_info(Recorded(get_device_info=PLUG))
