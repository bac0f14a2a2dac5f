"""When a device is away and when it starts again, by the seconds of its life."""

from math import inf

import pytest

from tapo_automate.simulator.presence import Presence

CASES = {
    "always there": (Presence(100), {100: False, 5000: False}, 100),
    "offline for good": (Presence(100, offline=(0, inf)), {100: True, 1e9: True}, 100),
    "offline for a while": (Presence(100, offline=(0, 30)), {100: True, 129: True, 130: False}, 130),
    "offline later": (Presence(100, offline=(10, 30)), {100: False, 110: True, 139: True, 140: False}, 140),
    "offline later for good": (Presence(100, offline=(10, inf)), {109: False, 110: True}, 110),
    "reboots": (Presence(100, reboots=(30, 5)), {129: False, 130: True, 134: True, 135: False, 165: True}, None),
    "both": (Presence(100, (60, 60), (30, 5)), {131: True, 136: False, 161: True, 221: False, 235: True}, None),
}


@pytest.mark.parametrize(("presence", "expected", "final_s"), CASES.values(), ids=CASES)
def test_a_device_is_away_when_it_is_told_to_be(
    presence: Presence, expected: dict[float, bool], final_s: float | None
) -> None:
    assert {second: presence.is_away(second) for second in expected} == expected
    if final_s is None:
        assert not presence.is_final(1e9)
    else:
        assert presence.is_final(final_s)
        assert presence.offline is None or final_s == presence.since_s or not presence.is_final(final_s - 1)


def test_reboots_are_numbered_from_nought() -> None:
    assert [Presence(100, reboots=(30, 5)).reboot_s(number) for number in range(3)] == [130, 165, 200]
    assert Presence(100, offline=(0, 5)).reboot_s(0) is None
