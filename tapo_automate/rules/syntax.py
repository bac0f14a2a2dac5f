"""Reading TOML: the document, and what is wrong where the text is none."""

from __future__ import annotations

import tomllib

from tapo_automate.rules.faults import Fault
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.positions import Positions


def read_toml(name: str, text: str) -> tuple[RuleFile, list[Fault]]:
    """Return the file as far as it can be read, and its faults of syntax."""
    try:
        return RuleFile(name, tomllib.loads(text), Positions(text)), []
    except ValueError as error:
        return RuleFile(name, {}, Positions(text), damaged=True), [Fault("E100", (), str(error))]
