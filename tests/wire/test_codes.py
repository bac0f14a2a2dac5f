"""Error codes: what becomes of each, and what is said about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Refused, SessionLost, Unsupported
from tapo_automate.wire.codes import CODES, Remedy, lookup, normal, refusal


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (
            -1002,
            Unsupported,
            "plug: the device has no function frob, at least not in this version: error -1002 (UNKNOWN_METHOD)",
        ),
        (
            -1008,
            Refused,
            "plug: frob was refused with error -1008 (PARAMS): a parameter is missing, of the wrong type or out of "
            "range",
        ),
        (
            -1802,
            Refused,
            "plug: frob was refused with error -1802 (SCHEDULE_FULL): the table is full, rows that are switched off "
            "included: remove one first, here or in the phone app",
        ),
        (
            63734,
            Refused,
            "plug: frob was refused with error -1802 (SCHEDULE_FULL): the table is full, rows that are switched off "
            "included: remove one first, here or in the phone app",
        ),
        (
            63733,
            Refused,
            "plug: frob was refused with error -1803 (SCHEDULE_CONFLICT): it clashes with a row that is there, perhaps "
            "one of the phone app: change or remove one of the two",
        ),
        (
            -1805,
            Refused,
            "plug: frob was refused with error -1805 (SCHEDULE_INDEX): the device has no row of this id, somebody may "
            "have removed it: read its table again",
        ),
        (
            -1902,
            Refused,
            "plug: frob was refused with error -1902 (COUNTDOWN_CONFLICT): a countdown is running already, and a "
            "device has one at a time: remove it first",
        ),
        (-1301, Busy, "plug: frob was refused with error -1301 (DEVICE_ERROR): the device is busy: ask it less often"),
        (9999, SessionLost, "plug: the device ended the session: error 9999 (SESSION_TIMEOUT)"),
        (40108, Refused, "plug: frob was refused with error 40108 (TIMEOUT)"),
        (-31999, Refused, "plug: frob was refused with error -31999 (UNKNOWN)"),
        (-1, Refused, "plug: frob was refused with error -1 (COMMON_FAILED)"),
    ],
)
def test_a_code_becomes_an_error_that_says_what_and_where(number: int, kind: type[DeviceError], text: str) -> None:
    error = refusal("plug", "frob", number)
    assert type(error) is kind
    assert str(error) == text


@pytest.mark.parametrize("number", [-1501, 1111, -40412])
def test_wrong_credentials_are_told_with_what_to_look_at(number: int) -> None:
    error = refusal("plug", "login_device", number)
    assert isinstance(error, AuthRefused)
    assert "case-sensitive" in str(error)
    assert str(number) in str(error)


def test_a_refusal_carries_method_code_and_name() -> None:
    error = refusal("plug", "add_schedule_rule", 63733)
    assert isinstance(error, Refused)
    assert (error.host, error.method, error.code, error.name) == (
        "plug",
        "add_schedule_rule",
        -1803,
        "SCHEDULE_CONFLICT",
    )


def test_an_unsigned_spelling_is_read_as_the_vendors_list_has_it() -> None:
    assert [normal(n) for n in (63734, 63733, 64524, 40108, 9999, 1003, 32767, 65536, 0, -1)] == [
        -1802,
        -1803,
        -1012,
        40108,
        9999,
        1003,
        32767,
        65536,
        0,
        -1,
    ]


def test_the_whole_published_list_has_names() -> None:
    assert len(CODES) > 100
    for row in CODES.values():
        assert row.name
        assert row.name.upper() == row.name
    assert sum(row.remedy is Remedy.SESSION for row in CODES.values()) >= 6


@given(st.integers())
def test_any_number_becomes_one_of_our_errors(number: int) -> None:
    assert isinstance(refusal("plug", "frob", number), DeviceError)
    assert lookup(number).name
