"""What in a device's answers is nobody's business but its owner's, and how it is kept out of what people paste.

Where it is, the Wi-Fi that it is in and those around it, whose it is, and whatever opens something.  Its names, numbers
and addresses of its own are not hidden: whoever asks for them has them from `info` too.
Source: docs/protocol.md, "What is private".
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import md5, sha1, sha256
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from tapo_automate.device import Credentials

Problem = TypeVar("Problem", bound=Exception)
MASK = "…"
SHORTEST = 6  # characters of a secret
LONGEST_WORD = 14  # letters: nothing in our own sentences is longer

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

# How others write what they sent: {"password": "…"}, also within a string; password=…, of an address, a form or a repr.
_NAME = r"(?P<name>[\w.-]{1,64})"
_TEXT = r"""(?P<quote>\\*["']).{0,999}?(?<!\\)(?P=quote)"""
_QUOTED = re.compile(rf"""((?P<mark>\\*["']){_NAME}(?P=mark)\s{{0,9}}:\s{{0,9}})(?P<value>{_TEXT}|[^\s"',{{}}\[\]]+)""")
_EQUATED = re.compile(rf"""((?<![\w.-]){_NAME}=)(?P<value>{_TEXT}|[^\s&;,/?'")]+)""")
_NOTHING = ("true", "false", "null", "none")

# What is secret in this process, never written anywhere -> whether only in these capitals.
_hidden: dict[str, bool] = {}
_hiding = threading.Lock()


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
    """Let `scrubbed` take these out of every text from now on: as they are, as texts of others spell them, and hashed.

    What is a word, or short, stays where it is spelt out: it would be found in sentences that mean no harm, and told by
    what they lack.
    """
    global _hidden
    user, password = (text.encode("utf-8", "surrogateescape") for text in (credentials.username, credentials.password))
    found = {each.lower(): False for each in _coded(user, password) if len(each) >= SHORTEST}
    for text in (credentials.username, credentials.password):
        if len(text) >= SHORTEST and not _is_word(text):
            exactly = text.isalpha()  # in other capitals it might be a word
            found |= {each if exactly else each.lower(): exactly for each in _spelt(text)}
    with _hiding:
        if not found.keys() <= _hidden.keys():
            _hidden = _hidden | found  # another one: somebody may be at work with the old one


def _is_word(text: str) -> bool:
    return text.isalpha() and len(text) <= LONGEST_WORD and text in (text.lower(), text.upper(), text.capitalize())


def _spelt(text: str) -> set[str]:
    """Return a secret as addresses, forms, JSON and reprs have it."""
    raw = text.encode("utf-8", "surrogateescape")
    quoted = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    return {text, *quoted, json.dumps(text)[1:-1], repr(text)[1:-1], repr(raw)[2:-1]}


def _coded(user: bytes, password: bytes) -> Iterator[str]:
    """Yield what an account is made into on its way to a device, in hex and base64."""
    secrets = [each for each in (user, password) if each]
    for each in secrets:
        yield from (*_base64(each), each.hex())
    hashes = [hashed(each).digest() for each in secrets for hashed in (sha1, sha256, md5)]
    # Source: docs/protocol.md, "Hashes".
    hashes.append(sha256(sha1(user).digest() + sha1(password).digest()).digest())
    hashes.append(md5(md5(user).digest() + md5(password).digest()).digest())
    for digest in hashes:
        yield from (digest.hex(), *_base64(digest), *_base64(digest.hex().encode()))


def _base64(raw: bytes) -> Iterator[str]:
    """Yield what base64 has of these bytes, wherever in a text they begin."""
    for before in range(3):
        text = b64encode(bytes(before) + raw).decode()
        yield text[(0, 2, 3)[before] : 8 * (before + len(raw)) // 6]
    yield b64encode(raw).decode().rstrip("=")


def scrubbed(text: str) -> str:
    """Return a text of others, such as what a library says of a failed request, without what is private in it.

    >>> scrubbed("Max retries exceeded with url: /app?token=0AF1 (Caused by …)")
    'Max retries exceeded with url: /app?token=… (Caused by …)'
    >>> scrubbed('no good answer: {"on": true, "ssid": "aG9tZQ==", "latitude": 497269}')
    'no good answer: {"on": true, "ssid": …, "latitude": …}'
    """
    lowered = text.lower()
    if any(
        each in (text if exactly else lowered) for each, exactly in _hidden.items()
    ):  # the pattern is slow to say no
        text = _pattern(tuple(_hidden.items())).sub(MASK, text)
    if ":" in text:
        text = _QUOTED.sub(_without_value, text)
    return _EQUATED.sub(_without_value, text) if "=" in text else text


@lru_cache(maxsize=1)
def _pattern(secrets: tuple[tuple[str, bool], ...]) -> re.Pattern[str]:
    longest_first = sorted(secrets, key=lambda secret: len(secret[0]), reverse=True)
    return re.compile(
        "|".join(re.escape(each) if exactly else f"(?i:{re.escape(each)})" for each, exactly in longest_first)
    )


def _without_value(found: re.Match[str]) -> str:
    if not is_private(found["name"]) or found["value"].lower() in _NOTHING:
        return found[0]
    return f"{found[1]}{MASK}"


def cleaned(error: Problem) -> Problem:
    """Return an error with `scrubbed` words: whoever raised it may have put in what it was given."""
    error.args = tuple(scrubbed(each) if isinstance(each, str) else each for each in error.args)
    words = vars(error)
    words.update({name: scrubbed(value) for name, value in words.items() if isinstance(value, str)})
    if scrubbed(said := str(error)) != said:  # of arguments that are no text
        error.args = (scrubbed(said),)
    return error


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}) and not isinstance(value, bool)
