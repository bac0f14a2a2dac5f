"""The shape of every answer in JSON: an error code and a result, in whatever protocol it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tapo_automate.wire.codes import normal

MOST_EXACT = 2.0**53  # above it a float leaves whole numbers out
MOST_DEPTH = 64  # of brackets in brackets; the deepest answer recorded has seven
_CODES = range(-(2**31), 2**31)
NOT_A_CODE = -1  # COMMON_FAILED: what is taken for the code where a device says one that is no number


def json_object(body: bytes | str) -> Mapping[str, Any] | None:
    """Return the JSON object that a body holds, or None for anything else.

    Some devices write whole numbers with a fraction of nothing; they are whole numbers here.

    >>> json_object(b'{"s_min": 1410.0, "power": 2.5}')
    {'s_min': 1410, 'power': 2.5}
    """
    try:
        answer = json.loads(body, parse_float=_number)
    except (ValueError, RecursionError):  # not JSON, not text, a number of thousands of digits, a well of brackets
        return None
    return answer if isinstance(answer, dict) and _is_shallow(answer) else None


def _is_shallow(answer: dict[str, Any]) -> bool:
    """Whether it is no deeper than devices go: what is much deeper can be read, and not be written or compared."""
    level: list[Any] = [answer]
    for _ in range(MOST_DEPTH):
        inner = [one for each in level for one in (each.values() if isinstance(each, dict) else each)]
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return True
    return False


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < MOST_EXACT else number


def error_code(answer: Mapping[str, Any]) -> int:
    """Return the error code of an answer in its usual spelling; one that has none is a success.

    >>> error_code({"error_code": 63734}), error_code({"error_code": "-1802"}), error_code({"result": {}})
    (-1802, -1802, 0)
    """
    code = answer.get("error_code", 0)
    if isinstance(code, str) and re.fullmatch("-?[0-9]{1,9}", code):
        code = int(code)
    return normal(code) if isinstance(code, int) and code in _CODES else NOT_A_CODE
