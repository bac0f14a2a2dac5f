"""Every command that reads, against what real devices said: from the dumps in the folder TAPO_FIXTURES, as they are and
over HTTP.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from tapo_automate.device import Credentials
from tapo_automate.errors import Refused, Unsupported
from tapo_automate.simulator import Fleet, SimulatorError
from tapo_automate.wire import connect
from tapo_automate.wire.commands.clock import get_device_time
from tapo_automate.wire.commands.components import component_nego, qs_component_nego
from tapo_automate.wire.commands.energy import (
    get_current_power,
    get_electricity_price_config,
    get_emeter_data,
    get_energy_usage,
    get_max_power,
)
from tapo_automate.wire.commands.firmware import get_auto_update_info, get_fw_download_state, get_latest_fw
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.network import get_wireless_scan_info
from tapo_automate.wire.commands.setup import get_inherit_info
from tapo_automate.wire.commands.system import get_connect_cloud_state, get_matter_setup_info
from tapo_automate.wire.commands.usage import get_device_usage
from wire.commands.recorded import Recorded

pytestmark = pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")

USER, PASSWORD = "owner@example.com", "correct horse"

READERS: dict[str, Callable[[Any], Any]] = {
    read.__name__: read
    for read in (
        component_nego,
        get_auto_update_info,
        get_connect_cloud_state,
        get_current_power,
        get_device_info,
        get_device_time,
        get_device_usage,
        get_electricity_price_config,
        get_emeter_data,
        get_energy_usage,
        get_fw_download_state,
        get_inherit_info,
        get_latest_fw,
        get_matter_setup_info,
        get_max_power,
        get_wireless_scan_info,
        qs_component_nego,
    )
}
EXPECTED: dict[str, Callable[[dict[str, Any]], Any]] = {
    # method: what the dump says, in the words of what the command returns; see `_shown`
    "component_nego": lambda said: len({row["id"] for row in said["component_list"]}),
    "get_auto_update_info": lambda said: (said["enable"], said["time"], said["random_range"]),
    "get_connect_cloud_state": lambda said: (said["status"], said["status"] == 0),
    "get_current_power": lambda said: said["current_power"],
    "get_device_info": lambda said: (
        said["model"],
        said["fw_ver"],
        said.get("device_on"),
        b64decode(said["nickname"]).decode(),
        "normal" if not said.get("overheated") else "overheated",
        said.get("rssi"),
    ),
    "get_device_time": lambda said: (said["timestamp"], said["region"], said["time_diff"], said["timestamp"] < 15e8),
    "get_emeter_data": lambda said: (said["power_mw"], said["voltage_mv"], said["current_ma"], said["energy_wh"]),
    "get_energy_usage": lambda said: (
        said.get("current_power", 0),  # sockets of strips leave it out
        said["today_energy"],
        said["month_runtime"],
        said["local_time"],
        len(said.get("past24h", [])),
        sum(said.get("past1y", [])),
    ),
    "get_fw_download_state": lambda said: (said["status"], said["download_progress"]),
    "get_latest_fw": lambda said: (said["fw_ver"], said["need_to_upgrade"], said["release_date"]),
    "get_max_power": lambda said: said["max_power"],
    "get_wireless_scan_info": lambda said: sorted(
        (b64decode(each["ssid"]).decode(), each["signal_level"], each["key_type"]) for each in said["ap_list"]
    ),
}


def _recorded(said: dict[str, Any]) -> Recorded:
    """Return the device of a dump; null there is an answer without a result."""
    answers = {method: answer or {} for method, answer in said.items() if isinstance(answer, dict | None)}
    if heard := answers.get("get_wireless_scan_info"):  # some makers leave out networks, and keep their number
        answers["get_wireless_scan_info"] = heard | {"sum": len(heard["ap_list"])}
    return Recorded(answers)


def _shown(method: str, found: Any) -> Any:
    match method:
        case "component_nego":
            return len(found.versions)
        case "get_auto_update_info":
            return found.enabled, found.at_min, found.within_min
        case "get_connect_cloud_state":
            return found.code, found.connected
        case "get_current_power" | "get_max_power":
            return found.power_w
        case "get_device_info":
            return found.model, found.firmware, found.on, found.nickname, found.heat or "normal", found.signal_dbm
        case "get_device_time":
            return int(found.at.timestamp()), found.region, found.standard_offset_min, found.lost
        case "get_emeter_data":
            return *(
                round(each * 1000, 3) for each in (found.power_w, found.voltage_v, found.current_a)
            ), found.energy_wh
        case "get_energy_usage":
            past = len(found.past_24h_wh), sum(found.past_1y_wh)
            drawn_mw = round((found.power_w or 0) * 1000, 3)
            return drawn_mw, found.today_wh, found.month_on_min, str(found.local_time), *past
        case "get_fw_download_state":
            return found.code, found.progress_pct
        case "get_latest_fw":
            return found.version, found.is_newer, str(found.released or "")
        case "get_wireless_scan_info":
            return sorted((each.ssid, each.signal, each.key_type) for each in found.networks)
        case _:
            raise AssertionError(method)


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_what_a_real_device_said_is_read(path: Path) -> None:
    dump = json.loads(path.read_text("utf-8"))
    for said in (dump, *dump.get("child_devices", {}).values()):
        asked = _recorded(said)
        answered = [method for method in READERS if method in said]
        assert "get_device_info" in answered
        for method in answered:
            found = READERS[method](asked)
            if method in EXPECTED and said[method] is not None:
                assert _shown(method, found) == EXPECTED[method](said[method]), method


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_what_a_real_device_did_not_answer_is_refused_in_words(path: Path) -> None:
    dump = json.loads(path.read_text("utf-8"))
    asked = _recorded(dump)
    can = {row["id"] for row in dump["component_nego"]["component_list"]}
    for method, lacked, words in (
        ("get_energy_usage", "energy_monitoring", "it has no power meter"),
        ("get_matter_setup_info", "matter", "it has no Matter pairing code"),
        ("get_inherit_info", "inherit", "it has no handover to another account"),
    ):
        if lacked not in can:
            with pytest.raises(Unsupported, match=words):
                READERS[method](asked)


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_over_http_each_command_is_answered_or_refused_in_words(path: Path) -> None:
    dump = json.loads(path.read_text("utf-8"))
    with Fleet() as fleet:
        try:
            device = fleet.add(path, transport="klap", username=USER, password=PASSWORD)
        except SimulatorError as problem:
            pytest.skip(f"it cannot be simulated: {problem}")
        client = connect(device.address, Credentials(USER, PASSWORD))
        try:
            refused = {}
            for method, read in READERS.items():
                try:
                    read(client)
                except (Refused, Unsupported) as error:
                    refused[method] = error
        finally:
            client.close()
    for method, error in refused.items():
        assert method not in dump, f"it had answered {method}, and now: {error}"
