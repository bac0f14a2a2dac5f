"""What a device that speaks securePassthrough refuses."""

import json
from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.speaking import PASSWORD, Passthrough, cbc, pem_of, post, post_json
from tapo_automate.simulator import Device

INFO = b'{"method":"get_device_info"}'
Add = Callable[..., Device]


@pytest.mark.parametrize(("transport", "version"), [("aes-v1", 1), ("aes", 2), ("aes", 1)])
def test_a_session_answers_after_its_login(add: Add, transport: str, version: int) -> None:
    device = add("L530", transport=transport)
    session = Passthrough(device, version=version).log_in()
    assert session.call("get_device_info")["result"]["model"] == "L530"
    assert session.call("set_device_info", {"brightness": 40}) == {"error_code": 0}
    assert device.state["brightness"] == 40


def test_a_login_of_a_newer_version_lacks_its_parameter(add: Add) -> None:
    device = add("P110", transport="aes-v1")
    session = Passthrough(device, version=2)
    session.shake()
    assert session.try_login() == {"error_code": -1008}
    assert device.refusals == ["login without username and password: -1008"]


@pytest.mark.parametrize("query", ["token=undefined", "token="])
def test_a_login_may_say_a_token_before_there_is_one(old_plug: Device, query: str) -> None:
    session = Passthrough(old_plug)
    session.shake()
    login = session.envelope(json.dumps({"method": "login_device", "params": session.account}).encode())
    assert session.send(session.envelope(INFO), f"/app?{query}").json == {"error_code": 9999}
    token = session.open(session.send(login, f"/app?{query}"))["result"]["token"]
    session.target = f"/app?token={token}"
    assert session.call("get_device_info")["error_code"] == 0
    assert session.send(login, f"/app?{query}").json == {"error_code": 9999}
    assert [(one.step, one.granted) for one in old_plug.login_attempts] == [
        ("handshake", True), ("login_device", False), ("login_device", True),
    ]  # fmt: skip


@pytest.mark.parametrize("end", [b";", b" }", b"\n\n"])
def test_what_follows_a_message_is_not_looked_at(old_plug: Device, end: bytes) -> None:
    session = Passthrough(old_plug)
    session.shake()
    login = json.dumps({"method": "login_device", "params": session.account}).encode()
    reply = session.open(session.send(session.envelope(login + end), "/app"))
    session.target = f"/app?token={reply['result']['token']}"
    assert session.say(INFO + end)["error_code"] == 0


@pytest.mark.parametrize("missing", ["username", "password2"])
def test_a_login_that_lacks_a_parameter_is_minus_1008(old_plug: Device, missing: str) -> None:
    session = Passthrough(old_plug)
    session.shake()
    del session.account[missing]
    assert session.try_login() == {"error_code": -1008}
    assert old_plug.refusals == ["login without username and password2: -1008"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_wrong_password_is_minus_1501_in_either_version(old_plug: Device, version: int) -> None:
    session = Passthrough(old_plug, password="other", version=version)
    session.shake()
    assert session.try_login() == {"error_code": -1501}


def _other_curve() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(pem_of(rsa.generate_private_key(65537, 2048)), id="2048 bits"),
        pytest.param(_other_curve(), id="no RSA"),
        pytest.param(
            rsa.generate_private_key(65537, 1024).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
            id="PKCS#1",
        ),
        pytest.param(pem_of().replace("\n", ""), id="without line breaks"),
        pytest.param("".join(pem_of().splitlines()[1:-1]), id="without the frame"),
        pytest.param("", id="empty"),
        pytest.param(pem_of().replace("M", "!", 1), id="no base64"),
    ],
)
def test_a_key_of_another_size_or_form_is_minus_1010(old_plug: Device, pem: str) -> None:
    assert Passthrough(old_plug).shake(pem).json == {"error_code": -1010}


@pytest.mark.parametrize("params", [{}, {"key": None}, {"key": 5}])
def test_a_handshake_without_a_key_is_minus_1008(old_plug: Device, params: object) -> None:
    assert post_json(old_plug, "/app", {"method": "handshake", "params": params}).json == {"error_code": -1008}


def test_wrong_credentials_are_minus_1501_and_use_the_handshake_up(old_plug: Device) -> None:
    session = Passthrough(old_plug, password="other")
    session.shake()
    assert session.try_login() == {"error_code": -1501}
    session.account = Passthrough(old_plug).account
    assert session.try_login() == {"error_code": 9999}
    session.shake()
    assert session.try_login()["error_code"] == 0
    assert old_plug.logins == 3


def test_a_login_on_a_handshake_that_had_one_is_9999(passthrough: Passthrough) -> None:
    assert passthrough.try_login() == {"error_code": 9999}


def test_a_request_without_the_token_gets_the_stock_page(passthrough: Passthrough, old_plug: Device) -> None:
    on = b'{"method":"set_device_info","params":{"device_on":true}}'
    assert passthrough.send(passthrough.envelope(on), "/app").is_stock_page
    assert not old_plug.on


def test_another_token_is_9999(passthrough: Passthrough) -> None:
    answer = passthrough.send(passthrough.envelope(INFO), "/app?token=" + "0" * 32)
    assert answer.json == {"error_code": 9999}


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(lambda session: "", id="none"),
        pytest.param(lambda session: "TP_SESSIONID=" + "0" * 32, id="another session's"),
        pytest.param(lambda session: session.line, id="the whole Set-Cookie line"),
    ],
)
def test_a_cookie_other_than_the_sessions_is_9999(
    passthrough: Passthrough, cookie: Callable[[Passthrough], str]
) -> None:
    answer = passthrough.send(passthrough.envelope(INFO), Cookie=cookie(passthrough))
    assert answer.json == {"error_code": 9999}
    assert passthrough.call("get_device_info")["error_code"] == 0


