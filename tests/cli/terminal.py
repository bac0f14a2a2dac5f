"""The command line as a user has it: a process of its own, its output and exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

USERNAME = "Canary.User@Example.com"
PASSWORD = "canary-Sw0rdfish!"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a fresh user: nothing of the machine's own settings gets in.

    Nothing is looked for outside this machine, as in all tests.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TAPO_", "XDG_"))}
    return {
        **kept,
        "HOME": str(home),
        "NO_COLOR": "1",
        "TAPO_AUTOMATE_DISCOVERY": "127.0.0.1",
        "TAPO_AUTOMATE_SPACING": "0s",
        **more,
    }


def tapo_automate(
    *words: str, home: Path, credentials: bool = True, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `tapo-automate` with these words and return what it printed."""
    if credentials:
        more = {"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, **more}
    return subprocess.run(
        [sys.executable, "-m", "tapo_automate", *words],
        cwd=cwd or home,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
