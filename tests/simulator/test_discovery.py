"""Devices that are looked for over UDP: what they hear, what they answer, and where."""

import json
import socket
import struct
from hashlib import md5
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from simulator.seeking import ACCOUNT, OLD_PROBE, OWNER, VECTOR, Seeker, probe
from simulator.speaking import USER, Klap
from simulator.test_command import lines_of, refused, running
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.fleet_file import Wish, of_profiles, read_fleet, start


def test_the_two_vectors_of_the_protocol_are_answered(found: Device, seeker: Seeker) -> None:
    assert probe() == VECTOR
    for datagram, serial in ((VECTOR, 0x01020304), (OLD_PROBE, 0)):
        answer = seeker.only(found.discovery, datagram)
        version, kind, operation, size, flags, filler, told, crc = struct.unpack(">BBHHBBII", answer.datagram[:16])
        assert (version, kind, operation, size) == (2, 0, 1, len(answer.datagram) - 16)
        assert (flags, filler, told) == (0x22, 0x01, serial)
        assert crc == crc32(answer.datagram[:12] + b"\x5a\x6b\x7c\x8d" + answer.datagram[16:])
        assert answer.body == {"error_code": 0, "result": found.announcement}
        assert "{}:{}".format(*answer.peer) == found.discovery
    assert found.probes == 2


UNHEARD = {
    "nothing": (b"", "0 bytes are no header"),
    "half a header": (OLD_PROBE[:15], "15 bytes are no header"),
    "another version": (probe(version=1), "version is 1, expected 2"),
    "another type": (probe(kind=1), "message type is 1, expected 0"),
    "another operation": (probe(operation=2), "operation is 2, expected 1"),
    "too long a length": (probe(size=30), "length is 30, expected 29"),
    "too short a length": (probe(size=28), "length is 28, expected 29"),
    "padding": (probe(filler=1), "padding is 1, expected 0"),
    "a wrong CRC": (probe(crc=7), "CRC is 7, expected 238155925"),
    "flags without a body": (probe(b""), "the body is no JSON"),
    "a body without flags": (probe(flags=0), "flags are 0 with 29 bytes of body"),
    "flags of an answer": (probe(flags=0x22), "flags are 34 with 29 bytes of body"),
    "no JSON": (probe(b"{'params'}"), "the body is no JSON"),
    "no UTF-8": (probe(b"\xff\xfe"), "the body is no JSON"),
    "a list": (probe(b"[]"), "the body has no params.rsa_key"),
    "no key": (probe(b'{"params":{}}'), "the body has no params.rsa_key"),
    "too much": (probe(b'{"params":{"rsa_key":"' + b"A" * 2020 + b'"}}'), "2049 bytes are too many"),
    "the older Kasa dialect": (bytes.fromhex("d0f281f88bff9af7d5ef94b6d1b4c09fec95e68fe187e8caf08bf68bf6"), None),
}


@pytest.mark.parametrize(("datagram", "reason"), UNHEARD.values(), ids=UNHEARD)
def test_what_no_device_answers_gets_nothing(
    found: Device, seeker: Seeker, datagram: bytes, reason: str | None
) -> None:
    seeker.ask(found.discovery, datagram)
    seeker.ask(found.discovery, probe(serial=99))
    (answer,) = seeker.hear(1)
    assert answer.datagram[8:12] == (99).to_bytes(4, "big"), "the first that is heard answers the second that was sent"
    assert found.probes == 1
    (told,) = found.refusals
    assert told.startswith("probe from 127.0.0.1:")
    assert told.endswith(reason or "expected 2")


def test_what_a_fresh_device_announces(house: Fleet) -> None:
    plug = house.add("P110", mac="02-5a-00-00-00-77", **OWNER)
    told = plug.announcement
    assert told == {
        "device_id": md5(plug.device_id.encode()).hexdigest(),
        "owner": md5(USER.encode()).hexdigest().upper(),
        "device_type": "SMART.TAPOPLUG",
        "device_model": "P110(EU)",
        "ip": "127.0.0.1",
        "mac": "02-5A-00-00-00-77",
        "is_support_iot_cloud": True,
        "obd_src": "tplink",
        "factory_default": False,
        "mgt_encrypt_schm": {
            "is_support_https": False, "encrypt_type": "KLAP", "http_port": plug.port, "lv": 2,
        },
    }  # fmt: skip
    assert len(told["device_id"]) == 32
    assert len(plug.device_id) == 40


