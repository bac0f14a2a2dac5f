"""What one device tells those who look for it, and what it does when it is looked for."""

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Any

from tapo_automate.simulator import neighbours
from tapo_automate.simulator.announce import Probe, announcing, reply
from tapo_automate.simulator.core import Core
from tapo_automate.simulator.credentials import VENDOR_DEFAULT
from tapo_automate.simulator.doorkeeper import Doorkeeper
from tapo_automate.simulator.faults import DISCOVERY, Faults
from tapo_automate.simulator.front import Front
from tapo_automate.simulator.profiles import encryption_scheme
from tapo_automate.simulator.udp import Answer, Ear

WAKING_S = 0.3  # real seconds from a probe until connections are accepted; a made-up number


class Herald:
    """Answers the probes of one device; everything but the announcement runs in the loop's thread.

    host: the device's address.  ear: where it hears probes, None for nowhere.  own_ear: whether that is to be at host.
    changes: what it announces instead of what it is; None leaves a key out.
    """

    def __init__(
        self, core: Core, front: Front, doorkeeper: Doorkeeper, host: str, ear: Ear | None, *, own_ear: bool
    ) -> None:
        self._core = core
        self._front = front
        self._doorkeeper = doorkeeper
        self.host = host
        self.ear = ear
        self.own_ear = own_ear
        self.changes: dict[str, Any] = {}

    def announcement(self) -> dict[str, Any]:
        """Return the result object of an answer, as the device is now."""
        core, front = self._core, self._front
        with core.lock:
            core.appliance.settle()
            info, profile = core.appliance.info, core.appliance.profile
            spoken = front.transport == "tpap"
            bound = core.owner != VENDOR_DEFAULT and not (spoken and front.tpap.pake == 0)
            told = {"device_type": info.get("type", ""), "device_model": profile.model} | dict(profile.announcement)
            told |= {
                "device_id": hashlib.md5(str(info.get("device_id", "")).encode()).hexdigest(),
                "owner": hashlib.md5(core.owner.username.encode()).hexdigest().upper() if bound else "",
                "ip": self.host,
                "mac": str(info.get("mac", "")),
                "factory_default": not bound,
                "mgt_encrypt_schm": encryption_scheme(front.transport, front.login_port, https=front.wants_tls),
            }
            if front.tpap_aware:
                told |= {"protocol_version": 1, "tpap_preferred": spoken}
            if spoken:
                told["tpap"] = front.tpap.announced(front.login_port)
            told |= self.changes
            return {key: value for key, value in told.items() if value is not None}

    def answers(self, probe: Probe) -> Iterator[Answer]:
        """Yield what goes back, in order; a device that sleeps wakes."""
        core = self._core
        with core.lock:
            core.appliance.settle()
            presence, elapsed_s = core.appliance.presence, core.appliance.elapsed_s
            if presence.is_gone(elapsed_s) or core.faults.strikes("probe-lost", DISCOVERY):
                return
            core.counters.probes += 1
            if presence.is_asleep(elapsed_s):
                asyncio.get_running_loop().call_later(WAKING_S, self._wake, core.appliance.starts)
            if core.faults.strikes("answer-lost", DISCOVERY):
                return
            for body in _beside(core.faults, probe):
                yield Answer(reply(probe.serial, body))
            yield from self._own(probe)

    def passes_over(self, reason: str) -> None:
        with self._core.lock:
            if not self._core.appliance.presence.is_gone(self._core.appliance.elapsed_s):
                self._core.refused(reason)

    def _own(self, probe: Probe) -> Iterator[Answer]:
        faults = self._core.faults
        body = announcing(self.announcement())
        datagram = reply(probe.serial, body)
        if faults.strikes("answer-garbage", DISCOVERY):
            datagram = faults.noise(len(datagram))
        elif faults.strikes("answer-cut", DISCOVERY):
            datagram = reply(probe.serial, body[: len(body) // 2])
        answer = Answer(datagram, faults.seconds("answer-late", DISCOVERY))
        yield answer
        if faults.strikes("answer-twice", DISCOVERY):
            yield answer

    def _wake(self, starts: int) -> None:
        """Accept connections, unless the power was cut again since the probe came."""
        with self._core.lock:
            appliance = self._core.appliance
            if appliance.starts != starts:
                return
            appliance.presence = appliance.presence.awake()
        self._doorkeeper.look_again()


def _beside(faults: Faults, probe: Probe) -> Iterator[bytes]:
    if faults.strikes("router-beside", DISCOVERY):
        yield from neighbours.router()
    if faults.strikes("camera-beside", DISCOVERY):
        yield from neighbours.camera(probe.rsa_key)
    if faults.strikes("others-beside", DISCOVERY):
        yield from neighbours.others()
