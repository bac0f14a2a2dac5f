"""The antitheft table of a device, of one row.  Source: docs/protocol.md, 7.9."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.away import Away
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.recurrence import EVERY_DAY, KINDS
from tapo_automate.simulator.refusal import ANTITHEFT, ANTITHEFT_CONFLICT, PARAMS, Refused

Params = dict[str, Any]
_MOST_OFFSET_MIN = 360


@method("get_antitheft_rules", needs="get_antitheft_rules")
def get_antitheft_rules(appliance: Appliance, params: Params) -> Params:
    away = appliance.away
    rows = [] if away.row is None else [away.row]
    table: Params = appliance.replies["get_antitheft_rules"]
    return table | {"enable": bool(rows) and away.switched_on, "rule_list": rows}


@method("add_antitheft_rule", needs="get_antitheft_rules")
def add_antitheft_rule(appliance: Appliance, params: Params) -> Params:
    """A row that is disabled gives way; one that is enabled does not."""
    row = _checked(params)
    away = appliance.away
    if away.row is not None and away.row["enable"]:
        raise Refused(ANTITHEFT_CONFLICT)
    number = 1 if appliance.habits.ids == "lowest" else away.last_number + 1
    return _stored(appliance, {"id": f"A{number}"} | row)


@method("edit_antitheft_rule", needs="get_antitheft_rules")
def edit_antitheft_rule(appliance: Appliance, params: Params) -> Params:
    """Fields that are not sent stay."""
    number = read.text(params, "id")
    row = appliance.away.row
    if row is None or row["id"] != number:
        raise Refused(ANTITHEFT)
    return _stored(appliance, {"id": number} | _checked(row | params))


@method("remove_antitheft_rules", needs="get_antitheft_rules")
def remove_antitheft_rules(appliance: Appliance, params: Params) -> None:
    """Ids that are not there do no harm."""
    ids = read.named_rows(params)
    row = appliance.away.row
    if row is not None and (ids is None or row["id"] in ids):
        appliance.away.put(None)


def _stored(appliance: Appliance, row: Params) -> Params:
    other = _clashing(appliance, row)
    if other is not None and appliance.habits.clash == "refused":
        raise Refused(ANTITHEFT_CONFLICT)
    appliance.away.put(row)
    return {"id": row["id"]} | ({} if other is None else {"conflict_id": other})


def _clashing(appliance: Appliance, row: Params) -> str | None:
    """Return the id of the first enabled row of the schedule that next fires inside a window of this one."""
    if not row["enable"]:
        return None
    away, place = Away(row), appliance.place()
    for entry in appliance.schedule.entries:
        due = entry.due(appliance.at, place) if entry.row["enable"] else None
        if due is not None and away.covers(due, place):
            return str(entry.row["id"])
    return None


def _checked(params: Params) -> Params:
    """Return the fields of a row; a window has a length, and does not begin and end with the same event of the sun."""
    once = read.choice(params, "mode", "once", "repeat") == "once"
    days = read.integer(params, "week_day", 0, EVERY_DAY)
    row: Params = {
        "enable": read.boolean(params, "enable"),
        "mode": "once" if once else "repeat",
        "week_day": 0 if once else days,
        "frequency": read.integer(params, "frequency", 1, 1440),
    }
    for side in ("start", "end"):
        row[f"{side}_time_type"] = kind = read.choice(params, f"{side}_time_type", *KINDS)
        row[f"{side}_min"] = read.integer(
            params if kind == "normal" else {f"{side}_min": 0} | params, f"{side}_min", 0, 1439
        )
        offset = f"{side}_time_offset"
        wanted = {offset: 0} | params
        row[offset] = read.integer(wanted, offset, -_MOST_OFFSET_MIN, _MOST_OFFSET_MIN) if kind != "normal" else 0
    kinds = {row["start_time_type"], row["end_time_type"]}
    if len(kinds) == 1 and (kinds != {"normal"} or row["start_min"] == row["end_min"]):
        raise Refused(PARAMS)
    return row
