"""Many simulated devices in one process: one event loop in one thread of its own."""

import asyncio
import base64
import hashlib
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from tapo_automate.simulator import offer, traces
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.clock import DeviceClock
from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.core import Core
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.device import Device
from tapo_automate.simulator.doings import own_doings
from tapo_automate.simulator.doorkeeper import Doorkeeper
from tapo_automate.simulator.faults import Faults
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.habits import Habits
from tapo_automate.simulator.herald import Herald
from tapo_automate.simulator.listener import Listener
from tapo_automate.simulator.lookup import profile_for
from tapo_automate.simulator.offer import Tpap
from tapo_automate.simulator.profiles import Profile
from tapo_automate.simulator.tls import listener_for
from tapo_automate.simulator.traces import Trace
from tapo_automate.simulator.udp import Ears, where

_PATIENCE_S = 30.0


class Fleet:
    """Simulated devices that run until the fleet is closed; a context manager, safe to use from any thread.

    with Fleet() as fleet:
        washer = fleet.add("P110", username="u@example.com", password="pw", trace="washing-machine")
    """

    def __init__(self, *, discovery: str | int | None = None) -> None:
        """discovery: where devices hear probes unless they are told otherwise; see add.

        An ADDRESS:PORT is that of all of them, also when PORT is 0: it is then one that is free.
        Raises SimulatorError.
        """
        self._ears = Ears()
        common = None if discovery is None else where(discovery)
        ear = None if common is None or common[0] is None else self._ears.at(common[0], common[1])
        self._discovery = common if ear is None else ear.address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tapo-simulator", daemon=True)
        self._thread.start()
        self._devices: list[Device] = []
        self._doorkeepers: list[Doorkeeper] = []
        self._lock = threading.Lock()  # guards the lists
        self._changing = threading.Lock()  # one device comes at a time: it must differ from those that are there
        self._closed = False
        if ear is not None:
            self._run(self._ears.open(ear))

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def devices(self) -> tuple[Device, ...]:
        with self._lock:
            return tuple(self._devices)

    @property
    def discovery(self) -> str | None:
        """ADDRESS:PORT at which all devices hear probes that were not told otherwise; None if there is none."""
        host, port = self._discovery or (None, 0)
        return None if host is None else f"{host}:{port}"

    def add(
        self,
        profile: str | Path | Profile,
        *,
        username: str,
        password: str,
        transport: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        discovery: str | int | None = None,
        nickname: str | None = None,
        mac: str | None = None,
        on: bool | None = None,
        faults: str = "",
        trace: str | Trace | None = None,
        now: Callable[[], float] = time.time,
        seed: int | None = None,
        ids: str = "lowest",
        clash: str = "told",
        gap: str = "skip",
        overlap: str = "first",
        spent: str = "disabled",
        effects: str = "singular",
        tpap: str | Tpap = "",
        keep_calls: int = 10_000,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Device:
        """Start a device and return it once it listens.

        profile: a built-in name, a dump's path, or a Profile.  port 0: any free one.
        discovery: where it hears those who look for devices: a UDP port of its own address, or ADDRESS:PORT, which
        several devices may have; port 0: any free one; None: as the fleet was told, or nowhere.
        on: the relay at the start (default: off, or as in the dump).  now: Unix seconds; the device's clock follows it.
        seed: repeats the faults, the made-up identity and what antitheft throws.  ids, clash, gap, overlap, spent,
        effects: see Habits.
        tpap: how it speaks TPAP, now or later: choices of Tpap as text.
        keep_calls: how many calls, changes, executions, writes and login attempts the logs keep.  entropy: where seeds,
        keys and session names come from.
        Raises SimulatorError.
        """
        kind = profile_for(profile, transport)
        wrong = Faults(faults, seed=seed)
        choices = tpap if isinstance(tpap, Tpap) else offer.read(tpap)
        clock = _clock(kind, now, lost=wrong.has("clock-lost"))
        load = _load(kind, trace)
        heard = self._discovery if discovery is None else where(discovery)
        with self._changing:
            if self._closed:
                raise SimulatorError("the fleet is closed")
            others = self.devices
            identity = _identity(kind, host, nickname, mac, seed, len(others), {other.mac for other in others})
            habits = Habits(ids, clash, gap, overlap, spent, effects)
            dice = random.Random(seed)
            sockets = tuple(
                Appliance(
                    socket, clock, _load(socket, trace), _of_socket(kind, identity, index), on, own_doings,
                    keep_calls, habits,
                    random.Random(None if seed is None else seed + index + 1),
                )
                for index, socket in enumerate(kind.children)
            )  # fmt: skip
            appliance = Appliance(kind, clock, load, identity, on, own_doings, keep_calls, habits, dice, sockets)
            core = Core(appliance, Credentials(username, password), wrong, keep_calls, entropy, heard is not None)
            front = Front(core, kind.transport, tpap_aware=kind.tpap_aware, tpap=choices)

            def met() -> None:
                core.counters.connections += 1

            def listen(host: str, port: int) -> Listener:
                return listener_for(front, host, port, met)

            listener = listen(host, port)
            ear = None
            if heard is not None:
                try:
                    ear = self._ears.at(heard[0] or listener.host, heard[1])
                except SimulatorError:
                    listener.close()
                    raise
            doorkeeper = Doorkeeper(core, front, listener)
            own_ear = heard is not None and heard[0] is None
            herald = Herald(core, front, doorkeeper, listener.host, ear, own_ear=own_ear)
            address = (listener.host, listener.port)
            device = Device(core, front, address, doorkeeper, herald, self._ears, listen, self._run)
            appliance.home.moved = front.changed = partial(self._attend, doorkeeper)
            self._run(doorkeeper.attend())
            if ear is not None:
                self._run(self._ears.join(ear, herald))
            with self._lock:
                self._devices.append(device)
                self._doorkeepers.append(doorkeeper)
        return device

    def close(self) -> None:
        """Stop every device; calling it again does nothing."""
        with self._changing:
            if self._closed:
                return
            self._closed = True
        for doorkeeper in self._doorkeepers:
            self._run(doorkeeper.stop())
        self._run(self._ears.close())
        self._run(_drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def _attend(self, doorkeeper: Doorkeeper) -> None:
        """Let a door follow its device; whoever says so may hold the device's lock."""
        if not self._closed:
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(doorkeeper.attend()))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if threading.current_thread() is self._thread:
            self._loop.create_task(work)
            return
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)


