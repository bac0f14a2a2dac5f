"""What systemd is told: ready, reloading, stopping, still alive.  Without systemd, nothing.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, MutableMapping

from tapo_automate.daemon.health import Health

STALLED_S = 30.0  # the planner comes round every five seconds; after so many it hangs
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

log = logging.getLogger("tapo_automate")


class Notifier:
    """Sends datagrams to the socket that the service manager listens on.

    address: a path, "@name" for an abstract socket, or "" where nobody listens: then every method does nothing.
    watchdog_s: within which time a sign of life is expected, None for never.  No method raises or blocks.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s if address else None

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str], pid: int) -> Notifier:
        """Return the notifier that the service manager asked process `pid` for.

        Takes the variables out: what the process starts later must not speak in its name.
        """
        address, watchdog_us, watched = (environment.pop(name, "") for name in VARIABLES)
        ours = watchdog_us.isdecimal() and watchdog_us.strip("0") and watched in ("", str(pid))
        return cls(address, int(watchdog_us) / 1e6 if ours else None)

    def ready(self, status: str) -> None:
        """Tell that the service is up, or carries on after a reload.  status: one line for `systemctl status`."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Tell that the configuration is being read anew, until `ready`."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Tell that the service is on its way out."""
        self._send("STOPPING=1", "STATUS=stopping")

    def status(self, status: str) -> None:
        """Give one line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Give the sign of life that the watchdog waits for."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(lines).encode(), self._address)
        except (OSError, ValueError) as problem:  # ValueError: a NUL inside
            log.debug("the service manager cannot be told %s: %s", lines[0], problem)


def feed_watchdog(notifier: Notifier, health: Callable[[], Health], stop: threading.Event) -> None:
    """Give signs of life, twice as often as they are due, while the planner comes round; return when `stop` is set.

    A planner that stands still, or holds the lock that `health` needs, gives none: the service manager then starts
    the daemon anew.
    """
    if notifier.watchdog_s is None:
        return
    stalled = False
    while not stop.wait(notifier.watchdog_s / 2):
        progress_s = health().progress_s
        if progress_s < STALLED_S:
            notifier.alive()
        elif not stalled:
            log.error("the planner has stood still for %.0f s; the watchdog is told no more", progress_s)
            notifier.status(f"the planner has stood still for {progress_s:.0f} s")
        stalled = progress_s >= STALLED_S
