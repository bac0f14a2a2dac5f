"""Error codes: what becomes of each, and what is said about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Refused, SessionLost, Unsupported
from tapo_automate.wire.codes import CODES, Remedy, lookup, normal, refusal


@pytest.mark.parametrize(
    ("number", "kind"),
    [(-1002, Unsupported), (-1008, Refused), (-1301, Busy), (9999, SessionLost), (40108, Refused), (-31999, Refused)],
)
def test_a_code_becomes_an_error_of_its_kind(number: int, kind: type[DeviceError]) -> None:
    """What each says, and how often a device is asked, is in test_error_texts.py."""
    assert type(refusal("plug", "frob", number)) is kind


def test_every_code_but_those_of_sessions_and_logins_says_what_to_do() -> None:
    silent = {row.number for row in CODES.values() if not row.advice}
    remedied = {row.number for row in CODES.values() if row.remedy in (Remedy.SESSION, Remedy.CREDENTIALS)}
    assert silent - remedied == {0, -1002, -40106}  # success, and what `refusal` says more of


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
