"""Files that somebody may have damaged or written himself: what is remembered of devices, fleets, dumps, plans."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.house import ACCOUNT, PASSWORD, USER, Line, saying
from fuzz.judging import attempt, in_time
from fuzz.mutations import DEPTHS, bent, dump, spoiled, spoiled_json
from tapo_automate import wire
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import AuthRefused, ConfigError, Unreachable
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.fleet_file import Wish, read_fleet, start
from tapo_automate.simulator.lookup import profile_for
from tapo_automate.sync.ledger import load_ledger
from tapo_automate.sync.planfile import load_plan
from tapo_automate.wire.vault import Vault

NOON = dt.datetime(2026, 7, 13, 10, tzinfo=dt.UTC)
SPEECHES = ("klap", "aes", "tpap")


@pytest.fixture(scope="module")
def devices(fleet: Fleet, account: dict[str, str]) -> dict[str, Device]:
    return {
        speech: fleet.add("P110", transport=speech, now=NOON.timestamp, seed=1, tpap="iterations=10", **account)
        for speech in SPEECHES
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.mark.parametrize("speech", SPEECHES)
@tried(15, share=0.5)
@given(data=st.data())
def test_a_kept_session_that_is_none_costs_a_handshake_and_no_more(
    devices: dict[str, Device], folder: Path, speech: str, data: st.DataObject
) -> None:
    memory = DeviceMemory(folder, lambda: NOON)
    shelf = memory.of("x", ACCOUNT)
    device = devices[speech]
    device._front._lockout.forgive()
    line = Line(device)
    client = line.client(memory=shelf)
    client.call("component_nego")
    client.close()
    kept = memory.vault().unseal(json.loads(shelf._path.read_bytes())["session"])
    assert kept is not None
    del kept["steady"]
    spoilt = dump(data.draw(spoiled({name: kept[name] for name in sorted(kept)})))
    words = {"known": {}, "session": memory.vault()._fernet.encrypt(spoilt).decode()}
    shelf._path.write_bytes(json.dumps(words).encode())
    client = line.client(memory=memory.of("x", ACCOUNT))
    attempt(lambda: client.call("get_device_info"), line.secrets)
    client.forget_refusal()
    device._front._lockout.forgive()
    assert client.call("get_device_info")["model"] == "P110"
    client.close()


@tried(40, share=0.5)
@given(data=st.data())
def test_a_damaged_memory_keeps_no_command_from_a_device(
    devices: dict[str, Device], folder: Path, data: st.DataObject
) -> None:
    device = devices["klap"]
    memory = DeviceMemory(folder / "damaged", lambda: NOON)
    shelf = memory.of(device.mac, ACCOUNT)
    line = Line(device)
    client = line.client(memory=shelf, mac=device.mac)
    client.call("get_device_info")
    client.close()
    shelf.note_refusal(device.mac, AuthRefused("x", "y", remaining=3))
    name = data.draw(st.sampled_from((shelf._path.name, "refusals.json", "key", "lock")))
    path = memory.folder / name
    before = path.read_bytes()
    damaged = data.draw(bent(before, most=2) if name in ("key", "lock") else spoiled_json(_sorted(json.loads(before))))
    path.write_bytes(damaged)
    try:
        memory = DeviceMemory(folder / "damaged", lambda: NOON)
        client = line.client(memory=memory.of(device.mac, ACCOUNT), mac=device.mac)
        with in_time():
            assert client.call("get_device_info")["model"] == "P110"
            refused = memory.of(device.mac, ACCOUNT).refusal(device.mac)
            assert refused is None or refused.at is None or refused.at.tzinfo is not None
        client.close()
    finally:
        path.unlink(missing_ok=True)


def _sorted(words: dict[str, Any]) -> dict[str, Any]:
    """Return a memory as it is in each run: what is sealed is of one length and other letters."""
    return {name: "sealed" if name == "session" else words[name] for name in sorted(words)}


@tried(25, share=0.5)
@given(address=st.text(max_size=20) | st.sampled_from(("127.0.0.1:1", "::", "[", "a b", "x:99999", "\ud800", "\0")))
def test_a_remembered_place_that_is_none_keeps_nobody_from_looking(
    devices: dict[str, Device], folder: Path, address: str
) -> None:
    device = devices["klap"]
    memory = DeviceMemory(folder / "places", lambda: NOON)
    shelf = memory.of(device.mac, ACCOUNT)
    shelf._change(shelf._path, known={"address": address, "transport": "klap"})
    wire.use(wire.Surroundings(memory.of, spacing_s=0, patience_s=(), targets=lambda: ()))
    opened = wire.open_device(DeviceSpec("x", "tapo-plug", device.address, mac=device.mac), ACCOUNT)
    try:
        outcome = attempt(opened.describe, {USER, PASSWORD})
        assert not isinstance(outcome, ConfigError)
        assert isinstance(outcome, Unreachable) or outcome.model == "P110"
    finally:
        opened.close()


def test_what_a_device_said_of_itself_is_kept_however_deep(devices: dict[str, Device], folder: Path) -> None:
    """What is kept of a session has the device's own words in it."""
    line = Line(devices["klap"])
    for depth in DEPTHS:
        memory = DeviceMemory(folder / "deep", lambda: NOON)
        body = dump({"error_code": 0, "result": {"component_list": [], "x": f"@raw lists {depth}"}})
        client = line.client(memory=memory.of("x", ACCOUNT))
        with saying(devices["klap"], lambda _message, body=body: body):
            attempt(lambda client=client: client.call("component_nego"), line.secrets)
        client.close()
        again = line.client(memory=DeviceMemory(folder / "deep", lambda: NOON).of("x", ACCOUNT))
        assert again.call("get_device_info")["model"] == "P110"
        again.close()


