"""Devices that are looked for over UDP: what they hear, what they answer, where they are, and when they sleep.

The probes are written here from the protocol's text; the vectors are those of docs/protocol.md.
"""

import base64
import json
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.speaking import PASSWORD, USER, Clock, Klap, cbc
from simulator.test_command import lines_of, refused, running
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.fleet_file import Wish, of_profiles, read_fleet, start
from tapo_automate.simulator.models import MODELS

Add = Callable[..., Device]
OWNER = {"username": USER, "password": PASSWORD}
OLD_PROBE = bytes.fromhex("020000010000000000000000463cb5d3")
VECTOR = bytes.fromhex("02000001001d1100010203040e31f8957b22706172616d73223a7b227273615f6b6579223a2254455354227d7d")
ACCOUNT = ("--username", USER, "--password", PASSWORD)
FOLDER = os.environ.get("TAPO_FIXTURES")
DUMPS = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []
SILENCE_S = 0.3
PATIENCE_S = 10.0


def probe(
    body: bytes = b'{"params":{"rsa_key":"TEST"}}',
    *,
    version: int = 2,
    kind: int = 0,
    operation: int = 1,
    size: int | None = None,
    flags: int = 0x11,
    filler: int = 0,
    serial: int = 0x01020304,
    crc: int | None = None,
) -> bytes:
    def head(checksum: int) -> bytes:
        length = len(body) if size is None else size
        return struct.pack(">BBHHBBII", version, kind, operation, length, flags, filler, serial, checksum)

    return head(crc32(head(0x5A6B7C8D) + body) if crc is None else crc) + body


@dataclass(frozen=True)
class Heard:
    datagram: bytes
    peer: tuple[str, int]

    @property
    def body(self) -> Any:
        return json.loads(self.datagram[16:])

    @property
    def result(self) -> Any:
        return self.body["result"]


