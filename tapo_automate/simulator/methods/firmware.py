"""Firmware: what there is, what is being loaded, and the nights in which a device loads by itself.

Source: docs/protocol.md, "Commands".
"""

from typing import Any

from tapo_automate.simulator import loading
from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import CLOUD, FIRMWARE, FIRMWARE_VERSION, PARAMS, Refused
from tapo_automate.simulator.upgrade import LOAD_FAILED, Offer

Params = dict[str, Any]
_SIZE_BYTES = 786_432


@method("get_latest_fw", needs="get_latest_fw")
def get_latest_fw(appliance: Appliance, params: Params) -> Params:
    """Asks the vendor's cloud, and cannot without the internet."""
    if appliance.home.internet is False:
        raise Refused(CLOUD)
    stored: Params = appliance.replies["get_latest_fw"]
    version, offer = appliance.info.get("fw_ver", ""), appliance.upgrade.offer
    if offer is None:
        if stored.get("need_to_upgrade") and stored.get("fw_ver") != version:
            return stored
        nothing = {"fw_size": 0, "need_to_upgrade": False, "type": 0}
        words = {key: "" for key in ("hw_id", "oem_id", "release_date", "release_note") if key in stored}
        return stored | nothing | words | {"fw_ver": version}
    return stored | {
        "fw_size": _SIZE_BYTES,
        "fw_ver": offer.version,
        "hw_id": appliance.info.get("hw_id", ""),
        "oem_id": appliance.info.get("oem_id", ""),
        "need_to_upgrade": True,
        "release_date": f"{appliance.clock.local(appliance.at):%Y-%m-%d}",
        "release_note": offer.note,
        "type": 2,
    }


@method("get_fw_download_state", needs="get_fw_download_state")
def get_fw_download_state(appliance: Appliance, params: Params) -> Params:
    stored: Params = appliance.replies["get_fw_download_state"]
    upgrade = appliance.upgrade
    if upgrade.loading is None:
        return stored
    status, percent = upgrade.state(appliance.elapsed_s)
    told = {"status": status, "download_progress": percent}
    return stored | told | ({"auto_upgrade": upgrade.by_itself} if "auto_upgrade" in stored else {})


@method("fw_download", component="firmware")
def fw_download(appliance: Appliance, params: Params) -> None:
    """Load what the vendor offers; from a url of somebody's own nothing can be loaded, and the state says so."""
    if appliance.upgrade.is_busy(appliance.elapsed_s):
        raise Refused(FIRMWARE)
    offer = appliance.upgrade.offer or _recorded(appliance)
    if "url" in params:
        if not read.text(params, "url").startswith(("http://", "https://")):
            raise Refused(PARAMS)
        offer = offer or Offer("", lambda: None, fails=LOAD_FAILED)
    if offer is None:
        raise Refused(FIRMWARE_VERSION)
    loading.load(appliance, offer, by_itself=False)


@method("set_auto_update_info", needs="get_auto_update_info")
def set_auto_update_info(appliance: Appliance, params: Params) -> None:
    stored = appliance.replies["get_auto_update_info"]
    wanted: Params = {"enable": read.boolean(params, "enable")}
    if "time" in params:
        wanted["time"] = read.integer(params, "time", 0, 1439)
    if "random_range" in params:
        wanted["random_range"] = read.integer(params, "random_range", 0, 1439)
    stored |= wanted


def _recorded(appliance: Appliance) -> Offer | None:
    """Return what a dump was offered, unless the device has it by now."""
    stored = appliance.replies.get("get_latest_fw")
    if not isinstance(stored, dict) or not stored.get("need_to_upgrade"):
        return None
    version = str(stored.get("fw_ver", ""))
    return None if version == appliance.info.get("fw_ver") else Offer(version, lambda: None)
