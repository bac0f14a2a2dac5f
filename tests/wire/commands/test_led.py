"""The status light."""

from __future__ import annotations

import pytest

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.led import Led, NightMode, get_led_info, set_led_info
from wire.commands.kept import Kept

NIGHT = {"night_mode_type": "sunrise_sunset", "start_time": 1140, "end_time": 420}
NIGHT |= {"sunrise_offset": 62, "sunset_offset": 0}
WORDS = {
    "led_rule": "always",
    "led_status": True,
    "night_mode": NIGHT,
    "bri_config": {"bri_type": "overall", "overall_bri": 50},
    "newer": [1],
}


def plug(**words: object) -> Kept:
    return Kept("led", get_led_info=WORDS | words, set_led_info={})


def test_it_is_read() -> None:
    assert get_led_info(plug()) == Led("always", True, NightMode("sunrise_sunset", 1140, 420, 0, 62), 50)
    bare = Kept("led", get_led_info={"led_rule": "never", "led_status": 0})
    assert get_led_info(bare) == Led("never", False)


def test_all_that_is_not_set_is_sent_back_as_it_came() -> None:
    it = plug()
    set_led_info(it, "never")
    assert it.told == [("set_led_info", WORDS | {"led_rule": "never"})]


@pytest.mark.parametrize(
    ("night", "sent"),
    [
        (None, NIGHT),
        (NightMode("custom", 1320, 390), NIGHT | {"night_mode_type": "custom", "start_time": 1320, "end_time": 390}),
        (NightMode("sunrise_sunset"), NIGHT),
        (NightMode("sunrise_sunset", None, None, -30, 15), NIGHT | {"sunset_offset": -30, "sunrise_offset": 15}),
    ],
    ids=["as it is", "by the clock", "by the sun, offsets as they are", "by the sun"],
)
def test_night_mode_is_set(night: NightMode | None, sent: dict[str, object]) -> None:
    it = plug()
    set_led_info(it, "night_mode", night)
    assert it.told == [("set_led_info", WORDS | {"led_rule": "night_mode", "night_mode": sent})]


@pytest.mark.parametrize(
    ("night", "said"),
    [
        (NightMode("custom", 1320, 1320), "a night from minute 1320 to 1320 of the day cannot be: it takes two"),
        (NightMode("custom", 1440, 5), r"minute 1440 to 5 of the day cannot be: it takes two .* of 0 to 1439$"),
        (NightMode("sunrise_sunset", None, None, -361), r"361 min from sunset cannot be: it takes 360 min at most$"),
        (NightMode("custom", 5), r'a night is "sunrise_sunset", or "custom" with a start and an end$'),
    ],
)
def test_hours_that_cannot_be_are_refused_here(night: NightMode, said: str) -> None:
    it = plug()
    with pytest.raises(BadSetting, match=said):
        set_led_info(it, "night_mode", night)
    assert it.told == []


def test_what_a_device_lacks_is_said() -> None:
    with pytest.raises(Unsupported, match=r": it has no status light; that of a socket is its strip's: name the strip"):
        get_led_info(Kept())
    bare = Kept("led", get_led_info={"led_rule": "never", "led_status": False}, set_led_info={})
    with pytest.raises(Unsupported, match=r": its status light has no night mode: it is on or off$"):
        set_led_info(bare, "night_mode")
    with pytest.raises(BadSetting, match=r"the hours of its night mode were never set: say from when to when$"):
        set_led_info(plug(night_mode={"night_mode_type": "unknown"}), "night_mode")
