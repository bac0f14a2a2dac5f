"""Wrong credentials over the real protocols: who is still logged in to, who is told, and how it goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.faults_house import HOUSEHOLD, LODGER, WireHouse
from daemon.house import DAY, until
from daemon.led import HandClock, Led
from tapo_automate import Rule, Setting
from tapo_automate.credentials import StoredCredentials
from tapo_automate.daemon import Alarm, CompressedClock, Daemon
from tapo_automate.registry import Registry
from tapo_automate.rules.model import AtTime, Every
from tapo_automate.simulator import Fleet

ON, OFF = Setting(on=True), Setting(on=False)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
NEW = "a newer password"
OURS, THEIRS = [f"d{n:02}" for n in range(8)], ["d08", "d09"]  # the household's devices, and the lodger's


class Home:
    """Ten devices of two accounts, and the file that holds what the user has entered."""

    def __init__(self, fleet: Fleet, folder: Path, password: str) -> None:
        self.clock = HandClock()
        self.house = WireHouse(fleet, self.clock, 10, accounts=dict.fromkeys(THEIRS, LODGER))
        self.house.credentials.clear()
        self.file = folder / "credentials.toml"
        self.enter(password)
        self.led = Led(self.house, self.clock, folder)

    def enter(self, password: str) -> None:
        """The user writes the household's password into the credentials file."""
        lodger = f'username = "{LODGER.username}"\npassword = "{LODGER.password}"\n'
        text = f'username = "{HOUSEHOLD.username}"\npassword = "{password}"\n'
        self.file.touch(0o600)
        self.file.write_text(text + "".join(f"[devices.{name}]\n{lodger}" for name in THEIRS))

    def start(self, *rules: Rule) -> None:
        self.led.start(*rules, plugins={"credentials": StoredCredentials({}, self.file)})

    def change_password(self, password: str) -> None:
        """Somebody changes it in the phone app; the devices learn of it and end their sessions."""
        for name in OURS:
            self.house.devices[name].set_credentials(HOUSEHOLD.username, password)
            self.house.devices[name].forget_session()

    def logins(self) -> dict[str, int]:
        """Return how many logins each device has seen begin; those that have not seen one are left out."""
        return {name: len(device.login_times) for name, device in self.house.devices.items() if device.login_times}

    @property
    def alarms(self) -> list[tuple[str, bool]]:
        return [(event.text, event.over) for event in self.house.events if isinstance(event, Alarm)]

    def done(self) -> set[str]:
        return {outcome.firing.device_id for outcome in self.house.outcomes if outcome.error is None}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


OFTEN = Rule("often", (*OURS, *THEIRS), Every(600), ON)


def test_a_wrong_password_is_tried_once_and_another_account_is_not_touched(fleet: Fleet, tmp_path: Path) -> None:
    home = Home(fleet, tmp_path, "incorrect")
    home.start(OFTEN)
    home.led.go(6 * HOUR, look_around=True)
    assert {name: count for name, count in home.logins().items() if name in OURS} == {"d00": 1}
    [(text, over)] = home.alarms
    address = home.house.devices["d00"].address
    assert text.startswith(f"d00: {address}: the device does not accept this e-mail and password")
    assert text.endswith(
        "; every device of this account is left alone until the credentials change, or "
        "`tapo-automate login d00` succeeds"
    )
    assert not over
    assert home.done() == set(THEIRS)
    assert home.led.daemon.health().blocked == set(OURS)
    home.led.stop()


def test_the_right_password_in_the_file_sets_everything_going_again(fleet: Fleet, tmp_path: Path) -> None:
    home = Home(fleet, tmp_path, "incorrect")
    home.start(OFTEN)
    home.led.go(HOUR, look_around=True)
    home.enter(HOUSEHOLD.password)
    home.led.look_around()
    home.led.go(HOUR)
    assert home.done() == {*OURS, *THEIRS}
    assert all(device.on for device in home.house.devices.values())
    assert home.led.daemon.health().blocked == frozenset()
    assert home.alarms[1:] == [(f"{name}: the credentials were changed; it is spoken to again", True) for name in OURS]
    assert home.logins() == {name: 1 + (name == "d00") for name in [*OURS, *THEIRS]}
    home.led.stop()


