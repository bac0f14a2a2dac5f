"""Which accounts are known to be wrong, so that nobody logs in with them again until they change.

Devices lock themselves after a number of failed logins, and what one device refused the next will refuse too.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Collection, Mapping

from tapo_automate.device import Credentials

EVERYONE = "*"


class Accounts:
    """Remembers refusals over restarts without remembering credentials.  Safe to use from many threads.

    A device is named by whatever stays the same while it is the same device.
    remembered: what `to_remember` gave an earlier process: the salt, and for each mark the devices left alone.
    """

    def __init__(self, remembered: Mapping[str, object] | None = None) -> None:
        known = dict(remembered or {})
        salt, refused = known.get("salt"), known.get("refused")
        self._salt = bytes.fromhex(salt) if isinstance(salt, str) else secrets.token_bytes(16)
        self._refused: dict[str, dict[str, str]] = {}  # mark -> device -> its last login by hand at that time
        for mark, devices in (refused if isinstance(refused, dict) else {}).items():
            self._refused[mark] = devices if isinstance(devices, dict) else dict.fromkeys(devices, "")
        self._proven: set[str] = set()
        self._lock = threading.Lock()

    def mark(self, credentials: Credentials | None) -> str:
        """Return a name for an account that tells two accounts apart and gives neither away.

        Two bytes: enough to see that a password was changed, and far too little to find one by: each mark belongs to
        one in 65,536 of all passwords.
        """
        if credentials is None:
            return "none"
        # An environment may hold bytes that are no UTF-8; whether a device takes them, it will say itself.
        text = f"{credentials.username}\0{credentials.password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=2, key=self._salt).hexdigest()

    def stopped(self, mark: str, device: str) -> bool:
        """Whether the device is to be left alone."""
        with self._lock:
            devices = self._refused.get(mark, ())
            return EVERYONE in devices or device in devices

    def accepted(self, mark: str) -> None:
        """A device has taken these credentials."""
        if mark not in self._proven:
            with self._lock:
                self._proven.add(mark)

    def refused(self, mark: str, device: str, login: str = "") -> bool:
        """A device has refused; return whether all devices of the account are left alone from now on.

        login: names the last login that a person has had it make, "" for none.

        One device alone may hold another account, if the others take this one.  When a second one refuses as well,
        or none has ever accepted, it is the account.
        """
        with self._lock:
            devices = self._refused.setdefault(mark, {})
            before = EVERYONE in devices
            devices[device] = login
            if mark not in self._proven or len(devices.keys() - {EVERYONE}) > 1:
                devices[EVERYONE] = ""
            return EVERYONE in devices and not before

    def reopened(self, mark: str) -> bool:
        """Leave alone only the one device that has refused, if another has accepted since; return whether that is news.

        Where all are asked at once, a refusal comes sooner than the first consent.
        """
        with self._lock:
            devices = self._refused.get(mark, {})
            news = EVERYONE in devices and mark in self._proven and len(devices.keys() - {EVERYONE}) == 1
            if news:
                del devices[EVERYONE]
            return news

    def taken_since(self, mark: str, device: str, login: str) -> bool:
        """Whether a person has had the device log in since it refused, so that it takes the same credentials now.

        login: as for `refused`.
        """
        with self._lock:
            then = self._refused.get(mark, {}).get(device)
        return then is not None and login not in ("", then)

    def forget(self, mark: str, device: str) -> bool:
        """The device has other credentials now, or a person says to try again; return whether anything was stopped."""
        with self._lock:
            devices = self._refused.get(mark, {})
            found = EVERYONE in devices or device in devices
            devices.pop(device, None)
            if devices.keys() <= {EVERYONE}:
                self._refused.pop(mark, None)
            return found

    def keep_only(self, devices: Collection[str]) -> bool:
        """Forget what was refused by devices that are no more; return whether that was anything.

        Whoever has the wrong address finds somebody else's device, and puts the address right.
        """
        with self._lock:
            before = {mark: dict(refused) for mark, refused in self._refused.items()}
            for mark, refused in before.items():
                left = {each: then for each, then in refused.items() if each == EVERYONE or each in devices}
                if left.keys() <= {EVERYONE}:
                    del self._refused[mark]
                else:
                    self._refused[mark] = left
            return self._refused != before

    def to_remember(self) -> dict[str, object]:
        """Return what the next process has to know, fit for JSON."""
        with self._lock:
            refused = {mark: dict(devices) for mark, devices in sorted(self._refused.items())}
            return {"salt": self._salt.hex(), "refused": refused}
