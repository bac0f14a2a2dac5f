"""The whole surface that a plugin may implement: four hooks.

A plugin is a module or object with functions marked `@hookimpl`, named in the entry-point group `tapo_automate`.
An implementation may take fewer arguments than the specification gives; hooks may gain arguments, never lose them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pluggy

from tapo_automate.device import Credentials, DeviceSpec, Driver
from tapo_automate.rules.model import Firing, Notice

PROJECT: Final = "tapo_automate"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_drivers() -> Iterable[Driver]:  # type: ignore[empty-body]
    """Return the drivers that this plugin brings.  Called once, at start; every plugin's answer counts."""


@hookspec(firstresult=True)
def find_credentials(spec: DeviceSpec) -> Credentials | None:
    """Return what opens this device, or None to let the next plugin try.

    The built-in reader (environment, file, keyring) is asked last.
    """


@hookspec
def rule_fired(firing: Firing, error: Exception | None) -> None:
    """A rule came due: carried out if error is None, else not, and why.  Must not block; what it raises is logged."""


@hookspec
def notify(notice: Notice) -> None:
    """A rule with `notify = "…"` fired: tell people.  Must not block; what it raises is logged.

    Called once for each rule and instant, however many devices the rule has.
    """
