"""Power protection: the device cuts a load that draws too much, and stays off until somebody switches it on."""

from collections.abc import Callable

from simulator.ruled import OFF, Ruled
from simulator.speaking import Clock
from tapo_automate.simulator import Device

Add = Callable[..., Device]


def test_protection_cuts_when_the_load_goes_above_and_stays_cut_until_switched_on(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, trace="steps:0=100/60=1000/120=2000.5,from=switch-on", on=True)
    plug.call("set_protection_power", {"enabled": True, "protection_power": 2000})
    clock.at += 3600
    cut = plug.device.changes[-1]
    assert (cut.on, cut.by, cut.detail, cut.true_at) == (False, "protection", "above 2000 W", clock.at - 3600 + 120)
    assert [(row.table, row.states) for row in plug.device.executions] == [("power_protection", OFF)]
    assert plug.device.info["power_protection_status"] == "overloaded"
    assert plug.call("get_energy_usage")["result"]["today_runtime"] == 2
    plug.call("set_device_info", {"device_on": True})
    assert plug.device.info["power_protection_status"] == "normal"
    clock.at += 119
    assert plug.device.on
    clock.at += 1
    assert not plug.device.on


def test_protection_bears_what_it_is_set_to_and_does_nothing_when_it_is_off(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, trace="2000", on=True)
    plug.call("set_protection_power", {"enabled": True, "protection_power": 2000})
    clock.at += 3600
    assert plug.device.on, "at the limit is not above it"
    plug.call("set_protection_power", {"enabled": False, "protection_power": 100})
    clock.at += 3600
    assert plug.device.on
    plug.call("set_protection_power", {"enabled": True, "protection_power": 100})
    assert not plug.device.on, "above it already"


def test_protection_finds_the_next_peak_of_a_load_that_repeats(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, trace="steps:0=900/100=50/200=60,repeat", on=True)
    clock.at += 150
    plug.call("set_protection_power", {"enabled": True, "protection_power": 800})
    clock.at += 1000
    assert plug.device.changes[-1].true_at == clock.at - 1000 + 150