def test_the_announcement_follows_the_device(house: Fleet, seeker: Seeker) -> None:
    plug = house.add("P110", transport="aes-v1", **OWNER)

    def told() -> dict[str, Any]:
        answer = seeker.only(plug.discovery).result
        assert isinstance(answer, dict)
        return answer

    def scheme() -> dict[str, Any]:
        return {key: value for key, value in told()["mgt_encrypt_schm"].items() if key != "is_support_https"}

    assert scheme() == {"encrypt_type": "AES", "http_port": plug.port}
    plug.update_firmware("klap")
    assert scheme() == {"encrypt_type": "KLAP", "http_port": plug.port, "lv": 2}
    assert "tpap_preferred" not in told()
    plug.set_third_party_compatibility(False)
    assert scheme() == {"encrypt_type": "TPAP", "http_port": plug.port, "lv": 2}
    assert told()["tpap_preferred"] is True
    assert told()["tpap"]["port"] == plug.port
    plug.set_third_party_compatibility(True)
    assert scheme()["encrypt_type"] == "KLAP"
    assert (told()["tpap_preferred"], told()["protocol_version"]) == (False, 1)
    assert "tpap" not in told()
    plug.set_credentials("someone.else@example.com", "pw")
    assert told()["owner"] == md5(b"someone.else@example.com").hexdigest().upper()


def test_a_reset_device_belongs_to_nobody(found: Device, seeker: Seeker) -> None:
    assert Klap(found).log_in().call("device_reset") == {"error_code": 0}
    told = seeker.only(found.discovery).result
    assert (told["owner"], told["factory_default"]) == ("", True)


def test_a_device_announces_what_it_is_told_to(found: Device, seeker: Seeker) -> None:
    truth = found.announcement
    found.announce_as(device_type="SMART.TAPOHUB", mac="02-00-00-00-00-01", owner=None)
    told = seeker.only(found.discovery).result
    assert told == {key: value for key, value in truth.items() if key != "owner"} | {
        "device_type": "SMART.TAPOHUB",
        "mac": "02-00-00-00-00-01",
    }
    found.announce_as()
    assert seeker.only(found.discovery).result == truth


