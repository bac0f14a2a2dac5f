"""One device, one fault, one rule: what becomes of the command, to the second and over the real protocols."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.faults_house import LONGEST_WAIT, WireHouse, hammered
from daemon.house import DAY
from daemon.led import HandClock, Led
from tapo_automate import Rule, Setting
from tapo_automate.daemon import Retrying
from tapo_automate.rules.model import AtTime, Condition, DeviceIs, Every, PowerPast
from tapo_automate.simulator import Device as Simulated
from tapo_automate.simulator import Fleet

ON, OFF = Setting(on=True), Setting(on=False)
SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)
TRANSPORTS = ("klap", "aes")


Given = Callable[..., tuple[Led, WireHouse, Simulated]]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Given]:
    """Give a house of devices of one model, led by hand, and its first device, "d00"; it ends with the test."""
    houses: list[Led] = []

    def given(model: str, transport: str, count: int = 1) -> tuple[Led, WireHouse, Simulated]:
        clock = HandClock()
        house = WireHouse(fleet, clock, count, models=((model, transport),))
        houses.append(Led(house, clock, tmp_path))
        return houses[0], house, house.devices["d00"]

    with Fleet() as fleet:
        yield given
        for led in houses:
            led.stop()


def accepted(device: Simulated) -> list[bool]:
    """Return what the device was told and accepted."""
    return [
        call.params["device_on"] for call in device.calls if call.method == "set_device_info" and not call.error_code
    ]


def at(hour: int, minute: int = 0, second: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute, second))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_plug_that_is_off_for_ten_seconds_gets_its_command_when_it_is_back(given: Given, transport: str) -> None:
    led, house, device = given("P110", transport)
    led.start(Rule("on", ("d00",), at(7), ON))
    led.go(DAY + 7 * HOUR - SECOND)
    device.set_faults("offline")
    led.go(11 * SECOND)
    assert house.outcomes == []
    device.set_faults()
    led.go(15 * SECOND)
    [outcome] = house.outcomes
    assert (outcome.result, device.on, accepted(device)) == ("done", True, [True])
    assert 10 <= outcome.late_s <= 20
    assert {str(event.error) for event in house.events if isinstance(event, Retrying)} == {
        f"{device.address}: the connection was refused (after a power cut some devices keep their port shut for about "
        "eight minutes); a probe over UDP was not answered either: is it switched on, and is this still its address?"
    }


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_of_two_commands_for_a_plug_that_is_away_only_the_newer_arrives(given: Given, transport: str) -> None:
    led, house, device = given("P110", transport)
    device.press()
    led.start(Rule("on", ("d00",), at(7), ON), Rule("off", ("d00",), at(7, 2), OFF))
    device.set_faults("offline")
    led.go(DAY + 7 * HOUR + 3 * MINUTE)
    device.set_faults()
    led.go(5 * MINUTE)
    assert [(outcome.firing.rule.id, outcome.result) for outcome in house.outcomes] == [
        ("on", "superseded"),
        ("off", "done"),
    ]
    assert str(house.outcomes[0].error) == "a newer command came first: off"
    assert accepted(device) == [False]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_plug_that_stays_away_is_given_up_at_the_deadline_and_named_once(given: Given, transport: str) -> None:
    led, house, device = given("P110", transport)
    led.start(Rule("on", ("d00",), at(7), ON, within_s=600))
    device.set_faults("offline")
    led.go(DAY + 8 * HOUR)
    [outcome] = house.outcomes
    assert outcome.result == "failed"
    assert 600 - LONGEST_WAIT.total_seconds() <= outcome.late_s <= 600
    assert 12 <= outcome.tries <= 20, "six tries in the first minute, and one a minute from then on"
    device.set_faults()
    led.go(DAY + 24 * HOUR)
    assert (accepted(device), len(house.outcomes)) == ([], 1), "its time is over"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", ["drop-after", "garbage", "short", "bad-signature", "500", "html"])
def test_a_command_whose_answer_is_lost_is_looked_for_and_not_sent_again(
    given: Given, transport: str, fault: str
) -> None:
    led, house, device = given("P110", transport)
    led.start(Rule("on", ("d00",), at(7), ON), Rule("early", ("d00",), at(6), OFF))
    led.go(DAY + 7 * HOUR - SECOND)
    device.set_faults(fault)
    led.go(SECOND)
    executed = len(accepted(device)) - 1
    device.set_faults()
    led.go(10 * MINUTE)
    assert house.outcomes[-1].error is None
    if (fault, transport) == ("bad-signature", "aes"):
        assert executed == 1, "it has none"
    elif fault in ("500", "html"):
        assert (executed, house.outcomes[-1].result, accepted(device)[1:]) == (0, "done", [True])
    else:
        assert 1 <= executed <= 4, "the client repeats it by itself, and each try on a new connection"
        assert (house.outcomes[-1].result, len(accepted(device)) - 1) == ("already", executed)
    assert device.on
    assert hammered(house) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", ["drop-after", "garbage", "short", "bad-signature", "500", "html"])
@pytest.mark.parametrize("strikes", range(1, 6))
def test_a_toggle_turns_a_plug_once_whatever_answers_are_lost(
    given: Given, transport: str, fault: str, strikes: int
) -> None:
    led, house, device = given("P110", transport)
    led.start(Rule("flip", ("d00",), at(7), Setting(toggle=True)))
    led.go(DAY + 7 * HOUR - SECOND)
    device.set_faults(f"{fault}={strikes}x")
    led.go(10 * MINUTE)
    assert [outcome.result for outcome in house.outcomes] in (["done"], ["already"])
    assert [change.on for change in device.changes if change.by == "call"] == [True]
    assert hammered(house) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_command_that_a_device_ignored_is_noticed_although_it_is_busy_when_it_is_looked_at(
    given: Given, transport: str
) -> None:
    led, house, device = given("P110", transport)
    led.start(Rule("on", ("d00",), at(7), ON))
    led.go(DAY + 7 * HOUR - SECOND)
    device.set_faults("ignore=once")
    led.go(2 * SECOND)
    assert [outcome.result for outcome in house.outcomes] == ["done"]
    device.set_faults("busy")
    led.go(MINUTE)
    device.set_faults()
    led.go(5 * MINUTE)
    assert device.on
    assert house.outcomes[-1].result == "done"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rules_that_ask_for_a_sick_device_do_not_hammer_it(given: Given, transport: str) -> None:
    led, house, _ = given("P110", transport, 2)
    house.devices["d01"].set_faults("expire")
    rule = Rule("often", ("d00",), Every(10), ON, only_if=Condition(devices={"d01": DeviceIs(on=True)}))
    led.start(rule, Rule("power", ("d01",), PowerPast("above", 3500.0), OFF), look_s=30)
    led.go(HOUR)
    assert hammered(house) == []
    assert len(house.outcomes) >= 355
    assert {str(outcome.error) for outcome in house.outcomes} == {"nobody knows whether d01 is on"}


FADE = Setting(on=True, brightness_pct=80, transition_ms=120_000)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_transition_does_not_hammer_a_lamp_that_loses_its_sessions(given: Given, transport: str) -> None:
    led, house, lamp = given("L530", transport)
    led.start(Rule("wake", ("d00",), at(7), FADE))
    led.go(DAY + 7 * HOUR + 30 * SECOND)
    lamp.set_faults("expire")
    led.go(5 * MINUTE)
    assert hammered(house) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_transition_ends_as_asked_although_the_lamp_is_away_at_its_end(given: Given, transport: str) -> None:
    led, house, lamp = given("L530", transport)
    led.start(Rule("wake", ("d00",), at(7), FADE))
    led.go(DAY + 7 * HOUR + 100 * SECOND)
    lamp.set_faults("offline")
    led.go(90 * SECOND)
    lamp.set_faults()
    led.go(2 * MINUTE)
    assert lamp.state["brightness"] == 80
    assert hammered(house) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_end_of_a_transition_is_not_brought_about_after_a_newer_command(given: Given, transport: str) -> None:
    led, _, lamp = given("L530", transport)
    led.start(Rule("wake", ("d00",), at(7), FADE), Rule("off", ("d00",), at(7, 3), OFF))
    led.go(DAY + 7 * HOUR + 100 * SECOND)
    lamp.set_faults("offline")
    led.go(100 * SECOND)
    lamp.set_faults()
    led.go(20 * MINUTE)
    assert not lamp.on


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_command_that_waits_behind_a_look_that_fails_is_put_off(given: Given, transport: str) -> None:
    led, house, device = given("P110", transport)
    looking = Rule("looking", ("d00",), at(7), OFF, only_if=Condition(devices={"d00": DeviceIs(on=True)}))
    led.start(looking, Rule("on", ("d00",), at(7), ON))
    led.go(DAY + 7 * HOUR - SECOND)
    device.set_faults("expire=once")
    led.go(SECOND)
    assert [each.what for each in house.asked["d00"]] == ["state"]
    led.go(2 * MINUTE)
    results = {outcome.firing.rule.id: (outcome.result, outcome.late_s) for outcome in house.outcomes}
    assert results == {"looking": ("withheld", 0.0), "on": ("done", 61.0)}
    assert hammered(house) == []
