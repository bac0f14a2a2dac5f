"""The countdown of a device, of which it has one.  Source: docs/protocol.md, "Countdown"."""

from typing import Any

from tapo_automate.simulator import desired
from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.countdown import ID, LONGEST_S
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import COUNTDOWN, COUNTDOWN_CONFLICT, Refused

Params = dict[str, Any]


@method("get_countdown_rules", needs="get_countdown_rules")
def get_countdown_rules(appliance: Appliance, params: Params) -> Params:
    """The table as a whole counts as enabled while its row runs."""
    table: Params = appliance.replies["get_countdown_rules"]
    timer = appliance.countdown
    return table | {"enable": timer.ends_s is not None, "rule_list": timer.rows(appliance.elapsed_s)}


@method("add_countdown_rule", needs="get_countdown_rules")
def add_countdown_rule(appliance: Appliance, params: Params) -> Params:
    """A row that has run off gives way; one that runs does not."""
    row = {"id": ID} | _checked(appliance, params)
    if appliance.countdown.ends_s is not None:
        raise Refused(COUNTDOWN_CONFLICT)
    appliance.countdown.start(row, appliance.elapsed_s)
    return {"id": ID}


@method("edit_countdown_rule", needs="get_countdown_rules")
def edit_countdown_rule(appliance: Appliance, params: Params) -> None:
    """Fields that are not sent stay; a row that is enabled afterwards starts anew."""
    number = read.text(params, "id")
    row = appliance.countdown.row
    if row is None or row["id"] != number:
        raise Refused(COUNTDOWN)
    appliance.countdown.start({"id": number} | _checked(appliance, row | params), appliance.elapsed_s)


@method("remove_countdown_rules", needs="get_countdown_rules")
def remove_countdown_rules(appliance: Appliance, params: Params) -> None:
    """Ids that are not there do no harm."""
    ids = read.named_rows(params)
    row = appliance.countdown.row
    if row is not None and (ids is None or row["id"] in ids):
        appliance.countdown.clear()


def _checked(appliance: Appliance, params: Params) -> Params:
    """Return the fields of a row, in the words of the device's firmware."""
    if "remain" in params:  # the app's model has it; what counts is the delay
        read.integer(params, "remain", 0, LONGEST_S)
    row: Params = {"enable": read.boolean(params, "enable"), "delay": read.integer(params, "delay", 1, LONGEST_S)}
    if appliance.profile.components.get("countdown") == 1:
        return row | {"action": read.choice(params, "action", "on", "off")}
    states = read.mapping(params, "desired_states")
    return row | {"desired_states": desired.checked(appliance.info, appliance.profile.components, states)}
