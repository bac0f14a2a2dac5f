"""What python-kasa and plugp100 read of a device's tables after our apply, and what they write there before it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import kasa
import pytest
from kasa import Credentials, DeviceConfig, DeviceConnectionParameters, Module
from plugp100.common.credentials import AuthCredential
from plugp100.components.countdown import Countdown
from plugp100.devices.factory import DeviceConnectConfiguration
from plugp100.devices.factory import connect as plugp100_connect

from cli.sync_house import House, house_in, schedule
from cli.terminal import PASSWORD, USERNAME
from tapo_automate.simulator import Device

Answer = TypeVar("Answer")


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def with_kasa(device: Device, story: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """Connect as python-kasa does after a discovery, read everything once, and let it do something."""

    async def tell() -> Answer:
        announced = device.announcement
        scheme = announced["mgt_encrypt_schm"]
        config = DeviceConfig(
            host=device.host,
            port_override=device.port,
            credentials=Credentials(USERNAME, PASSWORD),
            connection_type=DeviceConnectionParameters.from_values(
                announced["device_type"], scheme["encrypt_type"], login_version=scheme.get("lv")
            ),
        )
        found = await kasa.Device.connect(config=config)
        try:
            await found.update()
            return await story(found)
        finally:
            await found.disconnect()

    return asyncio.run(tell())


def with_plugp100(device: Device, story: Callable[[Any], Awaitable[Answer]]) -> Answer:
    config = DeviceConnectConfiguration(
        host=device.host, port=device.port, credentials=AuthCredential(USERNAME, PASSWORD)
    )

    async def tell() -> Answer:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            found = await plugp100_connect(config, session)
            await found.update()
            answer = await story(found)
            await found.client.close()
            return answer

    return asyncio.run(tell())


def rule(name: str, when: str, *, on: bool = False) -> str:
    return f'[rules.{name}]\ndevices = ["rail"]\nwhen.{when}\nset = {{ on = {str(on).lower()} }}\n'


def plan_of_rail(house: House) -> dict[str, Any]:
    [found] = [each for each in json.loads(house.sync("plan", "--json").out)["devices"] if each["device"] == "rail"]
    return dict(found)


AUTO_OFF = rule("rail-auto-off", 'countdown = { after = "45m", from = "on" }')
LIMIT = rule("rail-limit", "power = { above = 2000 }")


class TestNeighbours:
    def test_an_auto_off_and_a_power_limit_of_ours_are_what_kasa_shows(self, house: House) -> None:
        house.rules(AUTO_OFF, LIMIT)
        applied = house.sync("apply", "--yes")
        assert applied.code == 0, applied.err

        async def reads(plug: Any) -> tuple[object, ...]:
            timer, protection = plug.modules[Module.AutoOff], plug.modules[Module.PowerProtection]
            return timer.enabled, timer.delay, protection.enabled, protection.protection_threshold

        assert with_kasa(house.rail, reads) == (True, 45, True, 2000)
        house.rules()
        assert house.sync("apply", "--yes", "--allow-emptying", "--allow-mass-delete").code == 0
        assert with_kasa(house.rail, reads) == (False, 45, False, 2000), "switched off, the numbers as they were"
        assert house.sync("plan").code == 0

    def test_what_kasa_has_set_is_left_alone_and_adopted(self, house: House) -> None:
        async def sets(plug: Any) -> None:
            timer, protection = plug.modules[Module.AutoOff], plug.modules[Module.PowerProtection]
            await timer.set_delay(30)
            await plug.update()  # what it sets next it takes from what it last read
            await timer.set_enabled(True)
            await protection.set_enabled(True, threshold=1500)

        with_kasa(house.rail, sets)
        house.rules(AUTO_OFF, LIMIT)
        writes = house.rail.writes
        plan = plan_of_rail(house)
        assert {change["text"] for change in plan["changes"] if change["action"] == "foreign"} == {
            "30 min after it turns on → off",
            "above 1500 W → off",
        }
        assert {each["rule"]: each["reason"] for each in plan["daemon"]} == {
            "rail-auto-off": "its auto-off is taken: 30 min after it turns on → off",
            "rail-limit": "its power protection is taken: above 1500 W → off",
        }
        assert house.sync("apply", "--yes").code == 0
        house.rules()
        assert house.sync("adopt", "--yes").code == 0
        lines = (house.home / "rules.adopted.toml").read_text().splitlines()
        assert 'when.countdown = { after = "30m", from = "on" }' in lines
        assert "when.power = { above = 1500 }" in lines
        assert house.sync("plan").code == 0
        assert house.rail.writes == writes

    def test_what_kasa_changes_of_ours_is_drift(self, house: House) -> None:
        house.rules(AUTO_OFF, LIMIT)
        assert house.sync("apply", "--yes").code == 0

        async def changes(plug: Any) -> None:
            await plug.modules[Module.AutoOff].set_delay(10)
            await plug.modules[Module.PowerProtection].set_enabled(False)

        with_kasa(house.rail, changes)
        found = [(change["action"], change["text"]) for change in plan_of_rail(house)["changes"]]
        assert found == [
            ("drift", "45 min after it turns on → off was changed by hand to 10 min after it turns on → off"),
            ("drift", "above 2000 W → off was removed by hand"),
        ]
        assert house.sync("drift", "--restore", "--yes").code == 0
        assert house.sync("plan").code == 0


class TestTables:
    def test_kasa_reads_our_rows_in_the_devices_own_words(self, house: House) -> None:
        """It has no words of its own for a Tapo schedule, but it carries the methods, and gathers the pages."""
        times = [f"{8 + number // 4:02}:{number % 4 * 15:02}:00" for number in range(12)]
        house.rules(*(rule(f"r{number}", f"time = {{ at = {at} }}") for number, at in enumerate(times)))
        assert house.sync("apply", "--yes").code == 0

        async def reads(plug: Any) -> list[dict[str, Any]]:
            table = await plug.protocol.query({"get_schedule_rules": {"start_index": 0}})
            return list(table["get_schedule_rules"]["rule_list"])

        rows = with_kasa(house.rail, reads)
        assert [row["s_min"] for row in rows] == [480 + 15 * number for number in range(12)]
        assert {(row["enable"], row["mode"], row["week_day"], row["s_type"]) for row in rows} == {
            (True, "repeat", 127, "normal")
        }
        assert all(row["desired_states"] == {"on": False} for row in rows)

    def test_a_row_that_came_by_kasa_is_nobodys_and_adopted(self, house: House) -> None:
        house.rules()
        row = {"enable": True, "mode": "repeat", "s_type": "normal", "time_offset": 0, **schedule(450, week_day=62)}

        async def adds(plug: Any) -> None:
            await plug.protocol.query({"add_schedule_rule": row})

        with_kasa(house.rail, adds)
        writes = house.rail.writes
        assert [change["text"] for change in plan_of_rail(house)["changes"]] == ["weekdays at 07:30 → off"]
        assert house.sync("adopt", "--yes").code == 0
        assert house.sync("plan").code == 0
        assert house.rail.writes == writes

    def test_plugp100_reads_a_countdown_of_ours(self, house: House) -> None:
        house.rules(rule("ours", 'countdown = { after = "45m", from = "apply" }'))
        assert house.sync("apply", "--yes").code == 0

        async def reads(plug: Any) -> Any:
            timer = plug.get_component(Countdown)
            await timer.update()
            [row] = timer.get_countdown_rules().rule_list
            return row

        row = with_plugp100(house.rail, reads)
        assert (row.enable, row.delay, row.desired_states) == (True, 2700, {"on": False})
        assert 0 < row.remain <= 2700

    def test_a_countdown_of_plugp100_keeps_the_slot(self, house: House) -> None:
        async def starts(plug: Any) -> bool:
            return bool((await plug.get_component(Countdown).add_countdown_off(600)).is_success())

        assert with_plugp100(house.rail, starts)
        house.rules(rule("ours", 'countdown = { after = "45m", from = "apply" }'))
        plan = plan_of_rail(house)
        assert [change["action"] for change in plan["changes"]] == ["foreign"]
        assert [(each["rule"], each["code"]) for each in plan["nowhere"]] == [("ours", "slot")]
        assert house.sync("apply", "--yes").out.splitlines()[-1] == "Nothing to do. 1 rule is carried out by nobody."
        assert house.rail.countdown is not None
        assert house.rail.countdown["delay"] == 600

    def test_what_plugp100_has_stopped_is_not_started_again(self, house: House) -> None:
        """A countdown is an event; what became of it is nobody's drift."""
        house.rules(rule("ours", 'countdown = { after = "45m", from = "apply" }'))
        assert house.sync("apply", "--yes").code == 0
        house.rail.person_removes("countdown", "C1")

        async def starts(plug: Any) -> bool:
            return bool((await plug.get_component(Countdown).add_countdown_on(60)).is_success())

        assert with_plugp100(house.rail, starts)
        assert {change["action"] for change in plan_of_rail(house)["changes"]} == {"foreign"}
        assert house.sync("apply", "--yes").code == 0
        assert house.rail.countdown is not None
        assert house.rail.countdown["delay"] == 60
