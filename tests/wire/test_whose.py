"""A device that is connected to by its MAC, and what is remembered of where it was."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError, OtherDevice, Unreachable
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Fleet
from tapo_automate.wire.discovery import Found
from tapo_automate.wire.finding import Finder
from tapo_automate.wire.memory import Known

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")


@pytest.mark.parametrize("dashes", ["-", ":", ""])
def test_a_mac_may_be_spelt_in_any_way(dashes: str) -> None:
    with Fleet() as fleet:
        device = fleet.add("P110", username=ACCOUNT.username, password=ACCOUNT.password)
        client = wire.connect(device.address, ACCOUNT, mac=device.mac.replace("-", dashes).lower())
        client.call("set_device_info", {"device_on": True})
        client.close()
        assert device.on


def test_what_is_no_mac_is_told_before_anybody_is_asked() -> None:
    with pytest.raises(ConfigError) as raised:
        wire.connect("127.0.0.1", ACCOUNT, mac="48-22-54")
    assert str(raised.value) == "'48-22-54' is no MAC address, such as \"48-22-54-AA-BB-CC\""


def test_another_device_is_not_written_to() -> None:
    with Fleet() as fleet:
        device = fleet.add("P110", username=ACCOUNT.username, password=ACCOUNT.password)
        client = wire.connect(device.address, ACCOUNT, mac="48:22:54:aa:bb:cc")
        with pytest.raises(OtherDevice):
            client.call("set_device_info", {"device_on": True})
        client.close()
        assert not device.on


def test_a_remembered_place_that_is_none_is_forgotten(tmp_path: Path) -> None:
    memory = DeviceMemory(tmp_path, lambda: dt.datetime(2026, 3, 3, tzinfo=dt.UTC)).of("48-22-54-AA-BB-CC", ACCOUNT)
    memory.learn(Known("klap", address="192.168.1.31:99999"))
    assert memory.known() == Known("klap")
    memory.learn(Known("klap", address="192.168.1.31:8080"))
    assert memory.known().address == "192.168.1.31:8080"


def test_who_is_at_a_host_may_be_asked_while_others_search() -> None:
    found = [_found(number) for number in range(2000)]
    finder = Finder(lambda *_, **__: found, list, lambda: 0.0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    searching = threading.Thread(target=lambda: finder.find("48-22-54-FF-FF-FF", ""))
    try:
        searching.start()
        while searching.is_alive():
            finder.who_is_at("192.168.1.31")
    finally:
        searching.join()
        sys.setswitchinterval(before)
    assert finder.who_is_at(found[-1].host) == found[-1].mac


def test_who_answers_with_other_macs_each_time_does_not_fill_the_memory() -> None:
    number, now_s = 0, 0.0

    def strangers(*_: object, **__: object) -> list[Found]:
        return [_found(number + more) for more in range(10)]

    finder = Finder(strangers, list, lambda: now_s)
    for _ in range(100):
        number, now_s = number + 10, now_s + 60
        finder.find("48-22-54-FF-FF-FF", "")
    assert len(finder._met) == 10


def test_another_host_written_for_a_device_in_use_is_gone_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPO_AUTOMATE_DISCOVERY", "127.0.0.1:9")  # where nobody hears
    with Fleet() as fleet:
        device = fleet.add("P110", username=ACCOUNT.username, password=ACCOUNT.password)
        known = DeviceSpec("plug", "tapo-plug", "127.0.0.1:9", device.mac)
        before = wire.open_device(known, ACCOUNT)
        with pytest.raises(Unreachable):
            before.state()
        corrected = wire.open_device(replace(known, host=device.address), ACCOUNT)
        assert corrected.state().on is False
        before.close()
        corrected.close()


def test_another_spacing_written_for_a_device_in_use_is_kept() -> None:
    with Fleet() as fleet:
        device = fleet.add("P110", username=ACCOUNT.username, password=ACCOUNT.password)
        known = DeviceSpec("plug", "tapo-plug", device.address, device.mac)
        before = wire.open_device(known, ACCOUNT)
        before.state()
        slower = wire.open_device(replace(known, options={"spacing": "600ms"}), ACCOUNT)
        for _ in range(2):
            slower.state()
        first, second = [call.received_monotonic for call in device.calls if call.method == "get_device_info"][-2:]
        assert second - first > 0.5
        before.close()
        slower.close()


def _found(number: int) -> Found:
    mac = f"48-22-54-00-{number // 256:02X}-{number % 256:02X}"
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return Found(mac, address, 80, False, "P110", "P110(EU)", "SMART.TAPOPLUG", "klap", "", False, None)
