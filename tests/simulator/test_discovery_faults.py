"""What goes wrong with discovery on purpose."""

import base64
import json
import socket
import time
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.seeking import OWNER, VECTOR, Seeker, faulty, probe, wait_until
from simulator.speaking import cbc
from tapo_automate.simulator import Device, Fleet, SimulatorError


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
