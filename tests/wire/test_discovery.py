"""Discovery datagrams, against the vectors of docs/protocol.md, "Discovery"."""

from __future__ import annotations

import json
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_dumps import DUMPS, said_at_discovery
from tapo_automate.wire.discovery import Found, probe, read_answer, read_found, read_header

PROBE = bytes.fromhex("02000001001d1100010203040e31f8957b22706172616d73223a7b227273615f6b6579223a2254455354227d7d")
OLD_PROBE = bytes.fromhex("020000010000000000000000463cb5d3")

# The shape of a P110's answer; names and numbers are made up.
ANSWER = {
    "error_code": 0,
    "result": {
        "device_id": "0" * 32,
        "owner": "F" * 32,
        "device_type": "SMART.TAPOPLUG",
        "device_model": "P110(UK)",
        "ip": "192.168.1.10",
        "mac": "48-22-54-AA-BB-CC",
        "mgt_encrypt_schm": {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2},
    },
}


def test_a_probe_is_as_published() -> None:
    assert probe("TEST", 0x01020304) == PROBE


def test_headers_of_both_published_probes_are_sound() -> None:
    header = read_header(PROBE)
    assert header is not None
    assert (header.version, header.message, header.op, header.length, header.flags) == (2, 0, 1, 29, 17)
    assert header.serial == 0x01020304
    assert header.sound
    old = read_header(OLD_PROBE)
    assert old is not None
    assert old.sound


def test_a_changed_byte_makes_a_header_unsound() -> None:
    changed = read_header(PROBE[:-1] + b"?")
    assert changed is not None
    assert not changed.sound


def test_a_devices_answer_is_read_whatever_its_header_holds() -> None:
    found = read_answer(bytes(16) + json.dumps(ANSWER).encode())
    assert found is not None
    assert found["mac"] == "48-22-54-AA-BB-CC"


def test_what_is_no_device_is_passed_over() -> None:
    router = {"error_code": 0, "result": {"device_type": "router"}}
    refusal = ANSWER | {"error_code": -1}
    for answer in (router, refusal, {}, [], 7):
        assert read_answer(bytes(16) + json.dumps(answer).encode()) is None
    assert read_answer(b"") is None


@given(st.binary(max_size=100))
def test_random_datagrams_raise_nothing(datagram: bytes) -> None:
    read_header(datagram)
    assert read_answer(datagram) is None
    assert read_found(datagram, "127.0.0.1") is None


def found_of(answer: Any, address: str = "192.168.1.10") -> Found | None:
    return read_found(bytes(16) + json.dumps(answer).encode(), address)


def changed(**more: Any) -> dict[str, Any]:
    """Return a P110's answer with other values in its result; ... takes a key out."""
    result = {**RESULT, **more}
    return {"error_code": 0, "result": {key: value for key, value in result.items() if value is not ...}}


def scheme(**more: Any) -> dict[str, Any]:
    """Return a P110's answer with other values in its `mgt_encrypt_schm`."""
    words = {**RESULT["mgt_encrypt_schm"], **more}
    return changed(mgt_encrypt_schm={key: value for key, value in words.items() if value is not ...})


RESULT: dict[str, Any] = ANSWER["result"]  # type: ignore[assignment]


def test_a_plug_is_found_with_all_that_it_says() -> None:
    assert found_of(ANSWER) == Found(
        mac="48-22-54-AA-BB-CC",
        address="192.168.1.10",
        port=80,
        tls=False,
        model="P110",
        device_model="P110(UK)",
        device_type="SMART.TAPOPLUG",
        transport="klap",
        owner="F" * 32,
        factory_default=False,
        firmware=None,
    )


def test_the_owner_is_not_shown() -> None:
    assert "FFFF" not in repr(found_of(ANSWER))


def test_the_address_is_where_the_answer_came_from_and_not_what_it_claims() -> None:
    found = found_of(ANSWER, "10.0.0.7")
    assert found is not None
    assert found.host == "10.0.0.7"


