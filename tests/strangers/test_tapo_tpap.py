"""tapo, written in Rust, takes the simulated devices for ones that speak TPAP; it holds the RFC's form of w0."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tapo import ApiClient
from tapo.requests import DaysOfWeek, EnergyDataInterval, ScheduleRule
from tapo.responses import PowerState

from tapo_automate.simulator import Device

Add = Callable[..., Device]


def client(password: str = "correct horse") -> ApiClient:
    return ApiClient("owner@example.com", password)


def tell(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())


def steps(device: Device) -> list[tuple[str, bool]]:
    return [(attempt.step, attempt.granted) for attempt in device.login_attempts]


LOGIN = [("pake_register", True), ("pake_share", True)]


def test_a_plug_is_read_and_switched(add: Add) -> None:
    device = add("P110", "tpap", trace="1500", nickname="washer")

    async def story() -> None:
        plug = await client().p110(device.address)
        info = await plug.get_device_info()
        assert (info.model, info.nickname, info.device_on) == ("P110", "washer", False)
        await plug.on()
        assert device.on
        assert (await plug.get_current_power()).current_power == 1500
        assert (await plug.get_energy_usage()).current_power == 1_500_000
        assert (await plug.get_device_usage()).time_usage.today == 0
        await plug.off()
        assert not device.on

    tell(story)
    assert steps(device) == LOGIN
    assert device.refusals == []


def test_its_energy_data_lines_up_with_the_devices_days(add: Add) -> None:
    zone = ZoneInfo("Europe/Berlin")
    moments = {"at": datetime(2026, 7, 1, 22, 0, tzinfo=zone).timestamp()}
    device = add("P110", "tpap", trace="100", on=True, now=lambda: moments["at"])
    moments["at"] = datetime(2026, 7, 2, 1, 30, tzinfo=zone).timestamp()

    async def story() -> None:
        plug = await client().p110(device.address)
        days = await plug.get_energy_data(EnergyDataInterval.Daily, date(2026, 7, 1))
        assert [entry.energy for entry in days.entries] == [200, 150]

    tell(story)


def test_tables_are_written_and_read(add: Add, clock: Any) -> None:
    device = add("P110", "tpap", on=True, now=clock)

    async def story() -> None:
        plug = await client().p110(device.address)
        await plug.add_schedule_rule(ScheduleRule.clock_weekly(22, 30, DaysOfWeek.EVERY_DAY, PowerState.Off))
        (row,) = await plug.get_schedule_rules()
        assert row.id == "S1"
        await plug.set_timer(600, PowerState.Off)
        clock.at += 100
        assert (await plug.get_timer()).remaining_s == 500
        await plug.clear_timer()
        await plug.remove_all_schedule_rules()

    tell(story)
    assert [write.method for write in device.writes if write.method.startswith("add_")] == [
        "add_schedule_rule",
        "add_countdown_rule",
    ]
    assert device.tables["schedule"] == []


@pytest.mark.parametrize("model", ["L530", "L510"])
def test_a_bulb_shows_its_light(add: Add, model: str) -> None:
    device = add(model, "tpap")

    async def story() -> None:
        bulb = await getattr(client(), model.lower())(device.address)
        await bulb.on()
        await bulb.set_brightness(5)
        if model == "L530":
            await bulb.set_hue_saturation(200, 60)
            assert device.state["hue"] == 200
            await bulb.set_color_temperature(3500)
            assert (await bulb.get_device_info()).color_temp == 3500
        assert (await bulb.get_device_info()).brightness == 5
        await bulb.off()
        assert not device.on

    tell(story)
    assert steps(device) == LOGIN


def test_the_sockets_of_a_strip_are_switched(add: Add) -> None:
    device = add("P304M", "tpap", trace="20")

    async def story() -> None:
        strip = await client().p304(device.address)
        found = await strip.get_child_device_list()
        assert len(found) == 4
        socket = await strip.plug(device_id=device.children[2].device_id)
        await socket.on()
        assert [child.on for child in device.children] == [False, False, True, False]
        assert (await socket.get_current_power()).current_power == 20

    tell(story)


def test_a_wrong_password_is_told_as_such_and_tried_once(add: Add) -> None:
    device = add("P110", "tpap")

    async def story() -> None:
        with pytest.raises(Exception, match="TPAP_CREDENTIALS"):
            await client("battery staple").p110(device.address)

    tell(story)
    assert steps(device) == [("pake_register", True), ("pake_share", False)]
    assert (device.sessions, device.calls) == (0, [])


def test_a_device_that_is_locked_is_told_as_such(add: Add) -> None:
    device = add("P110", "tpap", tpap="attempts=1")

    async def story() -> None:
        for complaint in ("TPAP_CREDENTIALS", "TPAP_AUTH_ATTEMPTS_LIMIT"):
            with pytest.raises(Exception, match=complaint):
                await client("battery staple").p110(device.address)
        with pytest.raises(Exception, match="TPAP_AUTH_ATTEMPTS_LIMIT"):
            await client().p110(device.address)

    tell(story)
    assert device.sessions == 0


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("wrong-proof=once", "TPAP_HASH_MISMATCH"),
        ("off-curve=once", "dev_share"),
        ("iterations=once", "iterations"),
    ],
)
def test_a_device_that_is_none_is_noticed(add: Add, fault: str, complaint: str) -> None:
    device = add("P110", "tpap", faults=fault)

    async def story() -> None:
        with pytest.raises(Exception, match=complaint):
            await client().p110(device.address)
        await (await client().p110(device.address)).on()

    tell(story)
    assert device.on


@pytest.mark.parametrize(("form", "granted"), [("rfc", True), ("short", False)])
def test_a_short_w0_parts_it_from_devices_with_the_other_form(add: Add, form: str, granted: bool) -> None:
    device = add("P110", "tpap", tpap=f"w0={form}", faults="short-w0=once")

    async def story() -> None:
        if granted:
            await client().p110(device.address)
            return
        with pytest.raises(Exception, match="TPAP_CREDENTIALS"):
            await client().p110(device.address)
        await client().p110(device.address)

    tell(story)
    assert steps(device)[:2] == [("pake_register", True), ("pake_share", granted)]
    assert device.sessions == 1


@pytest.mark.parametrize("lost", ["-2203", "-2402"])
def test_a_session_that_was_lost_comes_back_when_it_is_refreshed(add: Add, lost: str) -> None:
    device = add("P110", "tpap", tpap=f"lost={lost}")

    async def story() -> None:
        plug = await client().p110(device.address)
        device.forget_session()
        with pytest.raises(Exception, match="TPAP_SESSION_INVALID"):
            await plug.on()
        await plug.refresh_session()
        await plug.on()

    tell(story)
    assert device.on
    assert device.sessions == 2
    assert device.refusals == [f"request without the stok of the session: {lost}"]


def test_another_client_ends_its_session(add: Add) -> None:
    device = add("P110", "tpap")

    async def story() -> None:
        first, second = await client().p110(device.address), await client().p110(device.address)
        await second.on()
        with pytest.raises(Exception, match="TPAP_SESSION_INVALID"):
            await first.off()

    tell(story)
    assert device.on
    assert device.sessions == 2


def test_the_switch_is_flipped_both_ways_while_it_runs(add: Add) -> None:
    device = add("P110")

    async def story() -> None:
        klap = await client().p110(device.address)
        device.set_third_party_compatibility(False)
        with pytest.raises(Exception, match="SESSION_TIMEOUT"):
            await klap.on()
        tpap = await client().p110(device.address)
        await tpap.on()
        assert device.on
        device.set_third_party_compatibility(True)
        with pytest.raises(Exception):  # noqa: B017 - how it says so is its own
            await tpap.off()
        assert device.on
        await (await client().p110(device.address)).off()

    tell(story)
    assert not device.on
    assert [step for step, _ in steps(device)] == [
        "handshake1", "handshake2", "pake_register", "pake_share", "handshake1", "handshake2",
    ]  # fmt: skip


def test_an_update_of_the_firmware_brings_tpap(add: Add) -> None:
    device = add("P110", "klap")
    device.update_firmware("tpap")

    async def story() -> None:
        plug = await client().p110(device.address)
        assert (await plug.get_device_info()).fw_ver.startswith("1.4.6")

    tell(story)
    assert steps(device) == LOGIN


def test_it_wants_its_own_number_back(add: Add) -> None:
    device = add("P110", "tpap", tpap="answers=next")

    async def story() -> None:
        with pytest.raises(Exception, match="sequence number"):
            await (await client().p110(device.address)).on()

    tell(story)


def test_what_it_does_not_take(add: Add) -> None:
    """What it says of offers that no plug and no bulb was seen to make, and that it asks for nothing then."""
    told = {
        "pake=0": "pake: ",
        "extra_crypt=none": "extra_crypt",
        "user_hash_type=1": "TPAP_CREDENTIALS",  # it sends the other hash whatever is announced
    }
    for choice, complaint in told.items():
        device = add("P110", "tpap", tpap=choice)

        async def story(device: Device = device, complaint: str = complaint) -> None:
            with pytest.raises(Exception, match=complaint):
                await client().p110(device.address)

        tell(story)
        assert device.sessions == 0
