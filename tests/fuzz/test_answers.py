"""What a device answers to methods, sealed as it should be, and other than it should be: read, or refused in words."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.acts import ACTS, Act
from fuzz.effort import tried
from fuzz.house import Line, saying
from fuzz.judging import attempt
from fuzz.mutations import CODES, DEPTHS, dump, spoiled_json
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import commands
from tapo_automate.wire.answers import json_object
from tapo_automate.wire.client import Client, encode
from tapo_automate.wire.private import masked

NOON = 1_783_936_800.0
UNKNOWN = {"error_code": -1002}
CASES = [(model, name) for model, acts in ACTS.items() for name in acts]


class Recorded:
    """What a device answered while all acts were done to it: by method and parameters, else by method."""

    def __init__(self, device: Device, acts: Mapping[str, Act]) -> None:
        self.device = device
        self.line = Line(device)
        self._exact: dict[bytes, Any] = {}
        self._by_method: dict[str, Any] = {}
        execute = device._core.execute

        def noted(message: bytes) -> bytes:
            reply = execute(message)
            self._exact.setdefault(message, reply)
            self._by_method.setdefault(_names(message), reply)
            return json.dumps(reply).encode()

        with saying(device, noted):
            for act in acts.values():
                attempt(lambda act=act: act(self.line.client()), self.line.secrets)

    def __call__(self, message: bytes) -> Any:
        return self._exact.get(message) or self._by_method.get(_names(message), UNKNOWN)


def _names(message: bytes) -> str:
    """Return the methods that a request carries out, the outermost first."""
    call = json.loads(message)
    params = call.get("params") or {}
    inner = [params.get("requestData"), *(params.get("requests") or ())]
    return " ".join([call["method"], *(_names(json.dumps(each).encode()) for each in inner if each)])


@pytest.fixture(scope="module")
def recorded_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], Recorded]:
    known: dict[str, Recorded] = {}

    def recorded_of(model: str) -> Recorded:
        if model not in known:
            known[model] = Recorded(fleet.add(model, now=lambda: NOON, seed=1, **account), ACTS[model])
        return known[model]

    return recorded_of


@pytest.mark.parametrize("model", ACTS)
@tried(40, share=4)
@given(data=st.data())
def test_whatever_a_method_answers_is_read_or_refused(
    recorded_of: Callable[[str], Recorded], model: str, data: st.DataObject
) -> None:
    recorded = recorded_of(model)
    act = ACTS[model][data.draw(st.sampled_from(list(ACTS[model])), label="act")]
    at = data.draw(st.sets(st.integers(0, 6), min_size=1, max_size=3), label="which answers")
    asked = 0

    def say(message: bytes) -> bytes:
        nonlocal asked
        asked += 1
        assert asked < 400, "it asks for ever"
        reply = recorded(message)
        if asked - 1 not in at:
            return json.dumps(reply).encode()
        if data.draw(st.integers(0, 7)) == 0:
            return b'{"error_code":%d}' % data.draw(st.sampled_from(CODES))
        return data.draw(spoiled_json(reply))

    recorded.device.forget_session()
    line = Line(recorded.device)
    client = line.client()
    with saying(recorded.device, say):
        outcome = attempt(lambda: act(client), line.secrets)
    check_kinds(outcome)
    assert client.call("get_device_time")["region"] == "Europe/Berlin"
    attempt(client.close, line.secrets)


def check_kinds(found: object) -> None:
    """Fail where a field of what was read is of another kind than it says: no device brings that about."""
    if isinstance(found, tuple | list):
        for each in found:
            check_kinds(each)
    elif is_dataclass(found) and not isinstance(found, type):
        hints = get_type_hints(type(found))
        for field in fields(found):
            value, kinds = (
                getattr(found, field.name),
                PLAIN.get(str(hints[field.name]).replace("<class '", "").strip("'>")),
            )
            assert kinds is None or type(value) in kinds, f"{type(found).__name__}.{field.name} is {value!r}"
            check_kinds(value)


PLAIN: dict[str, tuple[type, ...]] = {
    f"{kind.__name__}{rest}": (kind, *more, *((type(None),) if rest else ()))
    for kind, more in ((int, ()), (float, (int,)), (str, ()), (bool, ()))
    for rest in ("", " | None")
}


def test_every_typed_command_that_does_no_harm_is_among_the_acts(recorded_of: Callable[[str], Recorded]) -> None:
    left_out = {"device_reboot", "device_reset", "fw_download", "set_wireless_info", "set_inherit_info", "set_qs_info"}
    there = set()
    for module in pkgutil.iter_modules(commands.__path__):
        for name, each in vars(import_module(f"{commands.__name__}.{module.name}")).items():
            if inspect.isfunction(each) and name.startswith(("get_", "set_", "edit_", "save_", "show_")):
                there.add(name)
    text = inspect.getsource(import_module("fuzz.acts"))
    missing = {name for name in there - left_out if f".{name}" not in text}
    assert not missing


@tried(60)
@given(data=st.data())
def test_json_comes_in_whole_and_shallow_or_not_at_all(data: st.DataObject) -> None:
    """What comes through may be written again, compared and shown without Python's losing its way in it."""
    usual = {"error_code": 0, "result": {"a": [{"b": 1}, {"c": [2.5, None]}], "d": "x"}}
    answer = json_object(data.draw(spoiled_json(usual)))
    if answer is not None:
        assert json.loads(json.dumps(answer)).keys() == answer.keys()
        assert str(answer)
        masked(answer)


def test_no_depth_of_brackets_is_let_in_that_is_not_shown_and_sent_again() -> None:
    for name in ("lists", "tables"):
        for depth in DEPTHS:
            answer = json_object(dump({"error_code": 0, "result": f"@raw {name} {depth}"}))
            assert (answer is not None) == (depth < 60)
            if answer is not None:
                masked(answer)
                encode("set_device_info", answer)


def test_a_client_with_nothing_bent_does_every_act(recorded_of: Callable[[str], Recorded]) -> None:
    """Most acts come to a good end on a good device: what is spoiled afterwards is worth spoiling."""
    failed = {}
    for model, acts in ACTS.items():
        recorded = recorded_of(model)
        for name, act in acts.items():
            client: Client = recorded.line.client()
            with saying(recorded.device, lambda message, said=recorded: json.dumps(said(message)).encode()):
                outcome = attempt(lambda act=act, client=client: act(client), recorded.line.secrets)
            if isinstance(outcome, Exception):
                failed[f"{model} {name}"] = str(outcome)
    assert len(failed) < len(CASES) / 3, failed