@pytest.mark.parametrize(
    ("address", "port", "host"),
    [
        ("192.168.1.10", 80, "192.168.1.10"),
        ("192.168.1.10", 8080, "192.168.1.10:8080"),
        ("::1", 80, "[::1]"),
        ("::1", 4433, "[::1]:4433"),
    ],
)
def test_a_host_is_as_a_rule_file_has_it(address: str, port: int, host: str) -> None:
    found = found_of(scheme(http_port=port), address)
    assert found is not None
    assert (found.host, found.port) == (host, port)


@pytest.mark.parametrize(
    ("answer", "transport"),
    [
        (scheme(encrypt_type="AES"), "aes"),
        (scheme(encrypt_type="KLAP"), "klap"),
        (scheme(encrypt_type="TPAP", tpap={"tls": 2, "port": 4433}), "tpap"),
        (changed(tpap_preferred=False), "klap"),
        (changed(tpap_preferred=True), "tpap"),
        (scheme(encrypt_type=...), ""),
        (scheme(encrypt_type="SOMETHING"), ""),
        (scheme(encrypt_type=["3"]), ""),
    ],
)
def test_the_protocol_is_the_announced_one(answer: Any, transport: str) -> None:
    found = found_of(answer)
    assert found is not None
    assert found.transport == transport


@pytest.mark.parametrize(
    ("answer", "port", "tls"),
    [
        (scheme(is_support_https=True, http_port=4433), 4433, True),
        (scheme(is_support_https=True, http_port=...), 443, True),
        (scheme(http_port=...), 80, False),
        (scheme(is_support_https=...), 80, False),
    ],
)
def test_the_web_server_is_where_the_answer_says(answer: Any, port: int, tls: bool) -> None:
    found = found_of(answer)
    assert found is not None
    assert (found.port, found.tls) == (port, tls)


@pytest.mark.parametrize(
    "mac", ["48-22-54-aa-bb-cc", "48:22:54:AA:BB:CC", "482254AABBCC", "4822.54aa.bbcc", "48-22-54-AA-BB-CC"]
)
def test_a_mac_is_read_however_it_is_written(mac: str) -> None:
    found = found_of(changed(mac=mac))
    assert found is not None
    assert found.mac == "48-22-54-AA-BB-CC"


@pytest.mark.parametrize("said", ["P110(UK)", "P110", "P110 (UK)"])
def test_a_model_is_named_without_its_region(said: str) -> None:
    found = found_of(changed(device_model=said))
    assert found is not None
    assert (found.model, found.device_model) == ("P110", said)


def test_an_owner_is_known_by_the_e_mail_as_it_is_spelt() -> None:
    found = found_of(changed(owner=md5(b"User@Example.com").hexdigest().upper()))
    assert found is not None
    assert found.owner_matches("User@Example.com") is True
    assert found.owner_matches("user@example.com") is False
    small = found_of(changed(owner=md5(b"User@Example.com").hexdigest()))
    assert small is not None
    assert small.owner_matches("User@Example.com") is True


@pytest.mark.parametrize("owner", ["", ..., None, 7, ["F" * 32]])
def test_a_device_that_names_no_owner_is_bound_to_none(owner: Any) -> None:
    found = found_of(changed(owner=owner, factory_default=True))
    assert found is not None
    assert found.factory_default
    assert found.owner_matches("User@Example.com") is None


def test_a_firmware_is_told_where_the_answer_has_it() -> None:
    for key in ("firmware_version", "fw_ver"):
        found = found_of(changed(**{key: "1.4.6 Build 250101"}))
        assert found is not None
        assert found.firmware == "1.4.6 Build 250101"


@pytest.mark.parametrize(
    "device_type", ["SMART.TAPOPLUG", "SMART.TAPOBULB", "SMART.TAPOSWITCH", "SMART.KASAPLUG", "SMART.KASASWITCH"]
)
def test_what_can_be_driven_is_found(device_type: str) -> None:
    assert found_of(changed(device_type=device_type)) is not None


@pytest.mark.parametrize(
    "device_type",
    [
        "SMART.TAPOHUB",
        "SMART.KASAHUB",
        "SMART.TAPOROBOVAC",
        "SMART.IPCAMERA",
        "SMART.TAPODOORBELL",
        "SMART.TAPOCHIME",
        "IOT.SMARTPLUGSWITCH",
        "smart.tapoplug",
        "",
        None,
        ["SMART.TAPOPLUG"],
    ],
)
def test_what_cannot_be_driven_is_passed_over(device_type: Any) -> None:
    assert found_of(changed(device_type=device_type)) is None


