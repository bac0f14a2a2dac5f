"""Clients that other people wrote meet the simulated devices, on loopback and nowhere else."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tapo_automate.simulator import Device, Fleet

# plugp100 needs passlib, which asks Python for a module that is on its way out; neither is ours to mend.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("passlib.hash")

OWNER = {"username": "owner@example.com", "password": "correct horse"}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


class Clock:
    """Unix seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.at = 1_783_936_800.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def add(fleet: Fleet) -> Callable[..., Device]:
    def add(profile: Any, transport: str | None = None, **wishes: Any) -> Device:
        return fleet.add(profile, transport=transport, **OWNER | wishes)

    return add
