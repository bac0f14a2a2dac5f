"""The sockets of a strip: "strip/1" is the first socket of the device strip, "strip/left" the one of that name.

No device has a slash in its name; what follows the first one is the socket.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tapo_automate.device import DeviceSpec
from tapo_automate.rules.faults import Fault, Path, did_you_mean
from tapo_automate.rules.problems import show


def parted(name: str) -> tuple[str, str]:
    """Return the device and the socket that a name means; the socket is "" where it means the whole device.

    >>> parted("strip/1"), parted("porch")
    (('strip', '1'), ('porch', ''))
    """
    device, _, socket = name.partition("/")
    return device, socket


def socket_of(name: str, devices: Mapping[str, DeviceSpec]) -> DeviceSpec | None:
    """Return what a driver opens for a socket, or None for what is no socket of these devices."""
    strip, socket = parted(name)
    if strip not in devices or not socket or _misnumbered(socket):
        return None
    return replace(devices[strip], id=name, socket=socket)


def socket_fault(
    path: Path, name: str, devices: Collection[str], groups: Collection[str], *, incomplete: bool = False
) -> Fault | None:
    """Return what is wrong with a name that has a slash in it, or None.

    incomplete: a device that is not here may be in a part that could not be read.
    """
    strip, socket = parted(name)
    if strip in groups:
        hint = f'write a strip\'s name before the slash, or "{strip}" for the whole group'
        return Fault("E111", path, f"{show(strip)} in {show(name)} is a group, and only a device has sockets", hint)
    if strip not in devices:
        if incomplete:
            return None
        close = did_you_mean(strip, sorted(devices))
        meant = close.removeprefix(', did you mean "').removesuffix('"?')
        hint = f'write "{meant}/{socket}"' if close else f"define it: [devices.{strip or 'NAME'}] with driver and host"
        return Fault("E111", path, f"unknown device {show(strip)} in {show(name)}{close}", hint)
    if not socket:
        hint = f'write "{strip}/1" for its first socket, or "{strip}" for the whole device'
        return Fault("E122", path, f"{show(name)} does not say which socket", hint)
    if _misnumbered(socket):
        number = socket.lstrip("0") or "1"
        hint = f'write "{strip}/{number}": sockets are counted from 1'
        return Fault("E122", path, f"{show(name)} is no socket's number", hint)
    return None


def _misnumbered(socket: str) -> bool:
    return socket.isdecimal() and (not socket.isascii() or socket.startswith("0"))
