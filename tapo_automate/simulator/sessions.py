"""The cookie by which a device knows its one session."""

from collections.abc import Mapping

COOKIE = "TP_SESSIONID"


def set_cookie(session: str, timeout_s: int) -> str:
    return f"{COOKIE}={session};TIMEOUT={timeout_s}"


def is_cookie_of(session: str, headers: Mapping[str, str]) -> bool:
    """Whether the Cookie header names this session and nothing else: a whole Set-Cookie line sent back is refused.

    A semicolon at the end is let pass; clients that cut the lifetime off by counting leave it there.
    """
    return headers.get("Cookie", "").removesuffix(";") == f"{COOKIE}={session}"
