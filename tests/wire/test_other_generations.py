"""What devices may do otherwise in each generation: spelling, cookies, offers, codes, numbers and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, get_args

import pytest

from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import AuthRefused, DeviceError, Refused
from tapo_automate.wire import Client, SmartDevice, connect, open_device
from wire.other_dumps import MADE_UP
from wire.other_host import GENERATIONS, Host
from wire.other_lines import SECRET, USER, Passthrough
from wire.other_reads import answered
from wire.other_replay import Accent, Replay
from wire.other_server import Spelling
from wire.other_tpap import Tpap

OWNER = Credentials(USER, SECRET)


class Met:
    def __init__(self, stack: ExitStack, name: str, speaks: str, accent: Accent, how: Mapping[str, Any]) -> None:
        self._stack = stack
        self.replay = Replay(MADE_UP[name], accent)
        self.host = stack.enter_context(Host(self.replay.reply, speaks, mac=self.replay.mac, **how))

    def client(self, credentials: Credentials | None = OWNER) -> Client:
        client = connect(self.host.address, credentials)
        self._stack.callback(client.close)
        return client

    def driver(self, socket: str = "") -> SmartDevice:
        device = open_device(DeviceSpec("it", "tapo-plug", self.host.address, socket=socket), OWNER)
        self._stack.callback(device.close)
        return device

    def works(self, credentials: Credentials | None = OWNER) -> None:
        """Hold it to commands in one session, and to another session after that."""
        client = self.client(credentials)
        for _ in range(2):
            assert client.call("get_device_info")["model"] == self.replay.said["get_device_info"]["model"]
            assert (
                client.multiple([("get_device_time", None), ("nonsense", {})])[0] == self.replay.said["get_device_time"]
            )
            self.host.line.forget()
        assert self.host.rude == []


Meet = Callable[..., Met]


@pytest.fixture
def meet() -> Iterator[Meet]:
    with ExitStack() as stack:
        yield lambda name="plug", speaks="klap", accent=None, **how: Met(stack, name, speaks, accent or {}, how)


@pytest.mark.parametrize("spelling", get_args(Spelling))
@pytest.mark.parametrize("speaks", GENERATIONS)
def test_the_web_server_spells_as_it_likes(meet: Meet, speaks: str, spelling: str) -> None:
    meet(speaks=speaks, spelling=spelling).works()


@pytest.mark.parametrize(
    "manners",
    [
        {"newline": True},
        {"cookie": "SESSIONID"},
        {"cookie_line": "{}"},
        {"cookie_line": "{}; TIMEOUT=86400; Path=/; HttpOnly"},
        {"cookie_line": "{};TIMEOUT=soon"},
        {"cookie_line": "{};TIMEOUT=0"},
        {"knows_tpap": True},
        {"unknown_front": -1002},
        {"unknown_front": -40101},
        {"lost_code": 9999},
        {"account": ("", "")},
        {"account": ("test@tp-link.net", "test")},
        {"account": ("kasa@tp-link.net", "kasaSetup")},
    ],
    ids=str,
)
@pytest.mark.parametrize("speaks", ["klap", "klap-v1"])
def test_klap_with_manners_of_its_own(meet: Meet, speaks: str, manners: dict[str, Any]) -> None:
    meet(speaks=speaks, manners=manners).works()


@pytest.mark.parametrize(
    "manners",
    [
        {"cookie": "SESSIONID"},
        {"cookie_line": "{}"},
        {"cookie_line": "{}; Path=/"},
        {"plain": "object"},
        {"plain": "text"},
        {"lines": True},
        {"unknown_front": -1010},
        {"lost_code": -1101},
        {"account": ("test@tp-link.net", "test")},
    ],
    ids=str,
)
@pytest.mark.parametrize("speaks", ["aes", "aes-v1"])
def test_passthrough_with_manners_of_its_own(meet: Meet, speaks: str, manners: dict[str, Any]) -> None:
    meet(speaks=speaks, manners=manners).works()


@pytest.mark.parametrize(
    "manners",
    [
        {"session_id": True},
        {"start": 0},
        {"start": 0x7B000000},  # frames that begin as JSON does
        {"start": 2**31},
        {"start": 2**32 - 5},  # numbers that run out
        {"bare": True},
        {"user_hash_type": 0},
        {"user_hash_type": 1},
        {"passcode": True},
        {"pake": [5]},
        {"pake": [3, 2]},
        {"dac": 1},
        {"ahead": 3},
        {"more": True},
        {"lost_code": -2402},
        {"lost_code": 9999},
    ],
    ids=str,
)
@pytest.mark.parametrize("speaks", ["tpap", "tpap-tls"])
def test_tpap_with_manners_of_its_own(meet: Meet, speaks: str, manners: dict[str, Any]) -> None:
    met = meet(speaks=speaks, manners=manners)
    met.works(None if "passcode" in manners else OWNER)
    assert isinstance(met.host.line, Tpap)
    assert met.host.line.failed == 0


class TestWrongCredentials:
    WRONG = Credentials(USER, "wrong horse")

    @pytest.mark.parametrize("speaks", GENERATIONS)
    def test_they_are_refused_and_not_shown_again(self, meet: Meet, speaks: str) -> None:
        met = meet(speaks=speaks)
        client = met.client(self.WRONG)
        said = []
        for _ in range(4):
            with pytest.raises(AuthRefused) as raised:
                client.call("get_device_info")
            said.append(str(raised.value))
        assert "wrong horse" not in "".join(said)
        line = met.host.line
        if isinstance(line, Tpap):
            assert line.failed == 1
        if isinstance(line, Passthrough):
            assert line.failed <= 2  # the account, and the vendor's default

    @pytest.mark.parametrize("speaks", ["tpap", "tpap-tls"])
    def test_the_other_form_of_w0_costs_two_failures_and_never_more(self, meet: Meet, speaks: str) -> None:
        met = meet(speaks=speaks, manners={"short_w0": True})
        client = met.client()
        for _ in range(3):
            with pytest.raises(AuthRefused, match="bears 13 more"):
                client.call("get_device_info")
        assert isinstance(met.host.line, Tpap)
        assert (met.host.line.failed, met.host.line.logins) == (2, 0)

    @pytest.mark.parametrize("speaks", ["tpap", "tpap-tls"])
    def test_a_device_that_is_locked_is_left_alone(self, meet: Meet, speaks: str) -> None:
        met = meet(speaks=speaks, manners={"attempts": 0})
        client = met.client()
        for _ in range(2):
            with pytest.raises(AuthRefused) as raised:
                client.call("get_device_info")
            assert raised.value.locked
        assert "login" not in met.host.requests


ACCENTS: dict[str, Accent] = {
    "pages of one": {"page": 1},
    "pages of four": {"page": 4},
    "numbers with a fraction": {"floats": True},
    "truths as bits": {"bits": True},
    "codes of sixteen bits": {"short_codes": True},
    "no zone": {"no_region": True},
    "newer names": {"newer": True},
    "no batches": {"batch": -1003},
    "no batches at all": {"batch": 1200},
    "batches that stop": {"batch": "stops"},
    "batches that lack the rest": {"batch": "fewer"},
    "little said": {"out": ("rssi", "nickname", "time_diff", "on_time", "specs", "lang", "region")},
    "less said": {"out": ("has_set_location_info", "latitude", "longitude", "auto_off_status", "overheated", "ip")},
}


@pytest.mark.parametrize("accent", ACCENTS)
@pytest.mark.parametrize("speaks", GENERATIONS)
@pytest.mark.parametrize("name", MADE_UP)
def test_the_driver_understands_every_accent(meet: Meet, name: str, speaks: str, accent: str) -> None:
    met = meet(name, speaks, ACCENTS[accent])
    device = met.driver("2" if name == "strip" else "")
    part = list(met.replay.children.values())[1] if name == "strip" else met.replay
    rows = part.said["get_schedule_rules"]["rule_list"]
    assert device.describe().model == part.said["get_device_info"]["model"]
    assert [row.id for row in device.table("schedule").rows] == [row["id"] for row in rows]
    for on in (False, True):
        device.apply(Setting(on=on))
        assert (device.state().on, part.said["get_device_info"]["device_on"]) == (on, on)
    device.start_timer(77, Setting(on=False))
    assert device.timer() == (77, Setting(on=False))
    assert device.holdings().tables["schedule"].max_rows == part.said["get_schedule_rules"]["schedule_rule_max_count"]
    if name == "plug":
        assert device.power_w() == 12.345
    with pytest.raises(Refused) as raised:
        device.call("set_device_info", {"device_on": True, "tea": 1})
    assert raised.value.code == -1008


@pytest.mark.parametrize("accent", [*ACCENTS, "texts"])
@pytest.mark.parametrize("name", MADE_UP)
def test_every_reading_command_reads_an_accent_or_says_what_is_wrong(meet: Meet, name: str, accent: str) -> None:
    met = meet(name, "klap", ACCENTS.get(accent, {"texts": True}))
    client = met.client()
    read_all = []
    for method, (read, shown, expected) in answered(met.replay.said).items():
        try:
            found = shown(read(client))
        except DeviceError:
            continue
        read_all.append(method)
        if accent in ("pages of one", "pages of four", "numbers with a fraction", "truths as bits"):
            assert found == expected(met.replay.said[method]), method
    assert accent == "texts" or len(read_all) == len(answered(met.replay.said))
