"""What in a device's answers is nobody's business but its owner's, and how it is kept out of what people paste.

Where it is, the Wi-Fi that it is in and those around it, whose it is, and whatever opens something.  Its names, numbers
and addresses of its own are not hidden: whoever asks for them has them from `info` too.
Source: docs/protocol.md, "What is private".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "…"

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


def scrubbed(text: str) -> str:
    """Return a text of others, such as what a library says of a failed request, without what opens a session.

    >>> scrubbed("Max retries exceeded with url: /app?token=0AF1 (Caused by …)")
    'Max retries exceeded with url: /app?token=… (Caused by …)'
    """
    return _OPENERS.sub(rf"\1{MASK}", text)


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}) and not isinstance(value, bool)
