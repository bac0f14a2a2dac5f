"""A pretend Tapo device over real HTTP, written from the protocol's description by other hands than the client.

It shares no code with the client but the standard library and the primitives of ``cryptography``, so that a mistake
in one of them shows against the other.  It refuses whatever a device refuses.  Start with Fleet.
"""

from tapo_automate.simulator.child import Child
from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.device import Device
from tapo_automate.simulator.fleet import Fleet
from tapo_automate.simulator.offer import Tpap
from tapo_automate.simulator.profiles import Profile
from tapo_automate.simulator.records import Call, Change, Execution, LoginAttempt, Write
from tapo_automate.simulator.traces import Trace

__all__ = [
    "Call",
    "Change",
    "Child",
    "Device",
    "Execution",
    "Fleet",
    "LoginAttempt",
    "Profile",
    "SimulatorError",
    "Tpap",
    "Trace",
    "Write",
]
