"""Rules that this program fails to evaluate: each is told of once, and the others go on."""

from __future__ import annotations

import datetime as dt

from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Alarm
from tapo_automate.rules.model import Rule


class Mistakes:
    """What went wrong with rules, until it is told."""

    def __init__(self) -> None:
        self._untold: list[tuple[Rule, Exception]] = []
        self._named: set[str] = set()  # rules of which people were told

    def note(self, rule: Rule, problem: Exception) -> None:
        """Evaluating a rule raised something."""
        self._untold.append((rule, problem))

    def begin(self) -> None:
        """Other rules are carried out, of which nothing was told yet."""
        self._named = set()

    def tell(self, now: dt.datetime, effects: Effects) -> None:
        """Tell people, once for each rule, and the log."""
        while self._untold:
            rule, problem = self._untold.pop(0)
            effects.mistakes.append(problem)
            if rule.id not in self._named:
                self._named.add(rule.id)
                why = f"it could not be evaluated ({type(problem).__name__}, a mistake in this program; see the log)"
                text = f"rule {rule.id} is not carried out: {why}; the other rules are"
                effects.events.append(Alarm("rule", now, text))