CAMERA = changed(
    device_type="SMART.IPCAMERA",
    device_model="C210",
    encrypt_type=["3"],
    encrypt_info={"sym_schm": "AES", "key": "x" * 344, "data": "y" * 800},
    mgt_encrypt_schm={"is_support_https": True},
)


@pytest.mark.parametrize(
    "answer",
    [
        CAMERA,
        {"error_code": 0, "result": {"device_type": "SMART.TAPOPLUG", "mac": "48-22-54-AA-BB-CC"}},  # as routers do
        {**ANSWER, "error_code": -1},
        {**ANSWER, "error_code": "none"},
        {**ANSWER, "result": [RESULT]},
        {"result": None},
        [ANSWER],
        changed(mac=...),
        changed(mac=None),
        changed(mac=482254),
        changed(mac=""),
        changed(mac="48-22-54-AA-BB"),
        changed(mac="48-22-54-AA-BB-CG"),
        changed(mac="00-00-00-00-00-00"),
        changed(mac="FF-FF-FF-FF-FF-FF"),
        changed(device_model=...),
        changed(device_model=""),
        changed(device_model=110),
        changed(device_model="P110\x1b[2J"),
        changed(device_model="P" * 65),
        changed(mgt_encrypt_schm="KLAP"),
        changed(mgt_encrypt_schm=None),
        scheme(http_port="80"),
        scheme(http_port=True),
        scheme(http_port=0),
        scheme(http_port=65536),
        scheme(http_port=80.5),
        scheme(http_port=None),
    ],
    ids=lambda answer: json.dumps(answer)[-60:],
)
def test_an_answer_that_no_device_of_ours_gives_is_passed_over(answer: Any) -> None:
    assert found_of(answer) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"error_code": ' + b"9" * 5000 + b"}",
        json.dumps(ANSWER).encode()[:-1],
        json.dumps(ANSWER).encode().replace(b"P110", b"P1\xff0"),
    ],
    ids=["nothing", "brackets", "wells", "long number", "cut off", "no UTF-8"],
)
def test_a_body_that_is_no_json_is_passed_over(body: bytes) -> None:
    assert read_found(bytes(16) + body, "127.0.0.1") is None
    assert read_found(body, "127.0.0.1") is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RESULT, "tpap_preferred", "fw_ver"]), VALUES), st.data())
def test_whatever_stands_in_an_answer_nothing_is_raised(values: dict[str, Any], data: st.DataObject) -> None:
    answer = changed(**values)
    if "mgt_encrypt_schm" not in values:
        words = data.draw(st.dictionaries(st.sampled_from(["is_support_https", "encrypt_type", "http_port"]), VALUES))
        answer = changed(**values, mgt_encrypt_schm=words)
    found = found_of(answer)
    if found is not None:
        assert found.model.isprintable()
        assert 0 < found.port < 65536
        assert found.owner_matches("User@Example.com") in (True, False, None)


@given(st.integers(0, len(json.dumps(ANSWER)) - 1), st.integers(0, 255))
def test_one_wrong_byte_raises_nothing(at: int, byte: int) -> None:
    body = bytearray(json.dumps(ANSWER).encode())
    body[at] = byte
    read_found(bytes(16) + bytes(body), "127.0.0.1")


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps")
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_what_real_devices_announce_is_read(path: Path) -> None:
    result = said_at_discovery(json.loads(path.read_text("utf-8")))
    if result["mac"] == "00-00-00-00-00-00":
        pytest.skip("its maker has blanked the MAC, by which devices are told apart")
    found = found_of({"error_code": 0, "result": result}, "127.0.0.123")
    assert found is not None
    announced = result["mgt_encrypt_schm"]
    assert found.mac == result["mac"]
    assert found.transport == announced["encrypt_type"].lower()
    assert found.port == announced["http_port"]
    assert found.device_model.startswith(found.model)
    assert found.factory_default == result["factory_default"]
    assert (found.owner_matches("User@Example.com") is None) == (result["owner"] == "")
