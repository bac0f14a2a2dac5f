"""What every way of speaking to one device shares: its credentials, its faults, its counters, its log, its methods."""

import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import RLock
from typing import Any

from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.credentials import VENDOR_DEFAULT, Credentials
from tapo_automate.simulator.faults import HANDSHAKE, REQUEST, Faults
from tapo_automate.simulator.light import STATE_KEYS
from tapo_automate.simulator.methods import carry_out
from tapo_automate.simulator.misreading import METERED, Misreading
from tapo_automate.simulator.presence import NAP_S, Presence
from tapo_automate.simulator.records import Call, LoginAttempt
from tapo_automate.simulator.refusal import (
    BATCH_FAILED,
    BUSY,
    JSON_DECODE,
    PARAMS,
    REQUEST_LENGTH,
    Refused,
)

SESSION_S = 86_400
REQUEST_LIMIT_BYTES = 8 * 1024
_REFUSALS_KEPT = 1000
_WHOLE_BELOW = 2.0**53  # above it a float knows no neighbours

# The vendor's app never puts these into a batch.  Source: docs/protocol.md, "multipleRequest".
NEVER_BATCHED = frozenset(
    {
        "multipleRequest",
        "device_reset",
        "device_reboot",
        "fw_download",
        "login_device",
        "set_qs_info",
        "set_wireless_info",
        "get_schedule_rules",
    }
)
_SECRET = frozenset({"set_wireless_info", "set_qs_info", "login_device"})


@dataclass(slots=True)
class Counters:
    """handshakes and logins count the attempts; sessions those that succeeded."""

    connections: int = 0
    requests: int = 0
    probes: int = 0
    handshakes: int = 0
    logins: int = 0
    sessions: int = 0


