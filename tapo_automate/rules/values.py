"""The kinds of value that a rule file holds, each with its check and its pattern for the JSON Schema.

What is wrong with a value is only named here; `explain.py` finds the words for it.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from tapo_automate.rules import durations
from tapo_automate.rules.hosts import HOST_PATTERN, MAC_PATTERN, host_fault, mac_pairs
from tapo_automate.rules.zones import zone_named

HOUR_S = 3600
DAY_S = 24 * HOUR_S

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAME_PATTERN = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?$"
HOME_NAME_PATTERN = NAME_PATTERN.replace(r"\x00", r"/\x00")  # a slash is what parts a strip from its socket
NOTICE_PATTERN = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
MOST_NOTICE = 500  # characters
EDGE_PATTERN = r"^(sunrise|sunset)([+-](?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?)?$"
TIME_PATTERN = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
DATE_PATTERN = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


def fault(code: str, kind: str) -> PydanticCustomError:
    """Return an error that `explain.py` finds words for: `kind` says which rule was broken."""
    return PydanticCustomError(kind, "{code}", {"code": code})


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise fault("E122", "name")
    return text


def _home_name(text: str) -> str:
    if "/" in text:
        raise fault("E122", "name")
    return _name(text)


def _duration(value: object) -> int:
    total_s = durations.seconds(value) if isinstance(value, str) else None
    if total_s is None or (isinstance(value, str) and value[0] in "+-"):
        raise fault("E107", "duration")
    return total_s


def _signed_duration(value: object) -> int:
    total_s = durations.seconds(value) if isinstance(value, str) else None
    if total_s is None:
        raise fault("E107", "signed_duration")
    return total_s


def _fine_duration(value: object) -> int:
    total_ms = durations.milliseconds(value) if isinstance(value, str) else None
    if total_ms is None:
        raise fault("E107", "fine_duration")
    return total_ms


def _notice(text: str) -> str:
    if not text.strip():
        raise fault("E109", "notice_empty")
    if len(text) > MOST_NOTICE:
        raise fault("E106", "notice_long")
    if not re.fullmatch(NOTICE_PATTERN, text):
        raise fault("E106", "notice_lines")
    return text


def to_the_second(value: dt.time | dt.datetime) -> Any:
    """Return a time that has no fraction of a second."""
    if value.microsecond:
        raise fault("E108", "fraction")
    return value


def _edge(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(EDGE_PATTERN, value):
            raise fault("E108", "edge")
        if abs(durations.seconds(value[7:].removeprefix("e") or "0s") or 0) > 12 * HOUR_S:
            raise fault("E106", "edge_offset")
    elif not isinstance(value, dt.time):
        raise fault("E108", "edge")
    else:
        to_the_second(value)
    return value


def _host(text: str) -> str:
    if host_fault(text):
        raise fault("E120", "host")
    return text


def _mac(text: str) -> str:
    pairs = mac_pairs(text)
    if pairs is None:
        raise fault("E121", "mac")
    return pairs


def _zone(text: str) -> str:
    if zone_named(text) is None:
        raise fault("E117", "zone")
    return text


def _yes(value: object) -> object:
    # To Python, and so to pydantic, True is 1.
    if value is not True:
        raise PydanticCustomError("literal_error", "not true")
    return value


def _not_a_truth(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("literal_error", "not a number")
    return value


def _schema_of(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


Name = Annotated[str, AfterValidator(_name), _schema_of("string", pattern=NAME_PATTERN)]
HomeName = Annotated[str, AfterValidator(_home_name), _schema_of("string", pattern=HOME_NAME_PATTERN)]
NoticeText = Annotated[
    str, AfterValidator(_notice), _schema_of("string", pattern=NOTICE_PATTERN, minLength=1, maxLength=MOST_NOTICE)
]
Duration = Annotated[int, BeforeValidator(_duration), _schema_of("string", pattern=durations.PATTERN)]
SomeDuration = Annotated[int, BeforeValidator(_duration), _schema_of("string", pattern=durations.NONZERO_PATTERN)]
SignedDuration = Annotated[
    int, BeforeValidator(_signed_duration), _schema_of("string", pattern=durations.SIGNED_PATTERN)
]
FineDuration = Annotated[int, BeforeValidator(_fine_duration), _schema_of("string", pattern=durations.FINE_PATTERN)]
WallTime = Annotated[dt.time, AfterValidator(to_the_second), _schema_of("string", pattern=f"^{TIME_PATTERN}$")]
# The bare TOML date is not enough: it would leave the hour open.
Moment = Annotated[
    dt.datetime,
    AfterValidator(to_the_second),
    _schema_of("string", pattern=rf"^{DATE_PATTERN}[Tt ]{TIME_PATTERN}([Zz]|[+-][0-2][0-9]:[0-5][0-9])?$"),
]
Day = Annotated[dt.date, _schema_of("string", pattern=f"^{DATE_PATTERN}$")]
Edge = Annotated[Any, BeforeValidator(_edge), _schema_of("string", pattern=f"^{TIME_PATTERN}$|{EDGE_PATTERN}")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DISTINCT = {"uniqueItems": True}
Weekdays = Annotated[list[Weekday], Field(min_length=1, json_schema_extra=_DISTINCT)]
Names = Annotated[list[Name], Field(min_length=1, json_schema_extra=_DISTINCT)]
Window = Annotated[list[WallTime], Field(min_length=2, max_length=2)]
Watts = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Host = Annotated[str, AfterValidator(_host), _schema_of("string", pattern=HOST_PATTERN)]
Mac = Annotated[str, AfterValidator(_mac), _schema_of("string", pattern=MAC_PATTERN)]
Yes = Annotated[Literal[True], BeforeValidator(_yes)]
One = Annotated[Literal[1], BeforeValidator(_not_a_truth)]


class Table(BaseModel):
    """A table that knows its keys and takes no other."""

    # The errors of pydantic are never printed, so its own text about hidden input does not matter.
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, hide_input_in_errors=True)
