"""Power strips, and a switch that is two, at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from cli.terminal import PASSWORD, USERNAME, tapo_automate
from tapo_automate.simulator import Fleet

ACCOUNT = {"username": USERNAME, "password": PASSWORD}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A metered strip, a switch of a fan and a light, and the rule file that names them."""
    home = tmp_path_factory.mktemp("home")
    with Fleet() as fleet:
        strip = fleet.add("P304M", trace="40", **ACCOUNT)
        strip.children[1].press()
        switch = fleet.add("KS240", **ACCOUNT)
        text = '[site]\ntimezone = "Europe/Berlin"\n'
        for name, device in (("strip", strip), ("switch", switch)):
            text += f'[devices.{name}]\ndriver = "tapo-plug"\nhost = "{device.address}"\n'
        (home / "rules.toml").write_text(text + '[groups]\ndesk = ["strip/1", "strip/3"]\n')
        yield SimpleNamespace(home=home, strip=strip, switch=switch)


def run(house: SimpleNamespace, *words: str) -> SimpleNamespace:
    done = tapo_automate(*words, home=house.home)
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


def test_status_shows_a_strip_with_each_of_its_sockets(house: SimpleNamespace) -> None:
    done = run(house, "status", "strip")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()[1:]]
    assert lines[0][:4] == ["strip", "4", "sockets", "P304M"]
    assert [line[:6] for line in lines[1:]] == [
        [f"strip/{number}", "(socket", f"{number})", state, watts, "W"]
        for number, state, watts in ((1, "off", "0.0"), (2, "on", "40.0"), (3, "off", "0.0"), (4, "off", "0.0"))
    ]


def test_status_in_json_has_a_row_for_each(house: SimpleNamespace) -> None:
    done = run(house, "status", "--json")
    assert (done.code, done.err) == (0, "")
    rows = json.loads(done.out)["devices"]
    assert [row["device"] for row in rows] == [
        "strip", "strip/2", "strip/4", "switch", "switch/1", "switch/2", "strip/1", "strip/3",
    ], "two are in a group of the rules"  # fmt: skip
    whole, first = rows[:2]
    assert (whole["sockets"], whole["on"], whole["reachable"], whole["error"]) == (4, None, True, None)
    assert (first["name"], first["model"], first["on"]) == ("socket 2", "P304M", True)
    assert [row["brightness"] for row in rows[4:6]] == [None, 100]


def test_a_socket_that_is_named_too_is_shown_once_as_it_is_named(house: SimpleNamespace) -> None:
    rows = json.loads(run(house, "status", "--json", "strip", "strip/SOCKET  2").out)["devices"]
    assert [row["device"] for row in rows] == ["strip", "strip/1", "strip/3", "strip/4", "strip/SOCKET  2"]


def test_a_socket_that_does_not_answer_makes_the_exit_code_3(house: SimpleNamespace) -> None:
    house.strip.set_faults("power-nonsense")
    try:
        done = run(house, "status", "strip")
    finally:
        house.strip.set_faults()
    assert done.code == 3
    assert "strip/2: " in done.err
    assert "4 sockets" in done.out


def test_a_strip_is_not_switched_as_a_whole_and_says_what_is(house: SimpleNamespace) -> None:
    before = [child.on for child in house.strip.children]
    done = run(house, "off", "strip")
    said = 'it cannot be switched as a whole; of a power strip name a socket, as in "strip/1"'
    assert (done.code, done.err) == (3, f"strip: {house.strip.address}: {said}\n")
    assert [child.on for child in house.strip.children] == before


def test_a_group_of_sockets_is_switched(house: SimpleNamespace) -> None:
    assert run(house, "on", "desk").code == 0
    assert [house.strip.children[index].on for index in (0, 2, 3)] == [True, True, False]
    assert run(house, "off", "desk").code == 0


def test_a_socket_that_is_not_there_is_told_with_those_that_are(house: SimpleNamespace) -> None:
    done = run(house, "on", "strip/7")
    there = "1 (socket 1), 2 (socket 2), 3 (socket 3), 4 (socket 4)"
    said = f"strip/7: {house.strip.address}: it has no socket 7; it has 4 sockets: {there}\n"
    assert (done.code, done.err) == (3, said)


def test_a_fan_is_shown_and_set(house: SimpleNamespace) -> None:
    fan = house.switch.children[0]
    assert run(house, "fan", "switch/fan", "3", "--sleep").out == ("switch/fan: fan on at speed 3, sleep mode on\n")
    assert (fan.on, fan.info["fan_speed_level"], fan.info["fan_sleep_mode_on"]) == (True, 3, True)
    assert run(house, "fan", "switch/fan").out == "switch/fan: fan on at speed 3, sleep mode on\n"
    assert run(house, "fan", "switch/fan", "off").out == "switch/fan: fan off\n"
    assert json.loads(run(house, "fan", "switch/fan", "--json").out) == {
        "device": "switch/fan", "on": False, "speed": 3, "sleep": True,
    }  # fmt: skip
    assert run(house, "fan", "switch/fan", "4", "--dry-run").out == "would set switch/fan: fan on at speed 4\n"
    assert not fan.on
    done = run(house, "fan", "switch/light", "1")
    assert (done.code, done.err) == (3, f"tapo-automate: switch/light: {house.switch.address}: it has no fan\n")
    assert "'5' is not one of" in run(house, "fan", "switch/fan", "5").err


def test_the_light_beside_it_is_dimmed(house: SimpleNamespace) -> None:
    assert run(house, "set", "switch/light", "--brightness", "30").code == 0
    assert house.switch.children[1].state == {"device_on": True, "brightness": 30}
