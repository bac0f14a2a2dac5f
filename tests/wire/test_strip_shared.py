"""What the sockets of one strip share: its session, and the lists of what it is made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tapo_automate.device import DeviceSpec
from tapo_automate.errors import ConfigError, DeviceError, Unreachable
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.client import Client
from tapo_automate.wire.shared import Lease, Leases
from tapo_automate.wire.strip import Socket
from wire.peers import ACCOUNT
from wire.test_strip import Strip


class TestLists:
    def test_the_lists_are_asked_for_once_for_all_sockets(self) -> None:
        strip = Strip("Lamp", "TV", "Kettle")
        sockets = [strip.open(name) for name in ("1", "tv", "3")]
        for socket in sockets * 2:
            socket.describe()
            socket.state()
        lists = ("get_child_device_list", "get_child_device_component_list")
        assert [strip.done.count(method) for method in lists] == [1, 1]

    def test_also_when_all_ask_at_once(self) -> None:
        strip = Strip("Lamp", "TV", "Kettle")
        sockets = [strip.open(name) for name in ("1", "2", "3")]  # one that is gone would take the lists along
        with ThreadPoolExecutor(3) as pool:
            assert [state.on for state in pool.map(lambda socket: socket.state(), sockets)] == [False] * 3
        assert strip.done.count("get_child_device_list") == 1

    def test_shares_of_one_client_share_them(self) -> None:
        strip = Strip("Lamp", "TV")

        class Share(Lease):
            @property
            def whole(self) -> object:
                return self._shared.client

        leases = [Leases().lease("s", ACCOUNT, strip.client)] * 2
        devices = [
            SmartDevice(Socket(Share(lease._shared), wanted)) for lease, wanted in zip(leases, ("1", "2"), strict=True)
        ]
        for device in devices:
            device.state()
        assert strip.done.count("get_child_device_list") == 1

    def test_they_are_forgotten_when_the_last_socket_is_closed(self) -> None:
        strip = Strip("Lamp", "TV")
        first, second = strip.open("1"), strip.open("2")
        first.state(), second.state()
        first.close()
        first.state()
        assert strip.done.count("get_child_device_list") == 1, "the other one still uses them"
        first.close()
        second.close()
        first.state()
        assert strip.done.count("get_child_device_list") == 2

    def test_one_socket_that_finds_them_outdated_reads_them_for_all(self) -> None:
        strip = Strip("Lamp", "TV")
        first, second = strip.open("lamp"), strip.open("tv")
        first.state(), second.state()
        strip.sockets = {"OTHER0": strip.sockets["CHILD0"], "OTHER1": strip.sockets["CHILD1"]}
        for entry, component in zip(strip.entries, strip.components, strict=True):
            entry["device_id"] = component["device_id"] = entry["device_id"].replace("CHILD", "OTHER")
        first.state(), second.state()
        assert strip.done.count("get_child_device_list") == 2


class TestSharing:
    def test_the_sockets_of_a_strip_share_one_session(self) -> None:
        strip = Strip("Lamp", "TV")
        leases = Leases()
        sockets = [
            SmartDevice(Socket(leases.lease(host, ACCOUNT, strip.client), name))
            for host, name in [("s", "1"), (" S", "2")]
        ]
        whole = SmartDevice(leases.lease("s", ACCOUNT, strip.client))
        for device in sockets:
            device.state()
        assert whole.describe().model == "P110"
        assert strip.handshakes == 1
        sockets[0].close()
        sockets[0].close()
        sockets[1].state()
        assert strip.handshakes == 1, "another still uses it"
        sockets[1].close()
        whole.close()
        sockets[0].state()
        assert strip.handshakes == 2, "the last one let go of it, and it can be used again"

    def test_other_credentials_are_another_session(self) -> None:
        made: list[Client] = []

        def connect() -> Client:
            made.append(Strip("Lamp").client())
            return made[-1]

        leases = Leases()
        held = [leases.lease(host, whose, connect) for host, whose in [("s", ACCOUNT), ("s", None), ("t", ACCOUNT)]]
        assert len(made) == len(held) == 3

    def test_an_address_that_is_none_is_refused_and_nothing_is_kept(self) -> None:
        from tapo_automate.wire import open_device

        for _ in range(2):
            with pytest.raises(ConfigError):
                open_device(DeviceSpec("strip/1", "tapo-plug", "http://x", socket="1"), ACCOUNT)

    def test_a_failure_names_the_host_and_says_whether_it_logged_in(self) -> None:
        strip = Strip("Lamp")
        strip.faults = [Unreachable("10.0.0.5", "no answer within 8 s")]
        with pytest.raises(DeviceError) as raised:
            strip.open("1").state()
        assert raised.value.after_login
