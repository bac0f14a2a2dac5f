"""Built-in profiles and dumps of real devices."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from simulator.speaking import PASSWORD, USER, Clock, Klap, Passthrough
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.lookup import from_dump, profile_for
from tapo_automate.simulator.methods import METHODS
from tapo_automate.simulator.models import MODELS

Add = Callable[..., Device]


def session_with(device: Device) -> Klap | Passthrough:
    version = 1 if device.transport.endswith("-v1") else 2
    kind = Passthrough if device.transport.startswith("aes") else Klap
    return kind(device, version=version).log_in()


def dump(**changes: Any) -> dict[str, Any]:
    """Return a small dump in the form that python-kasa's tool writes, with made-up values."""
    device = {
        "component_nego": {"component_list": [{"id": "device", "ver_code": 2}, {"id": "time", "ver_code": 1}]},
        "discovery_result": {
            "error_code": 0,
            "result": {
                "device_model": "P199(EU)",
                "device_type": "SMART.TAPOPLUG",
                "mac": "02-00-00-00-00-01",
                "mgt_encrypt_schm": {"encrypt_type": "AES", "http_port": 80, "is_support_https": False, "lv": 2},
            },
        },
        "get_device_info": {
            "device_id": "0" * 40, "device_on": True, "fw_ver": "1.0.0", "ip": "127.0.0.123",
            "mac": "02-00-00-00-00-01",
            "model": "P199", "nickname": "", "on_time": 300, "region": "Europe/Rome", "time_diff": 60,
            "type": "SMART.TAPOPLUG",
        },
        "get_device_time": {"region": "Europe/Rome", "time_diff": 60, "timestamp": 1_700_000_000},
    }  # fmt: skip
    return {key: value for key, value in (device | changes).items() if value is not ...}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        path = tmp_path / "device.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("transport", ["klap", "klap-v1", "aes", "aes-v1"])
@pytest.mark.parametrize("model", [model.name for model in MODELS])
def test_each_profile_answers_whatever_it_knows(add: Add, model: str, transport: str) -> None:
    device = add(model.lower(), transport=transport.upper())
    session = session_with(device)
    for method in device.profile.replies:
        params = {"start_index": 0} if method.endswith("_rules") else ...
        assert session.call(method, params)["error_code"] == 0, method
    info = session.call("get_device_info")["result"]
    assert (info["model"], info.get("device_on", False), info["mac"]) == (model, False, device.mac)
    assert len(info["device_id"]) == 40


def test_the_names_of_transports_have_aliases(add: Add) -> None:
    assert [add("L530", transport=name).transport for name in ("Passthrough", "securePassthrough", "KLAP_V1")] == [
        "aes", "aes", "klap-v1",
    ]  # fmt: skip


def test_devices_differ_and_a_seed_repeats_them(fleet: Fleet, add: Add) -> None:
    assert len({add("P110").mac for _ in range(5)}) == 5
    with Fleet() as other, Fleet() as third:
        macs = [each.add("P110", username="u", password="p", seed=3).mac for each in (other, third)]
    assert macs[0] == macs[1]


def test_a_mac_address_is_taken_in_any_spelling(add: Add) -> None:
    assert add("P110", mac="02:00:00:aa:bb:cc").mac == "02-00-00-AA-BB-CC"
    assert add("P110", mac="020000aabbcd").mac == "02-00-00-AA-BB-CD"
    with pytest.raises(SimulatorError, match="not a MAC address: '02:00'"):
        add("P110", mac="02:00")


def test_a_dump_speaks_as_it_announces_and_keeps_its_values(
    add: Add, write: Callable[[Any], Path], clock: Clock
) -> None:
    device = add(write(dump()), now=clock)
    assert device.transport == "aes"
    info = session_with(device).call("get_device_info")["result"]
    assert info == dump()["get_device_info"] | {"ip": "127.0.0.1"}
    assert session_with(device).call("get_energy_usage") == {"error_code": -1002}


@pytest.mark.parametrize(
    ("scheme", "transport"),
    [
        ({"encrypt_type": "AES"}, "aes-v1"),
        ({"encrypt_type": "AES", "lv": 2}, "aes"),
        ({"encrypt_type": "KLAP", "lv": 2}, "klap"),
        ({"encrypt_type": "TPAP", "lv": 2}, "tpap"),
    ],
)
def test_an_older_dump_has_its_announcement_unwrapped(
    write: Callable[[Any], Path], scheme: dict[str, Any], transport: str
) -> None:
    assert from_dump(write(dump(discovery_result={"mgt_encrypt_schm": scheme}))).transport == transport


