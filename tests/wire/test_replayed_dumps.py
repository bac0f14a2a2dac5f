"""Devices played back from what real ones said, over every generation: what they hold is what is read, and no more.

The dumps are those of the folder TAPO_FIXTURES, and three that were made up for where there is none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tapo_automate.device import Credentials, Description, DeviceSpec, Setting
from tapo_automate.errors import Unsupported
from tapo_automate.rows import AutoOff, Moment, ScheduleRow
from tapo_automate.wire import Client, SmartDevice, Surroundings, connect, open_device, use
from tapo_automate.wire.udp import Target, discover
from wire.other_dumps import DUMPS, Dump
from wire.other_host import GENERATIONS, Host
from wire.other_lines import SECRET, USER
from wire.other_reads import READS, STATES, answered, light_of
from wire.other_replay import Accent, Replay

OWNER = Credentials(USER, SECRET)
TRANSPORTS = {"klap": "klap", "klap-v1": "klap", "aes": "aes", "aes-v1": "aes", "tpap": "tpap", "tpap-tls": "tpap"}


class Played:
    """A dump that is played back on the loopback interface, and what opens it."""

    def __init__(
        self, stack: ExitStack, dump: Dump, speaks: str, accent: Accent, mac: str, how: Mapping[str, Any]
    ) -> None:
        self.dump, self._stack = dump, stack
        self.replay = Replay(dump, accent)
        self.replay.said["get_device_info"]["mac"] = mac or self.replay.mac
        host = Host(self.replay.reply, speaks, mac=self.replay.mac, announced=self.replay.announced, **how)
        self.host = stack.enter_context(host)

    def client(self, **wishes: Any) -> Client:
        client = connect(self.host.address, OWNER, **wishes)
        self._stack.callback(client.close)
        return client

    def driver(self, socket: str = "") -> SmartDevice:
        driver = open_device(DeviceSpec("it", "tapo-plug", self.host.address, socket=socket), OWNER)
        self._stack.callback(driver.close)
        return driver

    def parts(self) -> Iterator[tuple[SmartDevice, Replay]]:
        """Give the whole device, or of a strip each socket, with what it plays back."""
        if not self.replay.children:
            yield self.driver(), self.replay
        for place, (_, child) in enumerate(sorted(self.replay.children.items()), 1):
            yield self.driver(str(child.said["get_device_info"].get("position", place))), child


Play = Callable[..., Played]


@pytest.fixture
def play() -> Iterator[Play]:
    with ExitStack() as stack:
        yield lambda name, speaks="klap", accent=None, mac="", **how: Played(
            stack, DUMPS[name], speaks, accent or {}, mac, how
        )


def announced(name: str) -> str:
    """Return the generation that a dump's device announces."""
    scheme = DUMPS[name]["discovery_result"]["result"]["mgt_encrypt_schm"]
    if scheme["encrypt_type"] == "AES":
        return "aes" if scheme.get("lv") == 2 else "aes-v1"
    return "klap"


every_dump = pytest.mark.parametrize("name", DUMPS)
every_generation = pytest.mark.parametrize("speaks", GENERATIONS)


@every_generation
@every_dump
def test_each_command_reads_what_the_dump_holds(play: Play, name: str, speaks: str) -> None:
    played = play(name, speaks)
    client = played.client()
    for method, (read, shown, expected) in answered(played.dump).items():
        assert shown(read(client)) == expected(played.dump[method]), method
    if "default_states" in played.dump["get_device_info"]:
        read, shown, expected = STATES
        assert shown(read(client)) == expected(played.dump["get_device_info"])
    assert client.transport == TRANSPORTS[speaks]
    assert (played.host.rude, played.host.requests.count("question") <= 2) == ([], True)


@every_dump
def test_each_command_of_a_part_reads_what_the_dump_holds(play: Play, name: str) -> None:
    played = play(name, announced(name))
    if not played.replay.children:
        pytest.skip("it has no parts")
    for part, child in played.parts():
        for method, (read, shown, expected) in answered(child.said).items():
            assert shown(read(part)) == expected(child.said[method]), method
        if "default_states" in child.said["get_device_info"]:
            read, shown, expected = STATES
            assert shown(read(part)) == expected(child.said["get_device_info"])


@every_dump
def test_what_the_dump_does_not_hold_is_unsupported(play: Play, name: str) -> None:
    client = play(name, announced(name)).client()
    for method in READS.keys() - answered(DUMPS[name]).keys() - {"get_auto_light_info"}:
        with pytest.raises(Unsupported):
            READS[method][0](client)


