"""What the language has and this version does not carry out: the one place that knows.

Such a rule must not fire: one that waits for a timer that nobody starts is not one that nobody asked for.
"""

from __future__ import annotations

from tapo_automate.rules.model import AfterDelay, Rule


def not_carried_out(rule: Rule) -> str | None:
    """Return why this version never fires the rule, as half a sentence, or None if it does."""
    if isinstance(rule.trigger, AfterDelay) and rule.trigger.start == "apply":
        return 'a countdown from = "apply" runs in the device\'s own table, which is not written yet'
    if rule.executor == "device":
        return 'executor = "device": the device\'s own tables are not written yet'
    return None
