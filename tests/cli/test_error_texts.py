"""What people complain about most, as this program tells it: which device, what happened, and what to do.

The numbers are those of the complaints that docs/protocol.md was gathered from; what has none of a text here works.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.lived_in import Home
from cli.terminal import USERNAME
from tapo_automate.simulator import Fleet
from tapo_automate.wire.exchange import Request, Response
from wire.peers import PASSWORD as PEERS_PASSWORD
from wire.peers import USER, KlapPeer, Peer, status
from wire.served import served
from wire.test_error_texts import APP, TWO, WRONG
from wire.tpap_peer import TpapPeer


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with Fleet() as fleet:
        yield Home(tmp_path, fleet, capsys, monkeypatch)


class WithoutKlap(KlapPeer):
    def answer(self, request: Request) -> Response:
        return status(403) if request.path == "/app/handshake1" else super().answer(request)


class Certified(TpapPeer):
    def __init__(self) -> None:
        super().__init__()
        self.offer |= {"tls": 2, "port": 4433}


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (WithoutKlap, "the device refuses the KLAP protocol (HTTP 403) and does not offer TPAP"),
        (
            Certified,
            "the device only offers the TPAP protocol with HTTPS by certificates of the vendor's (tls 2), which this "
            "version does not speak",
        ),
    ],
)
def test_1_and_2_a_device_that_keeps_others_out(home: Home, kind: type[Peer], problem: str) -> None:
    with served(kind()) as host:
        home.write("porch", "P110", f'host = "{host}"')
        account = {"TAPO_USERNAME": USER, "TAPO_PASSWORD": PEERS_PASSWORD}
        said = f"porch: {host}: {problem}; {APP}\n"
        assert home.run("status", "porch", **account).err.endswith(said)
        assert home.run("info", "porch", **account).err == f"tapo-automate: {said}"
        (found,) = [
            each
            for each in json.loads(home.run("doctor", "--json", **account).out)["devices"][0]["findings"]
            if each["check"] == "third-party"
        ]
        assert (found["text"], found["remedy"]) == (problem, APP)


def test_3_a_device_behind_a_shut_port(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        home.write("porch", "P110", f'host = "{host}"')
        assert home.run("on", "porch").err == (
            f"porch: {host}: the connection was refused (after a power cut some devices keep their port shut for about "
            "eight minutes); a probe over UDP was not answered either: is it switched on, and is this still its "
            "address?\n"
        )


def test_4_another_program_that_takes_the_session(home: Home) -> None:
    porch = home.add("porch")
    for _ in range(3):
        home.run("status", "porch")
        porch.forget_session()
    home.run("status", "porch")
    (found,) = [each for each in findings(home) if each["check"] == "session"]
    assert found["text"].startswith("its session was taken away 3 times within 5 min, the last time ")
    assert found["remedy"] == (
        "another program talks to the device and logs in each time, and a device keeps one session: let one of the two "
        "rest, or ask less often"
    )


@pytest.mark.parametrize(
    ("username", "password", "remedy"),
    [
        ("another@example.com", "another", "it is bound to another account, or its e-mail is spelt otherwise there, "),
        (USERNAME, "another", "it is bound to this account, so that its password is another: see to TAPO_PASSWORD or "),
    ],
)
def test_5_and_6_credentials_that_fit_nothing(home: Home, username: str, password: str, remedy: str) -> None:
    porch = home.add("porch", host="127.0.0.77", discovery=20002, username=username, password=password)
    assert home.run("on", "porch").err == f"porch: {porch.address}: {WRONG}\n"
    (found,) = [each for each in findings(home) if each["check"] == "credentials"]
    assert found["text"] == WRONG
    assert found["remedy"].startswith(remedy)
    assert "spell" in found["remedy"] or "log out" in found["remedy"]


@pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])
def test_7_8_10_and_11_what_mends_itself_is_not_told(home: Home, transport: str) -> None:
    porch = home.add("porch", transport=transport)
    home.does("status", "porch")
    for faults in ("expire=once", "busy=once", "close", "no-batch"):
        porch.set_faults(faults)
        home.does("status", "porch")
        home.does("info", "porch")


def test_7_a_session_that_is_gone_at_once_is_told_after_two_logins(home: Home) -> None:
    porch = home.add("porch")
    porch.set_faults("403=always")
    said = f"porch: {porch.address}: the device has forgotten the session (HTTP 403), right after a login; {TWO}\n"
    assert home.run("on", "porch").err == said
    assert porch.handshakes <= 2


def test_9_nobody_asks_a_meter_faster_than_it_bears(home: Home) -> None:
    home.add("porch")
    said = home.run("run", "--poll", "0.5")
    assert said.code == 2
    assert "0.5" in said.err


def test_12_a_clock_that_is_wrong(home: Home) -> None:
    porch = home.add("porch")
    porch.lose_clock()
    (found,) = [each for each in findings(home) if each["check"] == "clock"]
    assert found["level"] == "warn"
    assert "2000" in found["text"]
    assert found["remedy"]


def test_13_a_device_that_has_moved_and_another_in_its_place(home: Home) -> None:
    other = home.add("other")
    home.write("porch", "P110", f'host = "{other.address}"', 'mac = "02-00-00-00-00-99"')
    said = home.run("on", "porch").err
    assert said == (
        f"porch: 02-00-00-00-00-99: at {other.address} is another device now ({other.mac}), to which nothing was "
        "written, and no device with this MAC answered a search over UDP: is it plugged in, and in a network that "
        "this computer can broadcast to?  `tapo-automate discover` shows what answers\n"
    )
    assert not other.calls or {call.method for call in other.calls} == {"get_device_info"}


def test_14_a_device_that_does_not_answer(home: Home) -> None:
    porch = home.add("porch")
    porch.set_faults("drop=always")
    said = home.run("on", "porch")
    problem = "the device closed the connection without an answer; restart the device if it stays so"
    assert said.err == f"porch: {porch.address}: {problem}\n"
    assert said.code == 3


def test_16_firmware_that_renews_itself(home: Home) -> None:
    porch = home.add("porch")
    with porch._core.lock:
        porch._core.appliance.replies["get_auto_update_info"] = {"enable": True, "random_range": 120, "time": 180}
    (found,) = [each for each in findings(home) if each["check"] == "auto-update"]
    assert found["text"] == "it renews its firmware by itself, and a renewal may change the protocol that it speaks"
    assert found["remedy"] == (
        "`tapo-automate firmware DEVICE --auto-update off`, or turn Auto Update off in the Tapo app, Device Info"
    )
    assert "`firmware porch --auto-update off` has it wait" in home.run("firmware", "porch").err


def test_17_a_login_that_failed_is_not_tried_again(home: Home) -> None:
    porch = home.add("porch", transport="tpap", username="another@example.com", password="another")
    first, second = home.run("on", "porch").err, home.run("on", "porch").err
    assert "does not accept this password" in first
    assert "It is not tried again by itself, because repeated failures lock a device" in first
    assert second.startswith(f"porch: {porch.address}: the device refused this e-mail and password on ")
    assert "say `tapo-automate login" in second
    assert porch.logins <= 1


def findings(home: Home) -> list[dict[str, Any]]:
    return list(json.loads(home.run("doctor", "porch", "--json").out)["devices"][0]["findings"])
