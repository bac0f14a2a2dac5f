"""What a device that speaks TPAP does with those who know its password, seen by a client made for these tests."""

import json
import socket
import time
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha1

import pytest
from cryptography.exceptions import InvalidTag

from simulator.speaking import Clock, Klap, post_json
from simulator.speaking_tpap import QUICK, TpapClient, b64
from tapo_automate.simulator import Device
from tapo_automate.simulator.pake import Secret, disputed, stretch

Add = Callable[..., Device]
INFO = b'{"method":"get_device_info"}'


@pytest.mark.parametrize("form", ["rfc", "short"])
@pytest.mark.parametrize("model", ["P100", "P110", "L530", "L900", "P300"])
def test_a_login_and_commands(add: Add, model: str, form: str) -> None:
    device = add(model, transport="tpap", tpap=f"{QUICK},w0={form}")
    client = TpapClient(device, form=form).log_in()
    assert client.call("get_device_info")["result"]["model"] == model
    assert client.call("set_device_info", {"nickname": b64(b"hall")}) == {"error_code": 0}
    assert client.call("get_device_info")["result"]["nickname"] == b64(b"hall")
    assert client.call("no_such_method") == {"error_code": -1002}
    assert (device.handshakes, device.logins, device.sessions) == (1, 1, 1)
    assert [(each.step, each.granted, each.begins) for each in device.login_attempts] == [
        ("pake_register", True, True),
        ("pake_share", True, False),
    ]
    assert device.refusals == ["no_such_method: -1002"]


