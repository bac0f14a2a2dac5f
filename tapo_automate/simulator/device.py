"""A running simulated device, as tests and the command line hold it: safe to use from any thread."""

import asyncio
from collections.abc import Callable, Coroutine
from copy import deepcopy
from typing import Any

from tapo_automate.simulator import traces
from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.core import Call, Core
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.faults import Faults
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.listener import Listener
from tapo_automate.simulator.lookup import built_in
from tapo_automate.simulator.profiles import Profile, encryption_scheme, transport_name
from tapo_automate.simulator.traces import Trace

_POLL_S = 0.02

RunInLoop = Callable[[Coroutine[Any, Any, None]], None]


class Device:
    """One device of a Fleet; made by Fleet.add."""

    def __init__(self, core: Core, front: Front, listener: Listener, now: Callable[[], float], run: RunInLoop) -> None:
        self._core = core
        self._front = front
        self._listener = listener
        self._now = now
        self._run = run
        self._window: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<simulated {self.profile.name} at {self.address}, {self.transport}>"

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def profile(self) -> Profile:
        return self._core.appliance.profile

    @property
    def transport(self) -> str:
        """What it speaks now: klap, klap-v1, aes, aes-v1 or tpap."""
        return self._front.transport

    @property
    def mac(self) -> str:
        return str(self._core.appliance.info.get("mac", ""))

    @property
    def device_id(self) -> str:
        return str(self._core.appliance.info.get("device_id", ""))

    @property
    def nickname(self) -> str:
        return self._core.appliance.nickname

    @property
    def calls(self) -> list[Call]:
        """The methods received, oldest first; of old ones only as many are kept as Fleet.add was told."""
        with self._core.lock:
            return list(self._core.calls)

    @property
    def refusals(self) -> list[str]:
        """Why requests were refused, oldest first, in words."""
        with self._core.lock:
            return list(self._core.refusals)

    @property
    def handshakes(self) -> int:
        """How many handshakes were begun."""
        return self._core.counters.handshakes

    @property
    def logins(self) -> int:
        """KLAP: handshakes that were completed.  securePassthrough: logins attempted."""
        return self._core.counters.logins

    @property
    def sessions(self) -> int:
        """How many sessions were granted."""
        return self._core.counters.sessions

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._core.counters.connections

    @property
    def requests(self) -> int:
        """How many HTTP requests were read."""
        return self._core.counters.requests

    @property
    def info(self) -> dict[str, Any]:
        """A copy of what get_device_info answers now."""
        with self._core.lock:
            self._core.appliance.settle()
            return deepcopy(self._core.appliance.refreshed_info())

    @property
    def state(self) -> dict[str, Any]:
        """device_on and, on lamps, brightness, hue, saturation and color_temp."""
        info = self.info
        return {key: info[key] for key in ("device_on", "brightness", "hue", "saturation", "color_temp") if key in info}

    @property
    def on(self) -> bool:
        return self.info.get("device_on") is True

    @property
    def power_w(self) -> float:
        """What the load draws now."""
        with self._core.lock:
            self._core.appliance.settle()
            return self._core.appliance.meter.watts(self._core.appliance.clock.time())

    @property
    def time(self) -> float:
        """Unix seconds as the device believes them."""
        with self._core.lock:
            return self._core.appliance.clock.time()

    @property
    def announcement(self) -> dict[str, Any]:
        """What the device tells those who look for it: the result object of a discovery reply."""
        with self._core.lock:
            info, known = self._core.appliance.info, self.profile.announcement
            fresh = {
                "device_type": info.get("type", ""),
                "device_model": self.profile.model,
                "factory_default": False,
            } | dict(known)
            fresh |= {"ip": self.host, "mac": self.mac}
            fresh["mgt_encrypt_schm"] = encryption_scheme(self.transport, self.port)
            return fresh

    def press(self) -> None:
        """Toggle the relay by hand, as a person at the device does."""
        with self._core.lock:
            self._core.appliance.settle()
            self._core.appliance.switch(not self._core.appliance.on)

    def set_faults(self, text: str = "") -> None:
        """Put other faults in the place of those there are; none for an empty text.  Raises SimulatorError."""
        with self._core.lock:
            had_lost = self._core.faults.has("clock-lost")
            faults = Faults(text, dice=self._core.faults.dice)
            self._core.faults = faults
            if faults.has("clock-lost") and not had_lost:
                self._core.appliance.lose_clock()
        self._run(self._apply_window(faults.offline))

    def set_trace(self, trace: str | Trace) -> None:
        """Plug in another load; its trace begins now.  Raises SimulatorError."""
        load = traces.parse(trace) if isinstance(trace, str) else trace
        with self._core.lock:
            self._core.appliance.plug_in(load)

    def set_credentials(self, username: str, password: str) -> None:
        """Bind the device to another account; a session that is open stays open."""
        with self._core.lock:
            self._core.owner = Credentials(username, password)

    def set_clock(self, timestamp: float, *, region: str | None = None, time_diff: int | None = None) -> None:
        """Set the device's clock, as a time server or set_device_time does."""
        with self._core.lock:
            clock = self._core.appliance.clock
            self._core.appliance.set_clock(
                timestamp,
                clock.time_diff_min if time_diff is None else time_diff,
                clock.region if region is None else region,
            )

    def forget_session(self) -> None:
        """Lose the session, as if it had expired."""
        with self._core.lock:
            self._front.end_session()

    def restart(self) -> None:
        """Lose the session and every connection; relay and settings stay."""
        self.forget_session()
        self._run(self._cut_all())

    def update_firmware(self, transport: str, *, tpap_aware: bool | None = None, version: str | None = None) -> None:
        """Restart with a firmware that speaks transport; built-in profiles bring its components.

        Raises SimulatorError.
        """
        name = transport_name(transport)
        with self._core.lock:
            appliance = self._core.appliance
            if not self.profile.from_dump:
                appliance.update(built_in(self.profile.name, name))
            if version is not None:
                appliance.info["fw_ver"] = version
            aware = self.profile.tpap_aware if tpap_aware is None else tpap_aware
            self._front.become(name, tpap_aware=aware)
        self.restart()

    def set_third_party_compatibility(self, on: bool) -> None:
        """Flip the switch in the owner's app: off leaves TPAP alone, on brings KLAP back."""
        with self._core.lock:
            if self.transport not in ("klap", "tpap"):
                raise SimulatorError(f"a device that speaks {self.transport} has no third-party switch")
            self._front.become("klap" if on else "tpap", tpap_aware=True)

    async def _start(self) -> None:
        self._front.port = self.port
        window = self._core.faults.offline
        if window is None or window[0] > 0:
            self._listener.open()
        await self._apply_window(window)

    async def _apply_window(self, window: tuple[float, float] | None) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None
        if window is None:
            self._listener.open()
            return
        begin = self._now() + window[0]
        if window[0] <= 0:
            self._listener.shut()
        self._window = asyncio.get_running_loop().create_task(self._keep_window(begin, begin + window[1]))

    async def _keep_window(self, begin: float, end: float) -> None:
        # The device's clock may run faster than the loop's, so it is looked at instead of slept for.
        while self._now() < end:
            if self._listener.is_open and self._now() >= begin:
                self._listener.shut()
            await asyncio.sleep(_POLL_S)
        self._listener.open()

    async def _cut_all(self) -> None:
        self._listener.cut_all()

    async def _stop(self) -> None:
        if self._window is not None:
            self._window.cancel()
        self._listener.close()