async def _drain() -> None:
    """Let cut connections and cancelled tasks come to their end."""
    mine = asyncio.current_task()
    rest = [task for task in asyncio.all_tasks() if task is not mine]
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)


def _identity(
    profile: Profile, host: str, nickname: str | None, mac: str | None, seed: int | None, index: int, taken: set[str]
) -> dict[str, str]:
    """Return what makes one device differ from the next; a dump keeps its own until two would be the same."""
    identity = {"ip": host}
    if nickname is not None:
        identity["nickname"] = base64.b64encode(nickname.encode()).decode()
    if mac is not None:
        pairs = re.fullmatch(r"([0-9A-Fa-f]{2})" + r"[-:]?([0-9A-Fa-f]{2})" * 5, mac)
        if pairs is None:
            raise SimulatorError(f"not a MAC address: {mac!r}; expected something like 02-00-00-12-34-56")
        own = "-".join(pair.upper() for pair in pairs.groups())
    elif profile.from_dump and profile.info.get("mac") not in taken:
        return identity
    else:
        dice = random.Random(f"{profile.name}/{seed}/{index}") if seed is not None else random.SystemRandom()
        own = "-".join(f"{byte:02X}" for byte in b"\x02\x5a" + dice.randbytes(4))
    return identity | {"mac": own, "device_id": hashlib.sha1(own.encode()).hexdigest().upper()}


def _of_socket(strip: Profile, identity: dict[str, str], index: int) -> dict[str, str]:
    """Return what makes the sockets of one strip differ from those of the next; a dump's keep their own ids."""
    whole = {key: str(identity.get(key, strip.info.get(key, ""))) for key in ("device_id", "mac")}
    own = {"original_device_id": whole["device_id"], "mac": whole["mac"].replace("-", "")}
    return own if strip.from_dump else own | {"device_id": f"{whole['device_id']}{index:02}"}


def _clock(profile: Profile, now: Callable[[], float], *, lost: bool) -> DeviceClock:
    told = profile.replies.get("get_device_time")
    told = told if isinstance(told, dict) else {}
    region = told.get("region", profile.info.get("region", ""))
    time_diff_min = told.get("time_diff", profile.info.get("time_diff", 0))
    # The machine's clock may be set; what counts seconds in a device may not.
    ticks = time.monotonic if now is time.time else None
    return DeviceClock(now, str(region), int(time_diff_min), ticks=ticks, lost=lost)


def _load(profile: Profile, trace: str | Trace | None) -> Trace:
    if isinstance(trace, Trace):
        return trace
    if trace is not None:
        return traces.parse(trace)
    # A dimmed lamp draws a share of its trace, and a dump says what it drew dimmed.
    level = profile.info.get("brightness") if profile.from_dump else None
    return traces.constant(profile.watts * 100 / level if isinstance(level, int) and level else profile.watts)