def test_a_dump_without_announcement_speaks_klap_or_what_it_is_told(write: Callable[[Any], Path]) -> None:
    path = write(dump(discovery_result=...))
    assert from_dump(path).transport == "klap"
    assert from_dump(path, "aes").transport == "aes"


def test_a_dump_that_holds_an_error_answers_it(add: Add, write: Callable[[Any], Path]) -> None:
    odd = {"get_latest_fw": -1007, "get_auto_update_info": {"error_code": -1301}, "get_inherit_info": None}
    session = session_with(add(write(dump(**odd))))
    assert session.call("get_latest_fw") == {"error_code": -1007}
    assert session.call("get_auto_update_info") == {"error_code": -1301}
    assert session.call("get_inherit_info") == {"error_code": 0}


def test_a_dump_that_drew_nothing_keeps_the_current_that_flowed(add: Add, write: Callable[[Any], Path]) -> None:
    """So a P115 does: 30 mA through its own filter, and 0 mW."""
    components = {"component_list": [{"id": "energy_monitoring", "ver_code": 2}]}
    emeter = {"current_ma": 30, "energy_wh": 1465, "power_mw": 0, "voltage_mv": 122_133}
    device = add(write(dump(component_nego=components, get_emeter_data=emeter)))
    assert session_with(device).call("get_emeter_data")["result"] == emeter


@pytest.mark.parametrize(("told", "said"), [({}, None), ({"tpap_preferred": False}, False)])
def test_a_dump_of_what_knows_tpap_says_so_to_seekers_where_it_did(
    fleet: Fleet, write: Callable[[Any], Path], told: dict[str, Any], said: bool | None
) -> None:
    scheme = {"encrypt_type": "KLAP", "http_port": 80, "is_support_https": False, "lv": 2}
    components = {"component_list": [{"id": "tpap", "ver_code": 1}]}
    announced = {"error_code": 0, "result": {"mgt_encrypt_schm": scheme, **told}}
    path = write(dump(component_nego=components, discovery_result=announced))
    device = fleet.add(path, username=USER, password=PASSWORD, discovery=0)
    assert device.announcement.get("tpap_preferred") is said


def test_readings_of_a_dump_go_on_from_where_they_were(add: Add, write: Callable[[Any], Path], clock: Clock) -> None:
    usage = {"current_power": 500_000, "local_time": "", "today_energy": 70, "month_energy": 900,
             "today_runtime": 5, "month_runtime": 60}  # fmt: skip
    components = {"component_list": [{"id": "energy_monitoring", "ver_code": 2}]}
    counted = {
        "time_usage": {"today": 5, "past7": 50, "past30": 60},
        "power_usage": {"today": 70, "past7": 80, "past30": 900},
        "saved_power": {"today": 1, "past7": 2, "past30": 3},
    }
    device = add(write(dump(get_energy_usage=usage, component_nego=components, get_device_usage=counted)), now=clock)
    session = session_with(device)
    told = session.call("get_energy_usage")["result"]
    assert told == usage | {"local_time": "2026-07-13 12:00:00"}
    assert session.call("get_device_usage")["result"] == counted
    clock.at += 3600
    assert session.call("get_energy_usage")["result"]["today_energy"] == 570
    assert session.call("get_device_usage")["result"]["time_usage"] == {"today": 65, "past7": 110, "past30": 120}
    clock.at += 86_400
    told = session.call("get_energy_usage")["result"]
    assert (told["today_energy"], told["month_energy"]) == (6500, 900 + 12_500)


def test_a_dump_of_what_feeds_in_tells_so_and_counts_nothing(
    add: Add, write: Callable[[Any], Path], clock: Clock
) -> None:
    usage = {"current_power": -19_231, "local_time": "", "today_energy": 0, "month_energy": 7,
             "today_runtime": 5, "month_runtime": 60}  # fmt: skip
    components = {"component_list": [{"id": "energy_monitoring", "ver_code": 3}]}
    said = {"get_energy_usage": usage, "get_current_power": {"current_power": -19}}
    device = add(write(dump(component_nego=components, **said)), now=clock)
    session = session_with(device)
    clock.at += 3600
    told = session.call("get_energy_usage")["result"]
    assert (told["current_power"], told["today_energy"], told["month_energy"]) == (-19_231, 0, 7)
    assert told["today_runtime"] == 65
    assert session.call("get_current_power")["result"] == {"current_power": -19}


