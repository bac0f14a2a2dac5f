"""A running simulated device, as tests and the command line hold it: safe to use from any thread."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from tapo_automate.simulator import traces
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.complaint import SimulatorError, hint
from tapo_automate.simulator.core import Core
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.doorkeeper import Doorkeeper
from tapo_automate.simulator.faults import Faults
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.lookup import built_in
from tapo_automate.simulator.methods import carry_out
from tapo_automate.simulator.profiles import Profile, encryption_scheme, transport_name
from tapo_automate.simulator.records import Call, Change, LoginAttempt
from tapo_automate.simulator.refusal import Refused
from tapo_automate.simulator.traces import Trace

RunInLoop = Callable[[Coroutine[Any, Any, None]], None]


class Device:
    """One device of a Fleet; made by Fleet.add."""

    def __init__(
        self, core: Core, front: Front, address: tuple[str, int], doorkeeper: Doorkeeper, run: RunInLoop
    ) -> None:
        self._core = core
        self._front = front
        self._address = address
        self._doorkeeper = doorkeeper
        self._run = run

    def __repr__(self) -> str:
        return f"<simulated {self.profile.name} at {self.address}, {self.transport}>"

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def port(self) -> int:
        return self._address[1]

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
        with self._present() as appliance:
            return appliance.nickname

    @property
    def calls(self) -> list[Call]:
        """The methods received, oldest first; of old ones only as many are kept as Fleet.add was told."""
        with self._core.lock:
            return list(self._core.calls)

    @property
    def changes(self) -> list[Change]:
        """What changed the relay or the light, and when, oldest first; as many are kept as of the calls."""
        with self._present() as appliance:
            return list(appliance.changes)

    @property
    def login_attempts(self) -> list[LoginAttempt]:
        """The steps of logins, granted and refused, oldest first; as many are kept as of the calls."""
        with self._core.lock:
            return list(self._core.attempts)

    @property
    def login_times(self) -> list[datetime]:
        """When clients began to log in, granted or not: the instants in UTC, by the clock that the device follows."""
        return [datetime.fromtimestamp(attempt.true_at, UTC) for attempt in self.login_attempts if attempt.begins]

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
        with self._present() as appliance:
            return deepcopy(appliance.refreshed_info())

    @property
    def state(self) -> dict[str, Any]:
        """device_on and, on lamps, brightness, hue, saturation and color_temp."""
        with self._present() as appliance:
            return appliance.shown()

    @property
    def on(self) -> bool:
        with self._present() as appliance:
            return appliance.on

    @property
    def countdown(self) -> dict[str, Any] | None:
        """The row of the timer that runs, as get_countdown_rules tells it, or None."""
        with self._present() as appliance:
            runs = appliance.countdown.ends_s is not None
            return deepcopy(appliance.countdown.rows(appliance.elapsed_s)[0]) if runs else None

    @property
    def power_w(self) -> float:
        """What the load draws now."""
        with self._present() as appliance:
            return appliance.meter.watts(appliance.at)

    @property
    def time(self) -> float:
        """Unix seconds as the device believes them."""
        with self._present() as appliance:
            return appliance.at

    @property
    def announcement(self) -> dict[str, Any]:
        """What the device tells those who look for it: the result object of a discovery reply."""
        with self._present() as appliance:
            info, known = appliance.info, self.profile.announcement
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
        with self._present() as appliance, appliance.recording("press", ""):
            appliance.switch(not appliance.on)

    def person_sets(self, **state: Any) -> None:
        """Change what Device.state tells, as a person with the app does; brightness and colour switch a lamp on.

        Needs no session and ends none.  Raises SimulatorError where the device cannot show it.
        """
        with self._present() as appliance:
            has = list(appliance.shown())
            for key in state:
                if key not in has:
                    raise SimulatorError(f"{self.profile.name} has no {key!r}{hint(key, has)}")
            try:
                with appliance.recording("app", ""):
                    carry_out(appliance, "set_device_info", state)
            except Refused:
                wish = ", ".join(f"{key}={value!r}" for key, value in state.items()) or "nothing"
                raise SimulatorError(f"{self.profile.name} cannot show {wish}; {_ranges(appliance)}") from None

    def set_faults(self, text: str = "") -> None:
        """Put other faults in the place of those there are; none for an empty text.  Raises SimulatorError."""
        with self._present() as appliance:
            had_lost = self._core.faults.has("clock-lost")
            faults = Faults(text, dice=self._core.faults.dice)
            self._core.set_faults(faults)
            if faults.has("clock-lost") and not had_lost:
                appliance.lose_clock()
        self._run(self._doorkeeper.attend())

    def set_trace(self, trace: str | Trace) -> None:
        """Plug in another load; its trace begins now.  Raises SimulatorError."""
        load = traces.parse(trace) if isinstance(trace, str) else trace
        with self._present() as appliance:
            appliance.plug_in(load)

    def set_credentials(self, username: str, password: str) -> None:
        """Bind the device to another account; a session that is open stays open."""
        with self._core.lock:
            self._core.owner = Credentials(username, password)

    def set_clock(self, timestamp: float, *, region: str | None = None, time_diff: int | None = None) -> None:
        """Set the device's clock, as a time server or set_device_time does."""
        with self._present() as appliance:
            clock = appliance.clock
            appliance.set_clock(
                timestamp,
                clock.time_diff_min if time_diff is None else time_diff,
                clock.region if region is None else region,
            )

    def forget_session(self) -> None:
        """Lose the session, as if it had expired."""
        with self._core.lock:
            self._front.end_session()

    def restart(self) -> None:
        """Be without power for a moment: the session, every connection and a countdown are lost.

        Relay and settings stay; on_time and the auto-off timer count anew.
        """
        with self._core.lock:
            self._front.restart()
        self._run(self._doorkeeper.cut_all())

    def update_firmware(self, transport: str, *, tpap_aware: bool | None = None, version: str | None = None) -> None:
        """Restart with a firmware that speaks transport; built-in profiles bring its components.

        Raises SimulatorError.
        """
        name = transport_name(transport)
        with self._present() as appliance:
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

    @contextmanager
    def _present(self) -> Iterator[Appliance]:
        """Give what is behind the wire, alone and caught up with what it did by itself."""
        with self._core.lock:
            self._core.appliance.settle()
            yield self._core.appliance


def _ranges(appliance: Appliance) -> str:
    """Return what the keys of its state may be, in words."""
    low, high = appliance.info.get("color_temp_range") or (0, 0)
    white = f"{low} to {high}, or " if low < high else ""
    words = {
        "device_on": "True or False",
        "brightness": "1 to 100",
        "hue": "0 to 360",
        "saturation": "0 to 100",
        "color_temp": f"{white}0 beside hue and saturation",
    }
    return "; ".join(f"{key}: {words[key]}" for key in appliance.shown())
