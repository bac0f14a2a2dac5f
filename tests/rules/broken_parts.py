"""What the broken rule files are made of: a sound head, and tables with one fault in them."""

from __future__ import annotations

import re
from typing import TypeAlias

# name of the fault: (code, the file with the fault marked, what the message says, what the hint says)
Faults: TypeAlias = dict[str, tuple[str, str, str, str]]

HEAD = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[devices.washer]
driver = "tapo-plug"
host = "192.168.1.31"
[groups]
outside = ["porch"]
"""


def rule(body: str, name: str = "r") -> str:
    """Return a file with one rule, whose missing parts are sound."""
    devices = "" if "devices" in body else 'devices = ["porch"]\n'
    when = "" if "when" in body else "when.time = { at = 23:30:00 }\n"
    setting = "" if re.search(r"^‹?(set+|steps|notify)›? =", body, re.MULTILINE) else "set = { on = true }\n"
    return f"{HEAD}[rules.{name}]\n{devices}{when}{setting}{body}\n"


def device(body: str) -> str:
    """Return a file with one more device."""
    return f"{HEAD}[devices.lamp]\n{body}\n"


def site(body: str) -> str:
    """Return a file with another site."""
    return body + "\n" + HEAD[HEAD.index("[devices.porch]") :]
