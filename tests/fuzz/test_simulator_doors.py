"""Simulated devices against clients that speak almost as they should: always the answer of a device."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.acts import ACTS
from fuzz.effort import tried
from fuzz.house import PASSWORD, USER, Chance, Line, as_asked, saying
from fuzz.judging import attempt, in_time
from fuzz.mutations import TEXTS, bent, dump, spoiled, spoiled_json, strange
from tapo_automate.simulator import Fleet
from tapo_automate.simulator.core import REQUEST_LIMIT_BYTES
from tapo_automate.simulator.http_server import Reply, Request
from tapo_automate.simulator.methods import METHODS

NOON = 1_783_936_800.0
SPEECHES = ("klap", "klap-v1", "aes", "aes-v1", "tpap")


class Talks:
    """A device, and what a good client says to it.  bodies: of its requests, in order."""

    def __init__(self, fleet: Fleet, speech: str, account: dict[str, str]) -> None:
        self.chance = Chance()
        self.device = fleet.add(
            "P110", transport=speech, now=lambda: NOON, seed=1, tpap="iterations=10", entropy=self.chance, **account
        )
        line = Line(self.device)
        self.begin()
        self.talk(line)
        self.requests = tuple(as_asked(request) for _, request in line.sent)

    def begin(self) -> None:
        self.chance.begin()
        self.device.forget_session()
        self.device._front._lockout.forgive()

    def talk(self, line: Line) -> None:
        client = line.client()
        client.call("get_device_info")
        client.call("set_device_info", {"device_on": True})


@pytest.fixture(scope="module")
def talks_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], Talks]:
    known: dict[str, Talks] = {}

    def talks_of(speech: str) -> Talks:
        if speech not in known:
            known[speech] = Talks(fleet, speech, account)
        return known[speech]

    return talks_of


@pytest.mark.parametrize("speech", SPEECHES)
@tried(20, share=2)
@given(data=st.data())
def test_whatever_step_is_bent_the_device_answers_and_takes_the_next_client(
    talks_of: Callable[[str], Talks], speech: str, data: st.DataObject
) -> None:
    talks = talks_of(speech)
    talks.begin()
    line = Line(talks.device)
    answer = talks.device._front.answer
    at = data.draw(st.sets(st.integers(0, 5), min_size=1, max_size=2), label="which requests")
    met = 0

    def bending(request: Request) -> Reply:
        nonlocal met
        met += 1
        if met - 1 in at:
            request = data.draw(bent_request(request, talks.requests))
        with in_time():
            return checked(answer(request))

    talks.device._front.answer = bending  # type: ignore[method-assign]
    try:
        for _ in range(2):
            attempt(lambda: talks.talk(line), {USER, PASSWORD})
    finally:
        del talks.device._front.answer
    talks.begin()
    talks.talk(Line(talks.device))


def checked(reply: Reply) -> Reply:
    assert reply.status in (200, 400, 401, 403, 429, 500)
    if reply.kind.startswith("application/json"):
        said = json.loads(reply.body)
        assert type(said["error_code"]) is int
    assert PASSWORD.encode() not in reply.body
    assert USER.encode() not in reply.body
    return reply


@st.composite
def bent_request(draw: st.DrawFn, request: Request, others: tuple[Request, ...]) -> Request:
    """Return a request that is not quite this one, in its path, its headers or its body."""
    match draw(st.integers(0, 9)):
        case 0:
            path = st.sampled_from(("/", "/app", "/app/", "/app/request", "/stok=/ds", "/stok=%00/ds", "//", "é" * 99))
            return replace(request, path=draw(path))
        case 1:
            query = st.sampled_from(("", "seq=", "seq=9999999999999", "token=", "seq=-1", "token=\xff", "a=b&seq=1"))
            return replace(request, query=draw(query))
        case 2:
            cookie = draw(st.sampled_from(("", "TP_SESSIONID=", "TP_SESSIONID", "\xff=\x80", "a=b; TP_SESSIONID=x")))
            return replace(request, headers={**request.headers, "Cookie": cookie})
        case 3:
            return draw(st.sampled_from(others))
        case 4:
            return replace(request, secure=not request.secure)
    body = request.body
    with suppress(ValueError):
        words = json.loads(body)
        if draw(st.integers(0, 3)):
            return replace(request, body=draw(spoiled_json(words)))
    return replace(request, body=draw(bent(body, [other.body for other in others])))


@tried(20)
@given(name=st.sampled_from(TEXTS) | strange, code=st.sampled_from(TEXTS) | strange)
@example(name="\ud800", code="\ud800")
def test_a_login_of_the_older_protocol_may_hold_anything(
    talks_of: Callable[[str], Talks], name: Any, code: Any
) -> None:
    talks = talks_of("aes")
    talks.begin()
    client = Line(talks.device).client()
    door = talks.device._front._door
    client.call("get_device_info")
    session = door._session
    session.login_tried, session.token = False, None
    inner = dump({"method": "login_device", "params": {"username": name, "password2": code}})
    sealed = b64encode(session.encrypt(inner)).decode()
    body = json.dumps({"method": "securePassthrough", "params": {"request": sealed}}).encode()
    cookie = {"Cookie": f"TP_SESSIONID={session.name}"}
    checked(talks.device._front.answer(Request("/app", "", cookie, body, "127.0.0.1:1")))


class Messages:
    """A device and the messages that all acts sent to it."""

    def __init__(self, fleet: Fleet, model: str, account: dict[str, str]) -> None:
        self.fleet, self.model, self.account = fleet, model, account
        self.device = fleet.add(model, now=lambda: NOON, seed=1, **account)
        found: dict[bytes, None] = {}
        execute = self.device._core.execute

        def noted(message: bytes) -> bytes:
            found[message] = None
            return json.dumps(execute(message)).encode()

        with saying(self.device, noted):
            for act in ACTS[model].values():
                attempt(lambda act=act: act(Line(self.device).client()), ())
        self.calls = [json.loads(message) for message in found]
        self.methods = sorted({*METHODS, *self.device._core.appliance.replies, "multipleRequest", "login_device"})


@pytest.fixture(scope="module")
def messages_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], Messages]:
    known: dict[str, Messages] = {}

    def messages_of(model: str) -> Messages:
        if model not in known:
            known[model] = Messages(fleet, model, account)
        return known[model]

    return messages_of


@pytest.mark.parametrize("model", ACTS)
@tried(25, share=5)
@given(data=st.data())
def test_whatever_a_method_is_given_it_is_done_or_refused(
    messages_of: Callable[[str], Messages], model: str, data: st.DataObject
) -> None:
    messages = messages_of(model)
    core = messages.device._core
    for _ in range(data.draw(st.integers(1, 6))):
        message = data.draw(calls(messages))
        with core.lock, in_time():
            reply = core.execute(message)
            core.appliance.restart_wanted = core.appliance.reset_wanted = False
        assert type(reply["error_code"]) is int
        json.loads(json.dumps(reply))
    with core.lock:
        assert core.execute(b'{"method":"get_device_info"}')["error_code"] == 0
        for child in core.appliance.children:
            data_of = {"device_id": child.info["device_id"], "requestData": {"method": "get_device_info"}}
            reply = core.execute(json.dumps({"method": "control_child", "params": data_of}).encode())
            assert reply["result"]["responseData"]["error_code"] == 0
        core.appliance.settle()
    json.dumps(messages.device.announcement)


@st.composite
def calls(draw: st.DrawFn, messages: Messages) -> bytes:
    """Return a request: one that was made, not quite as it was, or any method with anything."""
    match draw(st.integers(0, 9)):
        case 0:
            call: Any = {"method": draw(st.sampled_from(messages.methods)), "params": draw(strange)}
        case 1:
            some = draw(st.lists(st.sampled_from(messages.calls), min_size=1, max_size=4))
            call = {"method": "multipleRequest", "params": {"requests": draw(spoiled(some))}}
        case 2:
            call = draw(st.sampled_from(messages.calls))
            return draw(bent(json.dumps(call).encode()))
        case 3:
            call = {"method": draw(st.sampled_from(messages.methods)), "params": {}}
            for key in draw(st.lists(st.sampled_from(KEYS), max_size=4)):
                call["params"][key] = draw(strange)
        case _:
            call = draw(spoiled(draw(st.sampled_from(messages.calls)), most=3))
    return dump(call)


KEYS = (
    "enable", "on", "device_on", "id", "rule_list", "remove_all", "start_index", "delay", "delay_min", "desired_states",
    "s_min", "s_type", "time_offset", "mode", "week_day", "brightness", "color_temp", "hue", "saturation", "nickname",
    "timestamp", "time_diff", "region", "interval", "start_timestamp", "end_timestamp", "latitude", "longitude",
    "default_states", "wireless", "account", "time", "url", "night_mode", "led_rule", "states", "index", "state",
    "requests", "requestData", "device_id", "lighting_effect", "fan_speed_level", "protection_power", "enabled",
)  # fmt: skip


def test_what_is_too_long_is_refused_before_it_is_read(messages_of: Callable[[str], Messages]) -> None:
    core = messages_of("P110").device._core
    reply = core.execute(b'{"method":"get_device_info","params":{"a":"' + b"x" * REQUEST_LIMIT_BYTES + b'"}}')
    assert reply == {"error_code": -1006}
