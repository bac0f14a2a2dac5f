"""Devices asked for what they hold, side by side, and the plan that is made of it.

Devices lock themselves when they are logged in to in vain too often, and what one refuses the next will refuse too.  So
an account begins slowly, with two devices, until one has taken it; and when two have refused and none has taken it, no
other is asked.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tapo_automate.cli.home import ask_each
from tapo_automate.cli.when import utc_now
from tapo_automate.device import Credentials, Description
from tapo_automate.errors import AuthRefused, DeviceError, OtherKind, TapoAutomateError, Unreachable, Unsupported
from tapo_automate.rows import Holdings, HoldsTables
from tapo_automate.sync.model import DevicePlan, Plan, Reading

if TYPE_CHECKING:
    import datetime as dt

    from tapo_automate.device import Device, DeviceSpec
    from tapo_automate.registry import Registry
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.ledger import Ledger

Problems: TypeAlias = dict[str, TapoAutomateError]

_MOST_REFUSALS = 2
_SLOW_S = 2.0  # a device that has not answered by then makes room for another


@dataclass(frozen=True, slots=True)
class Look:
    """What a look over a device saw.  auto_update: whether it renews its firmware by itself; None: not said."""

    reading: Reading
    auto_update: bool | None


def read_devices(registry: Registry, specs: Sequence[DeviceSpec]) -> tuple[dict[str, Reading], Problems]:
    """Return what devices hold, by id, and what went wrong with those that could not be read.

    Raises ConfigError as `ask_each` does.
    """
    readings: dict[str, Reading] = {}

    def read(spec: DeviceSpec, device: Device) -> None:
        readings[spec.id] = _reading(device)

    problems = ask_carefully(registry, specs, read, "reading")
    return readings, problems


def look_over(registry: Registry, specs: Sequence[DeviceSpec]) -> tuple[dict[str, Look], Problems]:
    """Like `read_devices`, with what else `doctor` looks at."""
    looks: dict[str, Look] = {}

    def look(spec: DeviceSpec, device: Device) -> None:
        reading = _reading(device)
        if reading.holdings.tables:
            looks[spec.id] = Look(reading, _auto_update(device))
        else:
            looks[spec.id] = Look(Reading(Holdings(device.describe(), tables={}), reading.at), None)

    problems = ask_carefully(registry, specs, look, "looking")
    return looks, problems


def _reading(device: Device) -> Reading:
    """Return what a device holds: nothing, and it is not asked, where its driver or the device has no tables.

    Raises OtherKind for one that is not for rules.
    """
    before = utc_now()
    holdings = Holdings(Description(hardware_id="", model="", firmware="", transport=""), tables={})
    if isinstance(device, HoldsTables):
        try:
            holdings = device.holdings()
        except OtherKind:
            raise
        except Unsupported:
            pass
    return Reading(holdings, before + (utc_now() - before) / 2)


def _auto_update(device: Device) -> bool | None:
    try:
        told = device.call("get_auto_update_info")
    except Unreachable:
        raise
    except DeviceError:
        return None  # not every device knows the method
    enabled = told.get("enable") if isinstance(told, dict) else None
    return enabled if isinstance(enabled, bool) else None


def plan_of(
    book: RuleBook,
    device_ids: Sequence[str],
    ledger: Ledger,
    readings: Mapping[str, Reading],
    problems: Mapping[str, TapoAutomateError],
    now: dt.datetime,
    *,
    fix_clock: bool = False,
    rearm: bool = False,
    restore: bool = False,
) -> Plan:
    """Return the plan for devices, in this order; one that could not be read has its error instead of changes."""
    from tapo_automate.sync.plan import plan_device

    def planned(device_id: str) -> DevicePlan:
        if device_id in problems:
            return DevicePlan(device_id, basis="", error=str(problems[device_id]))
        reading, recorded = readings[device_id], ledger.of(device_id)
        return plan_device(book, device_id, reading, recorded, now, fix_clock=fix_clock, rearm=rearm, restore=restore)

    return Plan(tuple(planned(device_id) for device_id in device_ids), now)


def ask_carefully(
    registry: Registry, specs: Sequence[DeviceSpec], question: Callable[[DeviceSpec, Device], None], doing: str
) -> Problems:
    """Put a question to each device, side by side; return what went wrong, by device, in the order of specs.

    doing: for whoever waits at a terminal, "reading".  Raises ConfigError as `ask_each` does.
    """
    accounts = _Accounts()
    with _progress(doing, len(specs)) as advance:

        def ask(spec: DeviceSpec, device: Device) -> None:
            gate = accounts.of(registry.credentials(spec)).asked(spec) if isinstance(device, HoldsTables) else None
            try:
                with gate or nullcontext():
                    question(spec, device)
            finally:
                advance()

        errors = ask_each(registry, specs, ask)
    return {spec.id: error for spec, error in zip(specs, errors, strict=True) if error is not None}


class _Accounts:
    def __init__(self) -> None:
        self._gates: dict[Credentials | None, _Gate] = {}
        self._lock = threading.Lock()

    def of(self, credentials: Credentials | None) -> _Gate:
        with self._lock:
            return self._gates.setdefault(credentials, _Gate())


class _Gate:
    """Lets the devices of one account through: two at first, all once it was taken, none once two have refused."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_once = _MOST_REFUSALS
        self._widened_at = time.monotonic()
        self._under_way = 0
        self._refusals = 0
        self._taken = False

    @contextmanager
    def asked(self, spec: DeviceSpec) -> Iterator[None]:
        """Wait for the turn of a device, and learn from what becomes of it.  Raises AuthRefused without asking it."""
        self._enter(spec)
        refused = taken = False
        try:
            yield
            taken = True
        except AuthRefused:
            refused = True
            raise
        finally:
            with self._changed:
                self._under_way -= 1
                self._refusals += refused
                self._taken |= taken
                self._changed.notify_all()

    def _enter(self, spec: DeviceSpec) -> None:
        with self._changed:
            while not self._taken and self._under_way + self._refusals >= self._at_once:
                if self._refusals >= _MOST_REFUSALS:
                    break
                self._changed.wait(_SLOW_S)
                if time.monotonic() - self._widened_at > _SLOW_S:
                    self._widened_at = time.monotonic()
                    self._at_once *= 2
                    self._changed.notify_all()
            if self._refusals >= _MOST_REFUSALS and not self._taken:
                raise AuthRefused(
                    spec.host or spec.mac,
                    f"not asked: {_MOST_REFUSALS} devices have refused this e-mail and password, and a device locks "
                    "itself when it is logged in to in vain too often",
                )
            self._under_way += 1


@contextmanager
def _progress(doing: str, number: int) -> Iterator[Callable[[], None]]:
    """Show at a terminal how far it is, on stderr; give what is called after each."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(doing, total=number)
        yield lambda: shown.advance(task)
