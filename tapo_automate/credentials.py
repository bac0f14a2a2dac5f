"""Where the account's name and password come from: environment, a file, the system keyring.  Never a rule file.

The built-in answer to the hook `find_credentials`, asked after every plugin.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError
from tapo_automate.hooks import hookimpl

KEYRING_SERVICE = "tapo-automate"


class StoredCredentials:
    """Looks in the environment, then in the file, then in the keyring; the first that knows both words wins.

    environ: usually os.environ.  path: the credentials file.  must_exist: the user named the file himself.
    """

    def __init__(self, environ: Mapping[str, str], path: Path, *, must_exist: bool = False) -> None:
        self._environ = environ
        self._path = path
        self._must_exist = must_exist

    @hookimpl(trylast=True)
    def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
        """Return the credentials for this device.  Raises ConfigError for half a pair or a file open to others."""
        username = self._environ.get("TAPO_USERNAME", "")
        password = self._environ.get("TAPO_PASSWORD", "")
        if username and password:
            return Credentials(username, password)
        if password:
            raise ConfigError("TAPO_PASSWORD is set, but TAPO_USERNAME is not")
        found = self._from_file(spec.id) or _from_keyring(username)
        if found is None and username:
            raise ConfigError("TAPO_USERNAME is set, but TAPO_PASSWORD is not, and no file or keyring holds a password")
        return found

    def _from_file(self, device_id: str) -> Credentials | None:
        try:
            mode = self._path.stat().st_mode
            words = tomllib.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            if self._must_exist:
                raise ConfigError(f"{self._path}: there is no such credentials file") from None
            return None
        except OSError as problem:
            raise ConfigError(f"{self._path}: cannot be read: {problem.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # The parser's own message may quote what stands there, and what stands there is secret.
            raise ConfigError(
                f'{self._path}: not valid TOML; it should hold username = "…" and password = "…"'
            ) from None
        # systemd lets the service alone read what it keeps, by an access list that looks like the group's right.
        kept_by_systemd = str(self._path.parent) == self._environ.get("CREDENTIALS_DIRECTORY")
        if mode & (stat.S_IRWXO | (0 if kept_by_systemd else stat.S_IRWXG)):
            raise ConfigError(f"{self._path}: others can read it; run chmod 600 on it")
        devices = words.get("devices", {})
        own = devices.get(device_id, {}) if isinstance(devices, dict) else None
        if not isinstance(own, dict):
            raise ConfigError(f"{self._path}: write a table [devices.NAME] for a device with an account of its own")
        return _pair(own, self._path) or _pair(words, self._path)


def _pair(words: Mapping[str, Any], path: Path) -> Credentials | None:
    if not {"username", "password"} & words.keys():
        return None
    username, password = words.get("username"), words.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise ConfigError(f'{path}: it should hold both username = "…" and password = "…"')
    return Credentials(username, password)


def _from_keyring(username: str) -> Credentials | None:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    try:
        if username:
            password = keyring.get_password(KEYRING_SERVICE, username)
            return Credentials(username, password) if password is not None else None
        found = keyring.get_credential(KEYRING_SERVICE, None)
    except keyring.errors.KeyringError:
        return None  # no keyring on this machine is the ordinary case on a server
    return Credentials(found.username, found.password) if found is not None else None
