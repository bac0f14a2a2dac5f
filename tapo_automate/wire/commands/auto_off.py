"""Auto-off and power protection: a plug that turns itself off, after a time or above a load.

`tapo_automate.wire.neighbours` knows the same two as rows of `sync`; here they are commands.
Source: docs/protocol.md, "Neighbours".
"""

from __future__ import annotations

from typing import Any

from tapo_automate.errors import BadSetting, Busy, Garbled, Refused, Unsupported
from tapo_automate.rows import AutoOff, PowerProtection
from tapo_automate.wire.codec import maximum_w
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature
from tapo_automate.wire.rows_codec import PROTECTION_SWITCHES, protection_switches

_AUTO_OFF = Feature("auto_off", "auto-off")
_PROTECTION = Feature("power_protection", "power limit")


def get_auto_off_config(asked: Asked) -> AutoOff:
    """Return after how many minutes the device turns itself off; the minutes are kept while that is switched off."""
    reply = _AUTO_OFF.ask(asked, "get_auto_off_config")
    return AutoOff(reply.integer("delay_min"), reply.truth("enable"), dict(reply.result))


def set_auto_off_config(asked: Asked, enabled: bool, delay_min: int | None = None) -> None:
    """Have the device turn itself off so many minutes after it was turned on, or no longer.

    delay_min: None for the minutes that it has.  Raises BadSetting for less than a minute, and
    Unsupported where the device has no auto-off.
    """
    now = get_auto_off_config(asked)
    minutes = now.delay_min if delay_min is None else delay_min
    if (enabled or delay_min is not None) and minutes < 1:
        raise BadSetting(asked.host, f"auto-off after {minutes} min is out of range: it takes 1 min and up")
    _AUTO_OFF.call(asked, "set_auto_off_config", {**now.own, "enable": enabled, "delay_min": minutes})


def get_protection_power(asked: Asked) -> PowerProtection:
    """Return above how many watts the device turns off; 0 where that is switched off and was never set.

    Raises Garbled where the two names that the switch has in different firmware are both there and differ.
    """
    reply = _PROTECTION.ask(asked, "get_protection_power")
    return PowerProtection(reply.integer("protection_power"), _switch(reply), dict(reply.result))


def set_protection_power(asked: Asked, enabled: bool, limit_w: int | None = None) -> None:
    """Have the device turn off above so many watts, until it is turned on again; or no longer.

    limit_w: at most what `get_max_power` says, where the device says it; None for the limit that it has.
    The switch is sent under the name that the device gave it.  Raises BadSetting, Unsupported without such a limit.
    """
    now = get_protection_power(asked)
    watts = now.limit_w if limit_w is None else limit_w
    if enabled and limit_w is None and watts < 1:
        raise BadSetting(asked.host, "its power limit was never set: say above how many watts it turns off")
    if limit_w is not None:
        most_w = _most_w(asked)
        if limit_w < 1 or (most_w is not None and limit_w > most_w):
            limits = "1 W and up" if most_w is None else f"1 to {most_w:g} W"
            raise BadSetting(asked.host, f"a power limit of {limit_w} W is out of range: it takes {limits}")
    switches = dict.fromkeys(protection_switches(now.own), enabled)
    _PROTECTION.call(asked, "set_protection_power", {**now.own, **switches, "protection_power": watts})


def _switch(reply: Reply) -> bool:
    names = protection_switches(reply.result) or PROTECTION_SWITCHES[:1]
    said = {reply.truth(name) for name in names}
    if len(said) > 1:
        raise Garbled(reply.host, f"the answer to {reply.method} says on and off at once")
    return said.pop()


def _most_w(asked: Asked) -> float | None:
    try:
        answer: dict[str, Any] = asked.call("get_max_power")
    except Busy:
        raise
    except (Refused, Unsupported):
        return None
    return maximum_w(answer)
