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
    ConnectionLost,
    DeviceError,
    Garbled,
    NeedsTpap,
    Refused,
    SessionLost,
    Unsupported,
)
from tapo_automate.wire import negotiate
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.batch import Batches, Call
from tapo_automate.wire.codes import BAD_PARAMS, LOGIN_ERROR, OTHER_PROTOCOL, Remedy, lookup, refusal
from tapo_automate.wire.exchange import Request, Response, Send, Session, Transport, drive
from tapo_automate.wire.identity import Candidate, candidates
from tapo_automate.wire.klap import Key, KlapSession, keys
from tapo_automate.wire.methods import is_repeatable
from tapo_automate.wire.passthrough import PassthroughSession, RsaKey, logins

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Client:
    """Speaks to one device, one request at a time; safe to share between threads.

    send: carries a request out.  seed: gives 16 random bytes.  rsa_key: gives the key pair for old devices, when one is
    met.  credentials: None tries what a device without an account holds.  hint: the transport that this device spoke
    last time, as `transport` says it; a wrong one costs a request or two.  close: lets go of what `send` holds.

    Logins: KLAP compares hashes before it shows any, so that wrong credentials fail no login.  An old device over
    securePassthrough, of which it is not known whether it wants login version 1 or 2, is tried with both and with the
    vendor's default, three logins in all; the version that it turned out to speak is remembered, which makes it two at
    most.  After that a call logs in once at most, and whatever it raises says `after_login` if it did.
    """

    part = ""

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        send: Send,
        *,
        seed: Callable[[], bytes],
        rsa_key: Callable[[], RsaKey] = RsaKey.generate,
        hint: str | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.host = host
        self._send = send
        self._close = close
        self._seed = seed
        self._rsa_key = rsa_key
        self._candidates, self._keys = _identity(credentials)
        self._login_version: int | None = None
        self._transport = Transport(hint) if hint in (Transport.KLAP, Transport.AES) else None
        self._session: Session | None = None
        self._opened: Session | None = None  # in the call under way
        self._begun = False  # a handshake, in the call under way
        self._shaken = 0  # requests of handshakes that may have reached the device
        self._batches = Batches(host, self.call)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Client {self.host} {self._transport or 'not yet asked'}>"

    @property
    def transport(self) -> str | None:
        """The protocol that the device speaks, "klap" or "aes", or None before the first answer without a hint."""
        return None if self._transport is None else self._transport.value

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of the device's methods and return its result, {} if it has none.

        Raises Refused, Busy or Unsupported if the device says no; Unreachable or Garbled without a good answer, with
        `outcome_unknown` if it may have been carried out all the same; AuthRefused; NeedsTpap; SessionLost if the
        device forgets a new session at once.  Each with `after_login` if a handshake was begun on the way.
        """
        plain = encode(method, params)
        repeatable = is_repeatable(method, params)
        with self._lock:
            self._opened, self._begun = None, False
            try:
                return self._once(method, plain, repeatable)
            except DeviceError as error:
                if not self._worth_another(error, repeatable):
                    raise self._final(error, method, repeatable) from error.__cause__
            self._session = self._session or self._opened
            try:
                return self._once(method, plain, repeatable)
            except DeviceError as error:
                raise self._final(error, method, repeatable) from error.__cause__

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
        """Forget the session and let go of the connection; the next call opens both anew."""
        with self._lock:
            self._session = None
            self._close()

    def _once(self, method: str, plain: bytes, repeatable: bool) -> dict[str, Any]:
        session, self._session = self._session, None  # kept again once it has given a good answer
        request = None
        if session is not None:
            try:
                request = session.seal(plain)
            except SessionLost:
                session = None
        if session is None or request is None:
            session = self._opened = self._open()
            request = session.seal(plain)
        response = self._carry(request) if repeatable else self._send(replace(request, once=True))
        answer = json_object(session.unseal(response))
        if answer is None:
            raise Garbled(self.host, "the answer is not JSON", outcome_unknown=True)
        return self._result(method, answer, session)

    def _result(self, method: str, answer: Mapping[str, Any], session: Session) -> dict[str, Any]:
        code = error_code(answer)
        if code == 0:
            result = answer.get("result")
            if result is not None and not isinstance(result, dict):
                raise Garbled(
                    self.host, f"the result of {method} is not a table of names and values", outcome_unknown=True
                )
            self._session = session
            return result or {}
        if code == OTHER_PROTOCOL:
            self._transport = None
        if code == LOGIN_ERROR:  # a token that was good before; if the credentials are wrong, the next login says so
            raise SessionLost(self.host, "the device no longer accepts the session's token (error -1501)")
        error = refusal(self.host, method, code)
        if isinstance(error, Refused | Unsupported):
            self._session = session
        raise error

    def _open(self) -> Session:
        """Return a session that has shaken hands, in the protocol that worked last or else in the one found out."""
        try:
            if self._transport is None:
                return self._detect({})
            transport = self._transport
            try:
                return self._shake_hands(transport)
            except (Garbled, NeedsTpap) as error:
                self._transport = None  # updated, or switched over in the phone app: ask it anew
                return self._detect({transport: error})
        except DeviceError as error:
            error.outcome_unknown = False  # the method itself was not sent
            raise

    def _detect(self, failures: dict[Transport, DeviceError]) -> Session:
        """Return a session in the protocol that the device names.  failures: of the protocols tried, in order."""
        for transport in negotiate.read_answer(self.host, self._carry(negotiate.QUESTION)):
            if transport in failures:
                continue
            try:
                session = self._shake_hands(transport)
            except (Garbled, NeedsTpap) as error:
                failures[transport] = error
            else:
                self._transport = transport
                return session
        raise next(iter(failures.values()))

    def _shake_hands(self, transport: Transport) -> Session:
        match transport:
            case Transport.KLAP:
                klap = KlapSession(self.host, self._keys, self._seed())
                drive(klap.handshake(), self._carry_handshake)
                return klap
            case Transport.AES:
                ways = logins(self._candidates, self._login_version)
                passthrough = PassthroughSession(self.host, ways, self._rsa_key())
                try:
                    drive(passthrough.handshake(), self._carry_handshake)
                except Refused as error:
                    if error.code != BAD_PARAMS or self._login_version is None:
                        raise
                    self._login_version = None  # its firmware has changed
                    return self._shake_hands(transport)
                finally:
                    self._login_version = passthrough.login_version or self._login_version
                return passthrough
            case Transport.TPAP:
                raise NeedsTpap(self.host)

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
        elif isinstance(error, SessionLost) and self._opened is not None:
            advice = "is another program talking to it? A device keeps one session"
            error = SessionLost(error.host, f"{error.problem}, right after a login; {advice}")
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

    def _carry(self, request: Request) -> Response:
        """Send what may be sent twice: anew, once, if the device had closed the kept connection meanwhile."""
        try:
            return self._send(request)
        except ConnectionLost as error:
            if not error.idle:
                raise
            return self._send(request)


@lru_cache(maxsize=8)  # a house has one account and many devices
def _identity(credentials: Credentials | None) -> tuple[tuple[Candidate, ...], tuple[Key, ...]]:
    found = candidates(credentials)
    return found, keys(found)


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
