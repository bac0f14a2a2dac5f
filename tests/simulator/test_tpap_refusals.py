"""Whom a device that speaks TPAP does not let in."""

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from simulator.speaking import Clock, post, post_json
from simulator.speaking_tpap import QUICK, G, M, TpapClient, b64, uncompressed
from tapo_automate.simulator import Device, Tpap

Add = Callable[..., Device]
INFO = b'{"method":"get_device_info"}'


def locks(failed: int, minutes: int = 0) -> dict[str, int]:
    return {"lockedMinute": minutes, "failedAttempts": failed, "remainAttempts": 15 - failed}


BAD_REGISTERS = {
    "no random": ({"user_random": ...}, "user_random that is not base64 of 32 bytes"),
    "a short random": ({"user_random": b64(bytes(31))}, "user_random that is not base64 of 32 bytes"),
    "no base64": ({"user_random": "*" * 44}, "user_random that is not base64 of 32 bytes"),
    "a random that is no text": ({"user_random": 5}, "user_random that is not base64 of 32 bytes"),
    "no suites": ({"cipher_suites": ...}, "cipher_suites without 1"),
    "other suites": ({"cipher_suites": [2, 3, 8]}, "cipher_suites without 1"),
    "a suite that is no list": ({"cipher_suites": 1}, "cipher_suites without 1"),
    "a suite that is no number": ({"cipher_suites": [True, "1", None]}, "cipher_suites without 1"),
    "another cipher": ({"encryption": ["aes_256_ccm", "chacha20_poly1305"]}, "encryption without aes_128_ccm"),
    "no cipher": ({"encryption": ...}, "encryption without aes_128_ccm"),
    "a cipher that is no list": ({"encryption": "aes_128_ccm"}, "encryption without aes_128_ccm"),
    "another passcode": ({"passcode_type": "default_userpw"}, "passcode_type that is not userpw"),
    "no passcode": ({"passcode_type": ...}, "passcode_type that is not userpw"),
    "no name": ({"username": ...}, "pake_register without a username"),
}


@pytest.mark.parametrize(("changes", "reason"), BAD_REGISTERS.values(), ids=BAD_REGISTERS)
def test_a_register_that_is_malformed_is_minus_1008(tpap: Device, changes: dict[str, Any], reason: str) -> None:
    client = TpapClient(tpap)
    assert client.register(**changes) == {"error_code": -1008}
    assert tpap.refusals == [f"{reason}: -1008"]
    assert [(each.step, each.granted) for each in tpap.login_attempts] == [("pake_register", False)]
    assert TpapClient(tpap).log_in().call("get_device_info")["error_code"] == 0


BAD_SHARES = {
    "no share": ({"user_share": ...}, "user_share that is no point of the curve"),
    "no base64": ({"user_share": "!"}, "user_share that is no point of the curve"),
    "infinity": ({"user_share": b64(b"\0")}, "user_share that is no point of the curve"),
    "zeros": ({"user_share": b64(b"\x04" + bytes(64))}, "user_share that is no point of the curve"),
    "off the curve": ({"user_share": b64(uncompressed(G)[:-1] + b"\0")}, "user_share that is no point of the curve"),
    "compressed": ({"user_share": b64(G.to_bytes("compressed"))}, "user_share that is no point of the curve"),
    "no proof": ({"user_confirm": ...}, "pake_share without user_confirm"),
}


@pytest.mark.parametrize(("changes", "reason"), BAD_SHARES.values(), ids=BAD_SHARES)
def test_a_share_that_is_malformed_is_minus_1008_and_ends_the_login(
    tpap: Device, changes: dict[str, Any], reason: str
) -> None:
    client = TpapClient(tpap)
    client.register()
    assert client.share(**changes) == {"error_code": -1008}
    assert client.share() == {"error_code": -1008}
    assert tpap.refusals == [f"{reason}: -1008", "pake_share without a pake_register before it: -1008"]
    assert tpap.sessions == 0


def test_a_share_that_would_fix_the_secret_is_refused(tpap: Device) -> None:
    client = TpapClient(tpap)
    client.register()
    client.derive()
    share = {"user_share": b64(uncompressed(M * client.w0)), "user_confirm": b64(bytes(32))}
    assert client.login("pake_share", share) == {"error_code": -1008}
    assert tpap.refusals == ["user_share that is no point of the curve: -1008"]