def test_devices_of_one_dump_are_told_apart(house: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "plug.json"
    announced = {"device_id": "0" * 32, "owner": "0" * 32, "device_model": "P110(UK)", "obd_src": "tplink"}
    scheme = {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2}
    dump = {
        "component_nego": {"component_list": [{"id": "device", "ver_code": 2}]},
        "discovery_result": {"error_code": 0, "result": announced | {"mgt_encrypt_schm": scheme}},
        "get_device_info": {"model": "P110", "type": "SMART.TAPOPLUG", "mac": "", "device_id": "", "ip": ""},
    }
    path.write_text(json.dumps(dump), encoding="utf-8")
    told = [house.add(path, **OWNER).announcement for _ in range(2)]
    assert len({each["device_id"] for each in told}) == 2
    assert {each["owner"] for each in told} == {md5(USER.encode()).hexdigest().upper()}
    assert [each["device_model"] for each in told] == ["P110(UK)"] * 2


def test_several_devices_answer_from_one_port(house: Fleet, seeker: Seeker) -> None:
    devices = [house.add(name, **OWNER) for name in ("P110", "L530", "P300")]
    assert {device.discovery for device in devices} == {house.discovery}
    seeker.ask(house.discovery)
    answers = seeker.hear(3)
    assert [answer.result["mac"] for answer in answers] == [device.mac for device in devices]
    assert {"{}:{}".format(*answer.peer) for answer in answers} == {house.discovery}
    assert seeker.hears_nothing()


def test_a_broadcast_on_loopback_is_answered_by_each_from_its_own_address(fleet: Fleet, seeker: Seeker) -> None:
    first = fleet.add("P110", host="127.0.0.2", discovery=0, **OWNER)
    port = (first.discovery or "").partition(":")[2]
    second = fleet.add("L530", host="127.0.0.3", discovery=int(port), **OWNER)
    third = fleet.add("L510", host="127.0.0.4", discovery=f"127.0.0.3:{port}", **OWNER)
    elsewhere = fleet.add("L510", host="127.0.0.5", discovery=0, **OWNER)
    assert fleet.discovery is None
    seeker.ask(f"127.255.255.255:{port}")
    answers = seeker.hear(3)
    assert {(answer.peer[0], answer.result["mac"]) for answer in answers} == {
        ("127.0.0.2", first.mac),
        ("127.0.0.3", second.mac),
        ("127.0.0.3", third.mac),
    }
    assert seeker.hears_nothing()
    assert elsewhere.probes == 0
    assert seeker.only(f"127.0.0.2:{port}").result["mac"] == first.mac


def test_two_fleets_hear_the_same_broadcast(seeker: Seeker) -> None:
    with Fleet(discovery=0) as one, Fleet() as other:
        first = one.add("P110", host="127.0.0.2", **OWNER)
        second = other.add("P110", host="127.0.0.3", discovery=int((first.discovery or "").partition(":")[2]), **OWNER)
        seeker.ask(f"127.255.255.255:{(first.discovery or '').partition(':')[2]}")
        assert {answer.result["mac"] for answer in seeker.hear(2)} == {first.mac, second.mac}


def test_a_device_that_was_not_told_to_hears_nothing(plug: Device) -> None:
    assert plug.discovery is None
    assert plug.announcement["mac"] == plug.mac, "and yet says what it would answer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "discovery '': expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002"),
        ("here", "discovery 'here': expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002"),
        ("127.0.0.1:", "discovery '127.0.0.1:': expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002"),
        (65_536, "discovery 65536: expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002"),
        ("a..b:1", "cannot hear probes on a..b: no such address"),
    ],
)
def test_an_address_that_is_none_is_refused(fleet: Fleet, text: str | int, message: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        Fleet(discovery=text)
    assert str(caught.value) == message
    with pytest.raises(SimulatorError) as caught:
        fleet.add("P110", discovery=text, **OWNER)
    assert str(caught.value) == message
    assert fleet.devices == ()


def test_a_port_that_is_taken_is_refused_and_no_door_is_left_open(fleet: Fleet) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, socket.socket() as door:
        other.bind(("127.0.0.1", 0))
        where = "{}:{}".format(*other.getsockname())
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        door.close()
        with pytest.raises(SimulatorError) as caught:
            fleet.add("P110", port=port, discovery=where, **OWNER)
        assert str(caught.value) == f"cannot hear probes on {where}: Address already in use"
    assert fleet.add("P110", port=port, discovery=where, **OWNER).discovery == where


def test_two_hundred_devices_behind_one_port_are_all_heard(house: Fleet, seeker: Seeker) -> None:
    devices = [
        device for wish in of_profiles(["P110", "L530"], Wish(**OWNER, count=100)) for device in start(house, wish)
    ]
    answers = seeker.all_of(house.discovery, 200)
    assert {answer.result["mac"] for answer in answers} == {device.mac for device in devices}


def test_two_hundred_devices_at_an_address_each_are_all_heard(fleet: Fleet, seeker: Seeker) -> None:
    first = fleet.add("P110", host="127.0.1.1", discovery=0, **OWNER)
    port = (first.discovery or "").partition(":")[2]
    start(
        fleet, Wish(**OWNER, profile="P110", host="127.0.1.2", count=199, spread=True, port=first.port, discovery=port)
    )
    answers = seeker.all_of(f"127.255.255.255:{port}", 200)
    assert {answer.peer[0] for answer in answers} == {device.host for device in fleet.devices}
    assert len({device.host for device in fleet.devices}) == 200


def test_a_fleet_file_says_where_devices_are_found(tmp_path: Path, seeker: Seeker) -> None:
    path = tmp_path / "house.toml"
    path.write_text(
        """
        [defaults]
        discovery = 0
        [[device]]
        profile = "P110"
        host = "127.0.0.2"
        count = 3
        spread = true
        [[device]]
        profile = "L530"
        discovery = "127.0.0.7:0"
        """,
        encoding="utf-8",
    )
    with Fleet() as fleet:
        devices = [device for wish in read_fleet(path, Wish(**OWNER)) for device in start(fleet, wish)]
        heard = [(device.host, (device.discovery or "").partition(":")[0]) for device in devices]
        assert heard == [
            ("127.0.0.2", "127.0.0.2"),
            ("127.0.0.3", "127.0.0.3"),
            ("127.0.0.4", "127.0.0.4"),
            ("127.0.0.1", "127.0.0.7"),
        ]
        for device in devices:
            assert seeker.only(device.discovery).result["mac"] == device.mac


def test_the_command_tells_where_devices_are_found(seeker: Seeker) -> None:
    with running("--profile", "P110", "--count", "2", "--discovery", "127.0.0.1:0", "--json", *ACCOUNT) as process:
        told = [json.loads(line) for line in lines_of(process, 2)]
        assert told[0]["discovery"] == told[1]["discovery"]
        seeker.ask(told[0]["discovery"])
        assert [answer.result["mac"] for answer in seeker.hear(2)] == [each["mac"] for each in told]
    with running(
        "--profile", "P110", "--profile", "L530", "--spread", "--host", "127.0.3.1", "--discovery", "0", *ACCOUNT
    ) as process:
        lines = [line.split() for line in lines_of(process, 2)]
        assert [line[0].partition(":")[0] for line in lines] == ["127.0.3.1", "127.0.3.2"]
        assert [line[-2] for line in lines] == ["discovery"] * 2
        for line in lines:
            assert seeker.only(line[-1]).result["mac"] == line[3]


def test_the_command_refuses_an_address_that_is_none() -> None:
    wrong = "discovery 'lo:20002x': expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002"
    assert refused("--profile", "P110", "--discovery", "lo:20002x", *ACCOUNT) == f"Error: {wrong}"


def test_spread_devices_follow_one_another_also_over_profiles() -> None:
    wishes = of_profiles(["P110", "L530"], Wish(**OWNER, host="127.0.0.254", port=80, count=2, spread=True))
    assert [(wish.host, wish.port) for wish in wishes] == [("127.0.0.254", 80), ("127.0.1.0", 80)]
    with Fleet() as fleet, pytest.raises(SimulatorError) as caught:
        start(fleet, Wish(**OWNER, profile="P110", host="localhost", spread=True))
    assert str(caught.value).startswith("cannot spread devices from localhost on: ")
