"""From what somebody wrote to a profile: a built-in name, or the path of a dump of a real device."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tapo_automate.simulator import catalogue, dumps
from tapo_automate.simulator.complaint import SimulatorError, hint
from tapo_automate.simulator.models import MODELS
from tapo_automate.simulator.profiles import Profile, transport_name

_DEEPEST = 64  # the deepest dump seen has seven


def profile_for(wish: str | Path | Profile, transport: str | None = None) -> Profile:
    """Return the profile with this name, or read from the file of this name; transport overrules its own.

    Raises SimulatorError.
    """
    if isinstance(wish, Profile):
        return wish if transport is None else replace(wish, transport=transport_name(transport))
    if isinstance(wish, Path) or wish.lower().endswith(".json") or "/" in wish:
        return from_dump(Path(wish), transport)
    return built_in(wish, transport)


def built_in(name: str, transport: str | None = None) -> Profile:
    """Return a built-in profile in the firmware that speaks transport (klap unless given).

    Raises SimulatorError.
    """
    known = {row.name.lower(): row for row in MODELS}
    model = known.get(name.lower())
    if model is None:
        near = hint(name, [row.name for row in MODELS])
        raise SimulatorError(f"unknown profile {name!r}{near}" + ("" if "did you" in near else ", or a dump FILE.json"))
    return catalogue.build(model, transport_name(transport or "klap"))


def from_dump(path: Path, transport: str | None = None) -> Profile:
    """Read a dump of a real device: a JSON object of method -> result, with component_nego.

    Raises SimulatorError.
    """
    try:
        dump = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorError(f"cannot read profile {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SimulatorError(f"{path}: not JSON: {error}") from None
    if _is_deeper(dump, _DEEPEST):
        raise SimulatorError(f"{path}: not a dump of a device: brackets in brackets, more than {_DEEPEST} deep")
    try:
        return dumps.profile_of(path.stem, dump, transport)
    except SimulatorError as error:
        raise SimulatorError(f"{path}: {error}") from None


def _is_deeper(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not depth or any(_is_deeper(each, depth - 1) for each in inner)
