"""The tables of the pretend device of `wire.other_device`, and of a socket of it.

A row is kept as it was written; how it is shown is up to the device's oddities, what it means is said by `means`.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire.other_device import Odd

Words = dict[str, Any]

MOST = {"schedule": 32, "countdown": 1, "antitheft": 1}
FULL = {"schedule": -1802, "countdown": -1902, "antitheft": -2002}
LETTER = {"schedule": "S", "countdown": "C", "antitheft": "A"}
TAKEN = {
    "schedule": "enable mode week_day year month day s_type s_min time_offset e_type e_min e_action desired_states",
    "countdown": "enable delay remain desired_states",
    "antitheft": "enable mode week_day frequency start_time_type start_min start_time_offset "
    "end_time_type end_min end_time_offset",
}
NEEDED = {
    "schedule": "enable mode week_day year month day s_type s_min time_offset desired_states",
    "countdown": "enable delay desired_states",
    "antitheft": "enable mode week_day start_time_type start_min end_time_type end_min",
}


class Refusal(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Part:
    """What has tables.  name: a socket's, "" of a whole device.  local: gives its wall clock, naive.

    rows: table -> its rows as they were written, ids included.  written: the methods that wrote, in order.
    """

    def __init__(self, name: str, kind: str, local: Callable[[], dt.datetime], odd: Odd) -> None:
        self.name, self._kind, self._local, self._odd = name, kind, local, odd
        self.rows: dict[str, list[Words]] = {table: [] for table in MOST}
        self.auto_off: Words = {"enable": False, "delay_min": 120}
        self.protection: Words = {"enabled": False, "protection_power": 0}
        self.written: list[str] = []
        self.on = False
        self._last = 0
        self._chance = random.Random(7)

    def info(self) -> Words:
        lamp = {"brightness": 60, "hue": 0, "saturation": 0, "color_temp": 2700, "color_temp_range": [2500, 6500]}
        return {"device_on": self.on, "on_time": 0, "nickname": "", **(lamp if self._kind == "lamp" else {})}

    def by_hand(self, table: str, **words: Any) -> str:
        """Let a person add a row in the phone app; return its id."""
        plain: Words = {"enable": True, "mode": "repeat", "week_day": 127}
        if table == "schedule":
            plain |= {"s_type": "normal", "s_min": 0, "time_offset": 0, "e_type": "none", "e_min": 0}
            plain |= {"e_action": "none", "desired_states": {"on": False}}
        return str(self._add(table, plain | words)["id"])

    def let_spend(self, row_id: str) -> None:
        """Let a row that happens once have happened."""
        row = self._row("schedule", row_id)
        if self._odd.get("spent") == "gone":
            self.rows["schedule"].remove(row)
        else:
            row["enable"] = False

    def means(self, table: str = "schedule") -> list[str]:
        """Return what its rows do, in its own words, by id: "127 at 1410: on=False"."""
        return sorted(_meaning(table, row) for row in self.rows[table])

    def result(self, method: str, params: Words) -> Words | None:
        verb, _, rest = method.partition("_")
        table = rest.removesuffix("_rules").removesuffix("_rule")
        if verb in ("get", "add", "edit", "remove") and table in MOST and rest != table:
            return self._in_table(verb, table, params)
        match method:
            case "get_next_event":
                return self._next_event()
            case "get_auto_off_config" | "set_auto_off_config":
                return self._neighbour(verb, self.auto_off, "auto_off", ("enable", "auto_off_enable"), params)
            case "get_protection_power" | "set_protection_power" if self._kind == "plug":
                spelled = ("enabled", "protection_enabled")
                return self._neighbour(verb, self.protection, "protection", spelled, params)
            case "get_max_power" if self._kind == "plug":
                return {"max_power": 3400}
            case "set_device_info":
                self.on = params.get("device_on", self.on)
                return None
        raise Refusal(-1002)

    def _neighbour(self, verb: str, held: Words, name: str, spelled: tuple[str, str], params: Words) -> Words | None:
        how = self._odd.get(name)
        if isinstance(how, int):
            raise Refusal(how)
        plain, other = spelled
        if verb == "get":
            switch = {plain: held[plain]} if how != "other" else {other: held[plain]}
            number = {key: it for key, it in held.items() if key != plain}
            return {**number, **switch, **({other: held[plain]} if how == "both" else {})}
        shown = [other] if how == "other" else [plain, other] if how == "both" else [plain]
        if any(each not in params for each in shown):
            raise Refusal(-1008)
        if len({params[each] for each in shown}) != 1:
            raise Refusal(-1008)
        held |= {key: it for key, it in params.items() if key in held} | {plain: params[shown[0]]}
        self.written.append(name)
        return None

    # Tables -----------------------------------------------------------------------------------------------------------

    def _in_table(self, verb: str, table: str, params: Words) -> Words | None:
        if verb == "get":
            return self._page(table, params)
        if verb == "remove":
            self.written.append(f"remove {table}")
            gone = {each["id"] for each in params["rule_list"]}
            if table == "schedule" and gone - {row["id"] for row in self.rows[table]}:
                raise Refusal(-1805)
            self.rows[table] = [] if params["remove_all"] else [r for r in self.rows[table] if r["id"] not in gone]
            return {}
        words = {name: it for name, it in params.items() if name != "id"}
        self._check(table, words)
        if verb == "add":
            return self._answered(self._add(table, words))
        row = self._row(table, params.get("id", ""))
        self.written.append(f"edit {table}")
        place = self.rows[table].index(row)
        self.rows[table].remove(row)
        place = len(self.rows[table]) if self._odd.get("moves") else place
        self.rows[table].insert(place, {"id": row["id"], **words})
        return {"id": row["id"]} if self._odd.get("edited") == "id" else {}

    def _check(self, table: str, words: Words) -> None:
        unknown = words.keys() - set(TAKEN[table].split())
        if unknown and self._odd.get("strict"):
            raise Refusal(-1008)
        if set(NEEDED[table].split()) - words.keys():
            raise Refusal(-1008)
        if table == "countdown" and not 1 <= words["delay"] <= 86400:
            raise Refusal(-1008)
        if table == "schedule" and abs(words["time_offset"]) > 360:
            raise Refusal(-1008)
        states = words.get("desired_states", {})
        able = {"on"} if self._kind == "plug" else {"on", "brightness", "hue", "saturation", "color_temp"}
        if states.keys() - able - ({"transition_period"} if self._kind == "lamp" else set()):
            raise Refusal(-1008)

    def _add(self, table: str, words: Words) -> Words:
        if table == "countdown":
            self.rows[table] = [row for row in self.rows[table] if row["enable"]]
        if len(self.rows[table]) >= MOST[table]:
            raise Refusal(FULL[table])
        self.written.append(f"add {table}")
        row = {"id": self._new_id(table), **words}
        place = self._chance.randint(0, len(self.rows[table])) if self._odd.get("ids") == "random" else None
        self.rows[table].insert(len(self.rows[table]) if place is None else place, row)
        return row

    def _answered(self, row: Words) -> Words:
        match self._odd.get("added"):
            case "nothing":
                return {}
            case "conflict":
                return {"conflict_id": "S99"}
            case "clash":
                return {"id": row["id"], "conflict_id": "S99"}
            case "more":
                return {"id": row["id"], "start_min": row.get("s_min", 0), "end_min": 0, "time_us": 7, "note": "ok"}
            case _:
                return {"id": row["id"]}

    def _new_id(self, table: str) -> str:
        taken = {row["id"] for row in self.rows[table]}
        letter = "" if self._odd.get("ids") == "bare" else LETTER[table]
        self._last += 1
        if self._odd.get("ids") == "random":
            return f"{letter}{self._last * 37 % 1009}"
        if self._odd.get("ids") in ("next", "bare"):
            return f"{letter}{self._last + 9}"
        return next(f"{letter}{n}" for n in range(1, 99) if f"{letter}{n}" not in taken)

    def _row(self, table: str, row_id: str) -> Words:
        for row in self.rows[table]:
            if row["id"] == row_id:
                return row
        raise Refusal(-1805 if table == "schedule" else -1008)

    def _page(self, table: str, params: Words) -> Words:
        if self._odd.get("strict") and params.keys() - ({"start_index"} if table == "schedule" else set()):
            raise Refusal(-1008)
        rows = [self._shown(table, row) for row in self.rows[table]]
        start = 0 if self._odd.get("start_index") == "ignored" else params.get("start_index", 0)
        size = 32 if self._odd.get("start_index") == "ignored" else self._odd.get("page", 10)
        if start and start >= len(rows) and self._odd.get("past_end"):
            raise Refusal(self._odd["past_end"])
        page = rows[start : start + size] if table == "schedule" else rows
        said: Words = {"enable": bool(rows), "rule_list": page, f"{table}_rule_max_count": MOST[table]}
        if table == "schedule":
            said |= {"start_index": start, "sum": len(rows)}
            how = self._odd.get("sum")
            other = {"text": str(len(rows)), "page": len(page), "zero": 0, "most": 32}
            said |= {"sum": other[how]} if how in other else {}
            if how == "out":
                del said["sum"]
        if self._odd.get("max_out"):
            del said[f"{table}_rule_max_count"]
        if self._odd.get("enable_out"):
            del said["enable"]
        if self._odd.get("more_keys"):
            said |= {"current_rule_id": "S1", "table_version": 3, "quota": {"left": 4}}
        return said

    def _shown(self, table: str, row: Words) -> Words:
        said = dict(row)
        if table == "schedule":
            said |= {"e_type": row["e_type"] if self._odd.get("e_type_kept") else "normal"}
            day = self._due(row)
            at = day or self._local()
            said |= {"year": at.year, "month": at.month, "day": at.day}
            if row["s_type"] != "normal":
                said["s_min"] = 0 if self._odd.get("sun_minute_zero") else at.hour * 60 + at.minute
            elif self._odd.get("offset_out"):
                del said["time_offset"]
            if row["mode"] == "once" and self._odd.get("once_days_kept"):
                said["week_day"] = 1 << (at.weekday() + 1) % 7
        if self._odd.get("dates_out"):
            said = {name: it for name, it in said.items() if name not in ("year", "month", "day")}
        if self._odd.get("adds_states") and "desired_states" in said:
            said["desired_states"] = self._states(said["desired_states"])
        if self._odd.get("more_keys"):
            said |= {"alarm_min": 0, "cancel": False, "name": "", "tags": []}
        if self._odd.get("more_keys") == "said":
            said |= {"created": 1770000000, "source": "lan"}
        return said

    def _states(self, states: Words) -> Words:
        more: Words = {"auto": False, "transition_period": 0, "hue": 0, "saturation": 0}
        if states["on"] and self._kind == "lamp":
            more |= {"brightness": 100, "color_temp": 0}
        return more | states

    # When rows come due -----------------------------------------------------------------------------------------------

    def _next_event(self) -> Words:
        how = self._odd.get("next_event")
        if isinstance(how, int):
            raise Refusal(how)
        due = [(at, row) for row in self.rows["schedule"] if row["enable"] and (at := self._due(row))]
        if not due:
            return {}
        at, row = min(due, key=lambda each: each[0])
        seconds = int((at - dt.timedelta(hours=1)).replace(tzinfo=dt.UTC).timestamp())
        kind = 2 if how == "type 2" else 1
        return {
            "desired_states": row["desired_states"],
            "e_time": 0,
            "id": row["id"],
            "s_time": seconds,
            "type": kind,
        }

    def _due(self, row: Words) -> dt.datetime | None:
        """Return its wall clock when a row comes due next."""
        now = self._local()
        for number in range(-1, 9):
            day = dt.datetime.combine(now.date(), dt.time()) + dt.timedelta(days=number)
            if row["mode"] == "repeat" and not row["week_day"] >> (day.weekday() + 1) % 7 & 1:
                continue
            minute = row["s_min"] if row["s_type"] == "normal" else _sun(row["s_type"], day) + row["time_offset"]
            at = day + dt.timedelta(minutes=minute)
            if at > now:
                return at
        return None


def _sun(event: str, day: dt.datetime) -> int:
    """Return the minute of sunrise or sunset in Berlin in winter time: the sunrise equation, good to two minutes."""
    turn = 2 * math.pi * (day.timetuple().tm_yday - 1 + 0.5) / 365
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(turn)
        - 0.032077 * math.sin(turn)
        - 0.014615 * math.cos(2 * turn)
        - 0.040849 * math.sin(2 * turn)
    )
    tilt = (
        0.006918
        - 0.399912 * math.cos(turn)
        + 0.070257 * math.sin(turn)
        - 0.006758 * math.cos(2 * turn)
        + 0.000907 * math.sin(2 * turn)
    )
    north = math.radians(52.52)
    half = math.acos(
        math.cos(math.radians(90.833)) / (math.cos(north) * math.cos(tilt)) - math.tan(north) * math.tan(tilt)
    )
    noon_min = 720 - 4 * 13.405 - equation_min + 60
    return round(noon_min + (4 * math.degrees(half) if event == "sunset" else -4 * math.degrees(half)))


def _meaning(table: str, row: Words) -> str:
    off = "" if row["enable"] else " (off)"
    states = ", ".join(f"{name}={it}" for name, it in sorted(row.get("desired_states", {}).items()))
    if table == "countdown":
        return f"{row['delay']} s: {states}{off}"
    if table == "antitheft":
        ends = (
            f"{row[f'{end}_time_type']} {row.get(f'{end}_time_offset', 0):+} {row[f'{end}_min']}"
            for end in ("start", "end")
        )
        return f"{row['week_day']} {' to '.join(ends)}{off}"
    when = f"{row['s_min']}" if row["s_type"] == "normal" else f"{row['s_type']} {row['time_offset']:+}"
    return f"{row['week_day'] if row['mode'] == 'repeat' else 'once'} at {when}: {states}{off}"
