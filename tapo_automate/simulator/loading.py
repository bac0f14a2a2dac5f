"""A device loads another firmware: told to by a client, or by itself in the night."""

from dataclasses import replace
from functools import partial

from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.upgrade import LOAD_FAILED, LOAD_S, PREPARE_S, Offer


def load(appliance: Appliance, offer: Offer, *, by_itself: bool) -> None:
    """Load what is offered and start again with it; without the internet there is nothing to be had."""
    online = appliance.home.cloud(appliance.replies.get("get_connect_cloud_state")).get("status") == 0
    if not online and not offer.fails:
        offer = replace(offer, fails=LOAD_FAILED)
    appliance.upgrade.begin(offer, appliance.elapsed_s, by_itself=by_itself)
    if not offer.fails:
        stored = appliance.replies.get("get_fw_download_state")
        flash_s = stored.get("upgrade_time", 5) if isinstance(stored, dict) else 5
        appliance.later(PREPARE_S + LOAD_S + flash_s, partial(_become_new, appliance, offer))


def night_at(appliance: Appliance) -> float | None:
    """Return when it will next load by itself what is offered, by its own clock; None if it will not."""
    offer, config = appliance.upgrade.offer, appliance.replies.get("get_auto_update_info")
    if offer is None or not isinstance(config, dict) or not config.get("enable"):
        return None
    if appliance.upgrade.is_busy(appliance.elapsed_s):
        return None
    minute: float = config.get("time", 180) + offer.night_share * config.get("random_range", 0)
    tonight = appliance.clock.midnight(appliance.at) + minute * 60
    return tonight if tonight > appliance.at else appliance.clock.midnight(appliance.at, 1) + minute * 60


def _become_new(appliance: Appliance, offer: Offer) -> None:
    offer.install()
    if appliance.upgrade.offer is offer:
        appliance.upgrade.offer = None
    for each in (appliance, *appliance.children):
        each.info["fw_ver"] = offer.version
    appliance.start_again()
