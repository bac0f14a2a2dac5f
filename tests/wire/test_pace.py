"""How fast a device is asked: as the device itself sees it, and on a stop-watch of the test's own."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import Busy, ConfigError
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import connect
from tapo_automate.wire.client import Client
from tapo_automate.wire.exchange import Request, Response
from tapo_automate.wire.pace import CALM_CALLS, PATIENCE_S, SLOWEST_S, SPACING_S, Pace, spacing
from wire.peers import KlapPeer

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)
READ = "get_device_info"
EARLY_S = 0.02  # by which an answer's way may have been shorter than that of the one before


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as it:
        yield it


def gaps_s(device: Device) -> list[float]:
    """Return the times between the calls that reached a device."""
    return [later.received_monotonic - sooner.received_monotonic for sooner, later in pairwise(device.calls)]


class Watch:
    """A stop-watch that is set forward by waiting."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waits: list[float] = []

    def wait(self, wait_s: float) -> None:
        self.waits.append(round(wait_s, 6))
        self.now_s += wait_s

    def pace(self, spacing_s: float = SPACING_S, patience_s: tuple[float, ...] = PATIENCE_S) -> Pace:
        return Pace(spacing_s, patience_s, stopwatch=lambda: self.now_s, wait=self.wait, chance=lambda: 0.0)


# ---------------------------------------------------------------- as the device sees it


def test_calls_of_one_client_reach_the_device_apart(fleet: Fleet) -> None:
    device = fleet.add("P100", username=USER, password=PASSWORD)
    client = connect(device.address, ACCOUNT, spacing_s=0.1)
    for _ in range(6):
        client.call(READ)
    client.close()
    assert len(device.calls) == 6
    assert min(gaps_s(device)) > 0.1 - EARLY_S


def test_calls_of_many_threads_come_one_by_one_and_apart(fleet: Fleet) -> None:
    device = fleet.add("P100", username=USER, password=PASSWORD, faults="slow=0.05")
    client = connect(device.address, ACCOUNT, spacing_s=0.1)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.call(READ), range(6)))
    client.close()
    assert (len(device.calls), device.sessions, device.connections) == (6, 1, 1)
    assert min(gaps_s(device)) > 0.1 - EARLY_S


def test_the_sockets_of_a_strip_share_its_pace(fleet: Fleet) -> None:
    device = fleet.add("P304M", username=USER, password=PASSWORD)
    wire.use(wire.Surroundings(spacing_s=0.1, patience_s=()))
    specs = [DeviceSpec(f"strip/{n}", "tapo-plug", device.address, socket=str(n)) for n in (1, 2, 3, 4)]
    sockets = [wire.open_device(spec, ACCOUNT) for spec in specs]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda socket: socket.apply(Setting(on=True)), sockets))
    for socket in sockets:
        socket.close()
    assert all(child.on for child in device.children)
    assert (device.sessions, device.connections) == (1, 1)
    assert min(gaps_s(device)) > 0.1 - EARLY_S


def test_one_request_is_in_flight_at_any_time() -> None:
    under_way, most = [0], [0]
    peer = KlapPeer()

    def send(request: Request) -> Response:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        try:
            return peer(request)
        finally:
            under_way[0] -= 1

    client = peer.client()
    client._send = send
    gate = threading.Barrier(8)

    def ask(_: int) -> None:
        gate.wait(timeout=30)
        for _ in range(20):
            client.call(READ)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert most == [1]


@pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])
@pytest.mark.parametrize("fault", ["busy", "429"])
def test_a_device_that_is_busy_is_waited_for_in_the_same_session(fleet: Fleet, transport: str, fault: str) -> None:
    device = fleet.add("P100", transport=transport, username=USER, password=PASSWORD)
    wire.use(wire.Surroundings(spacing_s=0, patience_s=(0.05, 0.05, 0.1)))
    client = connect(device.address, ACCOUNT)
    client.call(READ)
    for attempt in ("a read", "a setting", "a row"):
        device.set_faults(f"{fault}.request=2x")
        method, params = {
            "a read": (READ, None),
            "a setting": ("set_device_info", {"device_on": True}),
            "a row": ("add_countdown_rule", {"delay": 60, "desired_states": {"on": False}, "enable": True}),
        }[attempt]
        client.call(method, params)
    assert (device.on, device.countdown is not None, device.sessions) == (True, True, 1)
    device.set_faults(fault)
    with pytest.raises(Busy):
        client.call(READ)
    device.set_faults("")
    client.call(READ)
    client.close()
    assert device.sessions == 1


def test_whoever_has_retries_of_his_own_is_told_at_once(fleet: Fleet) -> None:
    device = fleet.add("P100", username=USER, password=PASSWORD)
    wire.use(wire.Surroundings(spacing_s=0, patience_s=()))
    client = connect(device.address, ACCOUNT)
    client.call(READ)
    requests = device.requests
    device.set_faults("busy")
    with pytest.raises(Busy):
        client.call(READ)
    client.close()
    assert device.requests == requests + 1


# ---------------------------------------------------------------- on a stop-watch


def test_a_call_begins_a_spacing_after_the_last_one_began() -> None:
    watch = Watch()
    pace = watch.pace(0.25)
    pace.take_turn()
    watch.now_s += 0.1
    pace.take_turn()
    watch.now_s += 0.3
    pace.take_turn()
    assert watch.waits == [0.15]


