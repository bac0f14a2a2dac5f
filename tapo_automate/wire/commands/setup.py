"""Whose a device is: its first set-up, and handing it over.  All that is written here is dangerous.

Source: docs/protocol.md, "Methods" and "Dangers".
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from tapo_automate.device import Credentials
from tapo_automate.errors import BadSetting
from tapo_automate.wire.codec import encode_text
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.clock import time_params
from tapo_automate.wire.commands.feature import Feature
from tapo_automate.wire.commands.info import told
from tapo_automate.wire.commands.network import wireless_params

_INHERIT = Feature("inherit", "handover to another account")


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Whether a device is being handed over to another account; None where it answers and does not say, as most do."""

    under_way: bool | None


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a device says when it has taken a set-up.  device_id: None where it does not say."""

    device_id: str | None = field(repr=False)


def get_inherit_info(asked: Asked) -> Inheritance:
    """Return whether the device is being handed over.  Raises Unsupported where it does not know of that.

    Reached by `tapo-automate call DEVICE get_inherit_info`.
    """
    return Inheritance(told(_INHERIT.ask(asked, "get_inherit_info"), "inherit_status", Reply.truth))


def set_inherit_info(asked: Asked, under_way: bool) -> None:
    """Begin or end handing the device over.  Dangerous: it then goes to another account.

    Reached by `tapo-automate call DEVICE set_inherit_info '{"is_inherit": true}' --yes-i-know`.
    """
    _INHERIT.call(asked, "set_inherit_info", {"is_inherit": under_way})


def set_qs_info(
    asked: Asked,
    account: Credentials,
    ssid: str,
    password: str,
    key_type: str,
    *,
    now: dt.datetime,
    zone: str,
    specs: str,
) -> SetUp:
    """Do what the phone app does with a device out of its box: give it an account, a Wi-Fi, a clock and a market.

    Dangerous: whatever it held of these is overwritten, and 0 only means that it was accepted; with a mistake in the
    Wi-Fi it is not seen again before it is reset by hand.  specs: the market, such as "EU".  zone: of its clock, a name
    such as "Europe/Berlin".  Raises BadSetting for what it cannot take.  The account is sent as it is spelt.
    """
    if not account.username or not account.password:
        raise BadSetting(asked.host, "an account has an e-mail and a password: one of them is empty")
    answer = asked.call(
        "set_qs_info",
        {
            "account": {"username": encode_text(account.username), "password": encode_text(account.password)},
            "extra_info": {"specs": specs},
            "time": time_params(asked.host, now, zone),
            "wireless": wireless_params(asked.host, ssid, password, key_type),
        },
    )
    device_id = answer.get("device_id")
    return SetUp(device_id if isinstance(device_id, str) else None)
