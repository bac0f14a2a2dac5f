"""What is remembered of firings that are over."""

from __future__ import annotations

import datetime as dt

import pytest

from daemon.house import DAY
from tapo_automate import Firing, Rule, Setting
from tapo_automate.daemon import docket as module
from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.docket import Docket
from tapo_automate.daemon.effects import Effects
from tapo_automate.rules.model import Every

SECOND = dt.timedelta(seconds=1)
OFTEN = Rule("often", ("plug",), Every(1), Setting(on=True))


class TwoDays:
    """Two days, and how many firings somebody has looked at whether they are older."""

    def __init__(self) -> None:
        self.looked = 0

    def __rsub__(self, at: dt.datetime) -> dt.datetime:
        self.looked += 1
        return at - dt.timedelta(days=2)


def settled(many: int, apart: dt.timedelta) -> Docket:
    docket = Docket(dt.timedelta(), {}, Absences())
    for number in range(many):
        at = DAY + number * apart
        firing = Firing(OFTEN, "plug", at, at)
        docket.open(firing, Effects())
        docket.settle(firing, at, None, Effects())
    return docket


def test_a_busy_house_looks_for_what_is_old_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RESULTS", 10)
    monkeypatch.setattr(module, "KEPT", two_days := TwoDays())
    docket = settled(1000, SECOND)
    assert two_days.looked < 2 * 1000, "none much more often than once"
    assert docket.known(Firing(OFTEN, "plug", DAY, DAY)), "it was today"


def test_what_is_old_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RESULTS", 10)
    docket = settled(1000, 3600 * SECOND)
    assert not docket.known(Firing(OFTEN, "plug", DAY, DAY))
    yesterday = DAY + 980 * 3600 * SECOND
    assert docket.known(Firing(OFTEN, "plug", yesterday, yesterday))