def test_a_password_that_is_changed_in_the_app_is_noticed_by_two_devices_and_tried_on_no_more(
    fleet: Fleet, tmp_path: Path
) -> None:
    home = Home(fleet, tmp_path, HOUSEHOLD.password)
    home.start(OFTEN)
    home.led.go(HOUR)
    before = home.logins()
    home.change_password(NEW)
    home.led.go(6 * HOUR, look_around=True)
    again = {name: count - before[name] for name, count in home.logins().items() if count > before[name]}
    assert set(again) == {"d00", "d01"}
    assert sum(again.values()) <= 3, "an old device is tried with the vendor's default, too"
    first, second = (text.partition(":")[0] for text, _ in home.alarms)
    assert [text.split("; ")[-1] for text, _ in home.alarms] == [
        f"it is left alone until the credentials change, or `tapo-automate login {first}` succeeds",
        f"every device of this account is left alone until the credentials change, or `tapo-automate login {second}` "
        "succeeds",
    ]
    home.enter(NEW)
    home.led.look_around()
    home.house.events.clear()
    home.led.go(HOUR)
    assert home.done() == {*OURS, *THEIRS}
    home.led.stop()


def test_a_credentials_file_that_is_gone_for_a_moment_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    home = Home(fleet, tmp_path, HOUSEHOLD.password)
    home.start(OFTEN)
    home.led.go(HOUR)
    home.file.rename(tmp_path / "elsewhere")
    home.led.go(HOUR, look_around=True)
    (tmp_path / "elsewhere").rename(home.file)
    home.led.go(HOUR, look_around=True)
    assert all(outcome.error is None for outcome in home.house.outcomes)
    assert home.alarms == []
    home.led.stop()


@pytest.mark.parametrize("odd", ["d00", "d01", "d05"])
def test_a_device_of_a_stranger_stops_alone_where_the_others_take_the_account(
    odd: str, fleet: Fleet, tmp_path: Path
) -> None:
    home = Home(fleet, tmp_path, HOUSEHOLD.password)
    home.house.devices[odd].set_credentials("stranger@example.org", "hers")
    first = Rule("first", ("d07",), AtTime(dt.time(0, 1)), ON)  # so that the account is known to be good
    home.start(first, OFTEN)
    home.led.go(6 * HOUR, look_around=True)
    assert home.done() == {*OURS, *THEIRS} - {odd}
    assert home.led.daemon.health().blocked == {odd}
    [(text, _)] = home.alarms
    assert text.endswith(f"; it is left alone until the credentials change, or `tapo-automate login {odd}` succeeds")
    home.led.stop()


def test_a_device_of_a_stranger_that_refuses_before_the_others_have_answered_stops_alone_too(fleet: Fleet) -> None:
    # All are asked at once at the start, and a refusal comes a round trip sooner than a consent.
    clock = CompressedClock(DAY, 300)
    house = WireHouse(fleet, clock, 20)
    for name in ("d04",):
        house.devices[name].set_credentials("stranger@example.org", "hers")
    for name, device in house.devices.items():
        if name != "d04":
            device.set_faults("slow.handshake=0.3")
    rule = Rule("often", tuple(house.devices), Every(600), ON)
    daemon = Daemon(house.book(rule), Registry({"house": house}), clock=clock, observe=house.observe, grace_s=86_400)
    daemon.start()
    try:
        until(lambda: all(device.on for name, device in house.devices.items() if name != "d04"), timeout_s=60)
        assert daemon.health().blocked == {"d04"}
        assert len(house.devices["d04"].login_times) == 1
        texts = [(event.text.split("; ")[-1], event.over) for event in house.events if isinstance(event, Alarm)]
        assert texts[-1] == ("the others are spoken to again", True)
    finally:
        daemon.stop()
