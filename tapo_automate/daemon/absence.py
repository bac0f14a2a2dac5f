"""`when.away` under way: how each device was before its window began, so that it can be given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapo_automate.daemon.house import View, words
from tapo_automate.device import Setting
from tapo_automate.rules.model import Firing


@dataclass(frozen=True, slots=True)
class Absence:
    """One window on one device.  seed: names the window.  before: what it is given back as; None where nobody knew.

    withheld: why nothing is switched in this window, or "".
    """

    seed: int | None
    before: Setting | None
    withheld: str = ""


class Absences:
    """The windows under way, by rule and device."""

    def __init__(self, known: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._known: dict[str, Absence] = {}
        for name, kept in (known or {}).items():
            before = kept.get("before")
            self._known[name] = Absence(kept["seed"], as_setting(before) if before else None, kept.get("withheld", ""))

    def of(self, firing: Firing) -> Absence | None:
        """Return what is kept of the window that the firing belongs to, None where it has not begun here."""
        absence = self._known.get(_name(firing))
        return absence if absence is not None and absence.seed == firing.seed else None

    def under_way(self) -> list[tuple[str, str, int | None]]:
        """Return (rule id, device id, seed) of the windows in which something is switched."""
        names = [(name.partition("\0"), each) for name, each in self._known.items() if not each.withheld]
        return [(rule_id, device_id, each.seed) for (rule_id, _, device_id), each in names]

    def begin(self, firing: Firing, view: View | None, withheld: str = "") -> Absence:
        """A window begins, or was joined in the middle."""
        before = as_setting(words(view.state)) if view else None
        absence = self._known[_name(firing)] = Absence(firing.seed, before, withheld)
        return absence

    def end(self, firing: Firing) -> dict[tuple[str, str], Any | None]:
        """Forget the window; return what the journal is to forget."""
        self._known.pop(_name(firing), None)
        return {("away", _name(firing)): None}

    def to_memory(self, firing: Firing) -> dict[tuple[str, str], Any | None]:
        """Return what the next process has to know of the firing's window."""
        absence = self._known[_name(firing)]
        before = absence.before.as_rule() if absence.before else None
        return {("away", _name(firing)): {"seed": absence.seed, "before": before, "withheld": absence.withheld}}


def as_setting(kept: Mapping[str, Any]) -> Setting:
    """Return the setting that `Setting.as_rule` has put in words, without its transition.

    >>> as_setting({"on": True, "brightness": 40}) == Setting(on=True, brightness_pct=40)
    True
    """
    return Setting(
        kept.get("on"),
        kept.get("brightness"),
        kept.get("color_temp"),
        kept.get("hue"),
        kept.get("saturation"),
        toggle=bool(kept.get("toggle", False)),
    )


def _name(firing: Firing) -> str:
    return f"{firing.rule.id}\0{firing.device_id}"
