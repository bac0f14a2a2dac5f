"""What a device that speaks KLAP refuses."""

import json
import os
from collections.abc import Callable

import pytest

from simulator.speaking import Klap, cbc, padded, post, sha256
from tapo_automate.simulator import Device

INFO = b'{"method":"get_device_info"}'
Add = Callable[..., Device]


def next_request(klap: Klap, step: int = 1) -> tuple[bytes, str]:
    number = klap.seq + step
    return klap.seal(number, INFO), f"seq={number}"


@pytest.mark.parametrize("version", [1, 2])
def test_a_session_answers_in_the_order_of_its_numbers(add: Add, version: int) -> None:
    device = add("P110", transport="klap-v1" if version == 1 else "klap")
    klap = Klap(device, version=version).log_in()
    for _ in range(3):
        assert klap.call("get_device_info")["result"]["model"] == "P110"
    assert (device.handshakes, device.logins, device.sessions) == (1, 1, 1)


def test_handshake1_answers_48_bytes_and_a_cookie_with_its_lifetime(plug: Device) -> None:
    answer = Klap(plug).greet()
    assert len(answer.body) == 48
    name, _, attribute = answer.headers["Set-Cookie"].partition(";")
    assert name.startswith("TP_SESSIONID=")
    assert len(bytes.fromhex(name.removeprefix("TP_SESSIONID="))) == 16
    assert attribute == "TIMEOUT=86400"


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_seed_that_is_not_16_bytes_is_refused(plug: Device, length: int) -> None:
    assert post(plug, "/app/handshake1", os.urandom(length)).status == 400


def test_the_devices_proof_does_not_fit_other_credentials(plug: Device) -> None:
    klap = Klap(plug, password="other")
    klap.greet()
    assert klap.proof != klap.expected_proof


def test_a_wrong_proof_in_handshake2_is_forbidden_and_ends_the_handshake(plug: Device) -> None:
    klap = Klap(plug, password="other")
    klap.greet()
    assert klap.admit().status == 403
    assert plug.sessions == 0
    klap.auth = Klap(plug).auth
    assert klap.admit().status == 400


def test_the_user_name_is_case_sensitive(plug: Device) -> None:
    klap = Klap(plug, user="user@example.com")
    klap.greet()
    assert klap.proof != klap.expected_proof


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(lambda klap: "", id="none"),
        pytest.param(lambda klap: "TP_SESSIONID=" + "0" * 32, id="another session's"),
        pytest.param(lambda klap: klap.line, id="the whole Set-Cookie line"),
        pytest.param(lambda klap: klap.cookie + "; TIMEOUT=86400", id="with the lifetime"),
        pytest.param(lambda klap: klap.cookie.lower(), id="in lower case"),
        pytest.param(lambda klap: '"' + klap.cookie + '"', id="in quotes"),
    ],
)
def test_a_cookie_other_than_the_sessions_is_refused(plug: Device, cookie: Callable[[Klap], str]) -> None:
    klap = Klap(plug)
    klap.greet()
    assert klap.admit(Cookie=cookie(klap)).status == 400
    klap.log_in()
    body, query = next_request(klap)
    assert klap.request(body, query, Cookie=cookie(klap)).status == 403
    klap.seq += 1
    assert klap.request(body, query).status == 200, "the session of the one who has the cookie lives on"


def test_a_semicolon_after_the_cookie_is_let_pass(plug: Device) -> None:
    klap = Klap(plug)
    klap.greet()
    assert klap.admit(Cookie=klap.cookie + ";").status == 200


def test_a_lower_case_cookie_header_is_not_seen(plug: Device) -> None:
    klap = Klap(plug)
    klap.greet()
    assert klap.admit(cookie=klap.cookie).status == 400


def test_a_request_between_the_handshakes_is_forbidden(plug: Device) -> None:
    klap = Klap(plug)
    klap.greet()
    klap.derive()
    assert klap.request(*next_request(klap)).status == 403


def test_a_handshake_can_be_completed_once(klap: Klap) -> None:
    assert klap.admit().status == 400


def test_a_repeated_sequence_number_ends_the_session(klap: Klap) -> None:
    body, query = next_request(klap)
    assert klap.request(body, query).status == 200
    assert klap.request(body, query).status == 403
    klap.seq += 1
    assert klap.request(*next_request(klap)).status == 403


def test_a_skipped_sequence_number_ends_the_session(klap: Klap) -> None:
    assert klap.request(*next_request(klap, step=2)).status == 403
    assert klap.request(*next_request(klap)).status == 403


