"""The fleet file: a TOML list of devices, each with the settings of the command line."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tapo_automate.simulator import traces
from tapo_automate.simulator.complaint import SimulatorError, hint
from tapo_automate.simulator.device import Device
from tapo_automate.simulator.fleet import Fleet

_LAST_PORT = 65_535


@dataclass(frozen=True)
class Wish:
    """One line of a fleet: count devices alike, on consecutive ports, or on any free ones when port is 0.

    spread: on consecutive addresses instead, each on the same port.
    """

    profile: str = ""
    transport: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    discovery: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    nickname: str | None = None
    mac: str | None = None
    on: bool | None = None
    faults: str = ""
    trace: str | None = None
    seed: int | None = None
    count: int = 1
    spread: bool = False
    ids: str = "lowest"
    clash: str = "told"
    gap: str = "skip"
    overlap: str = "first"
    spent: str = "disabled"
    effects: str = "singular"
    tpap: str = ""


_TYPES: dict[str, type] = {"port": int, "seed": int, "count": int, "on": bool, "spread": bool}
_FIELDS = [entry.name for entry in fields(Wish)]


def read_fleet(path: Path, common: Wish) -> list[Wish]:
    """Return the devices of the file; [defaults] fills what a [[device]] leaves out, common what both leave out.

    Profiles and CSV traces are looked for beside the file.  Raises SimulatorError.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorError(f"cannot read fleet {path}: {error.strerror}") from None
    except ValueError as error:
        raise SimulatorError(f"{path}: not TOML: {error}") from None
    for key in document:
        if key not in ("defaults", "device"):
            raise SimulatorError(f"{path}: unknown key {key!r}{hint(key, ['defaults', 'device'])}")
    rows = document.get("device")
    if not isinstance(rows, list) or not rows:
        raise SimulatorError(f"{path}: no [[device]] in it")
    base = _filled(common, document.get("defaults", {}), f"{path}: defaults")
    wishes = [_filled(base, row, f"{path}: device[{number}]") for number, row in enumerate(rows)]
    for number, wish in enumerate(wishes):
        if not wish.profile:
            raise SimulatorError(f"{path}: device[{number}].profile is missing")
    return [_beside(wish, path.parent) for wish in wishes]


def of_profiles(profiles: Iterable[str], common: Wish) -> list[Wish]:
    """Return a wish for each profile; when the first port is given, their ports follow one another.

    Where devices are spread, their addresses do.  Raises SimulatorError.
    """
    wishes = []
    for index, profile in enumerate(profiles):
        before = index * common.count
        host = _address(common.host, before) if common.spread else common.host
        port = common.port if common.spread else common.port and common.port + before
        seed = None if common.seed is None else common.seed + before
        wishes.append(replace(common, profile=profile, host=host, port=port, seed=seed))
    return wishes


def start(fleet: Fleet, wish: Wish, *, keep_calls: int = 0) -> list[Device]:
    """Start the devices of one wish.  Raises SimulatorError."""
    if wish.username is None or wish.password is None:
        missing = "username" if wish.username is None else "password"
        raise SimulatorError(f"no {missing}: give --{missing} or set TAPO_{missing.upper()}")
    if wish.count < 1:
        raise SimulatorError(f"count is {wish.count}; expected 1 or more")
    if not 0 <= wish.port <= _LAST_PORT:
        raise SimulatorError(f"port is {wish.port}; expected 0 to {_LAST_PORT}")
    if wish.port and not wish.spread and wish.port + wish.count - 1 > _LAST_PORT:
        raise SimulatorError(f"{wish.count} devices do not fit between port {wish.port} and {_LAST_PORT}")
    if wish.mac is not None and wish.count > 1:
        raise SimulatorError("one MAC address cannot be that of several devices; leave out mac or count")
    return [
        fleet.add(
            wish.profile,
            transport=wish.transport,
            host=_address(wish.host, index) if wish.spread else wish.host,
            port=wish.port if wish.spread else wish.port and wish.port + index,
            discovery=wish.discovery,
            username=wish.username,
            password=wish.password,
            nickname=wish.nickname if wish.nickname is None or wish.count == 1 else f"{wish.nickname} {index + 1}",
            mac=wish.mac,
            on=wish.on,
            faults=wish.faults,
            trace=wish.trace,
            seed=None if wish.seed is None else wish.seed + index,
            ids=wish.ids,
            clash=wish.clash,
            gap=wish.gap,
            overlap=wish.overlap,
            spent=wish.spent,
            effects=wish.effects,
            tpap=wish.tpap,
            keep_calls=keep_calls,
        )
        for index in range(wish.count)
    ]


def _address(host: str, further: int) -> str:
    """Return the address that comes so many after host.  Raises SimulatorError."""
    try:
        return str(IPv4Address(host) + further)
    except ValueError as error:
        raise SimulatorError(f"cannot spread devices from {host} on: {error}") from None


def _filled(base: Wish, row: Any, where: str) -> Wish:
    if not isinstance(row, Mapping):
        raise SimulatorError(f"{where} is not a table")
    for key, value in row.items():
        if key not in _FIELDS:
            raise SimulatorError(f"{where}.{key}: unknown key{hint(key, _FIELDS)}")
        expected = _TYPES.get(key, str)
        # In TOML a trace of constant watts reads best as a number, and so does a port; true is a number to Python only.
        if (key == "trace" and type(value) in (int, float)) or (key == "discovery" and type(value) is int):
            continue
        if type(value) is not expected:
            names = {int: "a whole number", bool: "true or false", str: "text"}
            raise SimulatorError(f"{where}.{key}: expected {names[expected]}, found {value!r}")
    changes: dict[str, Any] = {
        key: str(value) if key in ("trace", "discovery") else value for key, value in row.items()
    }
    return replace(base, **changes)


def _beside(wish: Wish, folder: Path) -> Wish:
    """Return wish with paths that start at the file's folder."""
    profile = wish.profile
    if profile.lower().endswith(".json"):
        profile = str(folder / Path(profile).expanduser())
    trace = wish.trace
    if trace is not None and trace.startswith("csv:"):
        trace = "csv:" + str(folder / Path(trace.removeprefix("csv:")).expanduser())
        traces.parse(trace)
    return replace(wish, profile=profile, trace=trace)
