"""Warnings: two tables for one device, which would be spoken to as if it were two."""

from __future__ import annotations

from collections.abc import Iterator

from tapo_automate.device import DeviceSpec
from tapo_automate.rules.faults import Fault
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import show

_HTTP = ":80"


def twins(book: RuleBook) -> Iterator[Fault]:
    """Yield a warning for each device at an address, or with a MAC, that a device before it has.

    Where the options differ, the drivers may know several things behind one address.
    """
    seen: dict[tuple[str, str], DeviceSpec] = {}
    for spec in book.devices.values():
        if spec.socket:
            continue
        for key, name in (("mac", spec.mac), ("host", spec.host.lower().removesuffix(_HTTP))):
            first = seen.setdefault((key, name), spec) if name else spec
            if first is spec or first.options != spec.options or (spec.mac and first.mac and spec.mac != first.mac):
                continue
            message = f"device {show(spec.id)} has the {_WORDS[key]} of device {show(first.id)}"
            hint = "a device keeps one session: name it once, and use that name everywhere"
            yield Fault("W208", ("devices", spec.id, key), message, hint)
            break


_WORDS = {"mac": "MAC", "host": "address"}