def test_the_current_of_a_dump_lags_as_it_did(add: Add, write: Callable[[Any], Path]) -> None:
    components = {"component_list": [{"id": "energy_monitoring", "ver_code": 2}]}
    emeter = {"current_ma": 500, "energy_wh": 0, "power_mw": 50_000, "voltage_mv": 120_000}
    path = write(dump(component_nego=components, get_emeter_data=emeter))
    assert session_with(add(path)).call("get_emeter_data")["result"] == emeter
    assert session_with(add(path, trace="20")).call("get_emeter_data")["result"]["current_ma"] == 200


def test_parts_without_positions_count_by_their_ids_and_are_listed_as_in_the_dump(
    add: Add, write: Callable[[Any], Path]
) -> None:
    listed = {"component_list": [{"id": "control_child", "ver_code": 2}, {"id": "child_device", "ver_code": 2}]}
    parts = [{"device_id": f"80{n}", "category": "kasa.switch.outlet.sub-fan", "device_on": n == 1} for n in (2, 1)]
    can = [{"device_id": each["device_id"], "component_list": []} for each in parts]
    said = {
        "get_child_device_list": {"child_device_list": parts, "start_index": 0, "sum": 2},
        "get_child_device_component_list": {"child_component_list": can, "start_index": 0, "sum": 2},
    }
    device = add(write(dump(component_nego=listed, **said)))
    assert [(child.position, child.on) for child in device.children] == [(1, True), (2, False)]
    told = session_with(device).call("get_child_device_list", {"start_index": 0})["result"]
    assert [each["device_id"] for each in told["child_device_list"]] == ["802", "801"]


def test_two_devices_of_one_dump_are_two_devices(add: Add, write: Callable[[Any], Path]) -> None:
    path = write(dump())
    first, second = add(path), add(path)
    assert first.mac == "02-00-00-00-00-01"
    assert first.mac != second.mac
    assert first.device_id != second.device_id


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "not a dump of a device: the file holds no JSON object"),
        ("{}", "not a dump of a plug, bulb or switch: get_device_info is missing"),
        (dump(component_nego=...), "not a dump of a plug, bulb or switch: component_nego is missing"),
        (dump(component_nego={"component_list": [5]}), "component_nego is not a list of id and ver_code"),
        (dump(get_schedule_rules={"rule_list": 5}), "get_schedule_rules.rule_list is '5', which no device answers"),
        (
            dump(get_dynamic_light_effect_rules={"rule_list": [{}]}),
            "get_dynamic_light_effect_rules.rule_list holds a rule without an id",
        ),
        (
            {"system": {"get_sysinfo": {}}},
            "a dump in the older Kasa dialect (get_sysinfo); only Tapo (SMART) dumps can be simulated",
        ),
        (
            dump(component_nego={"component_list": [{"id": "control_child", "ver_code": 2}]}),
            "P199 has child devices, and get_child_device_list tells none of them",
        ),
        (
            dump(
                component_nego={"component_list": [{"id": "child_device", "ver_code": 2}]},
                get_child_device_list={"child_device_list": [{"category": "subg.trigger.button"}]},
            ),
            "P199 has child devices that are no sockets; hubs cannot be simulated",
        ),
        (
            dump(
                component_nego={"component_list": [{"id": "child_device", "ver_code": 2}]},
                get_child_device_list={"child_device_list": [{"category": "plug.powerstrip.sub-plug"}]},
            ),
            "get_child_device_component_list lacks a device of get_child_device_list",
        ),
        (
            dump(get_schedule_rules={"rule_list": [{"id": 5}]}),
            "get_schedule_rules.rule_list holds a row that no device answers",
        ),
        (
            dump(get_antitheft_rules={"rule_list": [{"id": "A1", "enable": True}]}),
            "get_antitheft_rules.rule_list holds a row that no device answers",
        ),
    ],
)
def test_what_is_no_dump_of_a_device_says_so(write: Callable[[Any], Path], content: Any, message: str) -> None:
    path = write(content)
    with pytest.raises(SimulatorError) as refusal:
        profile_for(str(path))
    assert str(refusal.value) == f"{path}: {message}"


