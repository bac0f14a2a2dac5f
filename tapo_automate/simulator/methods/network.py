"""The wireless network, the vendor's cloud, and the setting up of a device that belongs to nobody.

Source: docs/protocol.md, "Commands".
"""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.methods.household import checked_time
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.profiles import PAGE
from tapo_automate.simulator.refusal import JSON_DECODE, PARAMS, WIRELESS_UNSUPPORTED, Refused

Params = dict[str, Any]
_KEY_TYPES = ("none", "wep", "wpa_psk", "wpa2_psk", "wpa_wpa2_psk", "wpa3_psk", "wpa3_sae")
_SSID_BYTES, _KEY_CHARACTERS = 32, range(8, 65)  # IEEE 802.11; 64 are a key in hexadecimal digits


@method("get_connect_cloud_state", needs="get_connect_cloud_state")
def get_connect_cloud_state(appliance: Appliance, params: Params) -> Params:
    return appliance.home.cloud(appliance.replies["get_connect_cloud_state"])


@method("get_wireless_scan_info", needs="get_wireless_scan_info")
def get_wireless_scan_info(appliance: Appliance, params: Params) -> Params:
    reply: Params = appliance.replies["get_wireless_scan_info"]
    start = read.page_start(params)
    if "sum" not in reply:
        return reply
    return reply | {"start_index": start, "ap_list": reply.get("ap_list", [])[start : start + PAGE]}


@method("set_wireless_info", component="wireless")
def set_wireless_info(appliance: Appliance, params: Params) -> None:
    """Zero only means "accepted": a second later the device is in that network, or in none that reaches here."""
    appliance.join_later(_network(appliance, params))


@method("set_qs_info", component="quick_setup")
def set_qs_info(appliance: Appliance, params: Params) -> Params:
    """Give the device to an account, a network and a time; whoever knew it before does not any more.

    Without a network it does so all the same, and answers as if it could not read what it was told.
    """
    account = read.mapping(params, "account")
    username, password = (read.decoded(account, key) for key in ("username", "password"))
    if not username:
        raise Refused(PARAMS)
    ssid = _network(appliance, read.mapping(params, "wireless")) if "wireless" in params else None
    time = checked_time(read.mapping(params, "time")) if "time" in params else None
    extra = read.mapping(params, "extra_info") if "extra_info" in params else {}
    specs = read.text(extra, "specs") if "specs" in extra else None
    if time is not None:
        appliance.set_clock(*time)
    if specs is not None and "specs" in appliance.info:
        appliance.info["specs"] = specs
    appliance.home.bind(Credentials(username, password))
    if ssid is None:
        raise Refused(JSON_DECODE)
    appliance.join_later(ssid)
    return {"device_id": appliance.info.get("device_id", "")}


@method("set_inherit_info", component="inherit")
def set_inherit_info(appliance: Appliance, params: Params) -> None:
    """Whether the next owner inherits its settings."""
    appliance.replies["get_inherit_info"] = {"inherit_status": read.boolean(params, "is_inherit")}


@method("heart_beat")
def heart_beat(appliance: Appliance, params: Params) -> None:
    """It lives."""


def _network(appliance: Appliance, wanted: Params) -> str:
    """Return the network's name as base64, once the wish is one that a device takes."""
    ssid = read.base64_text(wanted, "ssid")
    if not 0 < len(read.decoded(wanted, "ssid").encode()) <= _SSID_BYTES:
        raise Refused(PARAMS)
    kind = read.choice(wanted, "key_type", *_KEY_TYPES)
    if kind == "none":
        return ssid
    scan = appliance.replies.get("get_wireless_scan_info")
    if kind == "wep" and not (isinstance(scan, dict) and scan.get("wep_supported")):
        raise Refused(WIRELESS_UNSUPPORTED)
    if kind != "wep" and len(read.decoded(wanted, "password")) not in _KEY_CHARACTERS:
        raise Refused(PARAMS)
    return ssid
