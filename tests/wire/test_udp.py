"""Looking for devices over real UDP, on loopback alone."""

from __future__ import annotations

import errno
import itertools
import os
import random
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack

import ifaddr
import pytest

from tapo_automate.errors import ConfigError
from tapo_automate.wire import udp
from tapo_automate.wire.discovery import PORTS, read_header
from tapo_automate.wire.udp import Target, discover, house_targets, knock, parse_target
from wire.responders import Responder, answering, datagram, result_of, says

LONG_S = 60.0  # nothing here waits for so long: it ends early, or the test's own timeout says so
SHORT_S = 0.6


def mac(number: int) -> str:
    return f"48-22-54-00-{number >> 8:02X}-{number & 255:02X}"


def at(*responders: Responder, address: str = "127.0.0.1") -> list[Target]:
    return [Target(address, each.port) for each in responders]


def test_a_device_is_found_where_it_answers() -> None:
    with answering(says(mac(1)), "127.0.0.7") as device:
        (found,) = discover([Target("127.0.0.7", device.port)], timeout_s=LONG_S)
    assert (found.mac, found.address, found.host) == (mac(1), "127.0.0.7", "127.0.0.7")
    assert (found.model, found.transport) == ("P110", "klap")


def test_a_probe_is_sound_and_carries_a_key() -> None:
    with answering(says(mac(1))) as device:
        discover(at(device), timeout_s=LONG_S)
    header = read_header(device.probes[0])
    assert header is not None
    assert header.sound
    assert b"-----BEGIN PUBLIC KEY-----" in device.probes[0]


def test_every_probe_has_a_number_of_its_own() -> None:
    with answering(lambda _probe: ()) as device:
        discover(at(device), timeout_s=SHORT_S, probes=3)
    headers = [read_header(probe) for probe in device.probes]
    assert len({header.serial for header in headers if header}) == len(headers) == 3


def test_both_ports_are_asked_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(says(mac(1)), "127.0.0.8") as one, answering(says(mac(2)), "127.0.0.8") as two:
        monkeypatch.setattr(udp, "PORTS", (one.port, two.port))
        found = discover([Target("127.0.0.8")], timeout_s=LONG_S)
    assert [each.mac for each in found] == [mac(1), mac(2)]


def test_the_ports_are_those_that_devices_listen_at() -> None:
    assert PORTS == (20002, 20004)


def test_a_device_that_answers_at_both_ports_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(says(mac(1)), "127.0.0.8") as one, answering(says(mac(1)), "127.0.0.8") as two:
        monkeypatch.setattr(udp, "PORTS", (one.port, two.port))
        found = discover([Target("127.0.0.8")], timeout_s=LONG_S)
    assert [each.mac for each in found] == [mac(1)]


def test_several_devices_behind_one_port_are_all_found() -> None:
    fleet = [mac(number) for number in range(40)]
    with answering(lambda _probe: [datagram(result_of(each)) for each in fleet]) as hub:
        found = discover(at(hub), timeout_s=LONG_S)
    assert sorted(each.mac for each in found) == fleet


def test_devices_come_in_the_order_of_their_addresses() -> None:
    with ExitStack() as stack:
        places = [f"127.0.0.{number}" for number in (20, 3, 100)]
        targets = []
        for number, place in enumerate(places):
            device = stack.enter_context(answering(says(mac(number)), place))
            targets.append(Target(place, device.port))
        found = discover(targets, timeout_s=LONG_S)
    assert [each.address for each in found] == ["127.0.0.3", "127.0.0.20", "127.0.0.100"]


def test_a_lost_probe_is_sent_again() -> None:
    lost = itertools.count()
    with answering(lambda probe: says(mac(1))(probe) if next(lost) >= 2 else ()) as device:
        found = discover(at(device), timeout_s=3, probes=3)
    assert [each.mac for each in found] == [mac(1)]
    assert len(device.probes) == 3


def test_who_has_answered_is_not_asked_again() -> None:
    with answering(says(mac(1))) as loud, answering(lambda _probe: ()) as quiet:
        discover(at(loud, quiet), timeout_s=3, probes=3)
    assert len(loud.probes) < len(quiet.probes) == 3