def test_a_file_that_is_not_there_says_so() -> None:
    with pytest.raises(SimulatorError, match=re.escape("cannot read profile no/such.json: No such file or directory")):
        profile_for("no/such.json")


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(SimulatorError, match=r"^unknown profile 'P11'; did you mean 'P11[05]'\?$"):
        profile_for("P11")
    with pytest.raises(
        SimulatorError,
        match="choose from: P100, P105, P110, P115, L510, L530, L630, L900, L920, L430C, P300, P304M, P306, "
        "P316M, P210M, TP25, EP40M, KS240, or a dump",
    ):
        profile_for("toaster")
    with pytest.raises(SimulatorError, match=r"^unknown transport 'kalp'; did you mean 'klap'\?$"):
        profile_for("P110", "kalp")


def add_pages(session: Klap | Passthrough, method: str, first: dict[str, Any]) -> None:
    """Append the further pages of a list to the first one, as the tool that made the dumps did."""
    rows = next((first[key] for key in ("ap_list", "rule_list", "states") if key in first), None)
    while rows is not None and len(rows) < first.get("sum", 0):
        page = session.call(method, {"start_index": len(rows)})["result"]
        more = next(page[key] for key in ("ap_list", "rule_list", "states") if key in page)
        if not more:
            return
        rows += more


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_real_dump_answers_as_it_was_recorded(fleet: Fleet, path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    recorded_at = recorded["get_device_time"]["timestamp"]
    device = fleet.add(path, username=USER, password=PASSWORD, now=lambda: recorded_at)
    session = session_with(device)
    moving = {"ip", "timestamp", "local_time"}
    for method, result in recorded.items():
        if method in ("discovery_result", "component_nego", "child_devices"):
            continue
        params = {"start_index": 0} if method.endswith("_rules") else ...
        reply = session.call(method, params)
        assert reply["error_code"] == 0, method
        if isinstance(result, dict):
            add_pages(session, method, reply["result"])
            told = {key: value for key, value in reply["result"].items() if key not in moving}
            expected = {key: value for key, value in result.items() if key not in moving}
            assert placeless(in_order(told)) == placeless(in_order(asked_later(expected, recorded))), method
    for number, answers in recorded.get("child_devices", {}).items():
        for method, result in answers.items():
            inner = {"method": method, "params": {"start_index": 0} if method.endswith("_rules") else {}}
            reply = session.call("control_child", {"device_id": number, "requestData": inner})["result"]["responseData"]
            reply["result"].pop("local_time", None)
            expected = {key: value for key, value in result.items() if key not in moving}
            assert placeless(reply) == placeless({"error_code": 0, "result": expected}), method


def asked_later(listed: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Return the list of a strip's parts with what each of them said of itself: that was some seconds later."""
    if "child_device_list" not in listed:
        return listed
    own = {number: said["get_device_info"] for number, said in recorded.get("child_devices", {}).items()}
    return listed | {"child_device_list": [own.get(e["device_id"], e) for e in listed["child_device_list"]]}


def in_order(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the parts' components by their ids: the order of that list tells nothing."""
    rows = answer.get("child_component_list")
    return answer | {"child_component_list": sorted(rows, key=lambda row: row["device_id"])} if rows else answer


def placeless(reply: Any) -> Any:
    """Return a reply without what follows from a place that the dump does not tell: the minutes of the sun."""
    if isinstance(reply, list):
        return [placeless(row) for row in reply]
    if not isinstance(reply, dict):
        return reply
    hidden = {"s_min"} if reply.get("s_type") in ("sunrise", "sunset") else {"s_time"} if "s_time" in reply else set()
    return {key: placeless(value) for key, value in reply.items() if key not in hidden}


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_real_dump_survives_any_method_with_any_parameters(fleet: Fleet, path: Path) -> None:
    try:
        device = fleet.add(path, username=USER, password=PASSWORD)
    except SimulatorError:
        return
    core = device._core
    for method in sorted(METHODS.keys() | device.profile.replies.keys()):
        for params in ({}, {"start_index": 0}, {"enable": True, "id": "L1"}, {"device_on": True, "brightness": 5}):
            reply = core.execute(json.dumps({"method": method, "params": params}).encode())
            json.dumps(reply)
            assert isinstance(reply["error_code"], int)
