"""The sockets of a strip, or what else it is made of, in pages.  Source: docs/protocol.md, "control_child"."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import UNKNOWN_METHOD, Refused

Params = dict[str, Any]


@method("get_child_device_list", component="child_device")
def get_child_device_list(appliance: Appliance, params: Params) -> Params:
    order = appliance.profile.listing or range(1, len(appliance.children) + 1)
    rows = [appliance.children[position - 1].refreshed_info() for position in order]
    return _page(appliance, params, "child_device_list", rows)


@method("get_child_device_component_list", component="child_device")
def get_child_device_component_list(appliance: Appliance, params: Params) -> Params:
    rows = [
        {
            "component_list": [{"id": name, "ver_code": ver} for name, ver in child.profile.components.items()],
            "device_id": child.info["device_id"],
        }
        for child in appliance.children
    ]
    return _page(appliance, params, "child_component_list", rows)


@method("control_child", component="control_child")
def control_child(appliance: Appliance, params: Params) -> Params:
    """What is meant for a socket is carried out by the socket; nothing of it is left for the strip."""
    raise Refused(UNKNOWN_METHOD)


def _page(appliance: Appliance, params: Params, name: str, rows: list[Params]) -> Params:
    start = read.page_start(params)
    return {name: rows[start : start + appliance.profile.child_page], "start_index": start, "sum": len(rows)}
