"""Devices that get another address, and devices that sleep until a probe wakes them."""

import socket
import time

import pytest

from simulator.seeking import OWNER, Seeker, is_refused, wait_until
from simulator.speaking import Clock, Klap
from tapo_automate.simulator import Device, Fleet, SimulatorError


def test_a_device_that_takes_logins_over_tls_moves_with_both_doors(fleet: Fleet, seeker: Seeker) -> None:
    device = fleet.add("P110", transport="tpap", tpap="tls=1", host="127.0.0.2", discovery=0, **OWNER)
    device.move("127.0.0.9")
    assert not is_refused(device)
    told = seeker.only(device.discovery).result
    assert told["mgt_encrypt_schm"]["http_port"] == told["tpap"]["port"] == device.https_port
    socket.create_connection(("127.0.0.9", device.https_port or 0), timeout=10).close()


def test_a_device_moves_and_another_takes_its_address(fleet: Fleet, seeker: Seeker) -> None:
    first = fleet.add("P110", host="127.0.0.2", discovery=0, **OWNER)
    second = fleet.add("P110", host="127.0.0.3", discovery=int((first.discovery or "").partition(":")[2]), **OWNER)
    session = Klap(first).log_in()
    old_host, old_port, old_ear = first.host, first.port, first.discovery
    first.move("127.0.0.9")
    assert (first.host, first.port, first.info["ip"]) == ("127.0.0.9", old_port, "127.0.0.9")
    assert session.call("get_device_info")["error_code"] == 0, "the session lives on"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((old_host, old_port), timeout=10)
    seeker.ask(old_ear)
    assert seeker.hears_nothing()
    second.move("127.0.0.2", old_port)
    assert second.discovery == old_ear
    assert seeker.only(old_ear).result["mac"] == second.mac
    told = seeker.only(first.discovery).result
    assert (told["mac"], told["ip"], told["mgt_encrypt_schm"]["http_port"]) == (first.mac, "127.0.0.9", old_port)
    assert Klap(second).log_in().call("get_device_info")["result"]["mac"] == second.mac


def test_a_device_behind_a_common_port_stays_behind_it_when_it_moves(house: Fleet, seeker: Seeker) -> None:
    device = house.add("P110", **OWNER)
    device.move("127.0.0.9")
    assert device.discovery == house.discovery
    assert seeker.only(house.discovery).result["ip"] == "127.0.0.9"
    port = device.port
    device.move(port=0)
    assert device.port != port
    assert seeker.only(house.discovery).result["mgt_encrypt_schm"]["http_port"] == device.port


def test_a_device_stays_where_it_is_when_the_new_address_is_taken(fleet: Fleet, seeker: Seeker) -> None:
    first = fleet.add("P110", host="127.0.0.2", discovery=0, **OWNER)
    second = fleet.add("P110", host="127.0.0.3", port=first.port, discovery=0, **OWNER)
    with pytest.raises(SimulatorError) as caught:
        first.move("127.0.0.3")
    assert str(caught.value) == f"cannot listen on 127.0.0.3:{first.port}: Address already in use"
    assert first.host == "127.0.0.2"
    assert seeker.only(first.discovery).result["mac"] == first.mac
    assert Klap(first).log_in().call("get_device_info")["result"]["mac"] == first.mac
    assert Klap(second).log_in().call("get_device_info")["result"]["mac"] == second.mac
    first.move("127.0.0.2")  # it is there
    with pytest.raises(SimulatorError) as caught:
        first.move("203.0.113.7")
    assert str(caught.value).startswith("cannot hear probes on 203.0.113.7:")


def test_a_device_that_sleeps_is_woken_by_a_probe(house: Fleet, seeker: Seeker) -> None:
    device = house.add("P110", faults="asleep", **OWNER)
    assert is_refused(device)
    assert seeker.only(device.discovery).result["mac"] == device.mac
    wait_until(lambda: not is_refused(device))
    assert Klap(device).log_in().call("get_device_info")["error_code"] == 0
    device.restart()
    assert is_refused(device), "it sleeps after each power cut"
    device.restart(asleep=False)
    assert Klap(device).log_in().call("device_reboot", {"delay": 1}) == {"error_code": 0}
    time.sleep(0.1)
    assert not is_refused(device), "a command to start again is no power cut"


def test_a_lost_probe_wakes_nobody_and_a_lost_answer_does(house: Fleet, seeker: Seeker) -> None:
    device = house.add("P110", faults="asleep,probe-lost=once,answer-lost=once", **OWNER)
    seeker.ask(device.discovery)
    assert seeker.hears_nothing()
    time.sleep(0.4)
    assert is_refused(device)
    seeker.ask(device.discovery)
    wait_until(lambda: not is_refused(device))


def test_a_device_wakes_by_itself_after_some_eight_minutes(fleet: Fleet, clock: Clock) -> None:
    device = fleet.add("P110", now=clock, **OWNER)
    device.restart(asleep=True)
    clock.at += 469
    time.sleep(0.1)
    assert is_refused(device)
    clock.at += 72
    wait_until(lambda: not is_refused(device))
    device.restart()
    assert not is_refused(device), "the next power cut is one without a sleep"


def test_other_faults_wake_nobody(plug: Device) -> None:
    plug.restart(asleep=True)
    plug.set_faults("slow=0.1")
    time.sleep(0.1)
    assert is_refused(plug)


def test_a_sleep_can_be_as_long_as_asked(fleet: Fleet, clock: Clock) -> None:
    device = fleet.add("P110", now=clock, faults="asleep=30", **OWNER)
    clock.at += 29
    time.sleep(0.1)
    assert is_refused(device)
    clock.at += 2
    wait_until(lambda: not is_refused(device))


def test_what_a_device_does_by_itself_it_does_asleep_too(house: Fleet, clock: Clock) -> None:
    device = house.add("P110", now=clock, **OWNER)
    device.restart(asleep=True)
    device.person_adds("schedule", {"s_min": 12 * 60 + 1, "desired_states": {"on": True}})
    clock.at += 90
    assert device.on
    assert is_refused(device)


def test_plugs_with_the_firmware_of_tpap_sleep_where_a_probe_can_wake_them(house: Fleet, fleet: Fleet) -> None:
    for device, sleeps in (
        (house.add("P110", transport="tpap", **OWNER), True),
        (house.add("P100", transport="tpap", **OWNER), True),
        (house.add("P110", **OWNER), False),
        (house.add("L530", transport="tpap", **OWNER), False),
        (fleet.add("P110", transport="tpap", **OWNER), False),
    ):
        device.restart()
        assert is_refused(device) == sleeps, device
    plug = house.add("P110", **OWNER)
    plug.update_firmware("tpap")
    assert not is_refused(plug), "an update is no power cut"
    plug.restart()
    assert is_refused(plug)


def test_a_device_that_reboots_by_itself_sleeps_each_time(house: Fleet, seeker: Seeker, clock: Clock) -> None:
    device = house.add("P110", now=clock, faults="reboots=30+5,asleep=300", **OWNER)
    seeker.only(device.discovery)
    wait_until(lambda: not is_refused(device))
    clock.at += 31
    wait_until(lambda: is_refused(device))
    seeker.ask(device.discovery)
    assert seeker.hears_nothing(), "it has no power"
    clock.at += 5
    time.sleep(0.1)
    assert is_refused(device)
    seeker.only(device.discovery)
    wait_until(lambda: not is_refused(device))
