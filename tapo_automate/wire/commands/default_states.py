"""What a device does when its power comes back: a plug, a lamp, a switch.

The setting is a part of the device's info, in a shape of each kind of device.
Source: docs/protocol.md, "Neighbours".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import ON_SOCKETS, versions
from tapo_automate.wire.commands.light import light_words, read_light

Power: TypeAlias = Literal["on", "off", "last"]
"""Whether a device comes back on: always, never, or as it was when the power went."""

_WORDS: dict[Power, str] = {"last": "last_states", "on": "always_on", "off": "always_off"}
_POWERS = {word: power for power, word in _WORDS.items()}
_KEY = "default_states"
_EFFECTS = ("lighting_effect", "segment_effect")  # a light strip that shows one comes back with it


@dataclass(frozen=True, slots=True)
class DefaultStates:
    """power: None where the device has no choice, or has one that is not known here.  powers: what it can be told.
    has_light: whether a light is chosen as well.  light: the one that it comes back with, None for the last one or an
    effect.
    """

    power: Power | None
    powers: tuple[Power, ...]
    has_light: bool = False
    light: Setting | None = None


def get_default_states(asked: Asked) -> DefaultStates:
    """Return what the device does when its power comes back.  Raises Unsupported where it does not say."""
    return _read(_reply(asked))


def set_default_states(
    asked: Asked, power: Power | None = None, light: Setting | Literal["last"] | None = None
) -> None:
    """Set what the device does when its power comes back; None leaves a part as it is.

    light: a brightness, with a white or a color where the lamp has them, or "last" for the light that it had.
    What else the device says of it is sent back as it came.
    Raises BadSetting for what the device does not take, Unsupported for a part that it does not have.
    """
    reply = _reply(asked)
    now = _read(reply)
    words = dict(reply.result)
    if power is not None:
        if not now.powers:
            raise Unsupported(asked.host, "it has no choice of coming back on or off, only of its light")
        if power not in now.powers:
            takes = " or ".join(now.powers)
            raise BadSetting(asked.host, f"it cannot be told to come back {power} after a power cut: it takes {takes}")
        if "re_power_type" in words:
            words["re_power_type"] = _WORDS[power]
        else:
            words |= _plug_words(power)
    if light is not None:
        if not now.has_light:
            raise Unsupported(asked.host, "it has no light to choose for the time after a power cut")
        words |= _light_words(asked, reply, light)
    asked.call("set_device_info", {_KEY: words})


def _reply(asked: Asked) -> Reply:
    info = Reply.of(asked, "get_device_info")
    if info.has(_KEY):
        return info.table(_KEY)
    if "control_child" in versions(asked):
        raise Unsupported(asked.host, f"it has no choice for the time after a power cut {ON_SOCKETS}")
    raise Unsupported(asked.host, "it does not say what it does after a power cut")


def _read(reply: Reply) -> DefaultStates:
    if reply.has("brightness"):  # of lamps with one white
        bright = reply.table("brightness")
        is_last = bright.text("type") == "last_states"
        light = None if is_last else Setting(brightness_pct=bright.integer("value"))
        return DefaultStates(_power(reply), _powers(reply), has_light=True, light=light)
    state = reply.table("state") if reply.has("state") else Reply(reply.host, f"{reply.method}.state", {})
    effect = any(state.has(each) for each in _EFFECTS)
    if reply.has("re_power_type") and not state.has("brightness") and not effect:  # of switches; a fan says no "type"
        return DefaultStates(_power(reply), _powers(reply))
    is_last = reply.text("type") == "last_states"
    if state.has("brightness") or effect:
        light = None if is_last or effect else read_light(state)
        return DefaultStates(_power(reply), _powers(reply), has_light=True, light=light)
    power: Power = "last" if is_last else "on" if state.truth("on") else "off"
    return DefaultStates(power, ("on", "off", "last"))


def _power(reply: Reply) -> Power | None:
    return _POWERS.get(reply.text("re_power_type")) if reply.has("re_power_type") else None


def _powers(reply: Reply) -> tuple[Power, ...]:
    """Return what a device with `re_power_type` can be told; lamps that do not say it take two."""
    if not reply.has("re_power_type"):
        return ()
    told = reply.items("re_power_type_capability") if reply.has("re_power_type_capability") else ()
    able = [word for word in told if isinstance(word, str)] or ["always_on", "last_states"]
    return tuple(power for power in ("on", "off", "last") if _WORDS[power] in able)


def _plug_words(power: Power) -> dict[str, Any]:
    if power == "last":
        return {"type": "last_states", "state": {}}
    return {"type": "custom", "state": {"on": power == "on"}}


def _light_words(asked: Asked, reply: Reply, light: Setting | Literal["last"]) -> dict[str, Any]:
    """Return what a lamp is told of its light."""
    kind = "last_states" if light == "last" else "custom"
    chosen: dict[str, Any] = {}
    if isinstance(light, Setting):
        chosen = light_words(asked, light, "the light after a power cut")
    if not reply.has("brightness"):
        state = reply.table("state").result
        kept = {name: value for name, value in state.items() if not (chosen and name in _EFFECTS)}
        return {"type": kind, "state": {**kept, **chosen}}
    value = {"value": chosen["brightness"]} if chosen else {}
    return {"brightness": {**reply.table("brightness").result, "type": kind, **value}}
