"""What `doctor` finds out beside reading a device: whose it says it is, and whether others take its session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from tapo_automate.cli.doctor_device import Finding
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import AuthRefused, ConfigError, TapoAutomateError
from tapo_automate.memory import LET_REST_TEXT, TAKEN_TEXT, DeviceMemory
from tapo_automate.registry import Registry

ASKING_S = 1.0
RECENT = dt.timedelta(days=1)


def whether_ours(registry: Registry, spec: DeviceSpec, problem: TapoAutomateError) -> bool | None:
    """Return whether a device that refused our account says that it is bound to it, asked over UDP, itself alone.

    None where it refused nothing, is bound to no account, or does not answer.  Source: docs/protocol.md, "The answer".
    """
    from tapo_automate.wire.address import parse_host
    from tapo_automate.wire.udp import discover, parse_target

    account = registry.credentials(spec)
    if not isinstance(problem, AuthRefused) or problem.locked or account is None:
        return None
    try:
        target = parse_target(parse_host(problem.host)[0])
    except ConfigError:
        return None  # it was looked for by its MAC and has no address
    answers = discover([target], timeout_s=ASKING_S, probes=2)
    own = [each for each in answers if (each.mac == spec.mac if spec.mac else each.host == problem.host)]
    return own[0].owner_matches(account.username) if own else None


def sessions_taken(spec: DeviceSpec, state: Path, now: dt.datetime) -> Iterator[Finding]:
    """Yield what is remembered of others who log in to a device as often as we do."""
    memory = DeviceMemory(state, lambda: now).of(spec.mac or spec.host.strip().lower(), None)
    at = memory.lost_often_at()
    if at is not None and now - at < RECENT:
        text = f"{TAKEN_TEXT}, the last time {at.astimezone():%Y-%m-%d at %H:%M}"
        yield Finding("session", "warn", text, LET_REST_TEXT[0].lower() + LET_REST_TEXT[1:])