# component -> what a description says of whoever lists it; of anybody else it says the opposite
CAPABILITIES: dict[str, Callable[[Description], bool]] = {
    "energy_monitoring": lambda it: it.has_power_meter,
    "brightness": lambda it: it.has_brightness,
    "color": lambda it: it.has_color,
}


def listed(said: Mapping[str, Any]) -> dict[str, int]:
    return {each["id"]: each["ver_code"] for each in said["component_nego"]["component_list"]}


def whites(said: Mapping[str, Any]) -> tuple[int, int] | None:
    low, high = said["get_device_info"].get("color_temp_range", (0, 0))
    return (low, high) if "color_temperature" in listed(said) and low < high else None


def settings_of(said: Mapping[str, Any]) -> list[Setting]:
    """Return what the device can be told, one kind of thing after the other; it is on in the end."""
    wanted = [Setting(on=False), Setting(on=True)]
    if "brightness" in listed(said):
        wanted += [Setting(brightness_pct=1), Setting(on=True, brightness_pct=100)]
    if "color" in listed(said):
        wanted += [Setting(hue_deg=0, saturation_pct=100), Setting(hue_deg=360, saturation_pct=1, brightness_pct=7)]
    if span := whites(said):
        wanted += [Setting(color_temp_k=white) for white in span]
    if "color" in listed(said):
        wanted += [Setting(on=True, hue_deg=77, saturation_pct=33)]
    return wanted