def test_looking_ends_when_all_single_addresses_have_answered() -> None:
    begun = time.monotonic()
    with answering(says(mac(1))) as one, answering(says(mac(2))) as two:
        found = discover(at(one, two), timeout_s=LONG_S)
    assert len(found) == 2
    assert time.monotonic() - begun < LONG_S / 2


def test_looking_ends_when_what_was_looked_for_is_there() -> None:
    with answering(says(mac(1))) as one, answering(lambda _probe: ()) as silent:
        found = discover(at(one, silent), timeout_s=LONG_S, until=lambda each: each.mac == mac(1))
    assert [each.mac for each in found] == [mac(1)]


def test_without_anybody_the_time_is_waited_out_and_nothing_found() -> None:
    begun = time.monotonic()
    with answering(lambda _probe: ()) as silent:
        assert discover(at(silent), timeout_s=SHORT_S) == []
    assert time.monotonic() - begun >= SHORT_S


def test_nobody_to_ask_takes_no_time() -> None:
    assert discover([], timeout_s=LONG_S) == []


def test_answers_that_come_several_times_count_once() -> None:
    with answering(lambda probe: [*says(mac(1))(probe)] * 5) as device:
        assert len(discover(at(device), timeout_s=LONG_S)) == 1


def test_of_two_addresses_the_later_counts() -> None:
    with answering(says(mac(1)), "127.0.0.9") as old, answering(says(mac(1)), "127.0.0.10") as new:
        places: list[str] = []
        targets = [Target("127.0.0.9", old.port), Target("127.0.0.10", new.port)]
        found = discover(targets, timeout_s=LONG_S, until=lambda each: bool(places.append(each.address)))
    assert set(places) == {"127.0.0.9", "127.0.0.10"}
    assert [each.address for each in found] == places[-1:]


def test_cameras_routers_and_noise_hide_no_device() -> None:
    noise = random.Random(7).randbytes
    camera = result_of(mac(9), device_type="SMART.IPCAMERA", encrypt_type=["3"], mgt_encrypt_schm={})
    router = {"device_type": "router", "mac": mac(8)}

    def everybody(probe: bytes) -> Iterable[bytes]:
        yield from (b"", noise(200), bytes(16) + b"[" * 5000, datagram(camera), datagram(router))
        yield from (datagram(result_of(mac(7)), error_code=-1), datagram(None), noise(60_000))
        yield from says(mac(1))(probe)

    with answering(everybody) as device:
        found = discover(at(device), timeout_s=LONG_S)
    assert [each.mac for each in found] == [mac(1)]


def test_a_flood_ends_in_time_and_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "MOST_DEVICES", 50)
    endless = lambda _probe: (datagram(result_of(mac(number % 65536))) for number in itertools.count())  # noqa: E731
    begun = time.monotonic()
    with answering(endless) as device:
        found = discover(at(device), timeout_s=SHORT_S)
    assert len(found) == 50
    assert time.monotonic() - begun < 20


def test_one_target_that_cannot_be_asked_does_not_stop_the_others() -> None:
    troubles = []
    foreign = Target("127.0.0.1", 9, source="203.0.113.77")  # no address of this machine: nothing can be sent from it
    with answering(says(mac(1))) as device:
        found = discover(
            [foreign, *at(device)], timeout_s=LONG_S, trouble=lambda target, why: troubles.append((target, why))
        )
    assert [each.mac for each in found] == [mac(1)]
    assert troubles == [(foreign, "cannot assign requested address")]


def test_a_network_that_is_away_for_a_moment_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = itertools.count()
    real = udp._Search._socket_for

    def at_first_not(search: udp._Search, target: Target) -> socket.socket:
        if target.address == "127.0.0.12" and next(fails) == 0:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return real(search, target)

    monkeypatch.setattr(udp._Search, "_socket_for", at_first_not)
    troubles: list[str] = []
    with answering(says(mac(1)), "127.0.0.12") as away, answering(lambda _probe: ()) as silent:
        found = discover(
            [Target("127.0.0.12", away.port), *at(silent)],
            timeout_s=3,
            until=lambda _found: True,
            trouble=lambda target, why: troubles.append(f"{target.address}: {why}"),
        )
    assert [each.mac for each in found] == [mac(1)]
    assert troubles == ["127.0.0.12: network is unreachable"]


