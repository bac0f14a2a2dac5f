"""In which network a device is, whether that leads to the internet, and who is told when it is another's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapo_automate.simulator.credentials import Credentials


def _nobody(account: Credentials) -> None:
    """What happens to a device that nobody sees changes no account."""


def _nowhere() -> None: ...


@dataclass(slots=True)
class Home:
    """joined: it is in this network.

    internet: None for what its dump says.  bind: gives it to another account.  moved: is told when joined changes.
    """

    joined: bool = True
    internet: bool | None = None
    bind: Callable[[Credentials], None] = _nobody
    moved: Callable[[], None] = _nowhere

    def unseen(self) -> "Home":
        """Return a copy that reaches nobody."""
        return Home(self.joined, self.internet)

    def cloud(self, recorded: Any) -> dict[str, int]:
        """Return what get_connect_cloud_state answers: 0 connected, 1 not."""
        if self.internet is None and isinstance(recorded, dict):
            return recorded
        return {"status": 0 if self.internet is not False else 1}


def known_ssids(info: dict[str, Any], scan: Any) -> set[str]:
    """Return the networks that a device can join from where it is, as base64: the one that it is in, and those in
    its scan."""
    found = scan.get("ap_list", []) if isinstance(scan, dict) else []
    return {str(info.get("ssid"))} | {str(row.get("ssid")) for row in found if isinstance(row, dict)}
