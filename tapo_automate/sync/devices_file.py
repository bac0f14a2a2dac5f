"""Devices that were found, as tables of a rule file: on their own, in a new file, or added to one that is there.

A file that is there keeps every byte it has.  The new text is loaded and compared before anybody writes it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tomli_w

from tapo_automate.device import DeviceSpec
from tapo_automate.errors import ConfigError
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.source import NOWHERE

_HEADER = (
    "# Devices found by `tapo-automate discover`.  E-mail address and password of the Tapo account never stand here.\n"
)
_SUN = "# latitude and longitude belong here too if rules follow the sun\n"
_DEVICE = re.compile(r"\s*\[\s*(devices|\"devices\"|'devices')\s*[.\]]")
_TABLE = re.compile(r"\s*\[")
_BLANK = re.compile(r"\s*\Z")
_COMMENT = re.compile(r"\s*#")


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that no rule file has yet.  model: "P110".  driver, host ("" for none), mac: as of `DeviceSpec`."""

    model: str
    driver: str
    host: str
    mac: str


def named(devices: Sequence[NewDevice], taken: Collection[str]) -> dict[str, NewDevice]:
    """Return the devices by names that are not taken: the model, with as many of the MAC's last digits as it needs.

    Four digits at least, so that a device is called the same whichever others are found with it.

    >>> list(named([NewDevice("P110", "tapo-plug", "192.168.1.31", "48-22-54-AA-BB-CC")], ()))
    ['p110-bbcc']
    """
    found: dict[str, NewDevice] = {}
    for device in devices:
        word = re.sub(r"[^a-z0-9]+", "-", device.model.lower()).strip("-") or "device"
        digits = device.mac.replace("-", "").lower()
        names = [*(f"{word}-{digits[-count:]}" for count in (4, 6, 12)), *_numbered(f"{word}-{digits}")]
        found[next(name for name in names if name not in found and name not in taken)] = device
    return found


def _numbered(name: str) -> Iterator[str]:
    yield from (f"{name}-{number}" for number in range(2, 10_000))


def tables(devices: Mapping[str, NewDevice]) -> str:
    """Return the `[devices.NAME]` tables."""
    return tomli_w.dumps({"devices": {name: _words(device) for name, device in devices.items()}})


def _words(device: NewDevice) -> dict[str, str]:
    words = {"driver": device.driver, "host": device.host, "mac": device.mac}
    return {key: word for key, word in words.items() if word}


def new_file(devices: Mapping[str, NewDevice], timezone: str | None) -> str:
    """Return a rule file with these devices and nothing else.

    timezone: the house's, for a file that is a whole book; None for one that belongs to a book which has it.
    """
    site = tomli_w.dumps({"site": {"timezone": timezone}}) + _SUN + "\n" if timezone else ""
    return f"{_HEADER}\n{tomli_w.dumps({'schema': 1})}\n{site}{tables(devices)}"


def unknown(devices: Sequence[NewDevice], book: RuleBook) -> tuple[list[NewDevice], list[str]]:
    """Return the devices that the rules do not have, and what there is to say of each of the others."""
    by_mac = {spec.mac: spec for spec in _whole(book) if spec.mac}
    by_host = {spec.host.removesuffix(":80"): spec for spec in _whole(book) if spec.host}
    new, said = [], []
    for device in devices:
        own, there = by_mac.get(device.mac), by_host.get(device.host)
        if own is not None:
            moved = own.host and own.host.removesuffix(":80") != device.host
            where = f", at {own.host}" if moved else ""
            said.append(f"{_short(device)}: it is there as {own.id!r}{where}")
        elif there is not None and there.mac:
            said.append(f"{_short(device)}: at its address the rules have {there.id!r}, whose mac is {there.mac}")
        elif there is not None:
            said.append(f"{_short(device)}: its address is there, as that of {there.id!r}")
        else:
            new.append(device)
    return new, said


def _whole(book: RuleBook) -> list[DeviceSpec]:
    return [spec for spec in book.devices.values() if not spec.socket]


def _short(device: NewDevice) -> str:
    return f"{device.model} {device.mac} at {device.host}"


def added(
    texts: Mapping[str, str],
    name: str,
    devices: Mapping[str, NewDevice],
    *,
    drivers: Collection[str] | None = None,
) -> str:
    """Return one file of a book with the devices in it, behind those that it has, or at its end.

    texts: every file of the book, as read.  name: which of them; it may be missing, and is begun then.
    Raises ConfigError where the book would not be the same but for the devices.
    """
    old = load_texts(list(texts.items()), drivers=drivers).book
    assert old is not None, "who calls has loaded these texts"
    for text in _candidates(texts.get(name), devices):
        book = load_texts(list({**texts, name: text}.items()), drivers=drivers).book
        if book is not None and _without(book, devices) == _without(old, ()) and _has(book, devices):
            return text
    raise ConfigError(
        f"{name}: it is written in a way that cannot be added to for certain; paste what `discover --toml` prints"
    )


def _candidates(text: str | None, devices: Mapping[str, NewDevice]) -> Iterator[str]:
    """Yield the file with the tables where a person would put them, and then where TOML takes them from any file."""
    if text is None:
        yield new_file(devices, None)
        return
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    block = tables(devices).replace("\n", end)
    for at in dict.fromkeys([_behind_devices(lines), len(lines)]):
        before, after = "".join(lines[:at]), "".join(lines[at:])
        if before and not before.endswith("\n"):
            before += end
        gap = end if before and not _BLANK.match(before.splitlines()[-1]) else ""
        rest = end if after and not _BLANK.match(after.splitlines()[0]) else ""
        yield f"{before}{gap}{block}{rest}{after}"


def _behind_devices(lines: Sequence[str]) -> int:
    """Return the line after the last table of a device; comments that lead over to the next table stay with that."""
    headers = [at for at, line in enumerate(lines) if _DEVICE.match(line)]
    if not headers:
        return len(lines)
    stop = next((at for at in range(headers[-1] + 1, len(lines)) if _TABLE.match(lines[at])), len(lines))
    last = max(at for at in range(headers[-1], stop) if not _BLANK.match(lines[at]) and not _COMMENT.match(lines[at]))
    beneath = last + 1
    while beneath < stop and _COMMENT.match(lines[beneath]):
        beneath += 1
    return beneath if beneath == len(lines) or _BLANK.match(lines[beneath]) else last + 1


def _without(book: RuleBook, names: Collection[str]) -> tuple[Any, ...]:
    """Return what a book says besides these devices, wherever in its files."""
    rules = {name: replace(rule, source=NOWHERE) for name, rule in book.rules.items()}
    devices = {name: spec for name, spec in book.devices.items() if name not in names}
    return book.site, devices, dict(book.groups), rules, len(book.tests)


def _has(book: RuleBook, devices: Mapping[str, NewDevice]) -> bool:
    return all(
        (spec := book.devices.get(name)) is not None
        and (spec.driver, spec.host, spec.mac) == (device.driver, device.host, device.mac)
        for name, device in devices.items()
    )
