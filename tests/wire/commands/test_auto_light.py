"""Auto light: lamps that answer for it, and newer ones that do not."""

from __future__ import annotations

import pytest

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.auto_light import AutoLight, get_auto_light_info, set_auto_light_info
from wire.commands.kept import Kept


def test_a_lamp_that_answers_is_read_and_set() -> None:
    own = {"enable": False, "mode": "light_track", "newer": 1}
    it = Kept("auto_light", get_auto_light_info=own, set_auto_light_info={})
    assert get_auto_light_info(it) == AutoLight(False, "light_track")
    set_auto_light_info(it, True)
    set_auto_light_info(it, True, "light_compensate")
    assert it.told == [
        ("set_auto_light_info", own | {"enable": True}),
        ("set_auto_light_info", own | {"enable": True, "mode": "light_compensate"}),
    ]
    with pytest.raises(BadSetting, match=r"no mode 'disco': it takes light_track or light_compensate$"):
        set_auto_light_info(it, True, "disco")
    assert len(it.told) == 2


def test_a_newer_lamp_is_read_from_its_info() -> None:
    it = Kept("auto_light:3", get_device_info={"auto_biorhythm_light_enable": True})
    assert get_auto_light_info(it) == AutoLight(True, from_info=True)
    with pytest.raises(Unsupported, match=r"of a newer kind, which is not set this way: turn it on or off in the"):
        set_auto_light_info(it, False)


def test_a_newer_lamp_that_takes_the_setting_gets_it() -> None:
    it = Kept("auto_light:3", set_auto_light_info={})
    set_auto_light_info(it, True, "light_track")
    assert it.told == [("set_auto_light_info", {"enable": True, "mode": "light_track"})]


def test_what_a_lamp_lacks_or_does_not_say_is_said() -> None:
    with pytest.raises(Unsupported, match=r": it has no auto light$"):
        get_auto_light_info(Kept())
    with pytest.raises(Unsupported, match=r": it has no auto light$"):
        set_auto_light_info(Kept(), True)
    with pytest.raises(Unsupported, match=r": it lists auto light, and does not say whether it is on$"):
        get_auto_light_info(Kept("auto_light:3", get_device_info={}))
