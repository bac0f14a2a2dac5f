"""One device in the daemon's care: opened once, left alone after its credentials were refused.

A keeper is used in its device's lane only, so one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tapo_automate.device import Device, DeviceSpec, Setting
from tapo_automate.errors import AuthRefused, PluginError, TapoAutomateError
from tapo_automate.ramp import begin
from tapo_automate.registry import Registry

Answer = TypeVar("Answer")


class Keeper:
    """Opens the device of `spec` when first needed and carries settings out.

    Every method raises TapoAutomateError only: what a driver raises beyond its contract becomes a PluginError.
    """

    def __init__(self, spec: DeviceSpec, registry: Registry) -> None:
        self.spec = spec
        self.epoch = 0  # counts commands; a transition goes on only while no newer command came
        self._registry = registry
        self._device: Device | None = None
        self._refused: AuthRefused | None = None

    def open(self) -> None:
        """Open the device if it is not.  Raises ConfigError where the driver or the credentials are missing."""
        if self._device is None:
            self._device = self._registry.open(self.spec)

    def apply(self, setting: Setting) -> list[tuple[int, Setting]]:
        """Set the device at once, or begin a transition.

        Returns what is left to do, as (milliseconds from now, setting); a later `apply` makes that void.
        """
        self.epoch += 1
        return self._asked(lambda device: begin(device, setting))

    def go_on(self, epoch: int, setting: Setting) -> None:
        """Carry out one more step of the transition begun as command number `epoch`, unless a newer one came."""
        if epoch == self.epoch:
            self._asked(lambda device: device.apply(setting))

    def power_w(self) -> float:
        """Return the load now, in watts."""
        return self._asked(lambda device: float(device.power_w()))

    def close(self) -> None:
        """Let go of the connection."""
        if self._device is not None:
            device, self._device = self._device, None
            self._guarded(lambda: device.close())

    def _asked(self, question: Callable[[Device], Answer]) -> Answer:
        if self._refused is not None:
            # Asking again would be one more failed login, and a device locks itself after some fifteen.
            raise AuthRefused(
                self._refused.host, f"{self._refused.problem}; it is left alone until the daemon is started again"
            )
        self.open()
        device = self._device
        assert device is not None
        return self._guarded(lambda: question(device))

    def _guarded(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except AuthRefused as problem:
            self._refused = problem
            raise
        except TapoAutomateError:
            raise
        except (Exception, SystemExit) as problem:  # a third party's driver is named, and kept from harming the others
            plugin = self._registry.plugin_of(self.spec.driver)
            raise PluginError(plugin, f"{self.spec.id}: {type(problem).__name__}: {problem}") from problem