def test_batches_and_tables_are_behind_the_same_door(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    requests = [{"method": "get_device_info"}, {"method": "get_energy_usage"}]
    told = client.call("multipleRequest", {"requests": requests})
    assert [row["error_code"] for row in told["result"]["responses"]] == [0, 0]
    row = {"enable": True, "mode": "repeat", "week_day": 127, "s_type": "normal", "s_min": 5,
           "desired_states": {"on": True}}  # fmt: skip
    assert client.call("add_schedule_rule", row)["result"]["id"] == "S1"
    assert client.call("get_schedule_rules", {"start_index": 0})["result"]["sum"] == 1


def test_the_account_name_does_not_matter(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=QUICK, username="Somebody@else.example")
    TpapClient(device).log_in()


def test_every_login_has_a_salt_a_share_a_number_and_a_name_of_its_own(tpap: Device) -> None:
    clients = [TpapClient(tpap).log_in() for _ in range(4)]
    for key in ("dev_random", "dev_salt", "dev_share"):
        assert len({client.told[key] for client in clients}) == 4
    assert len({client.stok for client in clients}) == 4
    assert len({client.number for client in clients}) > 1


# Their source is docs/protocol.md; another program than this one worked them out.
COMMON = {"form": "short", "user": bytes(range(32)), "device": bytes(range(32, 64))}
VECTORS = {
    "usual": {
        "salt": "404142434445464748494a4b4c4d4e4f",
        "user_share": "0411ef5227a3dd02e2934aeaec24bea9415f01075727eac7e559d455979e454e9b"
        "4655d0940d2b6f3c1cd751aac81f86b6616938a02b9431205107a4768629be2a",
        "dev_share": "044ae61afaf083f7d8b0775e510960828448e8ae71fae83cf4a53371bc6cc04efd"
        "313aba0db253ce333a2475d07e0ddd737c5880a6521ae0593c7ce870d1892451",
        "user_confirm": "0dcafea71b10ad18c44fa9238a6483c851426d5ab83ffb9c3bcebd16ab392899",
        "dev_confirm": "52184b7a848ed934db9ca01a5cb8b39fe6b0d2e3c6138fb720a5e8ec1d351903",
        "frame": "000000016b1b542c553d0da88dfcb90f06228d2f0b076c74f85dfa239ceee2e49f404a7b80fe7a060d7a4bdf86af8235",
    },
    "w0 of 31 bytes": {
        "salt": "73686f72742d77302d00000000000060",
        "user_share": "04b45ef1c48ff50628e211cad94bfa5a48400d67d5e2e979267cf252e6030521a4"
        "c533d06d1d94b5fadf606dc2aa5ed323e789ab4d0d348ea9af66221680b592d0",
        "dev_share": "045923cfa9365d046a560dd1b7fd6910e50772d92ea30e6822326f6c180176786d"
        "354c58613b242a4a741f6dfa069232231aae8aac3dbd808e298dc7ba8c9cc0e3",
        "user_confirm": "45e8cc3a09a2cb8bb470f7f54c67b55f2fda8494d285b967353746d105c65d49",
        "dev_confirm": "05a634dee5b9eb4a544413a48fd1acd2c2aade114bd216f2e89161d08e2c8acc",
        "frame": "0000000175d50be1efb7220e86de74907c1a6155bbb848873ebaa1e27a2f590f1465d5255938b40aca781605434aa004",
    },
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_login_with_known_numbers_comes_out_as_published(add: Add, vector: dict[str, str]) -> None:
    # The device draws its random bytes, the salt, its secret (less one), the name of the session and its first number.
    secret = (int("22" * 32, 16) - 1).to_bytes(32, "big")
    draws = iter([bytes(range(32, 64)), bytes.fromhex(vector["salt"]), secret, bytes(16), bytes(2)])
    device = add("P110", transport="tpap", tpap="w0=short", entropy=lambda length: next(draws))
    client = TpapClient(device)
    told = client.register(user_random=b64(bytes(range(32))))["result"]
    assert told == {
        "dev_random": b64(bytes(range(32, 64))),
        "dev_salt": b64(bytes.fromhex(vector["salt"])),
        "dev_share": b64(bytes.fromhex(vector["dev_share"])),
        "cipher_suites": 1,
        "iterations": 3000,
        "encryption": "aes_128_ccm",
        "extra_crypt": {"type": "password_shadow", "params": {"passwd_id": 2}},
    }
    shares = {key: b64(bytes.fromhex(vector[key])) for key in ("user_share", "user_confirm")}
    told = client.login("pake_share", shares)["result"]
    assert told == {"dev_confirm": b64(bytes.fromhex(vector["dev_confirm"])), "stok": "00" * 16, "start_seq": 1}
    answer = client.send(bytes.fromhex(vector["frame"]), "00" * 16)
    assert (answer.status, answer.body[:4]) == (200, bytes.fromhex("00000001"))
    assert [call.method for call in device.calls] == ["get_device_info"]


@pytest.mark.parametrize(
    ("w0", "brief"),
    [
        (0x7EA2 << 240, 32),
        (0x8000 << 240, 32),
        (0x0044 << 240, 31),
        (0x0080 << 240, 32),
        (0x0000_7F << 232, 30),
        (0x0000_FF << 232, 30),
        (1, 1),
        (0x80, 2),
    ],
)
def test_the_two_forms_of_w0(w0: int, brief: int) -> None:
    secret = Secret(w0, 1)
    assert secret.encoded("rfc") == w0.to_bytes(32, "big")
    assert secret.encoded("short") == w0.to_bytes(brief, "big")
    assert secret.is_disputed == (brief < 32)


def test_a_number_of_iterations_is_found_that_makes_w0_short() -> None:
    text, salt = sha1(b"Sw0rdfish!").hexdigest(), bytes(16)
    number = disputed(text, salt, 20)
    assert number >= 20
    assert stretch(text, salt, number).is_disputed
    assert disputed(text, salt, number + 1) > number
    both = [stretch(text, salt, each).is_disputed for each in range(20, number)]
    assert not any(both), "it is the first"


@pytest.mark.parametrize(("lost", "status", "body"), [("-2203", 200, -2203), ("-2402", 200, -2402), ("403", 403, None)])
def test_a_request_without_a_session_hears_what_was_chosen(add: Add, lost: str, status: int, body: int | None) -> None:
    device = add("P110", transport="tpap", tpap=f"{QUICK},lost={lost}")
    client = TpapClient(device).log_in()
    device.forget_session()
    answer = client.send(client.seal(client.number, INFO))
    assert answer.status == status
    assert body is None or answer.json == {"error_code": body}
    assert device.calls == []
    assert device.refusals == [f"request without the stok of the session: {'HTTP 403' if body is None else body}"]


@pytest.mark.parametrize(
    ("bend", "reason"),
    [
        (lambda client: client.seal(client.number + 1, INFO), "request with the number {1}, expected {0}"),
        (lambda client: client.seal(client.number - 1, INFO), "request with the number {2}, expected {0}"),
        (lambda client: client.seal(client.number, INFO)[:-1] + b"\0", "request with a wrong tag"),
        (lambda client: client.number.to_bytes(4, "big") + bytes(40), "request with a wrong tag"),
        (lambda client: client.seal(client.number, b"")[:-1], "request of 19 bytes"),
        (lambda client: b"", "request of 0 bytes"),
    ],
    ids=["skipped", "repeated", "bent", "nonsense", "too short", "empty"],
)
def test_a_frame_that_is_wrong_ends_the_session(tpap: Device, bend: Callable[[TpapClient], bytes], reason: str) -> None:
    client = TpapClient(tpap).log_in()
    frame = bend(client)
    if frame == client.seal(client.number, INFO):  # one tag in 256 ends in a zero
        frame = frame[:-1] + b"\x01"
    assert client.send(frame).json == {"error_code": -2203}
    first = client.number
    assert tpap.refusals == [reason.format(first, first + 1, first - 1) + ": -2203"]
    assert client.send(client.seal(first, INFO)).json == {"error_code": -2203}
    assert tpap.calls == []


def test_a_frame_that_came_before_ends_the_session(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    frame = client.seal(client.number, INFO)
    assert client.open(client.send(frame).body)["error_code"] == 0
    assert client.send(frame).json == {"error_code": -2203}
    assert len(tpap.calls) == 1


def test_an_unknown_stok_is_refused_and_leaves_the_session_alone(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    for stok in ("0" * 32, "", client.stok.lower() + "0"):
        assert client.send(client.seal(client.number, INFO), stok).json == {"error_code": -2203}
    assert client.call("get_device_info")["error_code"] == 0


def test_an_empty_frame_is_answered_in_a_frame(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    assert client.open(client.send(client.seal(client.number, b"")).body) == {"error_code": -1003}


def test_a_second_clients_handshake_ends_the_firsts_session(tpap: Device) -> None:
    first, second = TpapClient(tpap).log_in(), TpapClient(tpap)
    second.register()
    assert first.send(first.seal(first.number, INFO)).json == {"error_code": -2203}
    second.share()
    assert second.call("get_device_info")["error_code"] == 0


def test_a_first_clients_login_comes_to_nothing_when_a_second_one_begins(tpap: Device) -> None:
    first, second = TpapClient(tpap), TpapClient(tpap)
    first.register()
    second.register()
    assert first.share()["error_code"] == -2203
    assert second.share() == {"error_code": -1008}


def test_a_restart_ends_the_session(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    tpap.restart()
    assert client.send(client.seal(client.number, INFO)).json == {"error_code": -2203}


def test_other_paths_are_the_stock_page(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    for path in (f"/stok={client.stok}", f"/stok={client.stok}/ds/", "/ds", "/stok=/a/ds"):
        assert client.post(path, client.seal(client.number, INFO)).is_stock_page
    assert client.call("get_device_info")["error_code"] == 0


def test_faults_of_a_handshake(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=QUICK)
    client = TpapClient(device)
    device.set_faults("off-curve=once")
    share = b64decode(client.register()["result"]["dev_share"])
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    x, y = int.from_bytes(share[1:33], "big"), int.from_bytes(share[33:], "big")
    curve_b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    assert (len(share), (y * y - x**3 + 3 * x - curve_b) % prime == 0) == (65, False)
    device.set_faults("iterations=once")
    assert client.register()["result"]["iterations"] == 2_000_000_000
    device.set_faults("wrong-proof=once")
    client.register()
    assert client.share()["error_code"] == 0
    assert not client.confirmed
    assert client.log_in().confirmed
    device.set_faults("defaults=once")
    client.register()
    assert client.share()["error_code"] == -2203


def test_faults_of_a_request(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=QUICK)
    client = TpapClient(device).log_in()
    for fault in ("bad-signature=once", "short=once"):
        device.set_faults(fault)
        frame = client.send(client.seal(client.number, INFO)).body
        with pytest.raises(InvalidTag):
            client.open(frame)
        client.number += 1
    assert len(device.calls) == 2
    device.set_faults("expire=once")
    assert client.send(client.seal(client.number, INFO)).json == {"error_code": -2203}
    device.set_faults("500=once")
    assert client.log_in().send(client.seal(client.number, INFO)).status == 500
    assert client.call("get_device_info")["error_code"] == 0
    device.set_faults("500.handshake=2x,drop.handshake=0")
    assert [client.post("/", json.dumps({"method": "login", "params": {"sub_method": step}}).encode()).status
            for step in ("discover", "pake_register", "pake_share")] == [200, 500, 500]  # fmt: skip


@pytest.mark.parametrize("theirs", ["rfc", "short"])
@pytest.mark.parametrize("ours", ["rfc", "short"])
def test_a_short_w0_is_the_login_at_which_the_forms_part(add: Add, ours: str, theirs: str) -> None:
    device = add("P110", transport="tpap", tpap=f"w0={theirs},iterations=200", faults="short-w0=once")
    client = TpapClient(device, form=ours)
    assert client.register()["result"]["iterations"] >= 200
    client.derive()
    assert client.w0 < 2**247
    assert client.share()["error_code"] == (0 if ours == theirs else -2203)
    assert client.register()["result"]["iterations"] == 200
    assert client.share()["error_code"] == 0, "the next salt is fresh"


def test_the_third_party_switch_changes_doors_and_ends_sessions(add: Add) -> None:
    device = add("P110", tpap=f"{QUICK},tls=1")
    assert device.https_port is None
    klap = Klap(device).log_in()
    device.set_third_party_compatibility(False)
    klap.seq += 1
    assert klap.request(klap.seal(klap.seq, INFO), f"seq={klap.seq}").status == 403
    client = TpapClient(device, secure=True).log_in()
    assert client.call("get_device_info")["error_code"] == 0
    port = device.https_port
    device.set_third_party_compatibility(True)
    assert post_json(device, f"/stok={client.stok}/ds", {}).is_stock_page
    assert device.https_port is None
    assert Klap(device).log_in().call("get_device_info")["error_code"] == 0
    device.set_third_party_compatibility(False)
    assert device.https_port == port
    assert client.send(client.seal(client.number, INFO)).json == {"error_code": -2203}
    assert client.log_in().call("get_device_info")["error_code"] == 0


def test_the_port_with_tls_is_shut_while_klap_is_spoken(add: Add) -> None:
    device = add("P110", transport="tpap", tpap="tls=1")
    address = (device.host, device.https_port)
    TpapClient(device, secure=True).discover()
    device.set_third_party_compatibility(True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)


def test_an_update_brings_tpap_and_takes_the_others_away(add: Add) -> None:
    device = add("P110", transport="aes", tpap=QUICK)
    device.update_firmware("tpap")
    client = TpapClient(device).log_in()
    assert client.call("get_device_info")["result"]["fw_ver"].startswith("1.4.6")
    device.update_firmware("klap")
    assert Klap(device).log_in().call("get_device_info")["error_code"] == 0


def test_another_account_holds_from_the_next_login_on(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    tpap.set_credentials("new@example.com", "other")
    assert client.call("get_device_info")["error_code"] == 0
    client.register()
    assert client.share()["error_code"] == -2203
    TpapClient(tpap, "other").log_in()


def is_open(host: str, port: int | None) -> bool:
    with socket.socket() as line:
        return line.connect_ex((host, port)) == 0


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return true


def test_a_firmware_that_it_loads_itself_opens_the_port_with_tls(add: Add, clock: Clock) -> None:
    device = add("P110", tpap=f"{QUICK},tls=1", now=clock)
    device.offer_firmware("1.4.6 Build 251113 Rel.101010", transport="tpap")
    Klap(device).log_in().call("fw_download")
    clock.at += 3600
    assert device.info["fw_ver"].startswith("1.4.6")
    assert device.transport == "tpap"
    assert wait_for(lambda: is_open(device.host, device.https_port))
    TpapClient(device, secure=True).log_in()


def test_it_takes_its_port_with_tls_along_when_it_moves(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=f"{QUICK},tls=1")
    client = TpapClient(device, secure=True).log_in()
    device.move("127.0.0.2", 0)
    assert device.host == "127.0.0.2"
    assert client.discover()["result"]["tpap"]["port"] == device.https_port
    assert client.call("get_device_info")["error_code"] == 0, "the session lives on"


def test_who_says_nothing_at_the_port_with_tls_holds_nobody_up(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=f"{QUICK},tls=1")
    with socket.create_connection((device.host, device.https_port)), socket.socket() as rude:
        rude.connect((device.host, device.https_port))
        rude.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        TpapClient(device, secure=True).log_in()
        rude.settimeout(10)
        try:
            while rude.recv(4096):
                pass
        except ConnectionResetError:
            pass