@every_dump
def test_a_description_says_what_its_components_say(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        found = part.describe()
        held, info = listed(replay.said), replay.said["get_device_info"]
        assert {each: says(found) for each, says in CAPABILITIES.items()} == {
            each: each in held for each in CAPABILITIES
        }
        assert found.color_temp_range_k == whites(replay.said)
        assert (found.model, found.firmware) == (info["model"], info["fw_ver"])
        mac = DUMPS[name]["get_device_info"]["mac"]
        assert found.hardware_id.startswith(mac)
        assert found.timezone == info.get("region")


@every_dump
def test_what_a_device_does_is_read_and_set(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        info = replay.said["get_device_info"]
        if ("brightness" in info) is not ("brightness" in listed(replay.said)):
            pytest.skip("its two lists contradict each other: the tool that made it mixed up the ids of the parts")
        found = part.state()
        light = (found.brightness_pct, found.color_temp_k, found.hue_deg, found.saturation_pct)
        assert (found.on, light) == (info["device_on"], light_of(info))
        assert found.on_for_s == (info.get("on_time") if info["device_on"] else None)
        for wanted in settings_of(replay.said):
            part.apply(wanted)
            assert part.state().shows(wanted), wanted
            assert info["device_on"] is (wanted.on is not False)
            if wanted.brightness_pct:
                assert info["brightness"] == wanted.brightness_pct
            if wanted.color_temp_k:
                assert info["color_temp"] == wanted.color_temp_k
            if wanted.hue_deg is not None:
                assert (info["hue"], info["saturation"], info["color_temp"]) == (*shade(wanted), 0)


def shade(setting: Setting) -> tuple[int | None, int | None]:
    return setting.hue_deg, setting.saturation_pct


@every_dump
def test_a_strip_as_a_whole_is_no_switch(play: Play, name: str) -> None:
    played = play(name, announced(name))
    if not played.replay.children:
        pytest.skip("it is none")
    strip = played.driver()
    for refused in (strip.state, lambda: strip.apply(Setting(on=True))):
        with pytest.raises(Unsupported):
            refused()
    assert played.replay.told == []


@every_dump
def test_the_load_is_the_most_exact_that_the_dump_holds(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        said = replay.said
        if "get_emeter_data" in said:
            assert part.power_w() == said["get_emeter_data"]["power_mw"] / 1000
        elif "current_power" in said.get("get_energy_usage", {}):
            assert part.power_w() == max(said["get_energy_usage"]["current_power"] / 1000, 0)
        elif "get_current_power" in said:
            assert part.power_w() == max(said["get_current_power"]["current_power"], 0)
        else:
            with pytest.raises(Unsupported):
                part.power_w()


@every_dump
def test_the_tables_hold_the_rows_of_the_dump(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        for table in ("schedule", "countdown", "antitheft"):
            said = replay.said.get(f"get_{table}_rules")
            if said is None or listed(replay.said).get(table) is None:
                continue
            found = part.table(table)
            assert found.max_rows == said[f"{table}_rule_max_count"]
            assert [row.id for row in found.rows] == [row["id"] for row in said["rule_list"]]
            for row, words in zip(found.rows, said["rule_list"], strict=True):
                assert row.enabled is words["enable"]
                if table != "antitheft":
                    assert row.setting.on is words["desired_states"]["on"]
                    assert row.setting.brightness_pct == words["desired_states"].get("brightness")
                if table == "countdown":
                    assert (row.delay_s, row.left_s) == (words["delay"], words["remain"])
                if table == "schedule":
                    assert row.days == {(n - 1) % 7 for n in range(7) if words["week_day"] >> n & 1}
                    assert (row.repeats, row.minute) == (words["mode"] == "repeat", words["s_min"])
                    day = dt.date(*(words[key] for key in ("year", "month", "day")))
                    from_sun = words["s_type"] != "normal"
                    moment = words["time_offset"] if from_sun else words["s_min"]
                    assert (row.at.offset_min, row.next_day) == (moment, day)
        coming = replay.said.get("get_next_event") or {}
        if coming.get("s_time"):
            event = part.next_event()
            assert event is not None
            assert (event.row_id, event.at.timestamp()) == (coming["id"], coming["s_time"])


@every_dump
def test_rows_are_added_changed_and_removed(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        if "get_schedule_rules" not in replay.said:
            continue
        before = part.table("schedule").rows
        row = ScheduleRow(Moment("midnight", 1234), Setting(on=True), frozenset({0, 6}))
        row_id = part.put(row)
        later = ScheduleRow(Moment("sunset", -90), Setting(on=False), frozenset({2}))
        assert part.table("schedule").rows == (*before, row)
        part.put(later, row_id)
        assert part.table("schedule").rows == (*before, later)
        written = replay.said["get_schedule_rules"]["rule_list"][-1]
        assert (written["id"], written["week_day"], written["time_offset"]) == (row_id, 8, -90)
        part.remove("schedule", [row_id])
        assert part.table("schedule").rows == before


@every_dump
def test_the_countdown_is_started_read_and_stopped(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        if "get_countdown_rules" not in replay.said:
            continue
        part.start_timer(86_400, Setting(on=True))
        part.start_timer(600, Setting(on=False))
        assert part.timer() == (600, Setting(on=False))
        part.stop_timer()
        assert part.timer() is None
        assert not any(row["enable"] for row in replay.said["get_countdown_rules"]["rule_list"])


@every_dump
def test_all_that_bears_on_the_tables_is_read_at_once(play: Play, name: str) -> None:
    for part, replay in play(name, announced(name)).parts():
        found = part.holdings()
        assert dict(found.versions) == listed(replay.said)
        assert found.clock is not None
        clock = DUMPS[name]["get_device_time"]
        assert (found.clock.region, found.clock.at.timestamp()) == (clock["region"], clock["timestamp"])
        assert found.local_time == ("device_local_time" in listed(replay.said))
        assert found.max_power_w == replay.said.get("get_max_power", {}).get("max_power")
        if "get_auto_off_config" in replay.said:
            words = replay.said["get_auto_off_config"]
            rows = found.tables["auto_off"].rows
            assert rows == ((AutoOff(words["delay_min"], words["enable"]),) if was_set(words) else ())


def was_set(auto_off: Mapping[str, Any]) -> bool:
    """Whether somebody has set it: off, and at the two hours that it comes with, it counts as nobody's."""
    return bool(auto_off["enable"]) or auto_off["delay_min"] != 120


@every_generation
@every_dump
def test_a_device_is_found_by_its_mac_wherever_it_is(play: Play, name: str, speaks: str) -> None:
    number = list(DUMPS).index(name) * len(GENERATIONS) + GENERATIONS.index(speaks)
    mac = f"02-00-00-00-{number >> 8:02X}-{number & 255:02X}"  # what a process has met by its MAC, it knows for good
    played = play(name, speaks, mac=mac)
    port = played.host.reads_probes()
    (found,) = discover([Target("127.0.0.1", port)], timeout_s=20)
    said = DUMPS[name]["discovery_result"]["result"]
    assert (found.mac, found.device_model, found.device_type) == (mac, said["device_model"], said["device_type"])
    assert (found.transport, found.factory_default) == (TRANSPORTS[speaks], said["factory_default"])
    use(Surroundings(spacing_s=0, patience_s=(), targets=lambda: [Target("127.0.0.1", port)]))
    device = open_device(DeviceSpec("it", "tapo-plug", "", mac=mac), OWNER)
    try:
        assert (device.describe().hardware_id, device.describe().transport) == (mac, TRANSPORTS[speaks])
    finally:
        device.close()