def test_a_second_clients_handshake_ends_the_first_session(passthrough: Passthrough, old_plug: Device) -> None:
    other = Passthrough(old_plug).log_in()
    assert passthrough.send(passthrough.envelope(INFO)).json == {"error_code": 9999}
    assert other.call("get_device_info")["error_code"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"method":NaN}'])
def test_an_envelope_of_malformed_json_is_minus_1003(passthrough: Passthrough, old_plug: Device, body: bytes) -> None:
    assert post(old_plug, passthrough.target, body, Cookie=passthrough.cookie).json == {"error_code": -1003}


def test_a_request_of_malformed_json_is_minus_1003(passthrough: Passthrough) -> None:
    assert passthrough.say(b"{") == {"error_code": -1003}


@pytest.mark.parametrize("params", [None, [], "x", {}, {"request": None}, {"request": 5}])
def test_an_envelope_without_a_request_is_minus_1008(passthrough: Passthrough, params: object) -> None:
    answer = passthrough.send({"method": "securePassthrough", "params": params})
    assert answer.json == {"error_code": -1008}


def _garbled(session: Passthrough) -> dict[str, str]:
    plain = INFO.ljust(32, b"\0")
    return {
        "no base64": "***",
        "line breaks": session.envelope(INFO)["params"]["request"].replace("=", "\r\n=", 1),
        "half a block": b64encode(b"12345678").decode(),
        "no padding": b64encode(cbc(session.key, session.iv, plain, encrypt=True)).decode(),
        "another key": b64encode(_under_another_key(session, plain)).decode(),
        "nothing": "",
    }


def _under_another_key(session: Passthrough, plain: bytes) -> bytes:
    """One key in 256 leaves a last byte that could be a padding of 1: another is taken then."""
    texts = (cbc(bytes(15) + bytes((number,)), session.iv, plain, encrypt=True) for number in range(256))
    return next(text for text in texts if not 1 <= cbc(session.key, session.iv, text, encrypt=False)[-1] <= 16)


@pytest.mark.parametrize("fault", ["no base64", "line breaks", "half a block", "no padding", "another key", "nothing"])
def test_a_request_that_cannot_be_decrypted_is_minus_1005(passthrough: Passthrough, fault: str) -> None:
    wrapped = _garbled(passthrough)[fault]
    answer = passthrough.send({"method": "securePassthrough", "params": {"request": wrapped}})
    assert answer.json == {"error_code": -1005}


@pytest.mark.parametrize("where", ["a request", "a login"])
def test_a_message_without_padding_is_malformed(passthrough: Passthrough, old_plug: Device, where: str) -> None:
    """As PyP100 sends messages of whole blocks: an L530 said so to a brightness of one digit."""
    on = b'{"method":"set_device_info","params":{"device_on":true}}'
    message = on + b" " * (-len(on) % 16)
    wrapped = b64encode(cbc(passthrough.key, passthrough.iv, message, encrypt=True)).decode()
    target = "/app" if where == "a login" else passthrough.target
    answer = passthrough.send({"method": "securePassthrough", "params": {"request": wrapped}}, target)
    assert passthrough.open(answer) == {"error_code": -1003}
    assert not old_plug.on
    assert passthrough.call("get_device_info")["error_code"] == 0


@pytest.mark.parametrize("key", ["terminal_uuid", "terminalUUID"])
def test_a_terminal_uuid_that_is_no_text_is_minus_1012(passthrough: Passthrough, key: str) -> None:
    assert passthrough.send(passthrough.envelope(INFO) | {key: 5}).json == {"error_code": -1012}
    metadata = {key: "abc", "request_time_mils": 0, "requestTimeMils": 1, "requestID": "x"}
    assert passthrough.open(passthrough.send(passthrough.envelope(INFO) | metadata))["error_code"] == 0


def test_an_unencrypted_method_is_refused(passthrough: Passthrough, old_plug: Device) -> None:
    on = {"method": "set_device_info", "params": {"device_on": True}}
    assert passthrough.send(on).json == {"error_code": -1}
    assert not old_plug.on


def test_a_session_ends_with_its_lifetime(
    passthrough: Passthrough, old_plug: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = old_plug._core
    later = core.monotonic() + 86_401
    monkeypatch.setattr(core, "monotonic", lambda: later)
    assert passthrough.send(passthrough.envelope(INFO)).json == {"error_code": 9999}


def test_a_short_ciphertext_is_a_fault_that_can_be_had(add: Add) -> None:
    session = Passthrough(add("P110", transport="aes", faults="short=once")).log_in()
    reply = session.send(session.envelope(INFO)).json["result"]["response"]
    assert len(reply) == len(b64encode(bytes(8)))
    assert session.call("get_device_info")["error_code"] == 0


def test_a_device_may_hold_the_vendors_credentials_for_one_login(add: Add) -> None:
    device = add("P110", transport="aes", faults="defaults=once")
    session = Passthrough(device)
    session.shake()
    assert session.try_login() == {"error_code": -1501}
    device.set_faults("defaults=once")
    Passthrough(device, "test@tp-link.net", "test").log_in()
    Passthrough(device, password=PASSWORD).log_in()


def test_calls_do_not_show_the_login(passthrough: Passthrough, old_plug: Device) -> None:
    passthrough.call("get_device_info")
    assert json.dumps([call.method for call in old_plug.calls]) == '["get_device_info"]'
