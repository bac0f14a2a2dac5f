"""What the methods of a device do, by subject; importing a subject registers its methods."""

from tapo_automate.simulator.methods import energy, household, identity, lamp, tables
from tapo_automate.simulator.methods.registry import METHODS, Method

__all__ = ["METHODS", "Method", "energy", "household", "identity", "lamp", "tables"]
