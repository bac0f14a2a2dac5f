"""A running simulated device, as tests and the command line hold it: safe to use from any thread."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.child import Child
from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.core import Core
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.doorkeeper import Doorkeeper
from tapo_automate.simulator.faults import Faults
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.hands import Hands
from tapo_automate.simulator.herald import Herald
from tapo_automate.simulator.listener import Listener
from tapo_automate.simulator.lookup import built_in
from tapo_automate.simulator.profiles import Profile, transport_name
from tapo_automate.simulator.records import Call, LoginAttempt
from tapo_automate.simulator.udp import Ear, Ears
from tapo_automate.simulator.upgrade import FAILURES_S, Offer

Listen = Callable[[str, int], Listener]
RunInLoop = Callable[[Coroutine[Any, Any, None]], None]


class Device(Hands):
    """One device of a Fleet; made by Fleet.add."""

    def __init__(
        self,
        core: Core,
        front: Front,
        address: tuple[str, int],
        doorkeeper: Doorkeeper,
        herald: Herald,
        ears: Ears,
        listen: Listen,
        run: RunInLoop,
    ) -> None:
        self._core = core
        self._front = front
        self._address = address
        self._doorkeeper = doorkeeper
        self._herald = herald
        self._ears = ears
        self._listen = listen
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
    def discovery(self) -> str | None:
        """Where it hears and answers those who look for devices, as ADDRESS:PORT; None if it does not."""
        ear = self._herald.ear
        return None if ear is None else "{}:{}".format(*ear.address)

    @property
    def https_port(self) -> int | None:
        """Where it takes logins over TLS, None while it takes none there."""
        return self._front.https_port if self._front.wants_tls else None

    @property
    def mac(self) -> str:
        return str(self._core.appliance.info.get("mac", ""))

    @property
    def children(self) -> list[Child]:
        """The sockets of a strip, in the order in which it tells them; none of any other device."""
        return [Child(self._core, index) for index in range(len(self._core.appliance.children))]

    @property
    def calls(self) -> list[Call]:
        """The methods received, oldest first; of old ones only as many are kept as Fleet.add was told."""
        with self._core.lock:
            return list(self._core.calls)

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
        """KLAP: handshakes that were completed.  securePassthrough and TPAP: logins attempted."""
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
    def probes(self) -> int:
        """How many probes reached it."""
        return self._core.counters.probes

    @property
    def time(self) -> float:
        """Unix seconds as the device believes them."""
        with self._present() as appliance:
            return appliance.at

    @property
    def announcement(self) -> dict[str, Any]:
        """What the device tells those who look for it: the result object of a discovery reply."""
        return self._herald.announcement()

    def set_faults(self, text: str = "") -> None:
        """Put other faults in the place of those there are; none for an empty text.  Raises SimulatorError."""
        with self._present() as appliance:
            had_lost = self._core.faults.has("clock-lost")
            faults = Faults(text, dice=self._core.faults.dice)
            self._core.set_faults(faults)
            if faults.has("clock-lost") and not had_lost:
                appliance.lose_clock()
        self._run(self._doorkeeper.attend())

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

    def set_location(self, latitude_deg: float | None, longitude_deg: float | None) -> None:
        """Tell the device where it is, in degrees north and east, as the app does; None for both lets it forget."""
        with self._present() as appliance:
            known = latitude_deg is not None and longitude_deg is not None
            found = {
                "has_set_location_info": known,
                "latitude": round((latitude_deg or 0.0) * 10_000),
                "longitude": round((longitude_deg or 0.0) * 10_000),
            }
            for each in (appliance, *appliance.children):
                each.info.update(found)
                each.moved()

    def lose_clock(self) -> None:
        """Begin the year 2000, as after a power cut without a time server; the next time that is set ends it."""
        with self._present() as appliance:
            appliance.lose_clock()

    def forget_session(self) -> None:
        """Lose the session, as if it had expired."""
        with self._core.lock:
            self._front.end_session()

    def restart(self, *, asleep: bool | None = None) -> None:
        """Be without power for a moment: the session, every connection and a countdown are lost.

        Relay and settings stay; on_time and the auto-off timer count anew.
        asleep: whether it then refuses connections until a probe comes, or some eight minutes have gone by; None: if
        its firmware does, and a probe can reach it, or if the fault asleep says so.
        """
        with self._core.lock:
            self._front.restart()
            self._core.power_returns(asleep=asleep)
        self._run(self._doorkeeper.cut_all())
        self._run(self._doorkeeper.attend())

    def move(self, host: str | None = None, port: int | None = None) -> None:
        """Listen elsewhere from now on, as with a new address from DHCP; None: as before.

        Connections are cut, the session lives on.  Where it hears probes at its own address, it hears them at the new
        one, on the same port.  Raises SimulatorError, and stays, if the new place is taken.
        """
        place = (self.host if host is None else host, self.port if port is None else port)
        if place == self._address:
            return
        old = self._herald.ear
        new = self._ears.at(place[0], old.address[1]) if old is not None and self._herald.own_ear else None
        try:
            listener = self._listen(*place)
        except SimulatorError:
            if new is not None:
                self._run(self._ears.release(new))
            raise
        with self._present() as appliance:
            self._address = (listener.host, listener.port)
            self._herald.host, self._herald.ear = listener.host, new or old
            appliance.info |= {"ip": listener.host} if "ip" in appliance.info else {}
        self._run(self._doorkeeper.move(listener))
        if old is not None and new is not None:
            self._run(self._hear_at(old, new))

    def announce_as(self, **changes: Any) -> None:
        """Announce these keys in the place of what it is, None for a key that it leaves out; nothing for the truth."""
        with self._core.lock:
            self._herald.changes = changes

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
        self.restart(asleep=False)

    def offer_firmware(
        self, version: str, *, transport: str | None = None, fails: int = 0, note: str = "", night_share: float = 0.0
    ) -> None:
        """Let the vendor have a newer firmware for it, which a client, or the device itself in the night, may load.

        transport: what it then speaks; None: as now.  fails: how its loading ends: -1001, -1002, -1003, -1004 or 4;
        0 for well.  night_share: how much of its random range goes by in the night.  Raises SimulatorError.
        """
        if fails and fails not in FAILURES_S:
            known = ", ".join(str(code) for code in FAILURES_S)
            raise SimulatorError(f"no firmware fails to load with {fails}; it may with {known}")
        name = self.transport if transport is None else transport_name(transport)

        def install() -> None:
            if name == self.transport:
                return
            if not self.profile.from_dump:
                self._core.appliance.update(built_in(self.profile.name, name))
            self._front.become(name, tpap_aware=self.profile.tpap_aware)

        with self._present() as appliance:
            appliance.upgrade.offer = Offer(version, install, fails, note, night_share)

    def set_internet(self, on: bool) -> None:
        """Give it the internet, or take it away: the vendor's cloud, firmware, and the time after a restart."""
        with self._present() as appliance:
            appliance.home.internet = on

    def set_network(self, *, joined: bool) -> None:
        """Bring it back into this network, or take it out of it, as somebody with the app does."""
        with self._present() as appliance:
            appliance.join(joined=joined)
        self._run(self._doorkeeper.attend())

    def set_third_party_compatibility(self, on: bool) -> None:
        """Flip the switch in the owner's app: off leaves TPAP alone, on brings KLAP back."""
        with self._core.lock:
            if self.transport not in ("klap", "tpap"):
                raise SimulatorError(f"a device that speaks {self.transport} has no third-party switch")
            self._front.become("klap" if on else "tpap", tpap_aware=True)
        self._run(self._doorkeeper.attend())

    async def _hear_at(self, old: Ear, new: Ear) -> None:
        await self._ears.join(new, self._herald)
        await self._ears.leave(old, self._herald)

    @contextmanager
    def _present(self) -> Iterator[Appliance]:
        """Give what is behind the wire, alone and caught up with what it did by itself."""
        with self._core.lock:
            self._core.appliance.settle()
            yield self._core.appliance
