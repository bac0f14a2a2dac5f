"""A device's firmware, in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Garbled, Refused, Unsupported
from tapo_automate.wire.commands.firmware import (
    AutoUpdate,
    fw_download,
    get_auto_update_info,
    get_fw_download_state,
    get_latest_fw,
    set_auto_update_info,
)
from wire.commands.recorded import Recorded, listed

IDLE = {"auto_upgrade": False, "download_progress": 0, "reboot_time": 5, "status": 0, "upgrade_time": 6}


@pytest.mark.parametrize(
    ("code", "state", "at_work"),
    [
        (0, "idle", False),
        (1, "preparing", True),
        (2, "downloading", True),
        (3, "downloaded, and being written", True),
        (4, "not transferred", False),
        (-1001, "failed: it could not be downloaded", False),
        (-1002, "failed: it did not pass the check", False),
        (-1003, "failed: it could not be transferred", False),
        (-1004, "failed: its battery is too low", False),
        (77, "in a state that is not known here (77)", False),
    ],
)
def test_the_state_of_an_update_is_words(code: int, state: str, at_work: bool) -> None:
    told = get_fw_download_state(Recorded(get_fw_download_state={**IDLE, "status": code, "download_progress": 40}))
    assert (told.state, told.code, told.at_work, told.progress_pct) == (state, code, at_work, 40)
    assert (told.write_s, told.restart_s, told.by_itself) == (6, 5, False)


def test_the_first_plugs_do_not_say_whether_they_began_it_themselves() -> None:
    said = {name: value for name, value in IDLE.items() if name != "auto_upgrade"}
    assert get_fw_download_state(Recorded(get_fw_download_state=said)).by_itself is None


def test_the_newest_firmware_has_a_day_and_notes() -> None:
    said: dict[str, Any] = {
        "fw_size": 786432,
        "fw_ver": "1.1.2 Build 231120 Rel.201048",
        "need_to_upgrade": True,
        "release_date": "2023-12-04",
        "release_note": "Modifications and Bug Fixes:\n1. Better.",
    }
    told = get_latest_fw(Recorded(get_latest_fw=said))
    assert (told.version, told.is_newer, told.size_bytes) == ("1.1.2 Build 231120 Rel.201048", True, 786432)
    assert (told.released, told.notes) == (dt.date(2023, 12, 4), "Modifications and Bug Fixes:\n1. Better.")


def test_where_there_is_none_newer_size_and_day_are_none() -> None:
    said = {"fw_size": 0, "fw_ver": "1.1.6", "need_to_upgrade": False, "release_date": "", "release_note": ""}
    told = get_latest_fw(Recorded(get_latest_fw=said))
    assert (told.is_newer, told.size_bytes, told.released, told.notes) == (False, None, None, "")


def test_without_the_internet_the_refusal_says_so() -> None:
    with pytest.raises(Refused) as caught:
        get_latest_fw(Recorded(get_latest_fw=-1007))
    assert str(caught.value) == (
        "10.0.0.5: get_latest_fw was refused with error -1007 (CLOUD_FAILED): the device needs the internet for this "
        "and has none: see to its connection, and try again later"
    )


def test_firmware_is_loaded_from_the_vendor_or_from_where_one_says() -> None:
    asked = Recorded(fw_download={})
    fw_download(asked)
    fw_download(asked, "http://firmware.example/p110.bin")
    assert asked.asked == [("fw_download", None), ("fw_download", {"url": "http://firmware.example/p110.bin"})]


def test_renewing_itself_is_read_and_set_whole() -> None:
    asked = Recorded(get_auto_update_info={"enable": True, "random_range": 120, "time": 180}, set_auto_update_info={})
    assert get_auto_update_info(asked) == AutoUpdate(enabled=True, at_min=180, within_min=120)
    set_auto_update_info(asked, AutoUpdate(enabled=False, at_min=200, within_min=60))
    assert asked.asked[-1] == ("set_auto_update_info", {"enable": False, "time": 200, "random_range": 60})


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (AutoUpdate(True, 1440, 0), "minute 1440 is not one of a day: 0 is 00:00, 1439 is 23:59"),
        (AutoUpdate(True, -1, 0), "minute -1 is not one of a day: 0 is 00:00, 1439 is 23:59"),
        (AutoUpdate(True, 0, 1441), "1441 min to choose from is out of range: 0 to 1440"),
    ],
)
def test_what_is_no_time_of_day_is_refused_before_anything_is_sent(wanted: AutoUpdate, text: str) -> None:
    asked = Recorded()
    with pytest.raises(BadSetting) as caught:
        set_auto_update_info(asked, wanted)
    assert str(caught.value) == f"10.0.0.5: {text}"
    assert asked.asked == []


def test_a_plug_of_the_first_kind_has_no_such_thing_as_renewing_itself() -> None:
    with pytest.raises(Unsupported) as caught:
        get_auto_update_info(Recorded(component_nego=listed(firmware=1)))
    assert str(caught.value) == "10.0.0.5: it has firmware updates of version 1, without get_auto_update_info"


def test_a_state_without_a_number_is_garbled() -> None:
    with pytest.raises(Garbled, match="get_fw_download_state has nothing under 'status' where a whole number belongs"):
        get_fw_download_state(Recorded(get_fw_download_state={}))
