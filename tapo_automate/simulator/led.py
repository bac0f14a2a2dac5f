"""The light-emitting diode of a device: its rule, and the night in which it is dark.

Source: docs/protocol.md, 7.4 and "Neighbouring settings".
"""

from typing import Any

from tapo_automate.simulator.recurrence import Moment, Place, minute_on

Led = dict[str, Any]


def told(led: Led, *, on: bool, at: float, place: Place) -> Led:
    """Return get_led_info's result: the night of this day by the sun of this place, and whether it shines now."""
    found = dict(led)
    night = led.get("night_mode")
    dark = led["led_rule"] == "never"
    if isinstance(night, dict):
        night = dict(night)
        if night.get("night_mode_type") == "sunrise_sunset":
            day = place.day(at)
            for event, side in (("sunset", "start_time"), ("sunrise", "end_time")):
                night[side] = minute_on(Moment(event, 0, night.get(f"{event}_offset", 0)), day, place)
        found["night_mode"] = night
        if led["led_rule"] == "night_mode":
            dark = _in_night(place.minute(at), night["start_time"], night["end_time"])
    return found | {"led_status": on and not dark}


def _in_night(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else not end <= minute < start
