"""A daemon led by hand whose rules stand in a file, and are taken on again as `run` takes them on."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from daemon.house import House, Toy
from daemon.led import HandClock, Led
from tapo_automate import DeviceSpec, hookimpl
from tapo_automate.cli.reloading import Attempt, Reloader
from tapo_automate.cli.watching import contents
from tapo_automate.daemon.sdnotify import Notifier
from tapo_automate.rules.load import load_or_raise

DRIVERS = ["tapo-bulb", "tapo-plug", "toy"]  # a name each that rule files may write; all of them open toys


class AnyHouse(House):
    """A house that has every device that a rule file names."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[tuple[str, str]] = []  # (device, host), as often as it was opened

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return [SimpleNamespace(name=name, open=lambda *given: self.open(*given)) for name in DRIVERS]

    def open(self, spec: DeviceSpec, credentials: Any) -> Toy:
        self.opened.append((spec.id, spec.host))
        return self.toy(spec.id)

    def toy(self, name: str) -> Toy:
        return self.toys.setdefault(name, Toy(name))


class Written:
    """A daemon that was started with a rule file.  folder: for the file, the journal and what a reload leaves."""

    def __init__(self, folder: Path, text: str, clock: HandClock | None = None, *, names: Iterable[str] = ()) -> None:
        self.file = folder / "rules.toml"
        self.house = AnyHouse()
        for name in names:
            self.house.toy(name)
        self.led = Led(self.house, clock, folder)
        self.attempts: list[Attempt] = []
        self._folder = folder
        self._write(text)

    def start(self, **options: Any) -> None:
        paths = (str(self.file),)
        loaded = contents(paths)
        book = load_or_raise(paths, drivers=DRIVERS)
        daemon = self.led.start(book=book, **options)
        self._reloader = Reloader(
            daemon,
            book,
            paths=paths,
            loaded=loaded,
            drivers=DRIVERS,
            folder=self._folder,
            notifier=Notifier(),
            asked=threading.Event(),
            told=self.attempts.append,
        )

    def offer(self, text: str | bytes) -> Attempt:
        """Write the file anew and have it taken on; return what came of that."""
        self._write(text)
        self._reloader.attempt()
        self.led.lanes.run()
        return self.attempts[-1]

    def _write(self, text: str | bytes) -> None:
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
