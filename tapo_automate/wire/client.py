"""One device, spoken to: `call(method, params)` in whatever protocol the device wants.

What is repeated, and what never is, is decided here and nowhere else:
- a session that the device has forgotten is opened anew, once, at once, for every method, since nothing was done;
- a request whose answer was lost is repeated, once, only if doing it twice is the same as doing it once;
- no call begins a second handshake in the same protocol: devices count logins, and lock when too many fail.  What was
  lost in a session that was opened for it is repeated in that session or not at all;
- nothing is repeated after wrong credentials, and this file never waits.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tapo_automate.device import Credentials
from tapo_automate.errors import (
    Busy,
    ConnectionLost,
    DeviceError,
    Garbled,
    OtherDevice,
    Refused,
    SessionLost,
    Unreachable,
    Unsupported,
)
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.batch import Batches, Call
from tapo_automate.wire.codec import normal_mac
from tapo_automate.wire.codes import LOGIN_ERROR, OTHER_PROTOCOL, Remedy, lookup, refusal
from tapo_automate.wire.exchange import Request, Response, Send, Session, Transport
from tapo_automate.wire.memory import Memory, ShortMemory
from tapo_automate.wire.methods import is_repeatable
from tapo_automate.wire.opening import Opening
from tapo_automate.wire.pace import Pace
from tapo_automate.wire.passthrough import RsaKey

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

DEAF_S = 30.0  # from a call over UDP that nobody answered to the next one
WAKING_S = 0.5  # from its answer over UDP to an open port

_SILENT = "a probe over UDP was not answered either: is it switched on, and is this still its address?"
_AWAKE = "it has answered a probe over UDP, which should wake it: try again in a minute"

_STEADY = frozenset({"component_nego"})  # what a device answers until it starts with another firmware


class Client:
    """Speaks to one device, one request at a time; safe to share between threads.

    send: carries a request out.  draw: gives n random bytes.  rsa_key: gives the key pair for old devices, when one is
    met.  credentials: None tries what a device without an account holds.  hint: the transport that this device spoke
    last time, as `transport` says it; a wrong one costs a request or two.  close: lets go of what `send` holds.
    memory: what is known of the device, and where sessions are kept.  pace: how fast it is asked; None does not wait.
    mac: whose this is to be, "48-22-54-AA-BB-CC"; "" takes whoever answers.  wake: called when the device refuses
    connections; tells it to wake up, and returns whether it has answered.

    Logins: KLAP compares hashes before it shows any, so that wrong credentials fail no login.  An old device over
    securePassthrough, of which it is not known whether it wants login version 1 or 2, is tried with both and with the
    vendor's default, three logins in all; the version that it turned out to speak is remembered, which makes it two at
    most.  A login that was refused is not tried again, see `Memory`.  After that a call logs in once at most, and
    whatever it raises says `after_login` if it did.
    """

    part = ""

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        send: Send,
        *,
        draw: Callable[[int], bytes],
        rsa_key: Callable[[], RsaKey] = RsaKey.generate,
        hint: str | None = None,
        close: Callable[[], None] = lambda: None,
        memory: Memory | None = None,
        pace: Pace | None = None,
        mac: str = "",
        wake: Callable[[], bool] | None = None,
    ) -> None:
        self.host = host
        self._send = send
        self._close = close
        self._memory = memory if memory is not None else ShortMemory()
        self._known = self._memory.known()
        self._pace = pace if pace is not None else Pace(0, ())
        self._mac = mac
        self._wake = wake
        self._deaf_until_s: float | None = None  # a device that did not hear us is not called again until then
        self._opening = Opening(
            host, credentials, self._memory,
            ask=self._carry, shake=self._carry_handshake, draw=draw, rsa_key=rsa_key, mac=mac,
        )  # fmt: skip
        if hint in list(Transport):
            self._opening.transport = Transport(hint)
        self._session: Session | None = None
        self._opened: Session | None = None  # in the call under way
        self._begun = False  # a handshake, in the call under way
        self._looked = False  # for a session that another process has kept, in the call under way
        self._in_kept = False  # whether the last request of the call went out in such a session
        self._shaken = 0  # requests of handshakes that may have reached the device
        self._steady: dict[str, dict[str, Any]] = {}  # method -> what it answered in this session
        self._held: tuple[Session, bytes, Request] | None = None  # a call that the device was too busy to read
        self._met = False  # whether the device of this session is the one that is meant
        self._batches = Batches(host, self.call, possible=self._known.batches)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Client {self.host} {self.transport or 'not yet asked'}>"

    @property
    def transport(self) -> str | None:
        """The protocol that the device speaks, as `Transport` says it, or None before an answer or a hint."""
        return None if self._opening.transport is None else self._opening.transport.value

    @property
    def has_switch(self) -> bool:
        """Whether the device has ever shown that it can be switched itself."""
        return self._known.has_switch

    @property
    def met(self) -> bool:
        """Whether the device of the session is the one that is meant, as far as a MAC says which."""
        return self._met

    @property
    def shaken(self) -> int:
        """How many requests of handshakes may have reached the device."""
        return self._shaken

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of the device's methods and return its result, {} if it has none.

        Raises Refused, Busy or Unsupported if the device says no; Unreachable or Garbled without a good answer, with
        `outcome_unknown` if it may have been carried out all the same; AuthRefused; NeedsTpap; OtherDevice before
        anything is sent to a device that is not meant; SessionLost if the device forgets a new session at once.  Each
        with `after_login` if a handshake was begun on the way.  A device that is busy is asked again, as its pace says.
        """
        plain = encode(method, params)
        repeatable = is_repeatable(method, params)
        with self._lock:
            self._opened, self._begun, self._looked = None, False, False
            if method in _STEADY:
                self._session = self._session or self._resumed()
                if self._session is not None and method in self._steady:
                    return self._steady[method]
            waits = self._pace.waits()
            while True:
                self._pace.take_turn()
                try:
                    result = self._twice(method, plain, repeatable)
                except Busy:
                    self._pace.complained()
                    wait_s = None if self._begun and self._session is None else next(waits, None)
                    if wait_s is None:
                        raise
                    self._pace.rest(wait_s)
                else:
                    self._pace.answered()
                    return result

    def _twice(self, method: str, plain: bytes, repeatable: bool) -> dict[str, Any]:
        """Return the answer to a call, which is made a second time where that may help and can do no harm.

        What went out in a session that another process had kept, and was forgotten too, does not count.
        """
        first = True
        while True:
            try:
                return self._once(method, plain, repeatable)
            except DeviceError as error:
                gone = isinstance(error, SessionLost) and not error.outcome_unknown
                stale = gone and self._in_kept
                if not (first or stale) or not self._worth_another(error, repeatable):
                    raise self._final(error, method, repeatable) from error.__cause__
                if gone and first:
                    self._memory.note_loss(self.host)  # of a good session: a new one is not worth another try
                first = first and stale
            self._session = self._session or self._opened

    def multiple(self, calls: Sequence[Call]) -> list[dict[str, Any] | DeviceError]:
        """Call several methods, in their order, and return for each its result or what came of it instead.

        calls: (method, params) each.  Reads that follow one another share requests where the device can do that; all
        else goes singly.  Raises what leaves no hope for the rest: Unreachable, AuthRefused, NeedsTpap, Busy.
        """
        with self.one_action():
            return self._batches.ask(calls)

    @contextmanager
    def one_action(self) -> Iterator[None]:
        """Make one of several calls: a DeviceError raised inside says `after_login` if any of them shook hands."""
        before = self._shaken
        try:
            yield
        except DeviceError as error:
            error.after_login |= self._shaken > before
            raise

    def close(self) -> None:
        """Let go of the connection, and of the session, which is kept where there is a memory for it."""
        with self._lock:
            session, self._session = self._session, None
            kept = session.keep() if session is not None else None
            if kept is not None:
                self._memory.give_session({**kept, "steady": self._steady, "mac": self._mac if self._met else ""})
            self._learn()
            self._close()

    def forget_refusal(self) -> None:
        """Let the next call log in, although a login was refused before: a person says that it will be taken now."""
        self._opening.whatever_was = True

    def log_in(self) -> None:
        """Open a session anew, whatever there is and was: a person says that the credentials will be taken now.

        Raises what `call` raises.
        """
        with self._lock:
            self._session = None
            self._memory.take_session()
        self.forget_refusal()
        self.call("get_device_info")

    def _once(self, method: str, plain: bytes, repeatable: bool) -> dict[str, Any]:
        session, self._session = self._session, None  # kept again once it has given a good answer
        self._in_kept = False
        if session is None and self._opened is None and not self._looked:
            self._looked = True
            session = self._resumed()
            self._in_kept = session is not None
        held, self._held = self._held, None
        request = None
        if session is not None and held is not None and held[0] is session and held[1] == plain:
            request = held[2]  # its number has not been used up, and no other text may have it
        elif session is not None:
            try:
                request = session.seal(plain)
            except SessionLost:
                session = None
        if session is None or request is None:
            session = self._open(method)
            request = session.seal(plain)
            self._pace.begun()
        response = self._carry_in(session, request if repeatable else replace(request, once=True))
        try:
            plain_answer = session.unseal(response)
        except Busy:
            self._session, self._held = session, (session, plain, request)  # asked too often, which does not end it
            raise
        answer = json_object(plain_answer)
        if answer is None:
            raise Garbled(self.host, "the answer is not JSON", outcome_unknown=True)
        return self._result(method, answer, session)

    def _resumed(self) -> Session | None:
        """Return the session that an earlier process has kept, if there is one and it is with whom is meant."""
        kept = self._memory.take_session()
        if kept is None or (self._mac and kept.get("mac") != self._mac):
            return None
        session = self._opening.resumed(kept)
        steady = kept.get("steady")
        self._steady = {
            name: result
            for name, result in (steady.items() if isinstance(steady, Mapping) else ())
            if name in _STEADY and isinstance(result, dict)
        }
        self._met = True
        return session

    def _open(self, method: str) -> Session:
        """Return a session that has just been opened, with whom is meant."""
        self._steady, self._met = {}, False
        session = self._opened = self._opening.open()
        self._memory.session_opened()
        if self._mac and method != "get_device_info":  # whose answer is looked at anyway
            self._pace.begun()
            answer = json_object(session.unseal(self._carry(session.seal(encode("get_device_info", None)))))
            if answer is None or error_code(answer):
                raise Garbled(self.host, "the device does not say who it is, so nothing more is asked of it")
            info = answer.get("result")
            self._identify(info)
            self._see_switch(info)
            self._pace.take_turn()
        self._learn()
        return session

    def _identify(self, info: object) -> None:
        """Make sure that this is the device that is meant.  Raises OtherDevice."""
        met = normal_mac(info.get("mac")) if isinstance(info, Mapping) else None
        if met != self._mac:
            self._opened = None
            raise OtherDevice(self.host, self._mac, met or "one that does not tell its MAC")
        self._met = True

    def _see_switch(self, info: object) -> None:
        has_switch = isinstance(info, Mapping) and "device_on" in info
        if has_switch != self._known.has_switch:
            self._known = replace(self._known, has_switch=has_switch)
            self._memory.learn(self._known)

    def _learn(self) -> None:
        """Remember what the device turned out to be."""
        known = replace(
            self._known,
            transport=self.transport or "",
            login_version=self._opening.login_version or 0,
            batches=self._batches.possible,
            address=self.host if self._met else self._known.address,
        )
        if known != self._known:
            self._known = known
            self._memory.learn(known)

    def _result(self, method: str, answer: Mapping[str, Any], session: Session) -> dict[str, Any]:
        code = error_code(answer)
        if code == 0:
            result = answer.get("result")
            if result is not None and not isinstance(result, dict):
                raise Garbled(
                    self.host, f"the result of {method} is not a table of names and values", outcome_unknown=True
                )
            if method == "get_device_info":
                if self._mac:
                    self._identify(result)
                self._see_switch(result)
            self._session = session
            inner = result.get("responseData") if result and method == "control_child" else None
            if isinstance(inner, Mapping) and lookup(error_code(inner)).remedy is Remedy.LATER:
                # It is the strip's one web server that wants to be left alone.
                raise refusal(self.host, method, error_code(inner))
            if method in _STEADY and result:
                self._steady[method] = result
            return result or {}
        if code == OTHER_PROTOCOL:
            self._opening.transport = None
        if code == LOGIN_ERROR:  # a token that was good before; if the credentials are wrong, the next login says so
            raise SessionLost(self.host, "the device no longer accepts the session's token (error -1501)")
        error = refusal(self.host, method, code)
        if isinstance(error, Refused | Unsupported):
            self._session = session
        raise error

    def _worth_another(self, error: DeviceError, repeatable: bool) -> bool:
        """Whether a second try, at once, may help and can do no harm."""
        forgotten = isinstance(error, SessionLost) and not error.outcome_unknown
        if self._begun and (self._opened is None or forgotten):
            return False  # it would be a second login
        match error:
            case SessionLost() | Garbled() | ConnectionLost():
                return repeatable or not error.outcome_unknown
            case Refused():
                return repeatable and lookup(error.code).remedy is Remedy.RETRY
            case _:
                return False

    def _final(self, error: DeviceError, method: str, repeatable: bool) -> DeviceError:
        """Return the error as the caller is to see it: what it means for what was asked, in words."""
        if isinstance(error, SessionLost) and error.outcome_unknown:
            error = Garbled(error.host, error.problem, outcome_unknown=True)
        elif isinstance(error, SessionLost) and self._begun:
            when = "during the login" if self._opened is None else "right after a login"
            advice = "is another program talking to it? A device keeps one session: let one of the two rest"
            error = SessionLost(error.host, f"{error.problem}, {when}; {error.remedy or advice}")
        if error.outcome_unknown or isinstance(error, ConnectionLost):
            error.problem += "; restart the device if it stays so"
            if error.outcome_unknown and not repeatable:
                error.problem += f"; whether the device has carried out {method} is unknown"
            error.args = (f"{error.host}: {error.problem}",)
        error.after_login = self._begun
        return error

    def _carry_handshake(self, request: Request) -> Response:
        """Send a request of a handshake, and remember it if it may have reached the device."""
        reached = True
        try:
            return self._carry(request)
        except DeviceError as error:
            reached = error.outcome_unknown
            raise
        finally:
            self._shaken += reached
            self._begun |= reached

    def _carry_in(self, session: Session, request: Request) -> Response:
        """Send a request of a session; one whose door has been shut since it was opened is no more."""
        try:
            return self._carry(request)
        except Unreachable as error:
            if error.shut and request.door is not None and session is not self._opened:
                raise SessionLost(
                    self.host, f"the device has shut the port {request.door.port} of its session"
                ) from None
            raise

    def _carry(self, request: Request) -> Response:
        """Send a request: anew, once, if it had closed the kept connection, or slept."""
        try:
            return self._send(request)
        except ConnectionLost as error:
            if request.once or not error.idle:
                raise
            return self._send(request)
        except Unreachable as error:
            if self._wake is None or not error.shut or request.door is not None:
                raise
            now_s = self._pace.now_s()
            if self._deaf_until_s is not None and now_s < self._deaf_until_s:
                error.problem += f"; {_SILENT}"
                error.args = (f"{error.host}: {error.problem}",)
                raise
            answered = self._wake()
            self._deaf_until_s = None if answered else self._pace.now_s() + DEAF_S
            if answered:
                self._pace.rest(WAKING_S)
            try:
                return self._send(request)
            except Unreachable as still:
                if still.shut:
                    still.problem += f"; {_AWAKE if answered else _SILENT}"
                    still.args = (f"{still.host}: {still.problem}",)
                raise


def encode(method: str, params: Mapping[str, Any] | None) -> bytes:
    """Return a method call in JSON.  Nulls are left out: devices answer -1008 to them.

    >>> encode("get_device_info", None), encode("set_device_info", {"device_on": True, "brightness": None})
    (b'{"method":"get_device_info"}', b'{"method":"set_device_info","params":{"device_on":true}}')
    """
    if params is None:
        return _encode_bare(method)
    text = _encode({"method": method, "params": dict(params)})
    if "null" in text:
        text = _encode({"method": method, "params": _without_nulls(params)})
    return text.encode("ascii")


@lru_cache(maxsize=64)
def _encode_bare(method: str) -> bytes:
    return _encode({"method": method}).encode("ascii")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(inner) for inner in value]
    return value
