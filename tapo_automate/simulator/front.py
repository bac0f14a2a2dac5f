"""The face of a device on HTTP: which door a request goes to, what an unencrypted probe hears, which faults strike.

Source: docs/protocol.md, "Protocol detection over HTTP".
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tapo_automate.simulator.core import Core, decode, encode
from tapo_automate.simulator.credentials import VENDOR_DEFAULT
from tapo_automate.simulator.faults import ANY, HANDSHAKE, PROBE
from tapo_automate.simulator.http_server import CUT, JSON, SILENCE, STOCK, Reply, Request
from tapo_automate.simulator.klap import LOGIN_STEPS, KlapDoor
from tapo_automate.simulator.lockout import Lockout
from tapo_automate.simulator.offer import Tpap
from tapo_automate.simulator.passthrough import PassthroughDoor
from tapo_automate.simulator.refusal import COMMON_FAILED, JSON_DECODE, LOCKED, OTHER_PROTOCOL
from tapo_automate.simulator.tpap import TpapDoor

_KLAP_PATHS = (*LOGIN_STEPS, "/app/request")
_STATUS_FAULTS = ("401", "403", "429", "500")
_USUAL = Tpap()


class Front:
    """Answers the requests of one device; the generation can change while it runs.

    port, https_port: where it listens, 0 for no TLS.  changed: is called after it has begun to speak something else.
    """

    def __init__(self, core: Core, transport: str, *, tpap_aware: bool, tpap: Tpap = _USUAL, port: int = 80) -> None:
        self.core = core
        self.tpap = tpap
        self.port = port
        self.https_port = 0
        self.changed: Callable[[], None] = lambda: None
        self._lockout = Lockout(tpap)
        self._starts = core.appliance.starts
        self.become(transport, tpap_aware=tpap_aware)

    def become(self, transport: str, *, tpap_aware: bool) -> None:
        """Speak transport from now on; whatever session there was is gone."""
        self.transport = transport
        self.tpap_aware = tpap_aware or transport == "tpap"
        self._door: KlapDoor | PassthroughDoor | TpapDoor
        match transport:
            case "klap":
                self._door = KlapDoor(self.core, 2)
            case "klap-v1":
                self._door = KlapDoor(self.core, 1)
            case "aes":
                self._door = PassthroughDoor(self.core, 2)
            case "aes-v1":
                self._door = PassthroughDoor(self.core, 1)
            case _:
                self._door = TpapDoor(self.core, self.tpap, self._lockout, lambda: self.login_port)
        self.changed()

    @property
    def wants_tls(self) -> bool:
        """Whether the door with TLS is to be open now."""
        return self.transport == "tpap" and self.tpap.tls > 0

    @property
    def login_port(self) -> int:
        """The port behind which it takes logins."""
        return self.https_port if self.wants_tls else self.port

    def end_session(self) -> None:
        self._door.end_session()

    def answer(self, request: Request) -> Reply:
        """Return what the device answers; it never fails."""
        core = self.core
        with core.lock:
            core.counters.requests += 1
            core.peer = request.peer
            if self.started_again() or core.appliance.presence.is_away(core.appliance.elapsed_s):
                return CUT
            reply = self._with_faults(request) if core.faults else self._serve(request)
            if core.appliance.restart_wanted:
                self._obey()
            return reply

    def started_again(self) -> bool:
        """Whether the device has rebooted by itself since this was last asked; then its session is gone."""
        appliance = self.core.appliance
        if appliance.late or not appliance.presence.is_constant:
            appliance.settle()
        if appliance.starts == self._starts:
            return False
        self._starts = appliance.starts
        self.end_session()
        return True

    def restart(self) -> None:
        """Lose the session and whatever else is not stored."""
        appliance = self.core.appliance
        appliance.settle()
        appliance.lose_power()
        self._starts = appliance.starts
        self.end_session()

    def misframed(self, path: str, reason: str) -> Reply:
        """Return what the device answers to a request that it cannot read."""
        with self.core.lock:
            aes = isinstance(self._door, PassthroughDoor) and path == "/app"
            status = 500 if aes and reason in ("no Content-Length", "chunked body") else 200
            self.core.refused(f"{reason}: {'HTTP 500' if status == 500 else 'stock page'}")
            return Reply(500) if status == 500 else STOCK

    def _obey(self) -> None:
        """Start again, as a command has just asked for."""
        appliance = self.core.appliance
        if appliance.reset_wanted:
            self.core.owner = VENDOR_DEFAULT
            appliance.reset()
        appliance.restart_wanted = appliance.reset_wanted = False
        self.restart()

    def _with_faults(self, request: Request) -> Reply:
        faults = self.core.faults
        stage = self._stage(request)
        struck = self._struck(stage)
        if struck is not None:
            self._note_login(self._login_step(request), granted=False)
            return struck
        reply = self._serve(request)
        if faults.strikes("drop-after", stage):
            return CUT
        if faults.strikes("garbage", stage):
            reply = replace(reply, body=faults.noise(max(1, len(reply.body))))
        return replace(reply, delay_s=faults.seconds("slow", stage), close=faults.strikes("close", stage))

    def _struck(self, stage: str) -> Reply | None:
        """Return what goes back without anything being executed, None when no such fault strikes."""
        faults = self.core.faults
        if faults.strikes("freeze", stage):
            return SILENCE
        if faults.strikes("drop", stage):
            return CUT
        if faults.strikes("expire", stage):
            self.end_session()
        for status in _STATUS_FAULTS:
            if faults.strikes(status, stage):
                return Reply(int(status))
        return STOCK if faults.strikes("html", stage) else None

    def _stage(self, request: Request) -> str:
        if request.path == "/" and not isinstance(self._door, TpapDoor):
            return PROBE
        return self._door.stage(request)

    def _serve(self, request: Request) -> Reply:
        sessions, step = self.core.counters.sessions, self._login_step(request)
        reply = self._route(request)
        # A first step is answered with a cookie, or says so; a last one opens the session.
        granted = reply.granted or reply.cookie is not None or self.core.counters.sessions > sessions
        self._note_login(step, granted=granted)
        return reply

    def _login_step(self, request: Request) -> str | None:
        step = self._door.login_step(request)
        if self.transport == "tpap":  # a client that takes it for one that speaks KLAP knocks in vain
            step = step or LOGIN_STEPS.get(request.path)
        return step

    def _note_login(self, step: str | None, *, granted: bool) -> None:
        if step is not None:
            self.core.attempted(step, granted)

    def _route(self, request: Request) -> Reply:
        if request.path == "/" and not isinstance(self._door, TpapDoor):
            return self._probe(request)
        reply = self._door.answer(request)
        if reply is not None:
            return reply
        if self.transport == "tpap" and request.path in _KLAP_PATHS:  # third-party compatibility is off
            self.core.refused(f"{request.path} while only TPAP is spoken: HTTP 403")
            return Reply(403)
        if request.path == "/app":
            return self._other_protocol(request)
        self.core.refused(f"path {request.path[:40]}: stock page")
        return STOCK

    def _probe(self, request: Request) -> Reply:
        """Answer an unencrypted request on /; the oldest firmware has nothing there."""
        if self.transport == "aes-v1":
            return STOCK
        message = decode(request.body)
        if message is None:
            return _plain({"error_code": JSON_DECODE})
        params = message.get("params")
        discover = (
            message.get("method") == "login" and isinstance(params, dict) and params.get("sub_method") == "discover"
        )
        if discover and self.core.faults.strikes("locked", HANDSHAKE):
            return _plain({"error_code": LOCKED})
        if self.transport == "aes":
            return _plain({"error_code": COMMON_FAILED})
        if discover and self.tpap_aware:
            return _plain({"error_code": 0, "result": {"sub_method": "discover", "tpap_preferred": False}})
        if discover:
            return _plain({"error_code": OTHER_PROTOCOL})
        return self._other_protocol(request)

    def _other_protocol(self, request: Request) -> Reply:
        self.core.refused(f"unencrypted request on {request.path}: {OTHER_PROTOCOL}")
        if self.core.faults.strikes("plain-401", ANY):
            return Reply(401)
        return _plain({"error_code": OTHER_PROTOCOL})


def _plain(reply: dict[str, Any]) -> Reply:
    return Reply(body=encode(reply), kind=JSON)
