"""tapo makes every call it has to each kind of device it knows; what it reads and sets is compared with the device.

Which calls those are is in every_call.py.  It speaks KLAP in its second version, and TPAP.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tapo import ApiClient
from tapo.requests import (
    Color,
    DaysOfWeek,
    EnergyDataInterval,
    LightingEffect,
    LightingEffectPreset,
    LightingEffectType,
    PowerDataInterval,
    ScheduleRule,
    SegmentEffect,
    SegmentEffectType,
)
from tapo.responses import PowerState

from strangers.every_call import TAPO
from strangers.ours import ours
from strangers.walking import Watched
from tapo_automate.simulator import Device
from tapo_automate.wire.commands.energy import get_energy_usage
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.strip_effects import get_lighting_effect, get_segment_effect_rule
from tapo_automate.wire.commands.usage import get_device_usage

BERLIN = ZoneInfo("Europe/Berlin")
BEGAN, NOW = datetime(2026, 7, 1, 22, 0, tzinfo=BERLIN), datetime(2026, 7, 2, 1, 30, tzinfo=BERLIN)
LOAD_W = 20  # for three and a half hours: two on the first of July, one and a half on the second
TRANSPORTS = ["klap", "tpap"]
Story = Callable[[Any, Device, Any], Awaitable[None]]


@pytest.fixture
def started(add: Callable[..., Device], clock: Any) -> Callable[..., Device]:
    """Start a device that has drawn LOAD_W from BEGAN to NOW."""

    def started(model: str, transport: str) -> Device:
        clock.at = BEGAN.timestamp()
        device = add(model, transport, trace=str(LOAD_W), nickname="the one", now=clock)
        for each in device.children or [device]:
            each.person_sets(device_on=True)
        clock.at = NOW.timestamp()
        return device

    return started


def walk(device: Device, handler: str, clock: Any, *stories: Story) -> dict[str, set[str]]:
    """Connect, tell the stories, and return the names that they used, by class."""
    used: dict[str, set[str]] = {}

    async def told() -> None:
        it = await getattr(ApiClient("owner@example.com", "correct horse"), handler)(device.address)
        watched = Watched(it, used)
        for story in stories:
            await story(watched, device, clock)

    asyncio.run(told())
    return used


def decoded(info: dict[str, Any]) -> dict[str, Any]:
    return info | {key: base64.b64decode(info[key]).decode() for key in ("nickname", "ssid") if key in info}


async def is_itself(it: Any, device: Device, clock: Any) -> None:
    """What it tells of itself is what the device is."""
    info, told = decoded(device.info), (await it.get_device_info()).to_dict()
    known = {key: value for key, value in told.items() if value is not None and key != "default_states"}
    assert known == {key: info[key] for key in known}
    assert len(known) > 15
    assert await it.get_device_info_json() == device.info
    assert {each.id: each.ver_code for each in await it.get_component_list()} == device.profile.components
    assert it.address == (device.host, device.port)


async def was_used(it: Any, device: Device, clock: Any) -> None:
    usage = (await it.get_device_usage()).to_dict()
    assert usage["time_usage"] == {"today": 90, "past7": 210, "past30": 210}
    if "power_usage" in usage:
        assert usage["power_usage"] == {"today": 30, "past7": 70, "past30": 70}
        assert usage["saved_power"] == {"today": 60, "past7": 140, "past30": 140}


async def metered(it: Any, device: Device, clock: Any) -> None:
    assert (await it.get_current_power()).current_power == LOAD_W
    usage = (await it.get_energy_usage()).to_dict()
    assert (usage["today_energy"], usage["month_energy"], usage["today_runtime"], usage["month_runtime"]) == (
        30,
        70,
        90,
        210,
    )
    assert usage["current_power"] == (None if device.children else LOAD_W * 1000)
    hours = await it.get_energy_data(EnergyDataInterval.Hourly, date(2026, 7, 1), date(2026, 7, 2))
    assert [entry.energy for entry in hours.entries] == [0] * 22 + [20, 20, 20, 10]
    days = await it.get_energy_data(EnergyDataInterval.Daily, date(2026, 7, 1))
    assert [entry.energy for entry in days.entries] == [40, 30]
    months = await it.get_energy_data(EnergyDataInterval.Monthly, date(2026, 1, 1))
    assert [entry.energy for entry in months.entries] == [0] * 6 + [70]
    fine = await it.get_power_data(
        PowerDataInterval.Every5Minutes, BEGAN - timedelta(minutes=10), BEGAN + timedelta(minutes=10)
    )
    assert [entry.power for entry in fine.entries] == [None, None, LOAD_W, LOAD_W]
    coarse = await it.get_power_data(PowerDataInterval.Hourly, BEGAN, NOW)
    assert [entry.power for entry in coarse.entries] == [LOAD_W] * 3 + [None], "the hour that runs is not told"
    zone = await it.get_timezone()
    assert (str(zone.timezone), zone.standard_offset) == ("Europe/Berlin", 60)


async def is_switched(it: Any, device: Device, clock: Any) -> None:
    await it.off()
    assert not device.on
    await it.on()
    assert device.on


async def counts_down(it: Any, device: Device, clock: Any) -> None:
    assert await it.get_timer() is None
    await it.set_timer(600, PowerState.Off)
    clock.at += 100
    assert device.countdown is not None
    assert device.countdown["remain"] == (await it.get_timer()).remaining_s == 500
    await it.clear_timer()
    assert device.countdown is None


async def keeps_a_table(it: Any, device: Device, clock: Any) -> None:
    rules = [
        ScheduleRule.clock_weekly(22, 30, DaysOfWeek.WEEKEND, PowerState.Off),
        ScheduleRule.clock_once(6, 0, PowerState.On),
        ScheduleRule.sunrise_weekly(-20, DaysOfWeek.MON, PowerState.Off),
        ScheduleRule.sunset_weekly(20, DaysOfWeek.EVERY_DAY, PowerState.On),
        ScheduleRule.sunrise_once(0, PowerState.Off),
        ScheduleRule.sunset_once(5, PowerState.On),
    ]
    ids = [(await it.add_schedule_rule(rule)).id for rule in rules]
    rows = {row["id"]: row for row in device.tables["schedule"]}
    assert sorted(rows) == sorted(ids)
    assert [(rows[each]["s_type"], rows[each]["desired_states"]["on"]) for each in ids] == [
        ("normal", False), ("normal", True), ("sunrise", False), ("sunset", True), ("sunrise", False), ("sunset", True),
    ]  # fmt: skip
    assert sorted(row.id for row in await it.get_schedule_rules()) == sorted(ids)
    [first] = [row for row in await it.get_schedule_rules() if row.id == ids[0]]
    await it.edit_schedule_rule(first.to_editable().with_enabled(False))
    [edited] = [row for row in device.tables["schedule"] if row["id"] == ids[0]]
    assert (edited["enable"], edited["s_min"], edited["week_day"]) == (False, 1350, 0b1000001)
    await it.remove_schedule_rule(ids[0])
    assert ids[0] not in {row["id"] for row in device.tables["schedule"]}
    await it.remove_all_schedule_rules()
    assert device.tables["schedule"] == []
    assert await it.get_max_schedule_rules() == device.profile.replies["get_schedule_rules"]["schedule_rule_max_count"]


async def is_dimmed(it: Any, device: Device, clock: Any) -> None:
    await it.set_brightness(35)
    assert (device.state["brightness"], (await it.get_device_info()).brightness) == (35, 35)


async def has_colors(it: Any, device: Device, clock: Any) -> None:
    await it.set_hue_saturation(200, 60)
    assert (device.state["hue"], device.state["saturation"], device.state["color_temp"]) == (200, 60, 0)
    await it.set_color(Color.Gold)
    info = await it.get_device_info()
    assert (info.hue, info.saturation) == (device.state["hue"], device.state["saturation"]) == (50, 100)
    await it.off()
    # set() gives a builder, which is told the handler again; that has to be tapo's own.
    handler = it._it
    await it.set().brightness(40).hue_saturation(10, 20).send(handler)
    assert (device.on, device.state["brightness"], device.state["hue"], device.state["saturation"]) == (
        True,
        40,
        10,
        20,
    )
    await it.set().color(Color.Gold).off().send(handler)
    assert (device.on, device.state["hue"]) == (False, 50)
    if "light_strip" not in device.profile.components:
        await it.set().on().color_temperature(4000).send(handler)
        assert (device.on, device.state["color_temp"]) == (True, 4000)


async def has_whites(it: Any, device: Device, clock: Any) -> None:
    await it.set_color_temperature(3500)
    assert (device.state["color_temp"], (await it.get_device_info()).color_temp) == (3500, 3500)


async def has_one_white(it: Any, device: Device, clock: Any) -> None:
    """A light strip has one white, outside of what tapo lets through; the others it refuses."""
    with pytest.raises(Exception, match="-1008"):
        await it.set_color_temperature(3500)
    assert device.state["color_temp"] == 0
    assert device.refusals == ["set_device_info: -1008"]


async def has_effects(it: Any, device: Device, clock: Any) -> None:
    await it.set_lighting_effect(LightingEffectPreset.Ocean)
    assert (device.info["lighting_effect"]["enable"], device.info["lighting_effect"]["name"]) == (1, "Ocean")
    own = LightingEffect("mine", LightingEffectType.Sequence, True, True, 70, [(120, 100, 100)])
    own = own.with_sequence([(120, 100, 100), (240, 100, 100)]).with_segments([0]).with_transition(900).with_spread(4)
    await it.set_lighting_effect(own)
    assert (device.info["lighting_effect"]["name"], device.info["lighting_effect"]["brightness"]) == ("mine", 70)


async def has_segments(it: Any, device: Device, clock: Any) -> None:
    effect = SegmentEffect("mine", SegmentEffectType.Breathe, True, True, 60, [(120, 100, 100, 0)])
    await it.set_segment_effect(effect.with_segments([0, 1]).with_states([(120, 100, 100, 0)]))
    assert (device.info["segment_effect"]["name"], device.info["segment_effect"]["enable"]) == ("mine", 1)
    assert device.info["lighting_effect"]["enable"] == 0


async def is_read_by_us(it: Any, device: Device, clock: Any) -> None:
    """Our typed commands read the same as it does.  Over TPAP ours end its session."""
    told = (await it.get_device_info()).to_dict()
    usage = (await it.get_device_usage()).to_dict()
    with ours(device) as client:
        info, used = get_device_info(client), get_device_usage(client)
        assert (info.on, info.model, info.mac, info.nickname) == tuple(
            told[key] for key in ("device_on", "model", "mac", "nickname")
        )
        assert (info.brightness_pct, info.hue_deg, info.saturation_pct, info.color_temp_k) == tuple(
            told.get(key) for key in ("brightness", "hue", "saturation", "color_temp")
        )
        assert used.on_min.today == usage["time_usage"]["today"]
        if "get_energy_usage" in device.profile.replies:
            assert get_energy_usage(client).today_wh == usage["power_usage"]["today"]
        if "get_lighting_effect" in device.profile.replies and "segment_effect" in device.profile.components:
            assert (get_lighting_effect(client).name, get_lighting_effect(client).enabled) == ("mine", False)
            assert (get_segment_effect_rule(client).name, get_segment_effect_rule(client).enabled) == ("mine", True)
    await it.refresh_session()


async def starts_again(it: Any, device: Device, clock: Any) -> None:
    before = device.sessions
    await it.device_reboot(5)
    clock.at += 6
    assert device.info["model"], "looking at it lets it do what is due"
    with pytest.raises(Exception):  # noqa: B017 - it meets the cut connection, or the session that is lost
        await it.get_device_info()
    await it.refresh_session()
    assert (await it.get_device_info()).mac == device.mac
    assert device.sessions > before


async def is_reset(it: Any, device: Device, clock: Any) -> None:
    await it.device_reset()
    assert device.announcement["factory_default"] is True


PLUG: tuple[Story, ...] = (is_itself, was_used, is_switched, counts_down, keeps_a_table)
LAMP: tuple[Story, ...] = (is_itself, was_used, is_switched, is_dimmed)
END: tuple[Story, ...] = (is_read_by_us, starts_again, is_reset)
WALKS: dict[str, tuple[str, str, tuple[Story, ...]]] = {
    "p100": ("P100", "PlugHandler", PLUG),
    "p105": ("P105", "PlugHandler", PLUG),
    "p110": ("P110", "PlugEnergyMonitoringHandler", (metered, *PLUG)),
    "p115": ("P115", "PlugEnergyMonitoringHandler", (metered, *PLUG)),
    "l510": ("L510", "LightHandler", LAMP),
    "l530": ("L530", "ColorLightHandler", (*LAMP, has_colors, has_whites)),
    "l630": ("L630", "ColorLightHandler", (*LAMP, has_colors, has_whites)),
    "l900": ("L900", "RgbLightStripHandler", (*LAMP, has_colors, has_one_white)),
    "l920": ("L920", "RgbicLightStripHandler", (*LAMP, has_colors, has_one_white, has_effects, has_segments)),
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("handler", WALKS)
def test_a_device_is_walked(started: Callable[..., Device], clock: Any, handler: str, transport: str) -> None:
    model, kind, stories = WALKS[handler]
    device = started(model, transport)
    used = walk(device, handler, clock, *stories, *END)
    assert used[kind] == TAPO[kind].made
    assert has_one_white in stories or device.refusals == []


async def has_sockets(it: Any, device: Device, clock: Any) -> None:
    listed = await it.get_child_device_list()
    for told, child in zip(sorted(listed, key=lambda each: each.position), device.children, strict=True):
        known = {key: value for key, value in told.to_dict().items() if value is not None and key != "default_states"}
        assert known == {key: decoded(child.info)[key] for key in known}
    names = {child.device_id for child in device.children}
    assert {each["device_id"] for each in (await it.get_child_device_list_json())["child_device_list"]} == names
    assert {each.device_id for each in await it.get_child_device_component_list()} == names


async def its_sockets_are_walked(it: Any, device: Device, clock: Any) -> None:
    for child in device.children:
        for socket in (
            await it.plug(position=child.position),
            await it.plug(nickname=child.nickname),
            await it.plug_unchecked(child.device_id),
        ):
            assert (await socket.get_device_info()).device_id == child.device_id
        watched = Watched(socket, it._all)
        assert await watched.get_device_info_json() == child.info
        assert len(await watched.get_component_list()) > 10
        if hasattr(socket, "get_energy_data"):
            await was_used(watched, device, clock)
            await metered(watched, device, clock)
        await watched.off()
        assert not child.on
        await watched.on()
        assert child.on
        assert (await watched.get_device_info()).device_on


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("handler", "model", "kind"),
    [
        ("p300", "P300", "PowerStripHandler"),
        ("p304", "P304M", "PowerStripEnergyMonitoringHandler"),
        ("p316", "P316M", "PowerStripEnergyMonitoringHandler"),
    ],
)
def test_a_strip_is_walked(
    started: Callable[..., Device], clock: Any, handler: str, model: str, kind: str, transport: str
) -> None:
    device = started(model, transport)
    used = walk(device, handler, clock, is_itself, has_sockets, its_sockets_are_walked, starts_again, is_reset)
    socket = kind.replace("StripHandler", "StripPlugHandler").replace("StripEnergy", "StripPlugEnergy")
    assert (used[kind], used[socket]) == (TAPO[kind].made, TAPO[socket].made)
    assert device.refusals == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_cannot_list_a_strip_with_a_night_light(started: Callable[..., Device], clock: Any, transport: str) -> None:
    """It wants `default_states.type` of every child, which that of a P306 has not (it is a dimmed lamp's)."""
    device = started("P306", transport)
    light = device.children[-1]
    assert "type" not in light.info["default_states"]

    async def story(it: Any, device: Device, clock: Any) -> None:
        assert len((await it.get_child_device_list_json())["child_device_list"]) == 5
        with pytest.raises(Exception, match="missing field `type`"):
            await it.get_child_device_list()
        socket = await it.plug_unchecked(device.children[0].device_id)
        await socket.off()
        assert [child.on for child in device.children].count(False) == 1

    walk(device, "p306", clock, story)
