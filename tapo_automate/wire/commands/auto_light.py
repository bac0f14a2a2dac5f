"""Auto light: a lamp that chooses its white and its brightness itself, by the time of day.

Source: docs/protocol.md, "Auto light".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature, versions

MODES = ("light_track", "light_compensate")

_AUTO_LIGHT = Feature("auto_light", "auto light")
_NEWER = 3  # the version from which on lamps do not answer the method, as far as was seen
_IN_INFO = "auto_biorhythm_light_enable"


@dataclass(frozen=True, slots=True)
class AutoLight:
    """mode: one of MODES, or a newer firmware's; None where the device does not say.
    from_info: it was read in `get_device_info`, since the device does not answer the command itself.
    """

    enabled: bool
    mode: str | None = None
    from_info: bool = False


def get_auto_light_info(asked: Asked) -> AutoLight:
    """Return whether the lamp chooses its light itself.  Raises Unsupported where it cannot, or does not say."""
    reply = _asked_itself(asked)
    if reply is not None:
        return AutoLight(reply.truth("enable"), reply.text("mode") if reply.has("mode") else None)
    info = Reply.of(asked, "get_device_info")
    if not info.has(_IN_INFO):
        raise Unsupported(asked.host, "it lists auto light, and does not say whether it is on")
    return AutoLight(info.truth(_IN_INFO), from_info=True)


def set_auto_light_info(asked: Asked, enabled: bool, mode: str | None = None) -> None:
    """Let the lamp choose its light itself, or no longer.  mode: one of MODES, None for the one that it has.

    Raises BadSetting for another mode; Unsupported where the lamp cannot, or takes it from the phone app alone.
    """
    if mode is not None and mode not in MODES:
        raise BadSetting(asked.host, f"auto light has no mode {mode!r}: it takes {' or '.join(MODES)}")
    now = _asked_itself(asked)
    own: dict[str, Any] = {} if now is None else dict(now.result)
    params = own | {"enable": enabled} | ({} if mode is None else {"mode": mode})
    try:
        _AUTO_LIGHT.call(asked, "set_auto_light_info", params)
    except Unsupported as error:
        if now is not None:
            raise
        problem = "its auto light is of a newer kind, which is not set this way: turn it on or off in the phone app"
        raise Unsupported(asked.host, problem, after_login=error.after_login) from error


def _asked_itself(asked: Asked) -> Reply | None:
    """Return what the lamp says to the command; None for one of a newer version that does not answer it."""
    try:
        return _AUTO_LIGHT.ask(asked, "get_auto_light_info")
    except Unsupported:
        if versions(asked).get(_AUTO_LIGHT.component, 0) < _NEWER:
            raise
        return None
