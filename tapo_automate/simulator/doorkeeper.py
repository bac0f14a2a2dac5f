"""Opens and shuts the door of one device as its faults say.  Everything runs in the loop's thread."""

import asyncio

from tapo_automate.simulator.core import Core
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.listener import Listener

_POLL_S = 0.02


class Doorkeeper:
    """Looks at the device's presence; its clock may run faster than the loop's, so it is looked at, not slept for."""

    def __init__(self, core: Core, front: Front, listener: Listener) -> None:
        self._core = core
        self._front = front
        self._listener = listener
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False

    async def attend(self) -> None:
        """Act on the presence that holds from now on."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if not self._look():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def look_again(self) -> None:
        """Act on the presence that holds now, without waiting for the next look."""
        if not self._stopped:
            self._look()

    async def move(self, listener: Listener) -> None:
        """Keep another door from now on, and shut the old one for good."""
        self._listener.close()
        self._listener = listener
        self._look()

    async def cut_all(self) -> None:
        self._listener.cut_all()

    async def stop(self) -> None:
        self._stopped = True
        if self._watching is not None:
            self._watching.cancel()
        self._listener.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            if self._look():
                return

    def _look(self) -> bool:
        """Open or shut; True when nothing will change any more."""
        with self._core.lock:
            appliance = self._core.appliance
            appliance.settle()
            if self._front.started_again():
                self._listener.cut_all()
            away = appliance.presence.is_away(appliance.elapsed_s)
            final = appliance.presence.is_final(appliance.elapsed_s)
        if away:
            self._listener.shut()
        else:
            self._listener.open()
        return final
