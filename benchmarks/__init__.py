"""How fast, how big: every figure beside somebody else's, in one run, against simulated devices.

`python -m benchmarks [NAME ...] [--quick]`.  Clients and devices live in processes of their own, so that the CPU that
is counted is the client's.  Only rounds that were measured in turns are compared: machines are noisy.

Nothing is looked for outside this machine.  Devices get no rest between two calls, which would be all that is measured:
of `tapo-automate` as a program the environment says so, `benchmarks.clients.ours` of what is connected in a process.
"""

from __future__ import annotations

import os

os.environ["TAPO_AUTOMATE_DISCOVERY"] = "127.0.0.1"
os.environ["TAPO_AUTOMATE_SPACING"] = "0s"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its byte code, ours as well as the others'
