"""What is remembered of devices, in files of the state folder: how each is spoken to, sessions, logins that failed.

    devices/<digest of its MAC or address>.json    one device; its session is encrypted
    devices/refusals.json                          logins that devices refused, until somebody says otherwise
    devices/logins.json                            when a person last had a device log in, for the daemon
    devices/key                                    what the sessions are encrypted with

Only the user can read them.  Whatever goes wrong here costs a handshake and is told in the log, once; it never keeps a
command from being carried out.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused, ConfigError
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.memory import Known, RefusedBefore
from tapo_automate.wire.vault import Vault

FOLDER = "devices"
OFTEN, SOON = 3, dt.timedelta(minutes=5)  # so many sessions lost within so long: somebody takes them away
QUIET = dt.timedelta(hours=6)  # for how long that has been said
LIFE = dt.timedelta(hours=23, minutes=40)  # devices say a day
DOUBT = dt.timedelta(days=7)  # for how long a device that takes no batches is not given one: firmware changes

TAKEN_TEXT = f"its session was taken away {OFTEN} times within {SOON.seconds // 60} min"
LET_REST_TEXT = (
    "Another program talks to the device and logs in each time, and a device keeps one session: let one of the two "
    "rest, or ask less often"
)

log = logging.getLogger(__name__)


class DeviceMemory:
    """Gives a `Memory` for each device.  folder: of the state.  now: the time, aware.  sessions: keep them."""

    def __init__(self, folder: Path, now: Callable[[], dt.datetime], *, sessions: bool = True) -> None:
        self.folder = folder / FOLDER
        self.now = now
        self.sessions = sessions
        self.unwritten: dict[tuple[str, Credentials | None], RefusedBefore] = {}  # refusals, where no file takes them
        self._vault: Vault | None = None
        self._complained = False

    def of(self, key: str, credentials: Credentials | None) -> FileMemory:
        """Return what is remembered of one device.  key: its MAC, or its address as it is written in the rules."""
        return FileMemory(self, key, credentials)

    def note_login(self, place: str) -> None:
        """Remember that a person has had a device log in.  place: its address, or its MAC, as the rules have it."""
        try:
            with self.alone():
                words = read(self.folder / "logins.json")
                write(self.folder / "logins.json", json.dumps({**words, place: self.now().isoformat()}).encode())
        except OSError as problem:
            self.complain(problem)

    def last_login(self, place: str) -> str:
        """Return what tells the last login of `note_login` from those before, "" where there was none."""
        stamp = read(self.folder / "logins.json").get(place)
        return stamp if isinstance(stamp, str) else ""

    def vault(self) -> Vault:
        """Return what hides sessions, with a key that is made when it is needed first.  Raises OSError."""
        if self._vault is None:
            path = self.folder / "key"
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.alone():
                try:
                    self._vault = Vault(path.read_bytes())
                except (FileNotFoundError, ValueError):
                    key = Vault.new_key()
                    write(path, key)
                    self._vault = Vault(key)
        return self._vault

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out for as long as it takes to change a file.  Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def complain(self, problem: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning("what is known of devices cannot be kept in %s: %s", self.folder, problem.strerror or problem)


class FileMemory:
    """A `Memory` in files."""

    def __init__(self, shelf: DeviceMemory, key: str, credentials: Credentials | None) -> None:
        self._shelf = shelf
        self._key = key
        self._credentials = credentials
        self._path = shelf.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
        self._refusals = shelf.folder / "refusals.json"
        self._opened_at = shelf.now()  # the session in use

    def __repr__(self) -> str:
        return f"<FileMemory of {self._key}>"

    def known(self) -> Known:
        told = read(self._path).get("known")
        if not isinstance(told, dict):
            return Known()
        fitting = {
            item.name: told[item.name] for item in fields(Known) if type(told.get(item.name)) is _KINDS[item.name]
        }
        known = Known(**fitting)
        since = next(iter(self._instants("known_at")), None)
        if not known.batches and since is not None and not dt.timedelta() <= self._shelf.now() - since < DOUBT:
            known = replace(known, batches=True)
        return known if _is_place(known.address) else replace(known, address="")

    def learn(self, known: Known) -> None:
        self._change(self._path, known=asdict(known), known_at=[self._shelf.now().timestamp()])

    def take_session(self) -> Mapping[str, Any] | None:
        if not self._shelf.sessions or "session" not in read(self._path):
            return None
        try:
            with self._shelf.alone():
                words = read(self._path)
                text = words.pop("session", None)
                write(self._path, json.dumps(words).encode())
            vault = self._shelf.vault()
        except OSError as problem:
            self._shelf.complain(problem)
            return None
        kept = vault.unseal(text) if isinstance(text, str) else None
        if kept is None or kept.get("whose") != vault.mark(self._credentials):
            return None
        try:
            self._opened_at = dt.datetime.fromtimestamp(kept["at"], dt.UTC)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            return None
        return kept if dt.timedelta() <= self._shelf.now() - self._opened_at < LIFE else None

    def session_opened(self) -> None:
        self._opened_at = self._shelf.now()

    def give_session(self, kept: Mapping[str, Any]) -> None:
        if not self._shelf.sessions:
            return
        try:
            vault = self._shelf.vault()
        except OSError as problem:
            self._shelf.complain(problem)
            return
        whose = vault.mark(self._credentials)
        sealed = vault.seal({**kept, "whose": whose, "at": self._opened_at.timestamp()})
        self._change(self._path, session=sealed)

    def note_loss(self, host: str) -> None:
        now = self._shelf.now()
        losses = [*(at for at in self._instants("losses") if dt.timedelta() <= now - at < SOON), now][-OFTEN:]
        told = self._instants("told_of_losses")
        often = len(losses) == OFTEN
        if often and not any(dt.timedelta() <= now - at < QUIET for at in told):
            told = [now]
            log.warning("%s: %s. %s", host, TAKEN_TEXT, LET_REST_TEXT)
        often_at = [now] if often else self._instants("lost_often_at")
        words = {"losses": losses, "told_of_losses": told, "lost_often_at": often_at}
        self._change(self._path, **{name: [at.timestamp() for at in instants] for name, instants in words.items()})

    def lost_often_at(self) -> dt.datetime | None:
        """Return when the device had last been made to forget its session several times in a row, or None."""
        return next(iter(self._instants("lost_often_at")), None)

    def _instants(self, name: str) -> list[dt.datetime]:
        """Return the instants under a word of the device's file; none of what is none."""
        told = read(self._path).get(name)
        try:
            return [dt.datetime.fromtimestamp(at, dt.UTC) for at in told] if isinstance(told, list) else []
        except (TypeError, ValueError, OverflowError, OSError):
            return []

    def refusal(self, mac: str) -> RefusedBefore | None:
        if (unwritten := self._shelf.unwritten.get((self._name(mac), self._credentials))) is not None:
            return unwritten
        told = read(self._refusals).get(self._name(mac))
        if not isinstance(told, dict):
            return None
        try:
            if told.get("whose") != self._shelf.vault().mark(self._credentials):
                return None  # the credentials are others now
            at = dt.datetime.fromtimestamp(float(told["at"]), dt.UTC)
        except (OSError, KeyError, TypeError, ValueError, OverflowError):
            return RefusedBefore()
        numbers = (told.get("remaining"), told.get("locked_min"))
        remaining, locked_min = (number if type(number) is int else None for number in numbers)
        return RefusedBefore(at, remaining, locked_min, impostor=told.get("impostor") is True)

    def note_refusal(self, mac: str, error: AuthRefused) -> None:
        at = self._shelf.now()
        told = {
            "at": at.timestamp(),
            "remaining": error.remaining,
            "locked_min": error.locked_min,
            "impostor": error.impostor,
        }
        try:
            whose = self._shelf.vault().mark(self._credentials)
            self._write(self._refusals, {self._name(mac): {"whose": whose, **told}})
        except OSError as problem:
            self._shelf.complain(problem)
            before = RefusedBefore(at, error.remaining, error.locked_min, error.impostor)
            self._shelf.unwritten[self._name(mac), self._credentials] = before

    def forget_refusal(self, mac: str) -> None:
        self._shelf.unwritten.pop((self._name(mac), self._credentials), None)
        self._change(self._refusals, **{self._name(mac): None})

    def _name(self, mac: str) -> str:
        return mac or self._key

    def _change(self, path: Path, **words: Any) -> None:
        """Set some words of a file, or take out those that are None, as far as that is possible."""
        try:
            self._write(path, words)
        except OSError as problem:
            self._shelf.complain(problem)

    def _write(self, path: Path, words: Mapping[str, Any]) -> None:
        """Set some words of a file, or take out those that are None.  Raises OSError."""
        with self._shelf.alone():
            changed = {name: word for name, word in {**read(path), **words}.items() if word is not None}
            write(path, json.dumps(changed).encode())


_KINDS = {item.name: type(getattr(Known(), item.name)) for item in fields(Known)}


def _is_place(text: str) -> bool:
    try:
        parse_host(text)
    except ConfigError:
        return False
    return True


def read(path: Path) -> dict[str, Any]:
    """Return what a file holds; nothing where there is none, or one that somebody has damaged."""
    try:
        words = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return words if isinstance(words, dict) else {}


def write(path: Path, content: bytes) -> None:
    """Put a file in the place of another, whole or not at all, for its owner's eyes only.  Raises OSError."""
    beside = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
