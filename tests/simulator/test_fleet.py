"""Many devices in one process, and the file that lists them."""

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simulator.speaking import PASSWORD, USER, Klap, Passthrough
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.fleet_file import Wish, of_profiles, read_fleet, start

OWNER = Wish(username=USER, password=PASSWORD)


def test_devices_that_come_at_once_from_several_threads_differ() -> None:
    with Fleet() as fleet, ThreadPoolExecutor(8) as pool:
        for added in [pool.submit(fleet.add, "P100", username=USER, password=PASSWORD, seed=1) for _ in range(40)]:
            added.result()
        assert len({device.mac for device in fleet.devices}) == 40


def test_two_hundred_devices_answer_side_by_side(fleet: Fleet) -> None:
    devices = [
        device
        for wish in of_profiles(["P110", "L530"], Wish(**vars(OWNER) | {"count": 100}))
        for device in start(fleet, wish)
    ]
    assert len({device.address for device in devices}) == 200
    errors: list[BaseException] = []

    def talk(some: list[Device]) -> None:
        try:
            for device in some:
                assert Klap(device).log_in().call("set_device_info", {"device_on": True}) == {"error_code": 0}
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=talk, args=(devices[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(device.on for device in devices)


def test_a_device_costs_little_memory(fleet: Fleet) -> None:
    fleet.add("P110", username=USER, password=PASSWORD)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(20):
        fleet.add("L530", username=USER, password=PASSWORD)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 20 < 100 * 1024


def test_a_closed_fleet_leaves_its_ports_and_takes_no_devices() -> None:
    fleet = Fleet()
    device = fleet.add("P110", username=USER, password=PASSWORD)
    Klap(device).log_in()
    fleet.close()
    fleet.close()
    with pytest.raises(ConnectionRefusedError):
        Klap(device).greet()
    with pytest.raises(SimulatorError, match="the fleet is closed"):
        fleet.add("P110", username=USER, password=PASSWORD)
    with Fleet() as again:
        assert again.add("P110", username=USER, password=PASSWORD, port=device.port).port == device.port


def test_a_port_in_use_is_said_in_one_line(fleet: Fleet) -> None:
    taken = fleet.add("P110", username=USER, password=PASSWORD)
    with pytest.raises(SimulatorError, match=f"^cannot listen on 127.0.0.1:{taken.port}: Address already in use$"):
        fleet.add("P110", username=USER, password=PASSWORD, port=taken.port)
    assert len(fleet.devices) == 1


def test_a_person_at_the_device_and_a_client_see_the_same_relay(fleet: Fleet) -> None:
    device = fleet.add("P110", username=USER, password=PASSWORD)
    session = Klap(device).log_in()
    device.press()
    assert session.call("get_device_info")["result"]["device_on"] is True
    session.call("set_device_info", {"device_on": False})
    assert device.state == {"device_on": False}
    assert device.calls[-1].method == "set_device_info"


def test_a_log_may_be_short(fleet: Fleet) -> None:
    device = fleet.add("P110", username=USER, password=PASSWORD, keep_calls=2)
    session = Klap(device).log_in()
    for _ in range(5):
        session.call("get_device_info")
    assert len(device.calls) == 2
    assert device.requests == 2 + 5


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "house.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_fleet_file_lists_devices(fleet: Fleet, write: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("0,7\n", encoding="utf-8")
    path = write(
        """
        [defaults]
        transport = "aes"
        [[device]]
        profile = "P110"
        nickname = "washer"
        trace = "csv:load.csv"
        on = true
        [[device]]
        profile = "L530"
        transport = "klap"
        host = "127.0.0.2"
        count = 2
        nickname = "lamp"
        [[device]]
        profile = "P115"
        trace = 60
        """
    )
    devices = [device for wish in read_fleet(path, OWNER) for device in start(fleet, wish)]
    told = [(device.profile.name, device.transport, device.host, device.nickname) for device in devices]
    assert told == [
        ("P110", "aes", "127.0.0.1", "washer"),
        ("L530", "klap", "127.0.0.2", "lamp 1"),
        ("L530", "klap", "127.0.0.2", "lamp 2"),
        ("P115", "aes", "127.0.0.1", "simulated P115"),
    ]
    assert devices[0].power_w == 7
    assert Passthrough(devices[0]).log_in().call("get_device_info")["error_code"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "not TOML: Invalid value (at end of document)"),
        ("", "no [[device]] in it"),
        ("[[devices]]\nprofile = 'P110'", "unknown key 'devices'; did you mean 'device'?"),
        ("[[device]]\nprofil = 'P110'", "device[0].profil: unknown key; did you mean 'profile'?"),
        ("[[device]]\nhost = '127.0.0.1'", "device[0].profile is missing"),
        ("[[device]]\nprofile = 'P110'\nport = '80'", "device[0].port: expected a whole number, found '80'"),
        ("[[device]]\nprofile = 'P110'\non = 1", "device[0].on: expected true or false, found 1"),
        ("[[device]]\nprofile = 'P110'\ncount = true", "device[0].count: expected a whole number, found True"),
        ("defaults = 5\n[[device]]\nprofile = 'P110'", "defaults is not a table"),
        ("device = 5", "no [[device]] in it"),
    ],
)
def test_a_fleet_file_that_cannot_be_read_says_where(write: Callable[[str], Path], text: str, message: str) -> None:
    path = write(text)
    with pytest.raises(SimulatorError) as refusal:
        read_fleet(path, OWNER)
    assert str(refusal.value).startswith(str(path))
    assert str(refusal.value).endswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": None}, "no password: give --password or set TAPO_PASSWORD"),
        ({"count": 0}, "count is 0; expected 1 or more"),
        ({"port": 65_530, "count": 10}, "10 devices do not fit between port 65530 and 65535"),
        ({"port": 99_999}, "port is 99999; expected 0 to 65535"),
        ({"mac": "02-00-00-00-00-01", "count": 2}, "one MAC address cannot be that of several devices"),
    ],
)
def test_a_wish_that_cannot_be_granted_says_why(fleet: Fleet, changes: dict[str, object], message: str) -> None:
    wish = Wish(**vars(OWNER) | {"profile": "P110"} | changes)  # type: ignore[arg-type]
    with pytest.raises(SimulatorError, match=f"^{message}"):
        start(fleet, wish)
