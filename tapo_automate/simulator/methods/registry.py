"""The register of methods: which function carries a method out, and what a device must have to know it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapo_automate.simulator.appliance import Appliance

Params = dict[str, Any]
Run = Callable[[Appliance, Params], Any]


# What a strip answers for its sockets.  Source: docs/protocol.md, 5.3.
_OF_THE_STRIP = frozenset(
    {
        "get_device_time",
        "set_device_time",
        "device_reboot",
        "device_reset",
        "fw_download",
        "set_wireless_info",
        "set_qs_info",
        "set_led_info",
    }
)


@dataclass(frozen=True, slots=True)
class Method:
    """needs: a getter that the profile must answer with an object.

    component: one that the profile must list, in this version or a later.
    effects: which of the two names of a method this is, see Habits; None for one that has no other.
    """

    name: str
    run: Run
    needs: str | None
    component: str | None
    version: int
    effects: str | None = None

    def known_to(self, appliance: Appliance) -> bool:
        if self.name in _OF_THE_STRIP and "original_device_id" in appliance.info:
            return False
        if self.effects is not None and self.effects != appliance.habits.effects:
            return False
        if self.needs is not None and not isinstance(appliance.replies.get(self.needs), dict):
            return False
        return self.component is None or appliance.profile.components.get(self.component, 0) >= self.version


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    needs: str | None = None,
    component: str | None = None,
    version: int = 1,
    effects: str | None = None,
) -> Callable[[Run], Run]:
    """Register a function as the method name."""

    def register(run: Run) -> Run:
        METHODS[name] = Method(name, run, needs, component, version, effects)
        return run

    return register
