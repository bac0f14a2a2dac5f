"""The schedule of a device, and what comes next in it.  Source: docs/protocol.md, 7.2 to 7.7.

The first firmware (schedule 1) writes s_action where later ones write desired_states; inside, both are desired_states.
"""

from typing import Any

from tapo_automate.simulator import desired
from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.profiles import PAGE
from tapo_automate.simulator.recurrence import EVERY_DAY, KINDS
from tapo_automate.simulator.refusal import PARAMS, SCHEDULE_CONFLICT, SCHEDULE_FULL, SCHEDULE_INDEX, Refused

Params = dict[str, Any]
_MOST_OFFSET_MIN = 360


@method("get_schedule_rules", needs="get_schedule_rules")
def get_schedule_rules(appliance: Appliance, params: Params) -> Params:
    """A page; a page that begins behind the last row is refused."""
    start = read.integer(params, "start_index", 0, 10_000)
    rows = told(appliance)
    if start > len(rows):
        raise Refused(SCHEDULE_INDEX)
    table: Params = appliance.replies["get_schedule_rules"]
    return table | {
        "enable": bool(rows) and appliance.schedule.switched_on,
        "rule_list": rows[start : start + PAGE],
        "start_index": start,
        "sum": len(rows),
    }


@method("add_schedule_rule", needs="get_schedule_rules")
def add_schedule_rule(appliance: Appliance, params: Params) -> Params:
    row = _checked(appliance, params)
    table = appliance.schedule
    if len(table.entries) >= appliance.replies["get_schedule_rules"]["schedule_rule_max_count"]:
        raise Refused(SCHEDULE_FULL)
    return _stored(appliance, {"id": table.free_id(appliance.habits.ids)} | row)


@method("edit_schedule_rule", needs="get_schedule_rules")
def edit_schedule_rule(appliance: Appliance, params: Params) -> Params:
    """Fields that are not sent stay."""
    number = read.text(params, "id")
    entry = appliance.schedule.find(number)
    if entry is None:
        raise Refused(SCHEDULE_INDEX)
    before = _in_own_words(appliance, entry.row)
    return _stored(appliance, {"id": number} | _checked(appliance, before | params))


@method("remove_schedule_rules", needs="get_schedule_rules")
def remove_schedule_rules(appliance: Appliance, params: Params) -> None:
    """An id that is not there is refused, and then nothing is removed."""
    ids = read.named_rows(params)
    known = {entry.row["id"] for entry in appliance.schedule.entries}
    if ids is not None and not ids <= known:
        raise Refused(SCHEDULE_INDEX)
    appliance.schedule.remove(known if ids is None else ids)


@method("get_next_event", needs="get_next_event")
def get_next_event(appliance: Appliance, params: Params) -> Params:
    """What the schedule does next; the plugs of the first generation have a form of their own for nothing."""
    coming = appliance.schedule.next(appliance.at, appliance.place())
    if coming is None:
        first_form = {"action": -1, "e_time": 0, "id": "0", "s_time": 0, "type": 0}
        return first_form if "action" in appliance.replies["get_next_event"] else {}
    at, entry = coming
    states = entry.row["desired_states"]
    wish = {"action": int(states["on"])} if _is_first(appliance) else {"desired_states": states}
    return wish | {"e_time": 0, "id": entry.row["id"], "s_time": int(at), "type": 1}


def told(appliance: Appliance) -> list[Params]:
    """Return all rows as the table tells them."""
    rows = appliance.schedule.told(appliance.at, appliance.place())
    return [_in_own_words(appliance, row) for row in rows] if _is_first(appliance) else rows


def _stored(appliance: Appliance, row: Params) -> Params:
    other = appliance.schedule.clashing(row, appliance.at, appliance.place())
    if other is not None and appliance.habits.clash == "refused":
        raise Refused(SCHEDULE_CONFLICT)
    appliance.schedule.put(row)
    return {"id": row["id"]} | ({} if other is None else {"conflict_id": other})


def _checked(appliance: Appliance, params: Params) -> Params:
    """Return the fields of a row as they are stored.

    Of dates, the end, and the minute of the sun, what is sent means nothing: the device computes them.
    """
    once = read.choice(params, "mode", "once", "repeat") == "once"
    days = read.integer(params, "week_day", 0, EVERY_DAY)
    kind = read.choice(params, "s_type", *KINDS)
    minute = read.integer(params, "s_min", 0, 1439) if kind == "normal" or "s_min" in params else 0
    read.optional_integers(params, {"year": (0, 9999), "month": (0, 12), "day": (0, 31), "e_min": (0, 1439)})
    offset_min = 0
    if kind != "normal" or "time_offset" in params:
        offset_min = read.integer(params, "time_offset", -_MOST_OFFSET_MIN, _MOST_OFFSET_MIN)
    if "e_type" in params:
        read.choice(params, "e_type", "none", *KINDS)
    if "e_action" in params:
        read.choice(params, "e_action", "none")
    return {
        "enable": read.boolean(params, "enable"),
        "mode": "once" if once else "repeat",
        "week_day": 0 if once else days,
        "s_type": kind,
        "s_min": minute,
        "time_offset": offset_min if kind != "normal" else 0,
        "e_type": "normal",
        "e_min": 0,
        "e_action": "none",
        "desired_states": _wish(appliance, params),
    }


def _wish(appliance: Appliance, params: Params) -> Params:
    if _is_first(appliance):
        if "desired_states" in params:
            raise Refused(PARAMS)
        return {"on": read.choice(params, "s_action", "on", "off") == "on"}
    states = read.mapping(params, "desired_states")
    return desired.checked(appliance.info, appliance.profile.components, states)


def _in_own_words(appliance: Appliance, row: Params) -> Params:
    if not _is_first(appliance) or "desired_states" not in row:
        return row
    rest = {key: value for key, value in row.items() if key != "desired_states"}
    return rest | {"s_action": "on" if row["desired_states"]["on"] else "off"}


def _is_first(appliance: Appliance) -> bool:
    return appliance.profile.components.get("schedule") == 1
