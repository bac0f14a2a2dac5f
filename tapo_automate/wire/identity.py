"""Who we say we are: the user's account and the vendor's stand-ins that a device may hold instead.

A device that was never bound to an account, or has not heard from the cloud yet, holds one of the stand-ins or nothing
at all.  Source: docs/protocol.md, "Credentials a device may hold".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tapo_automate.device import Credentials
from tapo_automate.wire.memory import RefusedBefore

TAPO_DEFAULT = Credentials("test@tp-link.net", "test")
KASA_DEFAULT = Credentials("kasa@tp-link.net", "kasaSetup")
BLANK = Credentials("", "")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One pair that may open a device.  whose: "account", "Tapo default", "Kasa default" or "blank"."""

    whose: str
    user: bytes = field(repr=False)
    password: bytes = field(repr=False)


def candidates(account: Credentials | None) -> tuple[Candidate, ...]:
    """Return what may open a device, the account first, each pair once.

    The e-mail is taken as it is written, since its case counts, and so is the password.
    """
    known = [("account", account)] if account is not None else []
    known += [("Tapo default", TAPO_DEFAULT), ("Kasa default", KASA_DEFAULT), ("blank", BLANK)]
    found: dict[tuple[bytes, bytes], Candidate] = {}
    for whose, pair in known:
        # Bytes of the environment that are no UTF-8 come as surrogates; they go out as they came in.
        user, password = (text.encode("utf-8", "surrogateescape") for text in (pair.username, pair.password))
        found.setdefault((user, password), Candidate(whose, user, password))
    return tuple(found.values())


def refused_before(before: RefusedBefore) -> str:
    """Return why a login that failed before is not tried again, and what to do."""
    when = f" on {before.at.astimezone():%Y-%m-%d at %H:%M}" if before.at else ""
    if before.impostor:
        return (
            f"what answers here took a login{when} without knowing the password itself, so it may not be the device. "
            f"Nothing more is said to it: {ELSEWHERE_TEXT}; if this is the device, say `tapo-automate login DEVICE`"
        )
    told = []
    if before.remaining is not None:
        told.append(f"it bears {before.remaining} more failures")
    if before.locked_min:
        told.append(f"it then locked logins for {before.locked_min} min")
    said = f" ({', '.join(told)})" if told else ""
    return (
        f"the device refused this e-mail and password{when}{said}. They are not tried again by themselves, because "
        "repeated failures lock a device: correct them (the e-mail is case-sensitive, as the Tapo app shows it), or, "
        "if the device knows them by now, say `tapo-automate login DEVICE`"
    )


REFUSED_TEXT = (
    "the device does not accept this e-mail and password. The e-mail is case-sensitive: spell it as the Tapo app "
    "shows it. A password that was changed lately may not have reached the device: log out of the app and in again, or "
    "remove the device there and add it anew. One that is bound to another account keeps that one's; `tapo-automate "
    "doctor` asks the device. It is not tried again by itself, because repeated failures lock a device"
)
ELSEWHERE_TEXT = "`tapo-automate discover` shows which devices are where"
NO_ACCOUNT_TEXT = (
    "the device is bound to an account, and no e-mail and password were given: set TAPO_USERNAME and TAPO_PASSWORD"
)


def locked_text(code: int) -> str:
    """Return what to do about a device that takes no login for now.  code: what it answered."""
    return (
        f"the device has locked logins after too many failures (error {code}). Leave it alone for a while, with every "
        "program that talks to it, then check the e-mail (case-sensitive, as the Tapo app shows it) and the password"
    )


LOCKED_TEXT = locked_text(-2101)
