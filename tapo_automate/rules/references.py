"""What the files of one book demand of each other: every name defined once, every name that is used defined."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.rules.faults import Fault, Path, did_you_mean
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.problems import show
from tapo_automate.rules.relations import triggers_of
from tapo_automate.rules.sockets import socket_fault
from tapo_automate.rules.trial_relations import trial_times
from tapo_automate.rules.zones import zone_named


class References:
    """The names that a book defines, and what is wrong in their use."""

    def __init__(self, files: Sequence[RuleFile], drivers: Collection[str] | None) -> None:
        self._files = files
        self._drivers = drivers
        self._incomplete = any(file.incomplete for file in files)
        self._devices = {name for file in files for name in file.tables("devices")}
        self._groups = {name: value for file in files for name, value in file.tables("groups").items()}
        self._rules = {name for file in files for name in file.tables("rules")}

    def faults(self) -> Iterator[tuple[RuleFile, Fault]]:
        """Yield each fault with the file that it is in."""
        yield from self._sites()
        yield from self._defined_twice()
        for file in self._files:
            for fault in self._file(file):
                yield file, fault
        yield from self._tests()

    def _sites(self) -> Iterator[tuple[RuleFile, Fault]]:
        with_site = [file for file in self._files if "site" in file.document]
        for file in with_site[1:]:
            message = f"a second [site] table; the first is at {_at(with_site[0], ('site',))}"
            yield file, Fault("E110", ("site",), message, "one book has one site; leave it out", "key")
        if not with_site and not self._incomplete:
            yield self._files[0], missing_site()

    def _defined_twice(self) -> Iterator[tuple[RuleFile, Fault]]:
        first: dict[tuple[str, str], tuple[RuleFile, str]] = {}
        for kind, space in (("devices", "target"), ("groups", "target"), ("rules", "rule")):
            for file in self._files:
                for name in file.tables(kind):
                    earlier = first.setdefault((space, name), (file, kind))
                    if earlier == (file, kind):
                        continue
                    first_at = _at(earlier[0], (earlier[1], name))
                    message = f"{kind[:-1]} {show(name)} is defined twice; first at {first_at}"
                    if kind != earlier[1]:
                        message = f"{kind[:-1]} {show(name)} has the name of a {earlier[1][:-1]}, defined at {first_at}"
                    yield file, Fault("E110", (kind, name), message, "give one of them another name", "key")

    def _file(self, file: RuleFile) -> Iterator[Fault]:
        for name, device in file.tables("devices").items():
            yield from self._driver(("devices", name, "driver"), device)
        for name, members in file.tables("groups").items():
            yield from self._targets(("groups", name), members)
            yield from self._circle(name)
        for name, rule in file.tables("rules").items():
            if isinstance(rule, dict):
                yield from self._rule(("rules", name), rule)

    def _driver(self, path: Path, device: object) -> Iterator[Fault]:
        driver = device.get("driver") if isinstance(device, dict) else None
        if self._drivers is None or not isinstance(driver, str) or not driver or driver in self._drivers:
            return
        did = did_you_mean(driver, sorted(self._drivers))
        installed = f"installed: {', '.join(sorted(self._drivers)) or 'none'}"
        yield Fault("E112", path, f"unknown driver {show(driver)}{did}", installed)

    def _targets(self, path: Path, names: object) -> Iterator[Fault]:
        for number, name in enumerate(names if isinstance(names, list) else ()):
            yield from self._target((*path, number), name)

    def _device(self, path: Path, name: object, on: str = "value") -> Iterator[Fault]:
        if not isinstance(name, str) or name in self._devices:
            return
        if "/" in name:
            yield from self._socket(path, name, on)
            return
        if name in self._groups:
            hint = "name one device"
            yield Fault("E111", path, f"{show(name)} is a group, and one device belongs here", hint, _on(on))
        else:
            yield from self._unknown(path, name, "device", self._devices, on)

    def _socket(self, path: Path, name: str, on: str) -> Iterator[Fault]:
        fault = socket_fault(path, name, self._devices, self._groups, incomplete=self._incomplete)
        if fault is not None:
            yield replace(fault, on=_on(on))

    def _unknown(self, path: Path, name: str, what: str, known: Collection[str], on: str = "value") -> Iterator[Fault]:
        if self._incomplete or not name.strip():
            return
        did = did_you_mean(name, sorted(known))
        hint = did.removeprefix(", ")
        if not hint:
            few = sorted(known)[:12]
            rest = f" and {len(known) - 12} more" if len(known) > 12 else ""
            how = "[rules.NAME] with devices and when" if what == "rule" else "[devices.NAME] with driver and host"
            hint = f"defined: {', '.join(few)}{rest}" if few else f"define it: {how}"
        yield Fault("E111", path, f"unknown {what} {show(name)}{did}", hint, _on(on))

    def _circle(self, name: str) -> Iterator[Fault]:
        """Yield a fault at the member that leads back to the group; only for the first group of a circle by name."""
        for number, member in enumerate(_names(self._groups[name])):
            way = self._way(member, name)
            if way is not None and name == min([name, *way]):
                message = f"group {show(name)} contains itself"
                chain = " → ".join([name, *way, name]) if member != name else f"{name} → {name}"
                yield Fault("E113", ("groups", name, number), f"{message}: {chain}", "leave one of them out")
                return

    def _way(self, start: str, goal: str) -> list[str] | None:
        """Return the groups from start to one that contains goal, or None if there is no way."""
        if start == goal:
            return []
        came_from: dict[str, str] = {start: ""}
        waiting = [start]
        while waiting:
            current = waiting.pop(0)
            for member in _names(self._groups.get(current)):
                if member == goal:
                    way = [current]
                    while came_from[way[0]]:
                        way.insert(0, came_from[way[0]])
                    return way
                if member in self._groups and member not in came_from:
                    came_from[member] = current
                    waiting.append(member)
        return None

    def _rule(self, path: Path, rule: Mapping[str, Any]) -> Iterator[Fault]:
        yield from self._targets((*path, "devices"), rule.get("devices"))
        when = rule.get("when")
        condition = rule.get("only_if")
        watched = condition.get("device") if isinstance(condition, dict) else None
        for name in watched if isinstance(watched, dict) else ():
            yield from self._device((*path, "only_if", "device", name), name, "key")
        for kind in triggers_of(rule):
            trigger = when[kind] if isinstance(when, dict) else None
            if kind == "state" and isinstance(trigger, dict):
                yield from self._device((*path, "when", kind, "device"), trigger.get("device"))
            yield from self._sun((*path, "when", kind), kind, trigger)

    def _tests(self) -> Iterator[tuple[RuleFile, Fault]]:
        zone = self._zone()
        first: dict[str, str] = {}
        for file in self._files:
            for number, test in file.tests():
                path: Path = ("tests", number)
                name = test.get("name")
                if isinstance(name, str):
                    here = _at(file, (*path, "name"), "value")
                    if (there := first.setdefault(name, here)) != here:
                        message = f"test {show(name)} is defined twice; first at {there}"
                        yield file, Fault("E110", (*path, "name"), message, "give one of them another name")
                for fault in self._named_in(path, test):
                    yield file, fault
                for fault in trial_times(path, test, zone) if zone else ():
                    yield file, fault

    def _named_in(self, path: Path, test: Mapping[str, Any]) -> Iterator[Fault]:
        """Yield the names in a test that nothing has."""
        yield from self._targets((*path, "devices"), test.get("devices"))
        for number, name in enumerate(_names(test.get("rules"))):
            yield from self._rule_name((*path, "rules", number), name)
        for key in ("start", "end"):
            for name in _keys(test.get(key)):
                yield from self._target((*path, key, name), name, "key")
        for name in _keys(test.get("power")):
            yield from self._device((*path, "power", name), name, "key")
        for key in ("events", "expect"):
            for number, item in enumerate(test[key] if isinstance(test.get(key), list) else ()):
                if isinstance(item, dict):
                    yield from self._target((*path, key, number, "device"), item.get("device"))
                    for word in ("rule", "withheld"):
                        yield from self._rule_name((*path, key, number, word), item.get(word))

    def _target(self, path: Path, name: object, on: str = "value") -> Iterator[Fault]:
        if not isinstance(name, str) or name in self._devices or name in self._groups:
            return
        if "/" in name:
            yield from self._socket(path, name, on)
        else:
            yield from self._unknown(path, name, "device or group", {*self._devices, *self._groups}, on)

    def _rule_name(self, path: Path, name: object) -> Iterator[Fault]:
        if isinstance(name, str) and name not in self._rules:
            yield from self._unknown(path, name, "rule", self._rules)

    def _zone(self) -> ZoneInfo | None:
        sites = [file.tables("site") for file in self._files if "site" in file.document]
        name = sites[0].get("timezone") if sites else None
        return zone_named(name) if isinstance(name, str) else None

    def _sun(self, path: Path, kind: str, trigger: object) -> Iterator[Fault]:
        if self._placed() or self._incomplete or any(("site",) in file.wounds for file in self._files):
            return
        hint = "add latitude and longitude to the [site] table"
        if kind in ("sunrise", "sunset"):
            yield Fault("E116", path, f"`when.{kind}` needs the place of the site", hint, "key")
        if kind == "away" and isinstance(trigger, dict):
            for key in ("from", "until"):
                value = trigger.get(key)
                if isinstance(value, str) and value.startswith(("sunrise", "sunset")):
                    yield Fault("E116", (*path, key), f"{show(value)} needs the place of the site", hint)

    def _placed(self) -> bool:
        """Whether the site has a place, or there is something else wrong with it that is reported by itself."""
        sites = [file.document["site"] for file in self._files if "site" in file.document]
        if not sites or not isinstance(sites[0], dict):
            return True
        known = {"schema", "timezone"}
        return any(key not in known for site in sites if isinstance(site, dict) for key in site)


def missing_site() -> Fault:
    """Return the fault of a book in which no file has a site."""
    hint = 'add [site] with timezone = "Europe/Berlin"'
    return Fault("E103", (), "no [site] table in any file: wall times need a time zone", hint)


def _names(members: object) -> list[str]:
    return [name for name in members if isinstance(name, str)] if isinstance(members, list) else []


def _keys(table: object) -> list[str]:
    return list(table) if isinstance(table, dict) else []


def _at(file: RuleFile, path: Path, on: str = "key") -> str:
    place = file.place(path, on)
    return f"{file.name}:{place.line}:{place.column}"


def _on(on: str) -> Any:
    return "key" if on == "key" else "value"
