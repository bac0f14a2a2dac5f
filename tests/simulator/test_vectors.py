"""The fixed vectors of docs/protocol.md, "Known-answer vectors" and "Login", against a device with known randomness."""

from collections.abc import Callable

import pytest

from simulator.speaking import PASSWORD, USER, Klap, Passthrough, post
from tapo_automate.simulator import Device
from tapo_automate.simulator.credentials import VENDOR_DEFAULT, Credentials
from tapo_automate.simulator.klap import Keys, account_hash
from tapo_automate.simulator.passthrough import hashed

LOCAL, REMOTE = bytes(range(16)), bytes(range(16, 32))
MESSAGE = b'{"method":"get_device_info"}'

VECTORS = {
    1: {
        "account": "7a6b215d557835cae85298c734cd66c5",
        "device proof": "6287bbfa1063c57b4c07183d2af128f7a91980eeff326236cd67cc1c4b3b3e39",
        "client proof": "aa1ad00259895db3c8dd9f29d383c726a65150fc81a900e4fc7da0cbf08dd580",
        "request": "1ccb90a1454c394066dc81d75822c32cb23e9674d27ce470446cad3966c355a3"
        "00772ee536ce6c8c91b320180258b48bf8d1d47982a6204308e85afa1d466c41",
        "seq": "-1113642025",
    },
    2: {
        "account": "b53059546bed0c766a4b27bbf96e1585cc28eb22ec7a8d3a2d40c9c8f09c5322",
        "device proof": "68c9352556839398121e512cffa0422209c3431d9a5cb7e784364f5a22dcaabc",
        "client proof": "114227600869f2ab340fbfb7252f9e724c0ec879d94be94b2940cd42505cc785",
        "request": "b556ae2336015049b85e7efba116421b65a71637d9b07bda8a2f879562cc3470"
        "fbe344fb64110ba30049c91f53d1448c06df3832ecae616a391071a75ba8a733",
        "seq": "-1785775951",
    },
}


@pytest.mark.parametrize("version", [1, 2])
def test_a_device_takes_the_published_bytes_and_no_others(add: Callable[..., Device], version: int) -> None:
    vector = VECTORS[version]
    transport = "klap-v1" if version == 1 else "klap"
    device = add("P110", transport=transport, entropy=lambda count: REMOTE[:count])
    greeting = post(device, "/app/handshake1", LOCAL)
    assert greeting.body.hex() == REMOTE.hex() + vector["device proof"]
    cookie = greeting.headers["Set-Cookie"].partition(";")[0]
    assert post(device, "/app/handshake2", bytes.fromhex(vector["client proof"]), Cookie=cookie).status == 200
    answer = post(device, f"/app/request?seq={vector['seq']}", bytes.fromhex(vector["request"]), Cookie=cookie)
    assert answer.status == 200
    assert [call.method for call in device.calls] == ["get_device_info"]


@pytest.mark.parametrize("version", [1, 2])
def test_the_hash_of_an_account_is_the_published_one(version: int) -> None:
    account = account_hash(version, Credentials(USER, PASSWORD))
    assert account.hex() == VECTORS[version]["account"]
    keys = Keys(version, LOCAL, REMOTE, account)
    assert keys.number + 1 == int(VECTORS[version]["seq"])
    number = keys.number + 1
    assert (keys.sign(number, keys.encrypt(number, MESSAGE)) + keys.encrypt(number, MESSAGE)).hex() == VECTORS[version][
        "request"
    ]


def test_the_bare_client_of_these_tests_agrees_with_the_vectors(add: Callable[..., Device]) -> None:
    klap = Klap(add("P110", entropy=lambda count: REMOTE[:count]))
    klap.greet(LOCAL)
    klap.admit()
    assert klap.client_proof.hex() == VECTORS[2]["client proof"]
    assert klap.seal(klap.seq + 1, MESSAGE).hex() == VECTORS[2]["request"]


def test_logins_carry_the_published_text() -> None:
    assert hashed(USER) == "ZGE5NjQ2YTRhYTU2N2QyYTU1OTM0ZDI0NDkwOWYxMmMwNzExNDc5Zg=="
    assert hashed(PASSWORD) == "NzE2NzEwMGJhNDEwZWNhYzIyMGVjZTk1OWUwYTg0Mzc0YTM5Mzg4ZQ=="
    assert hashed(VENDOR_DEFAULT.username) == "ZDk4MWQwYzBlZDliMWFjMTVkMzA0MzI3Y2ZmYzEwMGY0NjA1ZmVlMw=="
    assert hashed(VENDOR_DEFAULT.password) == "YTk0YThmZTVjY2IxOWJhNjFjNGMwODczZDM5MWU5ODc5ODJmYmJkMw=="


@pytest.mark.parametrize(
    ("version", "secret"),
    [
        (1, {"password": "U3cwcmRmaXNoIQ=="}),
        (2, {"password2": "NzE2NzEwMGJhNDEwZWNhYzIyMGVjZTk1OWUwYTg0Mzc0YTM5Mzg4ZQ=="}),
    ],
)
def test_a_device_takes_the_published_login(add: Callable[..., Device], version: int, secret: dict[str, str]) -> None:
    session = Passthrough(add("P110", transport="aes-v1" if version == 1 else "aes"))
    session.account = {"username": "ZGE5NjQ2YTRhYTU2N2QyYTU1OTM0ZDI0NDkwOWYxMmMwNzExNDc5Zg==", **secret}
    session.shake()
    assert session.try_login()["error_code"] == 0