@dataclass
class Core:
    """One device without its wire.  lock is held by whoever reads or changes anything in it.

    peer: the address of the client that is being answered.  hears_probes: whether a probe can reach and wake it.
    """

    appliance: Appliance
    owner: Credentials
    faults: Faults
    keep_calls: int
    entropy: Callable[[int], bytes] = secrets.token_bytes
    hears_probes: bool = False
    lock: RLock = field(default_factory=RLock)
    counters: Counters = field(default_factory=Counters)
    peer: str = ""

    def __post_init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=self.keep_calls)
        self.attempts: deque[LoginAttempt] = deque(maxlen=self.keep_calls)
        self._misreadings: defaultdict[int, Misreading] = defaultdict(Misreading)
        self.appliance.home.bind = self.bind
        self.set_faults(self.faults)
        self.refusals: deque[str] = deque(maxlen=_REFUSALS_KEPT)

    def bind(self, account: Credentials) -> None:
        """Belong to this account; sessions that are open stay open."""
        self.owner = account

    def monotonic(self) -> float:
        """Return real seconds: sessions live by them, whatever the device's own clock does."""
        return time.monotonic()

    def credentials(self) -> Credentials:
        """Return what the device holds for this handshake."""
        return VENDOR_DEFAULT if self.faults.strikes("defaults", HANDSHAKE) else self.owner

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)

    def attempted(self, step: str, granted: bool) -> None:
        """Write down a step of a login."""
        clock = self.appliance.clock
        self.attempts.append(
            LoginAttempt(clock.time(), clock.truth(), time.monotonic(), step, granted=granted, peer=self.peer)
        )

    def set_faults(self, faults: Faults) -> None:
        """Put faults in the place of those there were; their seconds count from now."""
        self.faults = faults
        self.appliance.settle()
        nap = self.appliance.presence.nap
        self.appliance.attend(Presence(self.appliance.elapsed_s, faults.offline, faults.reboots, self._sleeps_s(), nap))
        self.appliance.presence = replace(self.appliance.presence, adrift=not self.appliance.home.joined)
        if faults.asleep is not None:
            self.appliance.power_returns(self.appliance.elapsed_s, faults.asleep)

    def power_returns(self, *, asleep: bool | None) -> None:
        """Be back after a power cut, asleep or not; None: as its faults and its firmware have it."""
        appliance = self.appliance
        appliance.presence = replace(appliance.presence, sleeps_s=self._sleeps_s())
        span_s = appliance.presence.sleeps_s
        if asleep is not None:
            span_s = (span_s or NAP_S) if asleep else None
        appliance.power_returns(appliance.elapsed_s, span_s)

    def _sleeps_s(self) -> tuple[float, float] | None:
        """Return for how long it sleeps after a power cut; firmware that sleeps does so where a probe can wake it."""
        if self.faults.asleep is not None:
            return self.faults.asleep
        return NAP_S if self.hears_probes and self.appliance.profile.sleeps else None

    def execute(self, message: bytes) -> dict[str, Any]:
        """Carry out one JSON request and return the JSON reply."""
        if len(message) > REQUEST_LIMIT_BYTES:
            return self._error(REQUEST_LENGTH, f"request of {len(message)} bytes")
        request = decode(message)
        if request is None:
            return self._error(JSON_DECODE, "malformed JSON")
        method = request.get("method")
        if not isinstance(method, str):
            return self._error(PARAMS, "no method")
        if self.faults.strikes("busy", REQUEST):
            return self._done(method, request, BUSY)
        if method == "multipleRequest":
            return self._batch(request)
        return self._single(request, method)

    def _single(self, request: dict[str, Any], method: str, *, batched: bool = False) -> dict[str, Any]:
        try:
            result = self._perform(self.appliance, method, request.get("params", {}))
        except Refused as refusal:
            self.refused(f"{method}: {refusal.code}")
            return self._done(method, request, refusal.code, batched=batched)
        reply = self._done(method, request, 0, batched=batched)
        if result is not None:
            reply["result"] = result
        return reply

    def _perform(self, appliance: Appliance, method: str, params: Any) -> Any:
        """Carry method out on a device or a socket of it, and return its result; if a fault says so, late, or not.

        Raises Refused.
        """
        faults = self.faults
        self.appliance.settle()
        if method == "control_child" and appliance.children:
            return {"responseData": self._in_child(params)}
        if method.startswith("get_") or method.endswith("component_nego"):
            result = carry_out(appliance, method, params)
            if method not in METERED or not isinstance(result, dict):
                return result
            return self._misreadings[id(appliance)].bend(method, result, faults)
        who = f"{method} from {self.peer}"
        if faults.strikes("ignore", REQUEST):
            return carry_out(appliance.twin(), method, params)
        if lag_s := faults.seconds("lag", REQUEST):
            result = carry_out(appliance.twin(), method, params)
            appliance.later(lag_s, partial(self._do, appliance, method, params, f"{who}, late"))
            return result
        return self._carry(appliance, method, params, who)

    def _carry(self, appliance: Appliance, method: str, params: Any, who: str) -> Any:
        with appliance.recording("call", who):
            result = carry_out(appliance, method, params)
        if reaches_flash(method, params):
            appliance.wrote(method, f"call from {self.peer}")
        return result

    def _do(self, appliance: Appliance, method: str, params: Any, who: str) -> None:
        """Carry out what was accepted some time ago; what became of the device meanwhile may forbid it."""
        with suppress(Refused):
            self._carry(appliance, method, params, who)

    def _in_child(self, params: Any) -> dict[str, Any]:
        """Return a socket's answer to what control_child brings it.  Raises Refused where no socket is meant."""
        wish = params if isinstance(params, dict) else {}
        child = next((one for one in self.appliance.children if one.info["device_id"] == wish.get("device_id")), None)
        request: Any = wish.get("requestData")
        if child is None or not _is_request(request):
            raise Refused(PARAMS)
        if request["method"] != "multipleRequest":
            return self._answer_of(child, request)
        inner = request.get("params")
        rows = inner.get("requests") if isinstance(inner, dict) else None
        if not isinstance(rows, list) or not rows or not all(map(_is_request, rows)):
            return {"error_code": PARAMS}
        if any(row["method"] in NEVER_BATCHED for row in rows):
            return {"error_code": BATCH_FAILED}
        if len(rows) > self.appliance.profile.batch_limit:
            return {"error_code": self.appliance.profile.batch_too_big}
        return {"error_code": 0, "result": {"responses": self._responses(rows, partial(self._answer_of, child))}}

    def _answer_of(self, child: Appliance, request: dict[str, Any]) -> dict[str, Any]:
        method = request["method"]
        try:
            result = self._perform(child, method, request.get("params", {}))
        except Refused as refusal:
            self.refused(f"{method} of {child.info['device_id']}: {refusal.code}")
            return {"error_code": refusal.code}
        return {"error_code": 0} | ({} if result is None else {"result": result})

    def _responses(
        self, rows: list[dict[str, Any]], answer: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        stops = self.appliance.profile.batch_stops or self.faults.strikes("batch-stops", REQUEST)
        responses = []
        for row in rows:
            # A later method of the batch must not change what an earlier one has answered.
            reply = json.loads(json.dumps(answer(row)))
            responses.append({"method": row["method"]} | reply)
            if stops and reply["error_code"]:
                break
        return responses

    def _batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        name = "multipleRequest"
        params = batch.get("params")
        requests = params.get("requests") if isinstance(params, dict) else None
        if not isinstance(requests, list) or not requests or not all(map(_is_request, requests)):
            return self._done(name, batch, PARAMS)
        profile = self.appliance.profile
        if self.faults.strikes("no-batch", REQUEST) or any(row["method"] in NEVER_BATCHED for row in requests):
            return self._done(name, batch, BATCH_FAILED)
        if len(requests) > profile.batch_limit:
            return self._done(name, batch, profile.batch_too_big)
        responses = self._responses(requests, lambda row: self._single(row, row["method"], batched=True))
        return self._done(name, batch, 0) | {"result": {"responses": responses}}

    def _done(self, method: str, request: dict[str, Any], code: int, *, batched: bool = False) -> dict[str, Any]:
        if self.keep_calls:
            params = {} if method in _SECRET else request.get("params", {})
            at = self.appliance.clock.time()
            self.calls.append(Call(at, time.monotonic(), method, params, code, batched))
        return {"error_code": code}

    def _error(self, code: int, reason: str) -> dict[str, Any]:
        self.refused(f"{reason}: {code}")
        return {"error_code": code}


def reaches_flash(method: str, params: Any) -> bool:
    """Whether what this method sets is stored for good; the relay and the light are not counted."""
    if method == "set_device_info":
        return isinstance(params, dict) and not params.keys() <= set(STATE_KEYS)
    return method.startswith(("add_", "edit_", "remove_", "set_"))


def decode(message: bytes) -> dict[str, Any] | None:
    """Return the JSON object, None for anything else; NaN and Infinity are not JSON.

    What follows the object is not looked at, as with real devices: ioBroker's and Homebridge's adapters end their login
    with a semicolon.
    """
    try:
        value, _ = _decode(message.decode("utf-8").lstrip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encode(reply: dict[str, Any]) -> bytes:
    return _encode(reply).encode()


def _reject(constant: str) -> None:
    raise ValueError(constant)


def _number(text: str) -> int | float:
    """Return what a device makes of a number with a point: 7.0 is 7 to it."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _WHOLE_BELOW else value


# Made once: the functions of the module make them anew for every call.
_decode = json.JSONDecoder(parse_constant=_reject, parse_float=_number).raw_decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


def _is_request(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("method"), str)
