"""Gradual switching: a lamp that takes seconds to come on and to go off, of its own accord.

Source: docs/protocol.md, "Gradual switching".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature

MOST_S = 60  # where a device does not say; every one that does says 60

_GRADUAL = Feature("on_off_gradually", "gradual switching")


@dataclass(frozen=True, slots=True)
class Fade:
    """One direction of it.  duration_s: kept while it is switched off.  most_s: the longest that the device takes."""

    enabled: bool
    duration_s: int
    most_s: int = MOST_S


@dataclass(frozen=True, slots=True)
class GradualSwitching:
    """enabled: whether either direction fades.  on, off: each, None where both have one switch and no durations.
    changes: whether changes of a light that is on fade too, None where that has no switch.
    """

    enabled: bool
    on: Fade | None = None
    off: Fade | None = None
    changes: bool | None = None


def get_on_off_gradually_info(asked: Asked) -> GradualSwitching:
    """Return how the device fades.  Raises Unsupported where it does not, and what `Client.call` raises."""
    reply = _GRADUAL.ask(asked, "get_on_off_gradually_info")
    if not reply.has("on_state"):
        return GradualSwitching(reply.truth("enable"))
    on, off = _fade(reply.table("on_state")), _fade(reply.table("off_state"))
    changes = reply.table("change_state").truth("enable") if reply.has("change_state") else None
    return GradualSwitching(on.enabled or off.enabled, on, off, changes)


def set_on_off_gradually_info(
    asked: Asked,
    enabled: bool | None = None,
    *,
    on_s: int | None = None,
    off_s: int | None = None,
    changes: bool | None = None,
) -> None:
    """Set how the device fades; what is not given stays as it is, and what is so already is not written.

    enabled: both directions on or off, with the durations that they have.  on_s, off_s: seconds, 0 for at once; one of
    them wins over `enabled`.  changes: see `GradualSwitching`.  The two directions are written one after the other.
    Raises BadSetting for a duration beyond the device's own, Unsupported for what it has no setting for.
    """
    now = get_on_off_gradually_info(asked)
    if changes is not None and now.changes is None:
        raise Unsupported(asked.host, "it has no switch for the fading of changes, only for going on and off")
    if now.on is None or now.off is None:
        if on_s is not None or off_s is not None:
            raise Unsupported(asked.host, "its gradual switching is on or off as a whole, without seconds to set")
        wanted: list[dict[str, Any]] = [] if enabled in (None, now.enabled) else [{"enable": enabled}]
    else:
        sides = (("on", now.on, on_s), ("off", now.off, off_s))
        words = {f"{name}_state": _words(asked.host, name, fade, enabled, wanted_s) for name, fade, wanted_s in sides}
        if changes not in (None, now.changes):
            words["change_state"] = {"enable": changes}
        wanted = [{name: side} for name, side in words.items() if side]
    for params in wanted:
        _GRADUAL.call(asked, "set_on_off_gradually_info", params)


def _fade(side: Reply) -> Fade:
    most_s = side.integer("max_duration") if side.has("max_duration") else MOST_S
    return Fade(side.truth("enable"), side.integer("duration"), most_s)


def _words(host: str, name: str, fade: Fade, enabled: bool | None, wanted_s: int | None) -> dict[str, Any]:
    """Return what is to be written of one direction, {} for nothing."""
    if wanted_s is None:
        return {} if enabled in (None, fade.enabled) else {"enable": enabled}
    if wanted_s == 0:
        return {"enable": False} if fade.enabled else {}
    if not 1 <= wanted_s <= fade.most_s:
        raise BadSetting(host, f"fading {name} over {wanted_s} s is out of range: it takes 1 to {fade.most_s} s")
    if fade.enabled and fade.duration_s == wanted_s:
        return {}
    return {"enable": True, "duration": wanted_s}
