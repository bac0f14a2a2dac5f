"""Auto-off and power protection as commands."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Busy, Garbled, Unsupported
from tapo_automate.rows import AutoOff, PowerProtection
from tapo_automate.wire.commands.auto_off import (
    get_auto_off_config,
    get_protection_power,
    set_auto_off_config,
    set_protection_power,
)
from wire.commands.kept import Kept

OFF = {"delay_min": 120, "enable": False}


def plug(protection: dict[str, Any], **more: Any) -> Kept:
    return Kept("power_protection", get_protection_power=protection, set_protection_power={}, **more)


def test_auto_off_is_read_and_set_and_its_minutes_stay() -> None:
    it = Kept("auto_off:2", get_auto_off_config=OFF | {"newer": 1}, set_auto_off_config={})
    found = get_auto_off_config(it)
    assert (found.delay_min, found.enabled) == (120, False)
    set_auto_off_config(it, True, 30)
    set_auto_off_config(it, True)
    set_auto_off_config(it, False)
    assert [params for _, params in it.told] == [
        {"delay_min": 30, "enable": True, "newer": 1},
        {"delay_min": 120, "enable": True, "newer": 1},
        {"delay_min": 120, "enable": False, "newer": 1},
    ]
    for enabled, minutes in ((True, 0), (False, -1)):
        with pytest.raises(BadSetting, match=rf"auto-off after {minutes} min is out of range: it takes 1 min and up$"):
            set_auto_off_config(it, enabled, minutes)
    assert len(it.told) == 3


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ({"enabled": False, "protection_power": 0}, {"enabled": True, "protection_power": 2000}),
        ({"protection_enabled": False, "protection_power": 0}, {"protection_enabled": True, "protection_power": 2000}),
        (
            {"enabled": False, "protection_enabled": False, "protection_power": 0},
            {"enabled": True, "protection_enabled": True, "protection_power": 2000},
        ),
    ],
    ids=["enabled", "protection_enabled", "both"],
)
def test_the_switch_is_sent_by_the_device_s_own_name(words: dict[str, Any], sent: dict[str, Any]) -> None:
    it = plug(words, get_max_power={"max_power": 3379})
    found = get_protection_power(it)
    assert (found.limit_w, found.enabled) == (0, False)
    set_protection_power(it, True, 2000)
    assert it.told == [("set_protection_power", sent)]


def test_the_limit_stays_when_it_is_switched() -> None:
    it = plug({"enabled": True, "protection_power": 2960})
    set_protection_power(it, False)
    set_protection_power(it, True)
    assert [params for _, params in it.told] == [
        {"enabled": False, "protection_power": 2960},
        {"enabled": True, "protection_power": 2960},
    ]


@pytest.mark.parametrize(
    ("limit_w", "more", "said"),
    [
        (3380, {"get_max_power": {"max_power": 3379}}, "3380 W is out of range: it takes 1 to 3379 W"),
        (0, {"get_max_power": {"max_power": 3379}}, "0 W is out of range: it takes 1 to 3379 W"),
        (0, {}, "0 W is out of range: it takes 1 W and up"),
        (None, {}, "its power limit was never set: say above how many watts it turns off"),
    ],
)
def test_watts_that_cannot_be_are_refused_here(limit_w: int | None, more: dict[str, Any], said: str) -> None:
    it = plug({"enabled": False, "protection_power": 0}, **more)
    with pytest.raises(BadSetting, match=rf"{said}$"):
        set_protection_power(it, True, limit_w)
    assert it.told == []


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(Unsupported, match=r": it has no auto-off$"):
        get_auto_off_config(Kept())
    with pytest.raises(Unsupported, match=r": it has no power limit as a whole; of a power strip name a socket"):
        set_protection_power(Kept("control_child"), True, 5)
    with pytest.raises(Garbled, match="says on and off at once"):
        get_protection_power(plug({"enabled": True, "protection_enabled": False, "protection_power": 5}))
    with pytest.raises(Busy):
        set_protection_power(plug({"enabled": True, "protection_power": 5}, get_max_power=-1301), True, 9)


def test_they_are_the_rows_that_sync_knows() -> None:
    assert get_auto_off_config(Kept("auto_off", get_auto_off_config=OFF)) == AutoOff(120, False, OFF)
    words = {"enabled": True, "protection_power": 9}
    assert get_protection_power(plug(words)) == PowerProtection(9, True, words)
