"""What the daemon's clockwork never fires: the one place that knows.

Such a rule must not fire: one that waits for a countdown that the device carries is not one that nobody asked for.
Whether a device carries out any other rule is known at the firing, and not before: its ledger may change meanwhile.
"""

from __future__ import annotations

from tapo_automate.rules.model import AfterDelay, Rule


def not_carried_out(rule: Rule) -> str | None:
    """Return why the daemon never fires the rule, as half a sentence, or None if it may."""
    if isinstance(rule.trigger, AfterDelay) and rule.trigger.start == "apply":
        return "the countdown runs in the device itself, once `sync apply` has started it"
    return None
