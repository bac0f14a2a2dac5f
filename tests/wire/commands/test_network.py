"""The Wi-Fi around a device, and moving it to another without telling anybody the password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Garbled
from tapo_automate.wire.commands.network import get_wireless_scan_info, set_wireless_info
from wire.commands.recorded import Recorded

PASSWORD = "canary-Wi-Fi-pass"


def _network(number: int, signal: int = 1, **more: Any) -> dict[str, Any]:
    found = {"bssid": f"02000000{number:04x}", "channel": number, "cipher_type": 2, "key_type": "wpa2_psk"}
    return {**found, "signal_level": signal, "ssid": "S8O8Y2hl", **more}


def _in_pages_of(size: int, networks: list[dict[str, Any]], **more: Any) -> Recorded:
    def page(params: Mapping[str, Any]) -> dict[str, Any]:
        start = params["start_index"]
        return {"ap_list": networks[start : start + size], "start_index": start, "sum": len(networks), **more}

    return Recorded(get_wireless_scan_info=page)


@pytest.mark.parametrize("size", [4, 10])
def test_all_pages_are_read_and_the_loudest_network_comes_first(size: int) -> None:
    asked = _in_pages_of(size, [_network(number, 1 + number % 3) for number in range(23)], wep_supported=False)
    scan = get_wireless_scan_info(asked)
    assert sorted(each.channel or 0 for each in scan.networks) == list(range(23))
    assert [each.signal for each in scan.networks] == [3] * 7 + [2] * 8 + [1] * 8
    assert not scan.wep
    assert len(asked.asked) == -(-23 // size)


def test_a_network_is_read_in_words() -> None:
    (found,) = get_wireless_scan_info(_in_pages_of(10, [_network(11, 3)], wep_supported=True)).networks
    assert (found.ssid, found.bssid, found.signal) == ("Küche", "02000000000b", 3)
    assert (found.key_type, found.cipher, found.channel) == ("wpa2_psk", 2, 11)


def test_a_list_without_a_sum_is_the_whole_of_it() -> None:
    asked = Recorded(get_wireless_scan_info={"ap_list": [_network(1)], "wep_supported": False})
    assert len(get_wireless_scan_info(asked).networks) == 1
    assert len(asked.asked) == 1


def test_a_sum_that_is_never_reached_ends_with_an_empty_page() -> None:
    networks = [_network(number) for number in range(3)]
    assert len(get_wireless_scan_info(_in_pages_of(10, networks, sum=9)).networks) == 3


def test_the_repr_tells_nobody_where_the_device_is() -> None:
    shown = repr(get_wireless_scan_info(_in_pages_of(10, [_network(1)])))
    assert "Küche" not in shown
    assert "0200" not in shown


def test_a_network_without_a_signal_is_garbled() -> None:
    with pytest.raises(Garbled, match=r"get_wireless_scan_info.ap_list\[0\] has something else under 'signal_level'"):
        get_wireless_scan_info(_in_pages_of(10, [_network(1, signal_level="loud")]))


def test_a_network_is_joined_by_its_name_in_base64() -> None:
    asked = Recorded(set_wireless_info={})
    set_wireless_info(asked, "Küche", "12345678")
    wanted = {"key_type": "wpa2_psk", "ssid": "S8O8Y2hl", "password": "MTIzNDU2Nzg="}
    assert asked.asked == [("set_wireless_info", wanted)]


def test_an_open_network_is_joined_without_a_password() -> None:
    asked = Recorded(set_wireless_info={})
    set_wireless_info(asked, "Guests", "", "none")
    assert asked.asked[0][1] == {"key_type": "none", "ssid": "R3Vlc3Rz", "password": ""}


@pytest.mark.parametrize(
    ("ssid", "password", "key_type", "text"),
    [
        ("", PASSWORD, "wpa2_psk", "the name of a Wi-Fi has 1 to 32 bytes; this one has 0"),
        ("ü" * 17, PASSWORD, "wpa2_psk", "the name of a Wi-Fi has 1 to 32 bytes; this one has 34"),
        ("Home", "", "wpa2_psk", "a Wi-Fi with wpa2_psk takes a password, and none was given"),
        ("Home", "short", "wpa2_psk", "the password of a Wi-Fi with wpa2_psk has 8 to 63 letters; this one has 5"),
        ("Home", PASSWORD * 4, "wpa_psk", "the password of a Wi-Fi with wpa_psk has 8 to 63 letters; this one has 68"),
        ("Home", PASSWORD, "none", "an open Wi-Fi takes no password, and one was given"),
        (
            "Home",
            PASSWORD,
            "wep",
            "there is no Wi-Fi encryption 'wep'; devices know wpa2_psk, wpa_psk, wpa3_sae, none",
        ),
    ],
)
def test_what_no_network_has_is_refused_before_anything_is_sent(
    ssid: str, password: str, key_type: str, text: str
) -> None:
    asked = Recorded(set_wireless_info={})
    with pytest.raises(BadSetting) as caught:
        set_wireless_info(asked, ssid, password, key_type)
    assert str(caught.value) == f"10.0.0.5: {text}"
    assert asked.asked == []
