"""Clients that other people wrote read and write the tables of simulated devices."""

import asyncio
from collections.abc import Callable
from typing import Any

import kasa
import pytest
from kasa import Credentials, DeviceConfig, DeviceConnectionParameters
from tapo import ApiClient
from tapo.requests import DaysOfWeek, ScheduleRule
from tapo.responses import PowerState

from simulator.ruled import OFF, ON, Ruled, at
from simulator.speaking import PASSWORD, USER, Clock
from tapo_automate.simulator import Device

Add = Callable[..., Device]


def of_tapo() -> ApiClient:
    return ApiClient(USER, PASSWORD)


def test_tapo_adds_lists_edits_and_removes_rows(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)

    async def story() -> None:
        plug = await of_tapo().p110(device.address)
        assert await plug.get_max_schedule_rules() == 32
        wanted = [
            ScheduleRule.clock_weekly(18, 30, DaysOfWeek.WEEKDAYS, PowerState.On),
            ScheduleRule.sunset_weekly(-15, DaysOfWeek.EVERY_DAY, PowerState.Off),
            ScheduleRule.clock_once(6, 0, PowerState.On).with_enabled(False),
        ]
        told = [await plug.add_schedule_rule(rule) for rule in wanted]
        assert [rule.id for rule in told] == ["S1", "S2", "S3"]
        own = device.tables["schedule"]
        assert [(row["s_type"], row["week_day"], row["mode"], row["enable"], row["desired_states"]) for row in own] == [
            ("normal", 62, "repeat", True, ON), ("sunset", 127, "repeat", True, OFF),
            ("normal", 0, "once", False, ON),
        ]  # fmt: skip
        assert (own[0]["s_min"], own[1]["time_offset"], own[0]["year"]) == (1110, -15, 2026)
        listed = [rule.to_dict() for rule in await plug.get_schedule_rules()]
        assert [rule["id"] for rule in listed] == ["S1", "S2", "S3"]
        await plug.edit_schedule_rule(ScheduleRule.clock_once(7, 5, PowerState.Off).with_id("S3"))
        assert device.tables["schedule"][2]["s_min"] == 425
        await plug.remove_schedule_rule("S1")
        assert [rule.id for rule in await plug.get_schedule_rules()] == ["S2", "S3"]
        with pytest.raises(Exception, match="-1805"):
            await plug.remove_schedule_rule("S1")
        await plug.remove_all_schedule_rules()
        assert await plug.get_schedule_rules() == []

    asyncio.run(story())


def test_tapo_lists_a_full_table_over_its_pages(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock)
    for minute in range(32):
        plug.stored(s_min=minute)

    async def story() -> None:
        stranger = await of_tapo().p110(plug.device.address)
        assert [rule.id for rule in await stranger.get_schedule_rules()] == [f"S{number}" for number in range(1, 33)]
        with pytest.raises(Exception, match="-1802"):
            await stranger.add_schedule_rule(ScheduleRule.clock_once(6, 0, PowerState.On))

    asyncio.run(story())


def test_what_tapo_wrote_is_carried_out(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)

    async def story() -> None:
        plug = await of_tapo().p110(device.address)
        await plug.add_schedule_rule(ScheduleRule.clock_weekly(13, 0, DaysOfWeek.MON, PowerState.On))
        await plug.set_timer(2 * 3600, PowerState.Off)

    asyncio.run(story())
    clock.at += 86_400
    assert [(change.true_at, change.on, change.by) for change in device.changes[1:]] == [
        (at("2026-07-13 13:00"), True, "schedule"), (at("2026-07-13 14:00"), False, "countdown"),
    ]  # fmt: skip


@pytest.mark.parametrize(("profile", "handler"), [("P300", "p300"), ("P304M", "p304")])
def test_tapo_switches_the_sockets_of_a_strip(add: Add, clock: Clock, profile: str, handler: str) -> None:
    device = add(profile, now=clock)
    rest = [False] * (len(device.children) - 2)

    async def story() -> None:
        strip = await getattr(of_tapo(), handler)(device.address)
        sockets = sorted(await strip.get_child_device_list(), key=lambda socket: socket.position)
        assert [(socket.nickname, socket.position, socket.device_on) for socket in sockets] == [
            (f"socket {number}", number, False) for number in range(1, len(device.children) + 1)
        ]
        second = await strip.plug(position=2)
        await second.on()
        assert [child.on for child in device.children] == [False, True, *rest]
        assert (await second.get_device_info()).device_on

    asyncio.run(story())


@pytest.mark.parametrize("profile", ["P300", "P304M"])
def test_python_kasa_reads_and_switches_the_sockets_of_a_strip(add: Add, clock: Clock, profile: str) -> None:
    device = add(profile, now=clock, trace="100")

    async def story() -> None:
        scheme = device.announcement["mgt_encrypt_schm"]
        config = DeviceConfig(
            host=device.host,
            port_override=device.port,
            credentials=Credentials(USER, PASSWORD),
            connection_type=DeviceConnectionParameters.from_values(
                "SMART.TAPOPLUG", scheme["encrypt_type"], login_version=scheme.get("lv")
            ),
        )
        found = await kasa.Device.connect(config=config)
        try:
            await found.update()
            assert found.device_type is kasa.DeviceType.Strip
            sockets: list[Any] = sorted(found.children, key=lambda socket: socket.alias or "")
            assert [socket.alias for socket in sockets] == [child.nickname for child in device.children]
            await sockets[1].turn_on()
            await found.update()
            assert [socket.is_on for socket in sockets] == [index == 1 for index in range(len(sockets))]
            assert [child.on for child in device.children] == [index == 1 for index in range(len(sockets))]
            if profile == "P304M":
                assert "current_consumption" in sockets[1].features
        finally:
            await found.disconnect()

    asyncio.run(story())
