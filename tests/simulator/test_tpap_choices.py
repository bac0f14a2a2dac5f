"""How a device offers TPAP can be chosen."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.speaking import PASSWORD, USER
from simulator.speaking_tpap import QUICK, TpapClient, b64
from tapo_automate.simulator import Device, Fleet, SimulatorError, Tpap
from tapo_automate.simulator.fleet_file import Wish, read_fleet, start
from tapo_automate.simulator.offer import CHOICES, NUMBERS, read
from tapo_automate.simulator.pake import passcode

Add = Callable[..., Device]
INFO = b'{"method":"get_device_info"}'


def test_a_device_that_was_never_set_up_has_a_passcode_of_its_address(add: Add) -> None:
    device = add("P110", transport="tpap", tpap="pake=0", mac="AA-BB-CC-DD-EE-FF")
    client = TpapClient(device, text="F9F270978BAA582014CFC81E2B5966D92923B7F784DD84FD75429E38CC4EEFC9")
    assert client.discover()["result"]["tpap"]["pake"] == [0]
    assert client.register() == {"error_code": -1008}
    assert client.register(passcode_type="default_userpw")["error_code"] == 0
    assert client.share()["error_code"] == 0
    assert client.call("get_device_info")["error_code"] == 0
    assert device.announcement["factory_default"] is True


def test_the_passcode_of_an_address() -> None:
    expected = "F9F270978BAA582014CFC81E2B5966D92923B7F784DD84FD75429E38CC4EEFC9"
    assert [passcode(mac) for mac in ("AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff", "AABBCCDDEEFF")] == [expected] * 3


def test_without_extra_crypt_user_name_and_password_are_stretched(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=f"{QUICK},extra_crypt=none")
    client = TpapClient(device, text=f"{USER}/{PASSWORD}").log_in()
    assert "extra_crypt" not in client.told


def test_the_user_name_may_be_another_hash(add: Add) -> None:
    client = TpapClient(add("P110", transport="tpap", tpap="user_hash_type=1"))
    assert client.discover()["result"]["tpap"]["user_hash_type"] == 1
    assert client.register()["error_code"] == -2203
    name = "8C6976E5B5410415BDE908BD4DEE15DFB167A9C873FC4BB8A81F6F2AB448A918"
    assert client.register(username=name.lower())["error_code"] == -2203
    assert client.register(username=name)["error_code"] == 0
    assert client.share()["error_code"] == 0


def test_answers_may_have_the_next_number(add: Add) -> None:
    device = add("P110", transport="tpap", tpap=f"{QUICK},answers=next")
    client = TpapClient(device).log_in()
    for _ in range(3):
        frame = client.send(client.seal(client.number, INFO)).body
        client.number += 1
        assert int.from_bytes(frame[:4], "big") == client.number
        assert client.open(frame)["error_code"] == 0


def test_proofs_of_its_make_are_announced_and_not_given(add: Add) -> None:
    client = TpapClient(add("P110", transport="tpap", tpap=f"{QUICK},dac=1"))
    assert client.discover()["result"]["tpap"]["dac"] == 1
    client.register()
    assert client.share(dac_nonce=b64(bytes(32)))["result"].keys() == {"dev_confirm", "stok", "start_seq"}


def test_tls_is_spoken_on_the_announced_port_with_a_certificate_of_its_own(add: Add) -> None:
    devices = [add("P110", transport="tpap", tpap=f"{QUICK},tls=1") for _ in range(2)]
    for device in devices:
        assert device.https_port not in (None, device.port)
        plain, secure = TpapClient(device), TpapClient(device, secure=True)
        offer = plain.discover()["result"]["tpap"]
        assert (offer["tls"], offer["port"]) == (1, device.https_port)
        assert secure.discover()["result"]["tpap"] == offer
        assert plain.register() == {"error_code": 1003}
        assert device.refusals == ["pake_register without TLS: 1003"]
        secure.log_in()
        assert secure.call("get_device_info")["error_code"] == 0
        assert secure.send(secure.seal(secure.number, INFO), secure=False).json == {"error_code": -2203}
        assert secure.call("get_device_info")["error_code"] == 0
        scheme = {"is_support_https": True, "encrypt_type": "TPAP", "http_port": device.https_port, "lv": 2}
        assert device.announcement["mgt_encrypt_schm"] == scheme


def test_the_announcement_tells_the_offer(add: Add) -> None:
    device = add("L530", transport="tpap", tpap="dac=1")
    told = device.announcement
    assert told["tpap"] == {"tls": 0, "dac": 1, "noc": 0, "pake": [2], "port": device.port}
    assert (told["tpap_preferred"], told["factory_default"]) == (True, False)
    device.set_third_party_compatibility(True)
    told = device.announcement
    assert (told["tpap_preferred"], "tpap" in told) == (False, False)
    assert "tpap_preferred" not in add("L510").announcement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Tpap()),
        (" tls = 1 , https_port=4433,", Tpap(tls=1, https_port=4433)),
        ("w0=short,lost=403,iterations=5", Tpap(w0="short", lost="403", iterations=5)),
        ("pake=0,extra_crypt=none,user_hash_type=1", Tpap(pake=0, extra_crypt="none", user_hash_type=1)),
    ],
)
def test_choices_are_read_from_text(text: str, expected: Tpap) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tsl=1", "tpap 'tsl=1': unknown choice 'tsl'; did you mean 'tls'?"),
        ("tls", "tpap 'tls': a value is missing, such as tls=0"),
        ("w0=", "tpap 'w0=': a value is missing, such as w0=rfc"),
        ("tls=2", "tpap: tls is 2; choose from: 0, 1"),
        ("tls=yes", "tpap: tls is 'yes'; choose from: 0, 1"),
        ("w0=shrt", "tpap: w0 is 'shrt'; did you mean 'short'?"),
        ("lost=9999", "tpap: lost is '9999'; choose from: -2203, -2402, 403"),
        ("iterations=0", "tpap: iterations is 0; expected 1 to 10000000"),
        ("attempts=-1", "tpap: attempts is '-1'; expected 1 to 1000"),
        ("tls=1,tls=0", "tpap 'tls=0': tls is there twice"),
        ("https_port=4433", "tpap: https_port without tls=1 is of no use"),
    ],
)
def test_choices_that_there_are_not_are_named(text: str, complaint: str) -> None:
    with pytest.raises(SimulatorError) as raised:
        read(text)
    assert str(raised.value) == complaint


def test_a_port_for_tls_that_is_in_use_is_told(add: Add) -> None:
    device = add("P110")
    with pytest.raises(SimulatorError, match=f"cannot listen on 127.0.0.1:{device.port}: Address already in use"):
        add("P110", transport="tpap", tpap=Tpap(tls=1, https_port=device.port))
    with pytest.raises(SimulatorError, match=f"cannot listen on 127.0.0.1:{device.port}: Address already in use"):
        add("P110", transport="tpap", tpap="tls=1", port=device.port)


def test_the_defaults_come_first_in_the_choices() -> None:
    usual = Tpap()
    assert {name: values[0] for name, values in CHOICES.items()} == {name: getattr(usual, name) for name in CHOICES}
    assert all(low <= getattr(usual, name) <= high for name, (low, high) in NUMBERS.items())


def test_a_fleet_file_and_its_defaults_take_choices(tmp_path: Path, fleet: Fleet) -> None:
    path = tmp_path / "house.toml"
    path.write_text(
        '[defaults]\ntransport = "tpap"\ntpap = "iterations=20"\n[[device]]\nprofile = "P110"\n'
        '[[device]]\nprofile = "L530"\ntpap = "pake=0"\n',
        encoding="utf-8",
    )
    wishes = read_fleet(path, Wish(username=USER, password=PASSWORD))
    plug, lamp = (device for wish in wishes for device in start(fleet, wish))
    assert TpapClient(plug).log_in().told["iterations"] == 20
    assert TpapClient(lamp).discover()["result"]["tpap"]["pake"] == [0]


def test_every_choice_has_a_row_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (`[^|]+) \|", page.partition("\n## TPAP\n")[2].partition("\n## ")[0], re.MULTILINE
    )
    told = {name: tuple(re.findall("`([^`]+)`", values)) for name, values in rows}
    usual = Tpap()
    expected = {name: tuple(map(str, values)) for name, values in CHOICES.items()}
    assert told == expected | {name: (str(getattr(usual, name)),) for name in NUMBERS}
