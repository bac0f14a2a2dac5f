"""What a device is about to do by itself: its tables, its timers, its protection, and what a fault makes of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tapo_automate.simulator import countdown, loading
from tapo_automate.simulator.appliance import Appliance, Doing
from tapo_automate.simulator.desired import light_of
from tapo_automate.simulator.timetable import Entry
from tapo_automate.simulator.upgrade import Offer


def own_doings(appliance: Appliance) -> Iterator[Doing]:
    """Yield the next thing of each kind; see `Appliance`."""
    if appliance.countdown.ends_s is not None:
        yield appliance.countdown.ends_s, partial(_countdown_ends, appliance)
    if (ends_s := appliance.auto_off_s()) is not None:
        yield ends_s, partial(_auto_off_ends, appliance)
    place = appliance.place()
    row = appliance.schedule.next(appliance.at, place)
    if row is not None:
        yield appliance.life_s(row[0]), partial(_row_fires, appliance, *row)
    step_at = appliance.away.next(appliance.at, place)
    if step_at is not None:
        yield appliance.life_s(step_at), partial(_away_steps, appliance, step_at)
    if (over_s := appliance.overload_s()) is not None:
        yield over_s, partial(_protection_cuts, appliance)
    if (reboot_s := appliance.reboot_s()) is not None:
        yield reboot_s, appliance.reboot
    offer = appliance.upgrade.offer
    if offer is not None and (night_at := loading.night_at(appliance)) is not None:
        yield appliance.life_s(night_at), partial(_loads, appliance, night_at, offer)
    for late in appliance.late:
        yield late[0], partial(_come, appliance, late)


def _countdown_ends(appliance: Appliance) -> None:
    states = appliance.countdown.run_off()
    with appliance.executing("countdown", "countdown", countdown.ID, states):
        obey(appliance, states)


def _auto_off_ends(appliance: Appliance) -> None:
    delay_min = appliance.replies["get_auto_off_config"]["delay_min"]
    with appliance.executing("auto-off", "auto_off", "", {"on": False}, f"{delay_min} min"):
        appliance.switch(False)


def _row_fires(appliance: Appliance, at: float, entry: Entry) -> None:
    appliance.stand_at(at)
    if appliance.is_down():
        appliance.schedule.missed(entry, at, appliance.place())
        return
    states = entry.row["desired_states"]
    fade_ms = states.get("transition_period", 0)
    detail = f"{entry.row['id']}, over {fade_ms / 1000:g} s" if fade_ms else entry.row["id"]
    appliance.schedule.fired(entry, at, appliance.place())
    with appliance.executing("schedule", "schedule", entry.row["id"], states, detail):
        obey(appliance, states)


def _away_steps(appliance: Appliance, at: float) -> None:
    appliance.stand_at(at)
    away = appliance.away
    assert away.row is not None
    number = away.row["id"]
    on, over = away.step(at, appliance.place(), appliance.dice, on=appliance.on)
    if appliance.is_down():
        return
    with appliance.executing("antitheft", "antitheft", number, {"on": on}, f"{number}, its end" if over else number):
        appliance.switch(on)


def _protection_cuts(appliance: Appliance) -> None:
    limit_w = appliance.replies["get_protection_power"]["protection_power"]
    with appliance.executing("protection", "power_protection", "", {"on": False}, f"above {limit_w} W"):
        appliance.switch(False)
        appliance.info["power_protection_status"] = "overloaded"


def _loads(appliance: Appliance, at: float, offer: Offer) -> None:
    appliance.stand_at(at)
    loading.load(appliance, offer, by_itself=True)


def _come(appliance: Appliance, late: Doing) -> None:
    appliance.late.remove(late)
    late[1]()


def obey(appliance: Appliance, states: dict[str, Any]) -> None:
    """Carry desired_states out.

    A fade is told as it is begun: the device answers with what it fades to, and draws that power.
    """
    if "auto" in states and "auto_biorhythm_light_enable" in appliance.info:
        appliance.info["auto_biorhythm_light_enable"] = states["auto"]
    if "lighting_effect" in states:
        effect = states["lighting_effect"]
        appliance.replies["get_lighting_effect"] = appliance.replies["get_lighting_effect"] | effect
        shown = appliance.info["lighting_effect"]
        appliance.info["lighting_effect"] = {key: effect.get(key, value) for key, value in shown.items()}
    appliance.assume(states["on"], light_of(states))
