"""The device's JSON: what is read out of it, and what is written into it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_dumps import DUMPS
from tapo_automate.device import Description, Setting, State
from tapo_automate.errors import BadSetting, DeviceError, Garbled, Unsupported
from tapo_automate.wire.codec import (
    components,
    decode_text,
    description,
    encode_text,
    is_half_a_color,
    nickname,
    normal_mac,
    power_w,
    set_params,
    state,
)

COLOR_LAMP = Description(
    "48-22-54-AA-BB-CC", "L530", "1.1.6", "klap", has_brightness=True, has_color=True, color_temp_range_k=(2500, 6500)
)
WHITE_LAMP = Description("48-22-54-AA-BB-CC", "L510", "1.1.2", "klap", has_brightness=True)
PLUG = Description("48-22-54-AA-BB-CC", "P100", "1.4.0", "klap")

INFO = {"mac": "48-22-54-AA-BB-CC", "model": "X", "fw_ver": "1", "device_on": True}


def negotiated(*names: str) -> dict[str, int]:
    return dict.fromkeys(names, 1)


class TestSetting:
    @pytest.mark.parametrize(
        ("setting", "params"),
        [
            (Setting(on=True), {"device_on": True}),
            (Setting(on=False), {"device_on": False}),
            (Setting(brightness_pct=1), {"brightness": 1}),
            (
                Setting(on=True, brightness_pct=40, color_temp_k=2700),
                {"device_on": True, "brightness": 40, "color_temp": 2700},
            ),
            (Setting(hue_deg=0, saturation_pct=100), {"hue": 0, "saturation": 100, "color_temp": 0}),
            (Setting(hue_deg=360, saturation_pct=0), {"hue": 360, "saturation": 0, "color_temp": 0}),
            (Setting(hue_deg=120), {"hue": 120, "saturation": 100, "color_temp": 0}),
            (Setting(), {}),
        ],
    )
    def test_it_becomes_the_parameters_of_set_device_info(self, setting: Setting, params: dict[str, Any]) -> None:
        assert set_params("lamp", setting, COLOR_LAMP) == params

    def test_half_a_color_keeps_the_other_half(self) -> None:
        shown = State(on=True, hue_deg=10, saturation_pct=20)
        assert is_half_a_color(Setting(hue_deg=5))
        assert not is_half_a_color(Setting(hue_deg=5, saturation_pct=6))
        assert not is_half_a_color(Setting(on=True))
        assert set_params("lamp", Setting(hue_deg=5), COLOR_LAMP, shown)["saturation"] == 20
        assert set_params("lamp", Setting(saturation_pct=5), COLOR_LAMP, shown)["hue"] == 10

    @pytest.mark.parametrize(
        ("setting", "text"),
        [
            (Setting(brightness_pct=0), "lamp: brightness 0 is not a brightness: to switch it off, use `on = false`"),
            (Setting(brightness_pct=101), "lamp: brightness 101 is out of range: it takes 1 to 100 percent"),
            (Setting(brightness_pct=-1), "lamp: brightness -1 is out of range: it takes 1 to 100 percent"),
            (Setting(color_temp_k=2499), "lamp: color_temp 2499 is out of range: it takes 2500 to 6500 K"),
            (Setting(color_temp_k=0), "lamp: color_temp 0 is out of range: it takes 2500 to 6500 K"),
            (Setting(hue_deg=361), "lamp: hue 361 is out of range: it takes 0 to 360 degrees"),
            (Setting(hue_deg=1, saturation_pct=101), "lamp: saturation 101 is out of range: it takes 0 to 100 percent"),
            (Setting(saturation_pct=50), "lamp: a saturation needs a hue, and the lamp shows none now"),
            (Setting(hue_deg=1, color_temp_k=2700), "lamp: a lamp shows a color_temp or a hue, not both at once"),
        ],
    )
    def test_a_value_outside_the_devices_own_range_is_refused_with_the_range(self, setting: Setting, text: str) -> None:
        with pytest.raises(BadSetting) as raised:
            set_params("lamp", setting, COLOR_LAMP)
        assert str(raised.value) == text

    @pytest.mark.parametrize(
        ("device", "setting", "text"),
        [
            (PLUG, Setting(brightness_pct=5), "it has no brightness to set"),
            (WHITE_LAMP, Setting(color_temp_k=2700), "its white cannot be tuned: it has no color_temp"),
            (WHITE_LAMP, Setting(hue_deg=5), "it shows no colors: it has no hue and saturation"),
        ],
    )
    def test_what_the_device_does_not_have_is_said(self, device: Description, setting: Setting, text: str) -> None:
        with pytest.raises(Unsupported, match=text):
            set_params("lamp", setting, device)

    @pytest.mark.parametrize("setting", [Setting(toggle=True), Setting(transition_ms=100)])
    def test_toggles_and_transitions_are_resolved_before(self, setting: Setting) -> None:
        with pytest.raises(AssertionError):
            set_params("lamp", setting, COLOR_LAMP)

    @given(
        on=st.none() | st.booleans(),
        brightness=st.none() | st.integers(1, 100),
        white=st.integers(2500, 6500),
        hue=st.integers(0, 360),
        saturation=st.integers(0, 100),
        colored=st.booleans(),
    )
    def test_a_lamp_that_obeys_shows_what_it_was_told(
        self, on: bool | None, brightness: int | None, white: int, hue: int, saturation: int, colored: bool
    ) -> None:
        color = {"hue_deg": hue, "saturation_pct": saturation} if colored else {"color_temp_k": white}
        setting = Setting(on=on, brightness_pct=brightness, **color)
        before = INFO | {"brightness": 77, "color_temp": 4000, "hue": 1, "saturation": 2}
        after = state("lamp", before | set_params("lamp", setting, COLOR_LAMP))
        assert after.on is (True if on is None else on)
        assert after.brightness_pct == (77 if brightness is None else brightness)
        expected = (None, hue, saturation) if colored else (white, None, None)
        assert (after.color_temp_k, after.hue_deg, after.saturation_pct) == expected


class TestState:
    @pytest.mark.parametrize(
        ("info", "shown"),
        [
            ({"device_on": False}, State(False)),
            ({"device_on": True, "brightness": 100, "color_temp_range": [2700, 2700]}, State(True, 100)),
            (
                {"device_on": True, "brightness": 100, "color_temp": 6500, "hue": 9, "saturation": 67},
                State(True, 100, color_temp_k=6500),
            ),
            (
                {"device_on": True, "brightness": 100, "color_temp": 0, "hue": 255, "saturation": 68},
                State(True, 100, hue_deg=255, saturation_pct=68),
            ),
            ({"device_on": True, "hue": "x", "brightness": None}, State(True)),
        ],
    )
    def test_white_wins_over_a_remembered_hue(self, info: dict[str, Any], shown: State) -> None:
        assert state("lamp", info) == shown

    def test_what_cannot_be_switched_is_said(self) -> None:
        with pytest.raises(Unsupported, match="it cannot be switched as a whole"):
            state("strip", {"model": "P300"})


class TestDescription:
    def test_it_comes_from_the_components_and_never_from_the_model(self) -> None:
        plain = description("x", INFO | {"model": "P110"}, {}, "klap")
        assert not plain.has_power_meter
        metered = description("x", INFO | {"model": "P100"}, negotiated("energy_monitoring"), "aes")
        assert metered.has_power_meter
        assert (metered.model, metered.transport, metered.hardware_id) == ("P100", "aes", "48-22-54-AA-BB-CC")

    @pytest.mark.parametrize(
        ("names", "given_range", "whites"),
        [
            (("color_temperature",), [2200, 6500], (2200, 6500)),
            (("color_temperature",), [9000, 9000], None),
            (("brightness",), [2700, 2700], None),
            (("brightness",), [2500, 6500], None),
            (("color_temperature",), None, None),
            (("color_temperature",), [1, "x"], None),
            (("color_temperature",), "absent", (2500, 6500)),
        ],
    )
    def test_a_tunable_white_needs_the_component_and_a_range(
        self, names: tuple[str, ...], given_range: Any, whites: tuple[int, int] | None
    ) -> None:
        info = INFO if given_range == "absent" else INFO | {"color_temp_range": given_range}
        assert description("x", info, negotiated(*names), "klap").color_temp_range_k == whites

    def test_a_device_without_a_mac_is_no_device(self) -> None:
        with pytest.raises(Garbled, match="does not say its MAC"):
            description("x", {"device_on": True}, {}, "klap")

    @pytest.mark.parametrize("mac", ["48:22:54:aa:bb:cc", "482254AABBCC", "48-22-54-aa-BB-cc"])
    def test_every_spelling_of_a_mac_is_the_same_device(self, mac: str) -> None:
        assert normal_mac(mac) == "48-22-54-AA-BB-CC"

    @pytest.mark.parametrize("mac", [None, "", 7, "48-22-54-AA-BB", "zz-22-54-AA-BB-CC"])
    def test_what_is_no_mac_is_none(self, mac: object) -> None:
        assert normal_mac(mac) is None


class TestPower:
    @pytest.mark.parametrize(
        ("method", "result", "watts"),
        [
            ("get_emeter_data", {"current_ma": 1, "voltage_mv": 230_000, "power_mw": 8962}, 8.962),
            ("get_energy_usage", {"current_power": 8962, "today_energy": 5}, 8.962),
            ("get_current_power", {"current_power": 9}, 9.0),
            ("get_energy_usage", {"today_energy": 5}, None),
            ("get_emeter_data", {}, None),
            ("get_current_power", {"current_power": "9"}, None),
            ("get_current_power", {"current_power": True}, None),
        ],
    )
    def test_each_method_has_its_own_unit(self, method: str, result: dict[str, Any], watts: float | None) -> None:
        assert power_w(method, result) == watts


@given(st.text())
def test_texts_for_people_go_out_and_come_back(text: str) -> None:
    assert decode_text(encode_text(text)) == text
    assert nickname({"nickname": encode_text(text)}) == text


@pytest.mark.parametrize(
    ("value", "text"), [("plain name!", "plain name!"), ("", ""), (None, ""), (3, ""), ("/w==", "/w==")]
)
def test_a_text_that_is_no_base64_is_taken_as_it_is(value: object, text: str) -> None:
    assert decode_text(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "device_on",
        "on_time",
        "brightness",
        "hue",
        "saturation",
        "color_temp",
        "color_temp_range",
        "mac",
        "model",
        "region",
        "nickname",
    ]
)


@pytest.mark.parametrize(
    ("on", "said", "on_for_s"),
    [
        (True, 6868, 6868),
        (True, 0, 0),
        (True, 315_360_000, 315_360_000),
        (True, 315_360_001, None),  # ten years: its clock was set meanwhile
        (True, 820_454_400, None),
        (True, -1, None),
        (True, True, None),
        (True, 12.5, None),
        (True, "83", None),
        (True, None, None),
        (False, 0, None),
        (False, 83, None),
    ],
)
def test_how_long_it_has_been_on_is_said_only_where_it_can_be(on: bool, said: Any, on_for_s: int | None) -> None:
    assert state("x", INFO | {"device_on": on, "on_time": said}).on_for_s == on_for_s


@given(st.dictionaries(FIELDS, JSON), st.dictionaries(st.sampled_from(["component_list"]), JSON))
def test_a_mad_device_raises_nothing_but_our_errors(info: dict[str, Any], negotiation: dict[str, Any]) -> None:
    can = components(negotiation) | negotiated("color_temperature", "brightness", "color")
    for read in (lambda: state("x", info), lambda: description("x", info | {"mac": "48225400AABB"}, can, "klap")):
        with contextlib.suppress(DeviceError):
            read()
    nickname(info)
    for method in ("get_emeter_data", "get_energy_usage", "get_current_power"):
        power_w(method, info)


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_dumps_of_real_devices_are_read(path: Path) -> None:
    dump = json.loads(path.read_text())
    info, can = dump["get_device_info"], components(dump["component_nego"])
    device = description("x", info, can, "klap")
    if "control_child" not in can:  # a strip lists what its sockets have
        assert device.has_power_meter == ("get_energy_usage" in dump)
        assert device.has_brightness == ("brightness" in info)
    assert device.has_color == ("hue" in info)
    if "device_on" in info:
        now = state("x", info)
        assert now.on is info["device_on"]
        assert now.on_for_s == (info.get("on_time") if now.on else None)
    else:
        with pytest.raises(Unsupported):
            state("x", info)
    for method in ("get_emeter_data", "get_energy_usage", "get_current_power"):
        if method in dump:
            assert power_w(method, dump[method]) is not None