@pytest.mark.parametrize("query", ["", "seq=", "seq=x", "seq=1.0", "SEQ={}", "seq={}&a=b", "seq=%2B{}"])
def test_a_number_in_another_spelling_ends_the_session(klap: Klap, query: str) -> None:
    body, _ = next_request(klap)
    assert klap.request(body, query.format(klap.seq + 1)).status == 403


def test_a_negative_number_written_as_unsigned_is_refused(plug: Device) -> None:
    klap = Klap(plug).log_in()
    while klap.seq > -2:
        klap.log_in()
    body, _ = next_request(klap)
    assert klap.request(body, f"seq={(klap.seq + 1) % 2**32}").status == 403


def test_a_wrong_signature_ends_the_session(klap: Klap) -> None:
    body, query = next_request(klap)
    assert klap.request(bytes([body[0] ^ 1]) + body[1:], query).status == 403
    assert klap.request(body, query).status == 403


def test_a_changed_ciphertext_has_a_wrong_signature(klap: Klap) -> None:
    body, query = next_request(klap)
    assert klap.request(body[:-1] + bytes([body[-1] ^ 1]), query).status == 403


def test_a_signed_ciphertext_without_proper_padding_is_minus_1005(klap: Klap) -> None:
    number = (klap.seq + 1).to_bytes(4, "big", signed=True)
    for plain in (INFO.ljust(32, b"\0"), INFO + b"\0\0\0\4", padded(INFO)[:-1] + b"\x11"):
        klap.seq += 1
        number = klap.seq.to_bytes(4, "big", signed=True)
        ciphertext = cbc(klap.key, klap.iv + number, plain, encrypt=True)
        signature = sha256(klap.signing + number + ciphertext).digest()
        answer = klap.request(signature + ciphertext, f"seq={klap.seq}")
        assert klap.open(klap.seq, answer.body) == {"error_code": -1005}


@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'"x"', b'{"method":NaN}', b"\xff{}", b'x {"method":"a"}'])
def test_malformed_json_is_minus_1003(klap: Klap, message: bytes) -> None:
    assert klap.say(message) == {"error_code": -1003}


def test_a_request_that_is_too_long_is_minus_1006(klap: Klap) -> None:
    assert klap.call("get_device_info", {"filler": "x" * 9000}) == {"error_code": -1006}


def test_a_second_clients_handshake_ends_the_first_session(klap: Klap, plug: Device) -> None:
    other = Klap(plug).log_in()
    assert klap.request(*next_request(klap)).status == 403
    assert other.call("get_device_info")["error_code"] == 0


def test_a_session_ends_with_its_lifetime(klap: Klap, plug: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    core = plug._core
    later = core.monotonic() + 86_401
    monkeypatch.setattr(core, "monotonic", lambda: later)
    assert klap.request(*next_request(klap)).status == 403


def test_the_number_goes_round_the_corner_of_32_bits(plug: Device) -> None:
    klap = Klap(plug).log_in()
    session = plug._front._door._session  # type: ignore[union-attr]
    session.keys.number = klap.seq = 2**31 - 2
    assert klap.call("get_device_info")["error_code"] == 0
    klap.seq = -(2**31) - 1
    assert klap.call("get_device_info")["error_code"] == 0


def test_a_restart_loses_the_session(klap: Klap, plug: Device) -> None:
    plug.restart()
    assert klap.request(*next_request(klap)).status == 403


def test_a_reset_device_belongs_to_nobody(klap: Klap, plug: Device) -> None:
    assert klap.call("device_reset") == {"error_code": 0}
    fresh = Klap(plug, "test@tp-link.net", "test").log_in()
    assert fresh.call("get_device_info")["error_code"] == 0


def test_passwords_show_nowhere(klap: Klap, plug: Device) -> None:
    secret = {"key_type": "wpa2_psk", "ssid": "aG9tZQ==", "password": "aHVzaGh1c2g="}
    klap.call("set_wireless_info", secret)
    shown = repr([plug, plug.calls, plug.refusals, plug._core.owner, plug._core])
    assert "Sw0rdfish" not in shown
    assert "aHVzaGh1c2g" not in shown


def test_the_log_tells_method_parameters_and_outcome(klap: Klap, plug: Device) -> None:
    klap.call("set_device_info", {"device_on": True})
    klap.call("set_device_info", {"device_on": "yes"})
    klap.say(json.dumps({"method": "get_nothing"}).encode())
    told = [(call.method, call.params, call.error_code) for call in plug.calls]
    assert told == [
        ("set_device_info", {"device_on": True}, 0),
        ("set_device_info", {"device_on": "yes"}, -1008),
        ("get_nothing", {}, -1002),
    ]
    assert plug.calls[0].received_monotonic <= plug.calls[1].received_monotonic
