"""A device as a whole: restarted, reset, paired, set up, handed over."""

from __future__ import annotations

import datetime as dt

import pytest

from tapo_automate.device import Credentials
from tapo_automate.errors import BadSetting, Refused, Unsupported
from tapo_automate.wire.commands.setup import get_inherit_info, set_inherit_info, set_qs_info
from tapo_automate.wire.commands.system import (
    device_reboot,
    device_reset,
    get_connect_cloud_state,
    get_matter_setup_info,
)
from wire.commands.recorded import Recorded, listed

NOW = dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)
ACCOUNT = Credentials("User@Example.com", "canary-Sw0rdfish!")


def test_a_restart_waits_a_second_unless_told_otherwise() -> None:
    asked = Recorded(device_reboot={})
    device_reboot(asked)
    device_reboot(asked, 30)
    assert asked.asked == [("device_reboot", {"delay": 1}), ("device_reboot", {"delay": 30})]


@pytest.mark.parametrize("delay_s", [0, -1, 3601])
def test_a_restart_on_which_the_call_may_hang_is_refused(delay_s: int) -> None:
    asked = Recorded(device_reboot={})
    with pytest.raises(BadSetting) as caught:
        device_reboot(asked, delay_s)
    wanted = f"10.0.0.5: a delay of {delay_s} s is out of range: a device restarts after 1 to 3600 s"
    assert str(caught.value) == wanted
    assert asked.asked == []


def test_a_reset_takes_no_parameters() -> None:
    asked = Recorded(device_reset={})
    device_reset(asked)
    assert asked.asked == [("device_reset", None)]


@pytest.mark.parametrize(
    ("code", "connected", "text"),
    [
        (0, True, "connected"),
        (1, False, "not connected"),
        (2, False, "not connected (state 2)"),
        (-1001, False, "not connected (state -1001)"),
    ],
)
def test_the_cloud_is_there_or_not(code: int, connected: bool, text: str) -> None:
    state = get_connect_cloud_state(Recorded(get_connect_cloud_state={"status": code}))
    assert (state.connected, state.text, state.code) == (connected, text, code)


def test_a_pairing_code_is_read_and_not_in_the_repr() -> None:
    said = {"setup_code": "12345678901", "setup_payload": "MT:Y.K9042C00KA0648G00"}
    found = get_matter_setup_info(Recorded(get_matter_setup_info=said))
    assert (found.code, found.payload) == ("12345678901", "MT:Y.K9042C00KA0648G00")
    assert repr(found) == "MatterSetup()"


def test_a_device_without_matter_says_so() -> None:
    with pytest.raises(Unsupported) as caught:
        get_matter_setup_info(Recorded(component_nego=listed(device=2)))
    assert str(caught.value) == "10.0.0.5: it has no Matter pairing code"


def test_a_handover_is_read_and_begun() -> None:
    asked = Recorded(get_inherit_info={"inherit_status": True}, set_inherit_info={})
    assert get_inherit_info(asked).under_way
    set_inherit_info(asked, under_way=False)
    assert asked.asked[-1] == ("set_inherit_info", {"is_inherit": False})


def test_one_that_answers_with_nothing_does_not_say() -> None:
    assert get_inherit_info(Recorded(get_inherit_info={})).under_way is None


def test_a_device_that_cannot_be_handed_over_says_so() -> None:
    with pytest.raises(Unsupported) as caught:
        get_inherit_info(Recorded(component_nego=listed(device=2)))
    assert str(caught.value) == "10.0.0.5: it has no handover to another account"


def test_one_that_knows_of_it_and_refuses_is_quoted() -> None:
    with pytest.raises(Refused, match=r"get_inherit_info was refused with error -1 \(COMMON_FAILED\)"):
        get_inherit_info(Recorded(get_inherit_info=-1, component_nego=listed(inherit=1)))


def test_a_first_set_up_gives_account_clock_and_wifi_in_the_device_s_words() -> None:
    asked = Recorded(set_qs_info={"device_id": "80" * 20})
    done = set_qs_info(asked, ACCOUNT, "Home", "12345678", "wpa2_psk", now=NOW, zone="Europe/Berlin", specs="EU")
    assert asked.asked == [
        (
            "set_qs_info",
            {
                "account": {"username": "VXNlckBFeGFtcGxlLmNvbQ==", "password": "Y2FuYXJ5LVN3MHJkZmlzaCE="},
                "extra_info": {"specs": "EU"},
                "time": {"timestamp": 1_782_900_000, "time_diff": 60, "region": "Europe/Berlin"},
                "wireless": {"key_type": "wpa2_psk", "ssid": "SG9tZQ==", "password": "MTIzNDU2Nzg="},
            },
        )
    ]
    assert done.device_id == "80" * 20
    assert repr(done) == "SetUp()"


@pytest.mark.parametrize(
    ("account", "ssid", "zone", "text"),
    [
        (Credentials("", "x"), "Home", "UTC", "an account has an e-mail and a password: one of them is empty"),
        (Credentials("a@b.c", ""), "Home", "UTC", "an account has an e-mail and a password: one of them is empty"),
        (ACCOUNT, "", "UTC", "the name of a Wi-Fi has 1 to 32 bytes; this one has 0"),
        (ACCOUNT, "Home", "Mars", 'there is no time zone \'Mars\'; its name is one such as "Europe/Berlin" or "UTC"'),
    ],
)
def test_a_set_up_that_cannot_be_is_refused_before_anything_is_sent(
    account: Credentials, ssid: str, zone: str, text: str
) -> None:
    asked = Recorded(set_qs_info={})
    with pytest.raises(BadSetting) as caught:
        set_qs_info(asked, account, ssid, "12345678", "wpa2_psk", now=NOW, zone=zone, specs="EU")
    assert str(caught.value) == f"10.0.0.5: {text}"
    assert asked.asked == []
