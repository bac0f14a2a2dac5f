"""What in a device's answers is nobody's business but its owner's, and how it is kept out of what people paste.

Where it is, the Wi-Fi that it is in and those around it, whose it is, and whatever opens something.  Its names, numbers
and addresses of its own are not hidden: whoever asks for them has them from `info` too.
Source: docs/protocol.md, "What is private".
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from tapo_automate.device import Credentials

Problem = TypeVar("Problem", bound=Exception)
MASK = "…"
SHORTEST = 6  # characters of a secret

# Parts of keys: newer firmware has `latitude_i`, `connect_ssid`, `mfi_token_uuid` and the like.
_WORDS = (
    "latitude",
    "longitude",
    "ssid",  # and bssid: the hardware addresses of the networks around tell where a device is
    "owner",
    "username",
    "account",
    "email",
    "password",
    "passwd",
    "token",
    "stok",
    "cookie",
    "sessionid",
    "session_id",
    "setup_code",
    "setup_payload",
    "setup_id",
    "encrypt_info",
)

_OPENERS = re.compile(r"((?:token|stok|sessionid)=)[^\s&;,/?'\")]+", re.IGNORECASE)  # of addresses and cookies


_SECRETS: set[str] = set()  # of this process, never written anywhere
_hidden: re.Pattern[str] | None = None


def is_private(key: str) -> bool:
    """Whether what a device says under this key is private.

    >>> is_private("latitude"), is_private("connect_ssid"), is_private("nickname"), is_private("mac")
    (True, True, False, False)
    """
    name = key.lower()
    return any(word in name for word in _WORDS)


def masked(value: Any) -> Any:
    """Return an answer, or parameters, with "…" in the place of all that is private; what is empty stays empty.

    >>> masked({"on": True, "latitude": 497269, "ssid": "", "ap_list": [{"bssid": "AA-…", "channel": 6}]})
    {'on': True, 'latitude': '…', 'ssid': '', 'ap_list': [{'bssid': '…', 'channel': 6}]}
    """
    match value:
        case Mapping():
            return {
                key: MASK if is_private(str(key)) and _says(inner) else masked(inner) for key, inner in value.items()
            }
        case list() | tuple():
            return [masked(inner) for inner in value]
        case _:
            return value


def hide(credentials: Credentials) -> None:
    """Let `scrubbed` take these out of every text from now on, as they are and as they are put into addresses.

    What is a word, or short, stays: it would be found in sentences that mean no harm, and told by what they lack.
    """
    global _hidden
    for text in (credentials.username, credentials.password):
        if len(text) >= SHORTEST and not text.isalpha():
            raw = text.encode("utf-8", "surrogateescape")
            _SECRETS.update((text, quote(raw, safe=""), b64encode(raw).decode().rstrip("=")))
    if _SECRETS:
        _hidden = re.compile("|".join(re.escape(text) for text in sorted(_SECRETS, key=len, reverse=True)))


def scrubbed(text: str) -> str:
    """Return a text of others, such as what a library says of a failed request, without what opens a session.

    >>> scrubbed("Max retries exceeded with url: /app?token=0AF1 (Caused by …)")
    'Max retries exceeded with url: /app?token=… (Caused by …)'
    """
    if _hidden is not None:
        text = _hidden.sub(MASK, text)
    return _OPENERS.sub(rf"\1{MASK}", text)


def cleaned(error: Problem) -> Problem:
    """Return an error with `scrubbed` words: whoever raised it may have put in what it was given."""
    error.args = tuple(scrubbed(each) if isinstance(each, str) else each for each in error.args)
    return error


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}) and not isinstance(value, bool)
