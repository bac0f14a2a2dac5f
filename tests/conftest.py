"""What holds for every test: nothing is looked for outside this machine, pretend devices need no rest, and what one
test remembers of devices the next does not know."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tapo_automate import wire
from tapo_automate.wire import private

os.environ["TAPO_AUTOMATE_DISCOVERY"] = "127.0.0.1"  # instead of a broadcast in every network that the machine is in
os.environ["TAPO_AUTOMATE_SPACING"] = "0s"


@pytest.fixture(autouse=True)
def undisturbed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr(private, "_hidden", {})
    wire.use(wire.Surroundings(spacing_s=0, patience_s=()))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    # A command that was run in this process keeps signals for a thread of its own, and processes inherit that.
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.fixture(autouse=True, scope="session")
def undisturbed_from_the_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))  # for fixtures that outlive a test
    wire.use(wire.Surroundings(spacing_s=0, patience_s=()))