def test_when_no_target_can_be_asked_nothing_is_waited_for() -> None:
    troubles = []
    foreign = Target("127.0.0.1", 9, source="203.0.113.77")
    assert discover([foreign], timeout_s=LONG_S, trouble=lambda *words: troubles.append(words)) == []
    assert len(troubles) == 1


def test_a_broadcast_reaches_everybody_at_its_port() -> None:
    everybody = "127.255.255.255"
    with answering(says(mac(1)), everybody) as one, answering(says(mac(2)), everybody, one.port) as two:
        found = discover([Target(everybody, one.port, source="127.0.0.1")], timeout_s=1.5, probes=2)
        assert one.sources[0] == two.sources[0] == "127.0.0.1"
    assert {each.mac for each in found} == {mac(1), mac(2)}
    assert len(one.probes) == 2  # a broadcast has never answered: it is sent again


def test_no_socket_is_left_open() -> None:
    with answering(says(mac(1))) as device:
        discover(at(device), timeout_s=LONG_S)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            discover(at(device), timeout_s=LONG_S, until=lambda _found: True)
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_device_with_an_ipv6_address_is_asked_there() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as there:
        try:
            there.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on this machine")
    with answering(says(mac(1)), "::1") as device:
        (found,) = discover([parse_target(f"[::1]:{device.port}")], timeout_s=LONG_S)
    assert found.host == "[::1]"


# One device


def test_who_knocks_is_answered_at_once() -> None:
    with answering(says(mac(1)), "127.0.0.11") as device:
        begun = time.monotonic()
        found = knock("127.0.0.11", device.port, wait_s=LONG_S)
        assert time.monotonic() - begun < LONG_S / 2
    assert found is not None
    assert found.mac == mac(1)


def test_who_knocks_in_vain_waits_no_longer_than_asked() -> None:
    with answering(lambda _probe: (), "127.0.0.11") as device:
        begun = time.monotonic()
        assert knock("127.0.0.11", device.port, wait_s=SHORT_S) is None
        assert time.monotonic() - begun >= SHORT_S
    assert len(device.probes) == 2


def test_nothing_is_sent_to_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    monkeypatch.setattr(socket, "socket", None)  # opening one would fail
    assert knock("nobody.invalid", wait_s=LONG_S) is None


def test_a_name_that_cannot_be_one_has_no_address() -> None:
    assert knock("a..b", wait_s=LONG_S) is None


# Where to ask


