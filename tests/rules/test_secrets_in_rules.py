"""What is told of a rule file into which somebody has written a password: never the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapo_automate.rules.load import load
from tapo_automate.rules.problems import as_github, as_json, report

DEVICE = 'site.timezone = "UTC"\n[devices.plug]\ndriver = "tapo-plug"\n'
HINT = "set TAPO_USERNAME and TAPO_PASSWORD in the environment, or keep a credentials file"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('password = "canary-pw9"', 'credentials do not belong into a rule file: "password"', HINT),
        ("password = canary-pw9", "text is written in quotes", HINT),
        ("password = canary$pw9 more", "not TOML", HINT),
        ("TAPO_PASSWORD=canary-pw9", "text is written in quotes", HINT),
        ('password = "canary-pw9', "text that is not closed on its line", 'add the closing "'),
        (
            'host = "http://me:canary-pw9@10.0.0.5"',
            '"••••••••••••••••••••@10.0.0.5" is not a host: it is neither an address nor a name',
            'write "10.0.0.5"',
        ),
        (
            'host = "canary:pw9@10.0.0.5"',
            '"••••••••••@10.0.0.5" is not a host: it is neither an address nor a name',
            'write "10.0.0.5"',
        ),
    ],
)
def test_a_password_is_not_repeated(tmp_path: Path, line: str, message: str, hint: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f"{DEVICE}{line}\n")
    problems = [each for each in load([str(path)], drivers=["tapo-plug"]).problems if each.line == 4]
    assert [(each.message, each.hint) for each in problems] == [(message, hint)]
    told = report(problems) + "".join(f"{as_json(each)}{as_github(each)}" for each in problems)
    assert "canary" not in told
    assert "pw9" not in told
