"""Who brings what: the one place that loads plugins and calls hooks.

pluggy registers and checks; the calls are made here, one implementation at a time, because in its own call loop the
first that raises silences the rest.  A registry is a value: tests hand it plugins, the command line asks it for the
installed ones.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from tapo_automate import hooks
from tapo_automate.device import Credentials, Device, DeviceSpec, Driver
from tapo_automate.errors import ConfigError, DeviceError, PluginError
from tapo_automate.rules.model import Firing, Notice

log = logging.getLogger("tapo_automate")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin, usable or not.

    name: of its entry point.  distribution, version: of the package it came in, or "".  drivers: the names it brings.
    problem: why it, or a part of it, cannot be used, or "".
    """

    name: str
    distribution: str = ""
    version: str = ""
    drivers: tuple[str, ...] = ()
    problem: str = ""


class Registry:
    """The plugins that are there and what they bring.

    plugins: objects with hook implementations, by name; those in the entry points of `group` come after them.
    A plugin that cannot be used is listed with its problem in `plugins`; the others work.
    """

    def __init__(self, plugins: Mapping[str, object] | None = None, *, installed: bool = False) -> None:
        self._manager = _manager()
        self._infos: dict[str, PluginInfo] = {}
        self._drivers: dict[str, tuple[str, Driver]] = {}
        self._claims: dict[str, list[str]] = {}
        for name, plugin in (plugins or {}).items():
            self._add(PluginInfo(name), plugin)
        for entry in sorted(entry_points(group=hooks.PROJECT), key=lambda e: e.name) if installed else ():
            self._load(entry)
        self._collect_drivers()

    @property
    def plugins(self) -> list[PluginInfo]:
        """All plugins, the broken ones too, in the order they were met."""
        brought = {
            plugin: [name for name in self.driver_names if self._drivers[name][0] == plugin] for plugin in self._infos
        }
        return [replace(info, drivers=tuple(brought[info.name])) for info in self._infos.values()]

    @property
    def driver_names(self) -> list[str]:
        """The names that a rule file may write in `driver = …`, sorted."""
        return sorted(self._drivers)

    def driver(self, name: str) -> Driver:
        """Return the driver of that name.  Raises ConfigError that names what is installed."""
        if name in self._drivers:
            return self._drivers[name][1]
        if name in self._claims:
            claimants = " and ".join(sorted(self._claims[name]))
            raise ConfigError(f"driver {name!r} is claimed by the plugins {claimants}; uninstall all but one")
        installed = ", ".join(self.driver_names) or "none"
        close = get_close_matches(name, self.driver_names, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        broken = [info.name for info in self.plugins if info.problem]
        also = f"; broken plugins: {', '.join(broken)} (see `tapo-automate plugins`)" if broken else ""
        raise ConfigError(f"unknown driver {name!r}{hint}; installed: {installed}{also}")

    def plugin_of(self, driver: str) -> str:
        """Return the name of the plugin that brings a driver, which must be one of `driver_names`."""
        return self._drivers[driver][0]

    def open(self, spec: DeviceSpec) -> Device:
        """Return the device, not yet connected.

        Raises ConfigError for an unknown driver or missing credentials, DeviceError for an address that leads nowhere,
        PluginError if the driver itself fails.
        """
        from tapo_automate.wire.private import cleaned

        driver = self.driver(spec.driver)
        credentials = self.credentials(spec)
        try:
            device: Device | None = driver.open(spec, credentials)
        except (ConfigError, DeviceError) as problem:
            cleaned(problem)
            raise
        except (
            Exception,
            SystemExit,
        ) as problem:  # a third party's code: whatever it raises is its own fault, and named so
            raise PluginError(
                self._drivers[spec.driver][0], f"opening {spec.id!r} failed: {_said(problem)}"
            ) from problem
        if device is None:
            raise PluginError(self.plugin_of(spec.driver), f"opening {spec.id!r} returned no device")
        return device

    def credentials(self, spec: DeviceSpec) -> Credentials | None:
        """Return the first answer of the plugins, or None where nobody knows any."""
        from tapo_automate.wire.private import cleaned, hide

        for plugin, answer in self._answers("find_credentials", spec=spec):
            if isinstance(answer, ConfigError):
                raise cleaned(answer)
            if isinstance(answer, BaseException):
                log.warning("plugin %r: find_credentials raised %s", plugin, type(answer).__name__)
            elif isinstance(answer, Credentials):
                hide(answer)
                return answer
            elif answer is not None:
                log.warning("plugin %r: find_credentials answered something other than Credentials", plugin)
        return None

    def rule_fired(self, firing: Firing, error: Exception | None) -> None:
        """Tell every observer.  What one raises is logged and hides nothing from the others."""
        for plugin, answer in self._answers("rule_fired", firing=firing, error=error):
            if isinstance(answer, BaseException):
                log.warning("plugin %r: rule_fired raised %s", plugin, _said(answer))

    def notify(self, notice: Notice) -> None:
        """Tell people through every plugin that can.  What one raises is logged and hides nothing from the others."""
        for plugin, answer in self._answers("notify", notice=notice):
            if isinstance(answer, BaseException):
                log.warning("plugin %r: notify raised %s", plugin, _said(answer))

    def _load(self, entry: EntryPoint) -> None:
        distribution = entry.dist.name if entry.dist else ""
        taken = entry.name in self._infos  # two distributions may use one name for their entry point
        info = PluginInfo(
            f"{entry.name} ({distribution})" if taken else entry.name,
            distribution,
            version=entry.dist.version if entry.dist else "",
        )
        try:
            with redirect_stdout(sys.stderr):  # what a plugin prints is not to stand in front of a command's JSON
                plugin = entry.load()
        except (Exception, SystemExit) as problem:  # importing a stranger's code may raise anything
            self._infos[info.name] = replace(info, problem=f"cannot be imported: {_said(problem)}")
            return
        self._add(info, plugin)

    def _add(self, info: PluginInfo, plugin: object) -> None:
        problem = _unusable(info.name, plugin)
        self._infos[info.name] = replace(info, problem=problem)
        if not problem:
            self._manager.register(plugin, info.name)

    def _collect_drivers(self) -> None:
        for plugin, answer in self._answers("register_drivers"):
            if isinstance(answer, BaseException):
                self._note(plugin, f"register_drivers raised {_said(answer)}")
                continue
            try:
                drivers = list(answer or ())
            except (Exception, SystemExit) as problem:  # a generator may raise, a number is not iterable
                self._note(plugin, f"register_drivers did not return drivers: {_said(problem)}")
                continue
            for driver in drivers:
                self._add_driver(plugin, driver)

    def _add_driver(self, plugin: str, driver: object) -> None:
        try:
            name = getattr(driver, "name", None)
            sound = isinstance(name, str) and bool(name) and isinstance(driver, Driver)
        except (Exception, SystemExit) as problem:  # a property may raise anything
            self._note(plugin, f"the name of {type(driver).__name__} cannot be read: {_said(problem)}")
            return
        if not sound or not isinstance(name, str) or not isinstance(driver, Driver):
            self._note(plugin, f"register_drivers returned {type(driver).__name__}, which is not a driver")
            return
        claimants = self._claims.setdefault(name, [])
        claimants.append(plugin)
        if len(claimants) == 1:
            self._drivers[name] = (plugin, driver)
            return
        self._drivers.pop(name, None)
        for claimant in claimants:
            self._note(
                claimant, f"driver name {name!r} is claimed by {' and '.join(sorted(claimants))}; it is not used"
            )

    def _answers(self, hook: str, **arguments: object) -> Iterator[tuple[str, Any]]:
        """Yield (plugin, what it returned or the exception it raised), in pluggy's own order of calling."""
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            try:
                answer = impl.function(*(arguments[name] for name in impl.argnames))
            except (Exception, SystemExit) as problem:  # guarded each on its own, so that one cannot silence the next
                answer = problem
            yield impl.plugin_name, answer

    def _note(self, plugin: str, problem: str) -> None:
        self._infos[plugin] = replace(self._infos[plugin], problem=problem)


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def _unusable(name: str, plugin: object) -> str:
    """Return why the plugin cannot be registered, or "".

    Tried on a manager of its own: a refused registration leaves half of the plugin behind.
    """
    trial = _manager()
    try:
        trial.register(plugin, name)
        trial.check_pending()
    except (pluggy.PluginValidationError, ValueError) as problem:
        return " ".join(str(problem).split())
    implementations = [impl for caller in trial.get_hookcallers(plugin) or () for impl in caller.get_hookimpls()]
    if not implementations:
        return "implements no hook; mark its functions with @hookimpl"
    if any(impl.wrapper or impl.hookwrapper for impl in implementations):
        return "hook wrappers are not supported"
    return ""


def _said(problem: BaseException) -> str:
    from tapo_automate.wire.private import scrubbed

    text = scrubbed(" ".join(str(problem).split()))
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
