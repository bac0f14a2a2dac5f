"""What `[[tests]]` say, once read: a span of time, what happens in it, and what the rules are expected to make of it.

Instants are aware and UTC; groups are resolved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tapo_automate.device import Setting, State
from tapo_automate.rules.source import NOWHERE, Source

MOST_DAYS = 31  # that a test lasts


@dataclass(frozen=True, slots=True)
class Happening:
    """A person, or the app, changes a device."""

    at: dt.datetime
    device_id: str
    setting: Setting


@dataclass(frozen=True, slots=True)
class ExpectedSetting:
    """A setting reaches a device.  within_s: how much earlier or later it may be.  rule_id: by which rule, "" for any.

    setting: all of it, a toggle as what it comes to.
    """

    at: dt.datetime
    within_s: int
    device_id: str
    setting: Setting
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedNotice:
    """A rule tells people a text.  rule_id: which rule, "" for any."""

    at: dt.datetime
    within_s: int
    text: str
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedWithheld:
    """A rule comes due and is withheld.  device_id: for which device, "" for any."""

    at: dt.datetime
    within_s: int
    rule_id: str
    device_id: str = ""


Expected: TypeAlias = ExpectedSetting | ExpectedNotice | ExpectedWithheld


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One `[[tests]]` table.

    begin, end: both belong to the test.  states: of devices at the beginning; all others are off.
    power: what is plugged into a device draws while it is on, as (instant, watts), each until the next, in order.
    expected: None where the test says nothing about what is set on the way.  final: how devices are at the end, as far
    as the test says.  rule_ids, device_ids: what is looked at, None for all.
    """

    name: str
    begin: dt.datetime
    end: dt.datetime
    states: Mapping[str, State] = field(default_factory=dict)
    power: Mapping[str, tuple[tuple[dt.datetime, float], ...]] = field(default_factory=dict)
    events: tuple[Happening, ...] = ()
    expected: tuple[Expected, ...] | None = None
    final: Mapping[str, Setting] = field(default_factory=dict)
    rule_ids: frozenset[str] | None = None
    device_ids: frozenset[str] | None = None
    source: Source = NOWHERE
