"""How long a device has been used, and what that took.

Source: docs/protocol.md, "Energy and power".
"""

from __future__ import annotations

from dataclasses import dataclass

from tapo_automate.wire.commands.asking import Asked, Reply

MOST_W = 4000  # 16 A at 250 V, the largest socket
_DAYS = {"today": 1, "past7": 7, "past30": 30}
_MORE_H = 1  # one of the days may have had 25 hours


@dataclass(frozen=True, slots=True)
class Spans:
    """One figure for three spans of time; all of them None where the device says what cannot be."""

    today: float | None
    past_7_days: float | None
    past_30_days: float | None


@dataclass(frozen=True, slots=True)
class DeviceUsage:
    """How a device has been used.  on_min: minutes for which it was on.  energy_wh: what it took, in Wh.

    saved_wh: what it says it has saved, in Wh: of lamps, against the bulbs of old.  None without a meter.
    """

    on_min: Spans
    energy_wh: Spans | None
    saved_wh: Spans | None


def get_device_usage(asked: Asked) -> DeviceUsage:
    """Return how the device has been used.

    Where one of three figures is more than the days can hold, none of the three is believed: some lamps fill them with
    whatever was in their memory.  Raises Garbled for an answer without `time_usage`.
    """
    reply = Reply.of(asked, "get_device_usage")
    return DeviceUsage(
        on_min=_spans(reply.table("time_usage"), most_an_hour=60),
        energy_wh=_energy(reply, "power_usage"),
        saved_wh=_energy(reply, "saved_power"),
    )


def _energy(reply: Reply, key: str) -> Spans | None:
    return _spans(reply.table(key), most_an_hour=MOST_W) if reply.has(key) else None


def _spans(reply: Reply, most_an_hour: int) -> Spans:
    found = [_figure(reply, key) for key in _DAYS]
    most = [(days * 24 + _MORE_H) * most_an_hour for days in _DAYS.values()]
    if not all(value is None or 0 <= value <= limit for value, limit in zip(found, most, strict=True)):
        return Spans(None, None, None)
    return Spans(*found)


def _figure(reply: Reply, key: str) -> float | None:
    """Return a figure, by its exact name where newer firmware has it.

    A meter that counts both ways says there what is left after all that was fed in, and what was used in whole Wh.
    """
    exact = f"{key}_mwh"
    if reply.has(exact):
        left_mwh = reply.number(exact)
        if left_mwh >= 0 or not reply.has(key):
            return left_mwh / 1000
    return reply.integer(key) if reply.has(key) else None