def adapters(**networks: str) -> list[ifaddr.Adapter]:
    """Return interfaces with one IPv4 address each, and an IPv6 address that is nobody's business here."""
    made = []
    for name, network in networks.items():
        address, _, prefix = network.partition("/")
        ips = [ifaddr.IP(address, int(prefix), name), ifaddr.IP(("fe80::1", 0, 2), 64, name)]
        made.append(ifaddr.Adapter(name, name, ips))
    return made


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a network at home, another beside it, a tunnel and loopback.  Nothing is sent to them here."""
    monkeypatch.delenv(udp.VARIABLE)
    own = adapters(lo="127.0.0.1/8", eth0="192.168.1.5/24", wlan0="10.1.2.3/16", tun0="10.8.0.2/32", p2p0="10.9.0.2/31")
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: own)


@pytest.mark.usefixtures("house")
def test_a_house_is_asked_through_the_broadcast_of_each_network() -> None:
    assert house_targets() == [
        Target("192.168.1.255", None, "192.168.1.5"),
        Target("10.1.255.255", None, "10.1.2.3"),
    ]


@pytest.mark.usefixtures("house")
def test_one_interface_may_be_named_or_its_address() -> None:
    assert house_targets(["wlan0"]) == house_targets(["10.1.2.3"]) == [Target("10.1.255.255", None, "10.1.2.3")]
    assert house_targets(["lo"]) == [Target("127.255.255.255", None, "127.0.0.1")]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "eth9",
            "there is no interface 'eth9' with an IPv4 address; there are: lo (127.0.0.1), eth0 (192.168.1.5), "
            "wlan0 (10.1.2.3), tun0 (10.8.0.2), p2p0 (10.9.0.2)",
        ),
        ("tun0", "interface 'tun0' leads to one other machine only: name a device's address instead"),
        ("p2p0", "interface 'p2p0' leads to one other machine only: name a device's address instead"),
    ],
)
def test_an_interface_that_reaches_nobody_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        house_targets([name])
    assert str(problem.value) == text


@pytest.mark.usefixtures("house")
def test_the_network_around_one_device_is_asked_too_but_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[Target]] = []

    def remember(targets: Iterable[Target], **_: object) -> list[object]:
        asked.append(list(targets))
        return []

    monkeypatch.setattr(udp, "discover", remember)
    for address in ("192.168.1.31", "192.168.7.31", "127.0.0.1", "::1"):
        assert knock(address) is None
    assert asked == [
        [Target("192.168.1.31"), Target("192.168.1.255", None, "192.168.1.5")],
        [Target("192.168.7.31")],
        [Target("127.0.0.1")],
        [Target("::1")],
    ]
    monkeypatch.setenv(udp.VARIABLE, "127.0.0.1")
    knock("192.168.1.31")
    assert asked[-1] == [Target("192.168.1.31")]


def test_the_variable_says_where_to_ask_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    assert house_targets() == [Target("127.0.0.1")]  # conftest.py sees to that for all tests
    monkeypatch.setenv(udp.VARIABLE, "127.0.0.2:30002, 127.255.255.255")
    assert house_targets() == [Target("127.0.0.2", 30002), Target("127.255.255.255")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "127.0.0.1,,127.0.0.2",
            "TAPO_AUTOMATE_DISCOVERY has an empty entry: write ADDRESS[:PORT], with commas between several",
        ),
        ("", "TAPO_AUTOMATE_DISCOVERY has an empty entry: write ADDRESS[:PORT], with commas between several"),
        (
            "127.0.0.1:0",
            "TAPO_AUTOMATE_DISCOVERY: '127.0.0.1:0' is no place to look for devices at: write an address or a name, "
            "and a UDP port from 1 to 65535 where it is not 20002 or 20004: 192.168.1.31, 192.168.1.31:30002",
        ),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, value: str, text: str) -> None:
    monkeypatch.setenv(udp.VARIABLE, value)
    with pytest.raises(ConfigError) as problem:
        house_targets()
    assert str(problem.value) == text


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1", Target("127.0.0.1")),
        ("127.0.0.1:80", Target("127.0.0.1", 80)),
        ("::1", Target("::1")),
        ("fe80::80", Target("fe80::80")),  # whose end is no port
        ("[::1]", Target("::1")),
        ("[::1]:80", Target("::1", 80)),
    ],
)
def test_targets_as_people_write_them(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:udp", "[::1", "a b", "http://x/"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        parse_target(text)
    assert str(problem.value) == (
        f"{text!r} is no place to look for devices at: write an address or a name, and a UDP port from 1 to 65535 "
        "where it is not 20002 or 20004: 192.168.1.31, 192.168.1.31:30002"
    )


def test_a_target_whose_name_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(ConfigError) as problem:
        parse_target("plug.invalid:30002")
    assert str(problem.value) == (
        "'plug.invalid:30002' is no place to look for devices at: there is no address for this name"
    )


def test_the_key_is_made_once() -> None:
    udp._public_key.cache_clear()
    with answering(says(mac(1))) as device:
        discover(at(device), timeout_s=LONG_S)
        discover(at(device), timeout_s=LONG_S)
    assert udp._public_key.cache_info().misses == 1


def test_targets_are_written_as_they_are_read() -> None:
    for text in ("127.0.0.1", "127.0.0.1:30002", "::1", "[::1]:30002"):
        assert str(parse_target(text)) == text