@tried(60)
@given(data=st.data())
def test_what_was_not_sealed_here_is_nothing(data: st.DataObject) -> None:
    vault = Vault(Vault.new_key())
    text = Vault(Vault.new_key()).seal({"a": 1}) if data.draw(st.booleans()) else data.draw(st.text())
    assert vault.unseal(text) is None


FLEET = """
[defaults]
username = "u@example.com"
password = "pw"
[[device]]
profile = "P110"
transport = "tpap"
trace = "steps:0=5/60=1200"
faults = "slow=0.1"
tpap = "tls=1"
[[device]]
profile = "L530"
port = 0
count = 2
spread = false
on = true
"""


@tried(60)
@given(data=st.data())
def test_a_fleet_file_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    path = folder / "fleet.toml"
    whole = tomllib.loads(FLEET)
    if data.draw(st.booleans()):
        text = data.draw(bent(FLEET.encode()))
    else:
        text = toml(data.draw(spoiled(whole, most=3))).encode("utf-8", "surrogatepass")
    path.write_bytes(text)
    with in_time():
        try:
            wishes = read_fleet(path, Wish())
        except SimulatorError as refusal:
            told = str(refusal)
            wishes = []
    if not wishes:
        assert str(path) in told or "trace" in told
        return
    with Fleet() as fleet:
        for wish in wishes:
            if wish.host != "127.0.0.1" or wish.count > 5 or wish.discovery is not None or wish.port:
                continue
            with suppress(SimulatorError):
                start(fleet, wish)


def toml(words: Any) -> str:
    """Return a value as the writer of a fleet may have written it; what TOML does not know as text."""

    def value(each: Any) -> str:
        match each:
            case bool():
                return "true" if each else "false"
            case int() | float():
                return repr(each)
            case list():
                return "[" + ", ".join(map(value, each)) + "]"
            case dict():
                return (
                    "{" + ", ".join(f"{json.dumps(str(name))} = {value(inner)}" for name, inner in each.items()) + "}"
                )
            case _:
                return json.dumps(str(each))

    if not isinstance(words, dict):
        return f"device = {value(words)}"
    return "\n".join(f"{json.dumps(str(name))} = {value(each)}" for name, each in words.items())


@pytest.fixture(scope="module")
def dump_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}

    def dump_of(model: str) -> dict[str, Any]:
        if model not in known:
            device = fleet.add(model, now=NOON.timestamp, seed=1, **account)
            appliance = device._core.appliance
            known[model] = {"discovery_result": {"error_code": 0, "result": device.announcement}}
            for method in sorted({*appliance.replies, "component_nego", "get_device_info", "get_device_time"}):
                reply = device._core.execute(json.dumps({"method": method}).encode())
                known[model][method] = reply.get("result", reply)
        return json.loads(json.dumps(known[model]))

    return dump_of


@pytest.mark.parametrize("model", ["P110", "L530", "L900", "P300"])
@tried(20, share=0.5)
@given(data=st.data())
def test_a_dump_becomes_a_device_or_is_refused(
    dump_of: Callable[[str], dict[str, Any]], house: Fleet, folder: Path, account: dict[str, str], model: str,
    data: st.DataObject,
) -> None:  # fmt: skip
    path = folder / "dump.json"
    path.write_bytes(data.draw(spoiled_json(dump_of(model))))
    with in_time():
        try:
            profile = profile_for(path)
            device = house.add(profile, now=NOON.timestamp, seed=2, **account)
        except SimulatorError:
            return
    core = device._core
    with core.lock, in_time():
        for method in (
            "get_device_info",
            "get_device_time",
            "get_schedule_rules",
            "get_energy_usage",
            "get_next_event",
        ):
            assert type(core.execute(json.dumps({"method": method}).encode())["error_code"]) is int
        core.execute(b'{"method":"set_device_info","params":{"device_on":true}}')
        json.dumps(core.execute(b'{"method":"get_device_info"}'))
        core.appliance.settle()
    json.dumps(device.announcement)
    house._devices.clear()


@pytest.fixture
def house() -> Iterator[Fleet]:
    with Fleet() as house:
        yield house


@tried(60)
@given(data=st.data())
def test_a_ledger_and_a_plan_that_are_none_are_refused_in_words(folder: Path, data: st.DataObject) -> None:
    text = data.draw(bent(b'version = 1\n\n[devices.porch]\nhardware = "aaaa"\n\n[[devices.porch.rows]]\nid = "S1"\n'))
    path = folder / "ledger.toml"
    path.write_bytes(text)
    attempt(lambda: load_ledger(path), ())
    attempt(lambda: load_plan(text.decode("utf-8", "replace"), "plan.toml"), ())