def test_a_busy_device_is_asked_half_as_often_until_it_has_been_calm() -> None:
    pace = Watch().pace(0.1)
    seen = []
    for _ in range(7):
        pace.complained()
        seen.append(pace.spacing_s)
    assert seen == [0.2, 0.4, 0.8, 1.6, SLOWEST_S, SLOWEST_S, SLOWEST_S]
    for _ in range(CALM_CALLS - 1):
        pace.answered()
    assert pace.spacing_s == SLOWEST_S
    pace.answered()
    assert pace.spacing_s == SLOWEST_S / 2
    for _ in range(10 * CALM_CALLS):
        pace.answered()
    assert pace.spacing_s == 0.1


@pytest.mark.parametrize(("least_s", "complained_s", "at_rest_s"), [(0.0, 0.0, 0.0), (5.0, 5.0, 5.0)])
def test_no_spacing_stays_none_and_a_wide_one_as_wide(least_s: float, complained_s: float, at_rest_s: float) -> None:
    pace = Watch().pace(least_s)
    pace.complained()
    assert pace.spacing_s == complained_s
    for _ in range(10 * CALM_CALLS):
        pace.answered()
    assert pace.spacing_s == at_rest_s


def test_the_waits_grow_and_differ_from_caller_to_caller() -> None:
    calm, nervous = (Pace(0, PATIENCE_S, chance=chance) for chance in (lambda: 0.0, lambda: 1.0))
    assert list(calm.waits()) == [0.5, 1.0, 2.0, 4.0]
    assert list(nervous.waits()) == [0.625, 1.25, 2.5, 5.0]


def test_a_call_waits_by_the_pace_and_then_gives_up() -> None:
    watch, peer = Watch(), KlapPeer()
    client: Client = peer.client()
    client.call(READ)
    client._pace = watch.pace(0.0)
    peer.codes[READ] = [-1301] * 5
    with pytest.raises(Busy):
        client.call(READ)
    patience = [wait_s for wait_s in watch.waits if wait_s in PATIENCE_S]
    assert patience == list(PATIENCE_S)
    assert peer.handshakes == 1


# ---------------------------------------------------------------- as the user writes it


@pytest.mark.parametrize(
    ("text", "spacing_s"),
    [("250ms", 0.25), ("0s", 0.0), ("10s", 10.0), ("1.5s", 1.5), (" 100ms ", 0.1), ("10001ms", None), ("11s", None)]
    + [(text, None) for text in ("", "1m", "-1s", "1", "s", "1e3ms", "٣s", "nans")],
)
def test_a_spacing_is_read(text: str, spacing_s: float | None) -> None:
    assert spacing(text) == spacing_s


def test_options_of_a_device_are_its_spacing_alone() -> None:
    def opened(**options: str) -> object:
        spec = DeviceSpec("porch", "tapo-plug", "127.0.0.1:9", options=options)
        return wire.open_device(spec, ACCOUNT)

    assert opened(spacing="250ms")
    with pytest.raises(ConfigError) as raised:
        opened(spacing="soon")
    assert str(raised.value) == (
        'device \'porch\': spacing = "soon" is no time between two calls, such as "250ms"; at most "10s"'
    )
    with pytest.raises(ConfigError) as raised:
        opened(spacng="250ms")
    assert str(raised.value) == "device 'porch' has an option 'spacng'; its driver knows only \"spacing\""


# ---------------------------------------------------------------- several things in one request


def named_methods() -> list[str]:
    """Return what docs/protocol.md names that looks like a method and does not end the conversation."""
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    names = set(
        re.findall(r"\b(?:get|set|add|edit|remove|play|check|component|control|device|fw|multiple)_[a-z0-9_]+", text)
    )
    return sorted(names - {"device_reset", "device_reboot", "fw_download"})


def test_neither_a_table_nor_anything_that_changes_a_device_shares_a_request(fleet: Fleet) -> None:
    device = fleet.add("P110", username=USER, password=PASSWORD)
    client = connect(device.address, ACCOUNT)
    names = named_methods()
    assert len(names) > 60
    for name in names:
        client.multiple([(READ, None), ("get_device_time", None), (name, {}), (READ, None)])
    client.close()
    shared = {call.method for call in device.calls if call.batched}
    assert {READ, "get_device_time", "get_device_usage"} <= shared
    assert {name for name in shared if not name.startswith("get_")} <= {"component_nego", "multipleRequest"}
    assert not shared & {"get_schedule_rules", "get_child_device_list", "get_child_device_component_list"}


def test_a_device_that_takes_no_batches_is_not_asked_for_one_by_the_next_process_either(
    fleet: Fleet, tmp_path: Path
) -> None:
    device = fleet.add("P110", username=USER, password=PASSWORD, faults="no-batch")
    memory = DeviceMemory(tmp_path, lambda: dt.datetime.now(dt.UTC))
    wire.use(wire.Surroundings(memory=memory.of, spacing_s=0, patience_s=()))
    batches = []
    for _ in range(3):
        client = connect(device.address, ACCOUNT)
        before = len(device.calls)
        answers = client.multiple([(READ, None), ("get_device_time", None)])
        assert all(isinstance(answer, dict) for answer in answers)
        client.close()
        batches.append([call.method for call in device.calls[before:]].count("multipleRequest"))
    assert batches == [1, 0, 0]
    assert memory.of(device.address, ACCOUNT).known().batches is False
