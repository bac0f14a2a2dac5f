"""The rule tables as they can be read: empty, or what the profile holds.  Source: docs/protocol.md, 7."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.profiles import PAGE

Params = dict[str, Any]


@method("get_schedule_rules", needs="get_schedule_rules")
def get_schedule_rules(appliance: Appliance, params: Params) -> Params:
    start = read.integer(params, "start_index", 0, 10_000)
    reply: Params = appliance.replies["get_schedule_rules"]
    return reply | {"start_index": start, "rule_list": reply.get("rule_list", [])[start : start + PAGE]}
