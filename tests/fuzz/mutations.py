"""Valid things made invalid: bytes, JSON and HTTP messages of which one part or a few are other than they were."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

DEPTHS = (
    20,
    300,
    600,
    700,
    990,
    1500,
    1990,
    5000,
)  # of nested brackets; Python gives up about 1000, in tests about 2000

# JSON that Python's writer does not write, under names that it does.
_RAW = {
    "@raw digits": "9" * 5000,  # more than Python reads as a number
    "@raw many digits": "9" * 4000,
    "@raw beyond": "1e999",
    "@raw minus beyond": "-1e999",
    "@raw minus nothing": "-0.0",
    "@raw whole": "5.0",
    "@raw twice": '{"error_code":0,"error_code":-1,"a":1,"a":[]}',
    "@raw lone": '"\\ud800"',
    **{f"@raw lists {depth}": "[" * depth + "null" + "]" * depth for depth in DEPTHS},
    **{f"@raw tables {depth}": '{"a":' * depth + "null" + "}" * depth for depth in DEPTHS},
}
_RAW_NAME = re.compile("|".join(re.escape(json.dumps(name)) for name in sorted(_RAW, key=len, reverse=True)))

NUMBERS = (0, 1, -1, 2, 5, 32, 100, 255, 256, 1008, 65535, 65536, 2**31 - 1, 2**31, 2**32, -(2**31) - 1, 2**53 + 1)
BEYOND = (2**63, 10**20, -(10**20), 10**400, -(10**400), float("nan"), float("inf"), float("-inf"), 1e308, 0.5, -0.1)
CODES = (-1, -1001, -1002, -1003, -1008, -1301, -1501, -1805, -2101, -2203, -2402, -40401, -40404, 9999, 1003, 1200)
TEXTS = (
    "", " ", "0", "x", "\0", "\x1b[2J", "\u202e", "\ud800", "a\r\nSet-Cookie: a=b", "é", "٣", "AAAA", "=", "@@@",
    "x" * 70, "y" * 20_000, "true", "S1", "2026-02-30 25:61:61", "48-22-54-AA-BB-CC", "Europe/Berlin", "../../x",
)  # fmt: skip

strange = (
    st.sampled_from((None, True, False))
    | st.sampled_from(NUMBERS)
    | st.sampled_from(BEYOND)
    | st.sampled_from(TEXTS)
    | st.sampled_from(sorted(_RAW))
    | st.sampled_from(CODES)
    | st.builds(lambda: [])
    | st.builds(dict)
    | st.lists(st.sampled_from((*NUMBERS[:6], *TEXTS[:4], None, 10**400)), max_size=4)
    | st.dictionaries(st.sampled_from(("id", "enable", "on", "sum", *TEXTS[:6])), st.sampled_from(NUMBERS), max_size=3)
    | st.integers(-5, 70_000)
    | st.text(max_size=8)
)
"""Values that are valid hardly anywhere."""


def dump(value: Any) -> bytes:
    """Return the JSON of a value in which `strange` ones may stand."""
    return _RAW_NAME.sub(lambda match: _RAW[json.loads(match[0])], json.dumps(value)).encode()


@st.composite
def spoiled(draw: st.DrawFn, value: Any, most: int = 2) -> Any:
    """Return a value in which a part or a few, however deep, are others, missing, doubled or swapped."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, most))):
        value = draw(_spoiled_once(value))
    return value


@st.composite
def _spoiled_once(draw: st.DrawFn, value: Any) -> Any:
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 0:
        return draw(strange)
    place: Any = draw(st.sampled_from(sorted(value, key=str))) if isinstance(value, dict) else None
    if place is None:
        place = draw(st.integers(0, len(value) - 1))
    inner = value[place]
    match draw(st.integers(0, 9)):
        case 0:
            del value[place]
        case 1 if isinstance(value, list):
            value[place:place] = [copy.deepcopy(inner)] * draw(st.sampled_from((1, 3, 200)))
        case 1:
            value[draw(st.sampled_from(TEXTS[:10]))] = draw(strange)
        case 2:
            value[place] = [inner] if draw(st.booleans()) else {"result": inner}
        case 3 if isinstance(inner, int | float) and abs(inner) < 1e300 and not isinstance(inner, bool):
            value[place] = draw(
                st.sampled_from((str(inner), float(inner), -inner, inner + 1, inner * 1000, bool(inner)))
            )
        case 4 if isinstance(inner, str):
            value[place] = draw(st.sampled_from((inner[:-1], inner * 3, inner.swapcase(), inner + "\0", list(inner))))
        case _:
            value[place] = draw(_spoiled_once(inner))
    return value


@st.composite
def spoiled_json(draw: st.DrawFn, value: Any) -> bytes:
    """Return JSON that is not quite `value`, seldom not JSON at all."""
    text = dump(draw(spoiled(value)))
    return draw(bent(text)) if draw(st.integers(0, 7)) == 0 else text


@st.composite
def bent(draw: st.DrawFn, data: bytes, others: Sequence[bytes] = (), most: int = 3) -> bytes:
    """Return bytes that are not quite `data`: flipped, cut, repeated, spliced with others, replaced."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from((1, 1, 2, 4, 16, 32, 48, 1000))))
        match draw(st.integers(0, 8)):
            case 0 | 1 if at < len(data):
                data = data[:at] + bytes((data[at] ^ (1 << draw(st.integers(0, 7))),)) + data[at + 1 :]
            case 2:
                data = data[:at]
            case 3:
                data = data[at:]
            case 4:
                data = data[:at] + data[end:]
            case 5:
                data = data[:end] + data[at:end] * draw(st.sampled_from((1, 2, 50))) + data[end:]
            case 6 if others:
                other = draw(st.sampled_from(list(others)))
                data = data[:at] + other[draw(st.integers(0, len(other))) :]
            case 7:
                data = draw(
                    st.sampled_from((b"", b"\0", b"{}", b"null", b"[]", b"\xff" * 64, bytes(48), b"<html>" * 9))
                )
            case _:
                data = data[:at] + draw(st.binary(max_size=20)) + data[end:]
    return data
