"""Gradual switching, in each of the versions that lamps have."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.wire.commands.gradual import (
    Fade,
    GradualSwitching,
    get_on_off_gradually_info,
    set_on_off_gradually_info,
)
from wire.commands.kept import Kept

SIDES = {
    "on_state": {"enable": True, "duration": 8, "max_duration": 60},
    "off_state": {"enable": False, "duration": 4, "max_duration": 60},
}
SET = "set_on_off_gradually_info"


def lamp(answer: dict[str, Any], version: int = 3) -> Kept:
    return Kept(f"on_off_gradually:{version}", get_on_off_gradually_info=answer, set_on_off_gradually_info={})


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"enable": True}, GradualSwitching(True)),
        (SIDES, GradualSwitching(True, Fade(True, 8), Fade(False, 4))),
        (SIDES | {"change_state": {"enable": True}}, GradualSwitching(True, Fade(True, 8), Fade(False, 4), True)),
        (
            {"on_state": {"enable": False, "duration": 1}, "off_state": {"enable": 0, "duration": 2.0}},
            GradualSwitching(False, Fade(False, 1), Fade(False, 2)),
        ),
    ],
    ids=["version 1", "version 3", "version 4", "without the longest duration"],
)
def test_each_version_is_read(answer: dict[str, Any], found: GradualSwitching) -> None:
    assert get_on_off_gradually_info(lamp(answer)) == found


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"off_s": 10}, [{"off_state": {"enable": True, "duration": 10}}]),
        ({"on_s": 0}, [{"on_state": {"enable": False}}]),
        (
            {"on_s": 5, "off_s": 60},
            [{"on_state": {"enable": True, "duration": 5}}, {"off_state": {"enable": True, "duration": 60}}],
        ),
        ({"enabled": True}, [{"off_state": {"enable": True}}]),
        ({"enabled": False}, [{"on_state": {"enable": False}}]),
        (
            {"enabled": False, "off_s": 3},
            [{"on_state": {"enable": False}}, {"off_state": {"enable": True, "duration": 3}}],
        ),
        ({"on_s": 8, "off_s": 0}, []),
        ({"changes": True}, [{"change_state": {"enable": True}}]),
        ({"changes": False}, []),
    ],
)
def test_only_the_side_that_changes_is_written(wanted: dict[str, Any], told: list[dict[str, Any]]) -> None:
    it = lamp(SIDES | {"change_state": {"enable": False}}, 4)
    set_on_off_gradually_info(it, **wanted)
    assert it.told == [(SET, params) for params in told]


def test_the_first_version_has_one_switch() -> None:
    it = lamp({"enable": False}, 1)
    set_on_off_gradually_info(it, False)
    set_on_off_gradually_info(it, True)
    assert it.told == [(SET, {"enable": True})]
    with pytest.raises(Unsupported, match=r"on or off as a whole, without seconds to set$"):
        set_on_off_gradually_info(it, on_s=5)


@pytest.mark.parametrize(("on_s", "most_s"), [(61, 60), (-1, 60), (21, 20)])
def test_a_duration_beyond_the_lamp_s_own_is_refused_here(on_s: int, most_s: int) -> None:
    it = lamp(SIDES | {"on_state": {"enable": True, "duration": 8, "max_duration": most_s}})
    with pytest.raises(BadSetting) as refused:
        set_on_off_gradually_info(it, on_s=on_s)
    assert refused.value.problem == f"fading on over {on_s} s is out of range: it takes 1 to {most_s} s"
    assert it.told == []


def test_what_a_lamp_lacks_is_said_in_words() -> None:
    with pytest.raises(Unsupported, match=r": it has no gradual switching$"):
        get_on_off_gradually_info(Kept())
    with pytest.raises(Unsupported, match=r"no switch for the fading of changes, only for going on and off$"):
        set_on_off_gradually_info(lamp(SIDES), changes=True)
    with pytest.raises(Garbled, match=r"get_on_off_gradually_info\.on_state has nothing under 'duration' where a"):
        get_on_off_gradually_info(lamp({"on_state": {"enable": True}, "off_state": {}}))
