"""What hides kept sessions: whoever reads the file without the key beside it reads nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from tapo_automate.device import Credentials

MARK_BYTES = 2  # enough to notice a change, too few to try passwords against


class Vault:
    """Seals JSON values, and marks credentials.  key: from `new_key`.  Raises ValueError for what is no key."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._key = key

    def __repr__(self) -> str:
        return "<Vault>"

    @staticmethod
    def new_key() -> bytes:
        return Fernet.generate_key()

    def seal(self, values: Mapping[str, Any]) -> str:
        return self._fernet.encrypt(json.dumps(values, separators=(",", ":")).encode()).decode("ascii")

    def unseal(self, text: str) -> dict[str, Any] | None:
        """Return what was sealed with this key, or None."""
        try:
            values = json.loads(self._fernet.decrypt(text.encode("ascii", "replace")))
        except (InvalidToken, ValueError, RecursionError):
            return None
        return values if isinstance(values, dict) else None

    def mark(self, credentials: Credentials | None) -> str:
        """Return by what these credentials are known again: one in 65,536 others has the same mark."""
        pair = ("", "") if credentials is None else (credentials.username, credentials.password)
        text = "\0".join(pair).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=MARK_BYTES, key=self._key[:64]).hexdigest()
