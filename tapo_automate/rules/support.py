"""What the language has and this version does not carry out: the one place that knows.

Such a rule must not fire: a rule whose condition nobody evaluates is not a rule without a condition.
"""

from __future__ import annotations

from tapo_automate.rules.model import AfterDelay, Away, Rule, StateTurns

_KINDS: dict[type, str] = {StateTurns: "state", AfterDelay: "countdown", Away: "away"}
TRIGGERS_NOT_YET = frozenset(_KINDS.values())
# With these the rule still fires, but as if they were not written.
KEYS_NOT_YET = {
    "missed": "what comes due while the program is not running is not made up for",
    "within": "a firing may be up to 15 minutes late",
}


def not_carried_out(rule: Rule) -> str | None:
    """Return why this version never fires the rule, as half a sentence, or None if it does."""
    kind = _KINDS.get(type(rule.trigger))
    if kind:
        return f"`when.{kind}` is not carried out yet"
    if rule.only_if is not None:
        return "`only_if` is not evaluated yet, and a rule must not fire with its condition unknown"
    if rule.executor == "device":
        return 'executor = "device": the device\'s own tables are not written yet'
    return None
