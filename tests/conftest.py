"""What holds for every test: nothing is looked for outside this machine, and pretend devices need no rest."""

from __future__ import annotations

import os

os.environ["TAPO_AUTOMATE_DISCOVERY"] = "127.0.0.1"  # instead of a broadcast in every network that the machine is in
os.environ["TAPO_AUTOMATE_SPACING"] = "0s"
