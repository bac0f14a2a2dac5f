"""A transition as a series of settings: no Tapo command fades over a given time, so the steps are ours."""

from __future__ import annotations

from dataclasses import replace

from tapo_automate.device import Device, Setting, State

STEP_MS = 1000  # devices answer in about 100 ms and dislike being asked more often than once a second
MOST_STEPS = 120


def begin(device: Device, setting: Setting) -> list[tuple[int, Setting]]:
    """Set the device, resolving a toggle; return what a transition leaves to do, as `ramp` does."""
    if setting.toggle:
        device.apply(Setting(on=not device.state().on))
        return []
    if not setting.transition_ms:
        device.apply(setting)
        return []
    (_, first), *rest = ramp(device.state(), setting)
    device.apply(first)
    return rest


def ramp(now: State, setting: Setting) -> list[tuple[int, Setting]]:
    """Return (milliseconds from now, setting) in order, the last of which is `setting` without its transition.

    Brightness moves evenly from what it is to what is asked for; switching on starts at 1 %, switching off ends
    with the lamp off and its brightness as it was.  White moves with it.  A colour is taken on at the first step.
    A device that has no brightness is set at once: there is nothing to fade.

    >>> [(at, str(step)) for at, step in ramp(State(True, 80), Setting(brightness_pct=20, transition_ms=2000))]
    [(0, 'brightness 80'), (1000, 'brightness 50'), (2000, 'brightness 20')]
    """
    end = replace(setting, transition_ms=None)
    over_ms = setting.transition_ms or 0
    if now.brightness_pct is None or over_ms < STEP_MS or (setting.on is False and not now.on):
        return [(0, end)]
    from_pct = now.brightness_pct if now.on else 1
    to_pct = 1 if setting.on is False else setting.brightness_pct or now.brightness_pct
    count = min(over_ms // STEP_MS, MOST_STEPS)
    steps = [(over_ms * i // count, _between(now, setting, from_pct, to_pct, i / count)) for i in range(count)]
    if setting.on is False:
        end = replace(end, brightness_pct=now.brightness_pct)
    elif setting.on and end.brightness_pct is None:
        end = replace(end, brightness_pct=to_pct)
    return [*steps, (over_ms, end)]


def _between(now: State, setting: Setting, from_pct: int, to_pct: int, share: float) -> Setting:
    white = setting.color_temp_k
    if white is not None and now.color_temp_k is not None and now.on:
        white = round(now.color_temp_k + (white - now.color_temp_k) * share)
    return replace(
        setting,
        on=None if setting.on is False else setting.on,
        brightness_pct=max(1, round(from_pct + (to_pct - from_pct) * share)),
        color_temp_k=white,
        transition_ms=None,
    )