class Seeker:
    """Looks for devices and listens."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def ask(self, where: str | None, datagram: bytes = OLD_PROBE) -> None:
        assert where is not None
        host, _, port = where.partition(":")
        assert host.startswith("127.")
        self.socket.sendto(datagram, (host, int(port)))

    def hear(self, count: int) -> list[Heard]:
        """Return so many answers, or those that came in ten seconds."""
        found: list[Heard] = []
        until = time.monotonic() + PATIENCE_S
        while len(found) < count and (left_s := until - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left_s)[0]:
                found.append(Heard(*self.socket.recvfrom(65_536)))
        return found

    def only(self, where: str | None, datagram: bytes = OLD_PROBE) -> Heard:
        """Return the answer, of which there must be one."""
        self.ask(where, datagram)
        (answer,) = self.hear(1)
        return answer

    def all_of(self, where: str | None, count: int) -> list[Heard]:
        """Return the answers of so many devices; asks up to three times, as clients do, for a machine may be busy."""
        found: dict[str, Heard] = {}
        for _ in range(3):
            self.ask(where)
            while len(found) < count and select.select([self.socket], [], [], 1.0)[0]:
                answer = Heard(*self.socket.recvfrom(65_536))
                found[answer.result["mac"]] = answer
            if len(found) == count:
                break
        return list(found.values())

    def hears_nothing(self) -> bool:
        return not select.select([self.socket], [], [], SILENCE_S)[0]


@pytest.fixture
def seeker() -> Iterator[Seeker]:
    seeker = Seeker()
    yield seeker
    seeker.socket.close()


@pytest.fixture
def house() -> Iterator[Fleet]:
    """A fleet that hears probes at one port."""
    with Fleet(discovery="127.0.0.1:0") as house:
        yield house


@pytest.fixture
def found(house: Fleet) -> Device:
    return house.add("P110", **OWNER)


def is_refused(device: Device) -> bool:
    try:
        socket.create_connection((device.host, device.port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


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


def faulty(house: Fleet, faults: str) -> Device:
    return house.add("P110", faults=faults, seed=3, **OWNER)


def test_a_probe_or_its_answer_gets_lost_as_often_as_asked(house: Fleet, seeker: Seeker) -> None:
    device = faulty(house, "probe-lost=2x,answer-lost=once")
    for _ in range(3):
        seeker.ask(device.discovery)
    assert seeker.hears_nothing()
    assert seeker.only(device.discovery).result["mac"] == device.mac
    assert device.probes == 2


def test_a_share_of_answers_gets_lost(house: Fleet, seeker: Seeker) -> None:
    device = faulty(house, "answer-lost=0.5")
    for _ in range(60):
        seeker.ask(device.discovery)
    wait_until(lambda: device.probes == 60)
    time.sleep(0.1)
    count = 0
    with suppress(BlockingIOError):
        while True:
            seeker.socket.recv(4096, socket.MSG_DONTWAIT)
            count += 1
    assert 15 <= count <= 45  # seed 3


def test_an_answer_comes_twice_late_or_as_nonsense(house: Fleet, seeker: Seeker) -> None:
    device = faulty(house, "answer-twice=once")
    seeker.ask(device.discovery)
    first, second = seeker.hear(2)
    assert first == second
    assert seeker.hears_nothing()

    device.set_faults("answer-late=0.4@once")
    began = time.monotonic()
    seeker.only(device.discovery)
    assert time.monotonic() - began >= 0.4

    device.set_faults("answer-garbage=once")
    assert seeker.only(device.discovery).datagram[:2] != b"\x02\x00"

    device.set_faults("answer-cut=once")
    answer = seeker.only(device.discovery)
    assert int.from_bytes(answer.datagram[4:6], "big") == len(answer.datagram) - 16
    with pytest.raises(json.JSONDecodeError):
        assert answer.body
    assert seeker.only(device.discovery).result["mac"] == device.mac


def test_others_answer_from_the_same_port(house: Fleet, seeker: Seeker) -> None:
    device = faulty(house, "router-beside=once,camera-beside=once,others-beside=once")
    seeker.ask(device.discovery)
    answers = seeker.hear(6)
    told = [(answer.result["device_type"], "mgt_encrypt_schm" in answer.result) for answer in answers]
    assert told == [
        ("ROUTER", False),
        ("SMART.IPCAMERA", True),
        ("SMART.TAPOHUB", True),
        ("SMART.TAPOROBOVAC", True),
        ("IOT.SMARTPLUGSWITCH", True),
        ("SMART.TAPOPLUG", True),
    ]
    assert {"{}:{}".format(*answer.peer) for answer in answers} == {device.discovery}
    assert seeker.only(device.discovery).result["mac"] == device.mac


@pytest.mark.parametrize("form", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
def test_a_camera_seals_its_particulars_with_the_key_of_the_probe(
    house: Fleet, seeker: Seeker, form: PublicFormat
) -> None:
    device = faulty(house, "camera-beside")
    own = rsa.generate_private_key(65537, 1024)
    key = own.public_key().public_bytes(Encoding.PEM, form).decode()
    seeker.ask(device.discovery, probe(json.dumps({"params": {"rsa_key": key}}).encode()))
    camera, plug = seeker.hear(2)
    assert plug.result["mac"] == device.mac
    assert camera.result["encrypt_type"] == ["3"]
    assert camera.result["mgt_encrypt_schm"] == {"is_support_https": True}
    sealed = camera.result["encrypt_info"]
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    secret = own.decrypt(base64.b64decode(sealed["key"]), oaep)
    text = cbc(secret[:16], secret[16:], base64.b64decode(sealed["data"]), encrypt=False)
    assert json.loads(text[: -text[-1]])["device_id"] == camera.result["device_id"]
    assert len(camera.datagram) > 512
    seeker.ask(device.discovery, VECTOR)
    assert "encrypt_info" not in seeker.hear(2)[0].result


@pytest.mark.parametrize("faults", ["offline", "offline=0+600"])
def test_a_device_that_is_away_hears_no_probe(house: Fleet, seeker: Seeker, faults: str) -> None:
    device = faulty(house, faults)
    seeker.ask(device.discovery)
    assert seeker.hears_nothing()
    device.set_faults("")
    assert seeker.only(device.discovery).result["mac"] == device.mac
    assert device.probes == 1


def test_a_device_in_another_network_hears_no_probe(found: Device, seeker: Seeker) -> None:
    found.set_network(joined=False)
    seeker.ask(found.discovery)
    assert seeker.hears_nothing()
    found.set_network(joined=True)
    assert seeker.only(found.discovery).result["mac"] == found.mac


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asleep=soon", "fault 'asleep=soon': asleep wants seconds, such as asleep=0.2 or asleep=0.025..0.055"),
        ("asleep.request", "fault 'asleep.request': unknown stage 'request'; stages: none for this fault"),
        ("answer-lost.any", "fault 'answer-lost.any': unknown stage 'any'; stages: none for this fault"),
        (
            "answer-late",
            "fault 'answer-late': answer-late wants seconds, such as answer-late=0.2 or answer-late=0.025..0.055",
        ),
        ("answer-lots", "unknown fault 'answer-lots'; did you mean 'answer-lost'?"),
    ],
)  # fmt: skip
def test_faults_that_are_none_are_refused(fleet: Fleet, text: str, message: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        fleet.add("P110", faults=text, **OWNER)
    assert str(caught.value) == message


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


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_dump_is_announced_as_the_real_device_was(fleet: Fleet, path: Path) -> None:
    real = json.loads(path.read_text(encoding="utf-8"))["discovery_result"]["result"]
    told = fleet.add(path, discovery=0, **OWNER).announcement
    real["mgt_encrypt_schm"].pop("http_port")
    told["mgt_encrypt_schm"].pop("http_port")
    # Of no use in a dump, for its maker has blanked them; and whose it was, for here it has an owner.
    own = ("device_id", "owner", "ip", "mac", "factory_default")
    assert told.keys() == real.keys()
    assert [len(told[key]) for key in ("device_id", "owner")] == [32, 32]
    assert told["factory_default"] is False
    assert {key: told[key] for key in told if key not in own} == {key: real[key] for key in real if key not in own}


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
def test_built_in_devices_announce_what_real_ones_of_their_firmware_do(fleet: Fleet) -> None:
    compared = 0
    for path in DUMPS:
        dump = json.loads(path.read_text(encoding="utf-8"))
        real, info = dump["discovery_result"]["result"], dump["get_device_info"]
        name = info["model"].removesuffix("A").removesuffix("B").removesuffix("E").partition("-")[0]
        for model in (model for model in MODELS if model.name == name):
            for transport, firmware in model.firmware.items():
                if firmware.version.split()[0] == info["fw_ver"].split()[0]:
                    device = fleet.add(name, transport=transport, **OWNER)
                    if transport == "tpap":
                        device.set_third_party_compatibility(True)
                    told = device.announcement
                    assert told.keys() - {"protocol_version"} == real.keys() - {"protocol_version"}, path
                    assert told["mgt_encrypt_schm"].keys() == real["mgt_encrypt_schm"].keys(), path
                    compared += 1
    assert compared >= 8


def test_spread_devices_follow_one_another_also_over_profiles() -> None:
    wishes = of_profiles(["P110", "L530"], Wish(**OWNER, host="127.0.0.254", port=80, count=2, spread=True))
    assert [(wish.host, wish.port) for wish in wishes] == [("127.0.0.254", 80), ("127.0.1.0", 80)]
    with Fleet() as fleet, pytest.raises(SimulatorError) as caught:
        start(fleet, Wish(**OWNER, profile="P110", host="localhost", spread=True))
    assert str(caught.value).startswith("cannot spread devices from localhost on: ")
