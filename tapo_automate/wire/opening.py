"""Opening a session: which protocol a device speaks now, and the handshake in it.

What costs a login is done once and never again of its own accord: devices count failed logins, and lock.  A login that
was refused is remembered until the credentials change or a person says so.  KLAP needs none of that: there wrong
credentials are noticed before any are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused, ConnectionLost, DeviceError, Garbled, NeedsTpap, OtherDevice, Refused
from tapo_automate.wire import negotiate
from tapo_automate.wire.address import HTTP_PORT, parse_host
from tapo_automate.wire.codec import normal_mac
from tapo_automate.wire.codes import BAD_PARAMS
from tapo_automate.wire.exchange import Door, Response, Send, Session, Transport, drive
from tapo_automate.wire.identity import Candidate, candidates, refused_before
from tapo_automate.wire.klap import SEED_BYTES, Key, KlapSession, keys
from tapo_automate.wire.memory import Memory
from tapo_automate.wire.offer import Offer, Passcode, passcode
from tapo_automate.wire.passthrough import PassthroughSession, RsaKey, logins
from tapo_automate.wire.tpap import TpapSession


class Opening:
    """Opens sessions with one device.  ask: carries a question out; shake: a request of a handshake.

    mac: whose device it is to be, see `Client`.  transport: the protocol that worked last, tried first; None asks the
    device.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        memory: Memory,
        *,
        ask: Send,
        shake: Send,
        draw: Callable[[int], bytes],
        rsa_key: Callable[[], RsaKey],
        mac: str = "",
    ) -> None:
        self._host = host
        self._memory = memory
        self._ask = ask
        self._shake = shake
        self._draw = draw
        self._rsa_key = rsa_key
        self._mac = mac
        self._https: Door | None = None  # where the question is taken, if over HTTPS alone
        self._heard = False  # whether the question has ever been answered
        self.whatever_was = False  # a person wants a login, also if one was refused before
        self._candidates, self._keys = _identity(credentials)
        known = memory.known()
        self.login_version = known.login_version or None
        self.transport = Transport(known.transport) if known.transport in list(Transport) else None

    def resumed(self, kept: Mapping[str, Any]) -> Session | None:
        """Return the session that an earlier process kept, as its `keep` gave it, or None if it is none of ours."""
        transport = kept.get("transport")
        kind = _KINDS.get(transport) if isinstance(transport, str) else None
        session = kind.resume(self._host, kept) if kind is not None else None
        if session is not None:
            self.transport = session.transport
        return session

    def open(self) -> Session:
        """Return a session that has shaken hands, in the protocol that worked last or else in the one found out."""
        try:
            # TPAP begins with the question anyway, whose answer says what it is to be like.
            if self.transport is None or self.transport is Transport.TPAP:
                return self._detect({})
            transport = self.transport
            try:
                return self._shake_hands(transport)
            except (Garbled, NeedsTpap) as error:
                self.transport = None  # updated, or switched over in the phone app: ask it anew
                return self._detect({transport: error})
        except DeviceError as error:
            error.outcome_unknown = False  # the method itself was not sent
            raise

    def _detect(self, failures: dict[Transport, DeviceError], *, again: bool = False) -> Session:
        """Return a session in the protocol that the device names.  failures: of the protocols tried, in order.

        A device that names none, and has KLAP switched off, speaks TPAP and was at a loss: it is asked once more.
        """
        wanted = negotiate.read_answer(self._host, self._told())
        for transport in wanted.transports:
            if transport in failures:
                continue
            try:
                session = self._shake_hands(transport, wanted.offer)
            except (Garbled, NeedsTpap) as error:
                failures[transport] = error
            else:
                self.transport = transport
                return session
        if wanted.guessed and isinstance(failures.get(Transport.KLAP), NeedsTpap) and not again:
            return self._detect(failures, again=True)
        self.transport = None
        raise next(iter(failures.values()))

    def _told(self) -> Response:
        """Return the answer to the question.

        Discovery names the port of a device with HTTPS, and says nothing of another: where a port that somebody named
        does not take the question in the open, it is asked over HTTPS.
        """
        port = parse_host(self._host)[1]
        try:
            answer = self._ask(replace(negotiate.QUESTION, door=self._https))
        except (ConnectionLost, Garbled) as error:
            if self._heard or port == HTTP_PORT:
                raise
            https = Door(port, tls=True)
            try:
                answer = self._ask(replace(negotiate.QUESTION, door=https))
            except DeviceError:
                raise error from None
            self._https = https
        self._heard = True
        return answer

    def _shake_hands(self, transport: Transport, offer: Offer | None = None) -> Session:
        match transport:
            case Transport.KLAP:
                klap = KlapSession(self._host, self._keys, self._draw(SEED_BYTES))
                drive(klap.handshake(), self._shake)
                return klap
            case Transport.AES:
                return self._log_in("", self._passthrough)  # it does not say who it is before it is logged in to
            case Transport.TPAP:
                assert offer is not None, "TPAP without an answer to the question"
                met = normal_mac(offer.mac) or ""
                if self._mac and met not in ("", self._mac):  # another one is not to count a login that fails
                    raise OtherDevice(self._host, self._mac, met)
                secret = passcode(self._host, offer, self._candidates)
                return self._log_in(met, lambda: self._tpap(offer, secret))

    def _tpap(self, offer: Offer, secret: Passcode) -> Session:
        session = TpapSession(self._host, offer, secret, self._draw)
        drive(session.handshake(), self._shake)
        return session

    def _passthrough(self) -> Session:
        session = PassthroughSession(self._host, logins(self._candidates, self.login_version), self._rsa_key())
        try:
            drive(session.handshake(), self._shake)
        except Refused as error:
            if error.code != BAD_PARAMS or self.login_version is None:
                raise
            self.login_version = None  # its firmware has changed
            return self._passthrough()
        finally:
            self.login_version = session.login_version or self.login_version
        return session

    def _log_in(self, mac: str, attempt: Callable[[], Session]) -> Session:
        """Return what an attempt opens, unless one has failed before; remember it if this one does."""
        mac = mac or (self._host if self._mac else "")  # who refuses us may not be the one that is meant
        before = self._memory.refusal(mac)
        if before is not None and not self.whatever_was:
            raise AuthRefused(
                self._host,
                refused_before(before),
                remaining=before.remaining,
                locked_min=before.locked_min,
                impostor=before.impostor,
            )
        try:
            session = attempt()
        except AuthRefused as error:
            if not error.locked:  # whoever failed there, it need not have been us
                self.whatever_was = False
                self._memory.note_refusal(mac, error)
            raise
        if before is not None:
            self._memory.forget_refusal(mac)
        return session


_KINDS: Mapping[object, type[KlapSession] | type[PassthroughSession] | type[TpapSession]] = {
    kind.transport: kind for kind in (KlapSession, PassthroughSession, TpapSession)
}


@lru_cache(maxsize=8)  # a house has one account and many devices
def _identity(credentials: Credentials | None) -> tuple[tuple[Candidate, ...], tuple[Key, ...]]:
    found = candidates(credentials)
    return found, keys(found)