def test_a_register_is_good_for_one_share(tpap: Device) -> None:
    client = TpapClient(tpap).log_in()
    assert client.login("pake_share", {}) == {"error_code": -1008}
    assert client.call("get_device_info")["error_code"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_what_is_no_json_object_is_minus_1003(tpap: Device, body: bytes) -> None:
    assert post(tpap, "/", body).json == {"error_code": -1003}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"method": "get_device_info"}, 1003),
        ({"method": "login"}, 1003),
        ({"method": "login", "params": {"sub_method": "pake"}}, -1008),
        ({"method": "login", "params": {}}, -1008),
        ({"method": "login", "params": {"sub_method": ["discover"]}}, -1008),
    ],
)
def test_other_messages_on_the_root_are_refused(tpap: Device, message: dict[str, Any], code: int) -> None:
    assert post_json(tpap, "/", message).json == {"error_code": code}


@pytest.mark.parametrize("path", ["/app/handshake1", "/app/handshake2", "/app/request"])
def test_klap_is_forbidden(tpap: Device, path: str) -> None:
    assert post(tpap, path, os.urandom(16)).status == 403
    assert tpap.refusals == [f"{path} while only TPAP is spoken: HTTP 403"]
    assert not any(attempt.granted for attempt in tpap.login_attempts)


def test_a_wrong_password_is_minus_2203_and_counts(tpap: Device) -> None:
    for failed in (1, 2):
        client = TpapClient(tpap, "battery staple")
        client.register()
        assert client.share() == {"error_code": -2203, "error_info": locks(failed)}
    assert tpap.refusals == ["pake_share with a wrong proof: -2203"] * 2
    assert [each.granted for each in tpap.login_attempts] == [True, False] * 2
    assert (tpap.logins, tpap.sessions, tpap.calls) == (2, 0, [])
    TpapClient(tpap).log_in()
    client.register()
    assert client.share()["error_info"] == locks(1), "a successful login starts the count anew"


def test_another_user_name_is_minus_2203_and_counts(tpap: Device) -> None:
    answer = TpapClient(tpap).register(username=sha256(b"admin").hexdigest().upper())
    assert answer == {"error_code": -2203, "error_info": locks(1)}
    assert tpap.refusals == ["a username that is not the hash it wants: -2203"]


def test_fifteen_failures_lock_it_for_a_while_of_its_clock(add: Add, clock: Clock) -> None:
    device = add("P110", transport="tpap", tpap=QUICK, now=clock)
    good, bad = TpapClient(device).log_in(), TpapClient(device)
    for failed in range(1, 15):
        assert bad.register(username="x")["error_info"] == locks(failed)
    assert good.call("get_device_info")["error_code"] == 0, "a refused login leaves the session alone"
    assert bad.register(username="x") == {"error_code": -2203, "error_info": locks(15, 30)}
    clock.at += 29 * 60 + 1
    device.restart()
    locked = {"error_code": -2101, "error_info": locks(15, 1)}
    assert bad.discover() == locked
    assert bad.register() == locked
    assert bad.login("pake_share", {}) == locked
    assert device.refusals[-3:] == [
        f"{step} while locked: -2101" for step in ("discover", "pake_register", "pake_share")
    ]
    clock.at += 59
    assert bad.discover()["error_code"] == 0
    assert bad.register(username="x")["error_info"] == locks(1)
    TpapClient(device).log_in()


def test_how_many_failures_and_how_long_can_be_chosen(add: Add, clock: Clock) -> None:
    device = add("P110", transport="tpap", tpap=Tpap(attempts=2, locked_min=5), now=clock)
    client = TpapClient(device)
    client.register(username="x")
    told = {"lockedMinute": 5, "failedAttempts": 2, "remainAttempts": 0}
    assert client.register(username="x")["error_info"] == told
    clock.at += 300
    assert client.discover()["error_code"] == 0


def test_the_fault_locked_strikes_every_step(add: Add) -> None:
    client = TpapClient(add("P110", transport="tpap", faults="locked"))
    assert [client.discover(), client.register()] == [{"error_code": -2101}] * 2
