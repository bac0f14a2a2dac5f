"""What a device writes down: the methods it received, what changed it, who tried to log in.

at: Unix seconds by the device's own clock, as it was set then.  true_at: by the clock that the device follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

By: TypeAlias = Literal["start", "call", "press", "app", "schedule", "antitheft", "countdown", "auto-off", "protection"]
Table: TypeAlias = Literal["schedule", "antitheft", "countdown", "auto_off", "power_protection"]


@dataclass(frozen=True, slots=True)
class Call:
    """One method as the device received it.

    received_monotonic: real seconds.  batched: it came inside a multipleRequest, which has a record of its own, after
    those of its members.
    """

    at: float
    received_monotonic: float
    method: str
    params: Any
    error_code: int
    batched: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the relay or the light, and who made it; what found everything as it wanted it is not here.

    on, state: what holds afterwards; state is that of Device.state.
    by: a client ("call"), a person at the device ("press") or with the app, a row, a timer or the protection of its
    own; or it came up with this state ("start").  detail: for a call its method and the client's address, for a row its
    id, else in words.
    """

    at: float
    true_at: float
    on: bool
    by: By
    detail: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Execution:
    """One row that was carried out, also where it found everything as it wanted it.

    id: the row's; "" for auto-off and power protection, which have none.  states: what it wanted.
    changed: the relay or the light became another; then there is a Change as well.
    """

    at: float
    true_at: float
    table: Table
    id: str
    states: Mapping[str, Any]
    changed: bool


@dataclass(frozen=True, slots=True)
class Write:
    """One thing that reached the flash.  by: "call from" and the client's address, or "app"."""

    at: float
    true_at: float
    method: str
    by: str


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One step of a login, granted or not.

    step: over KLAP "handshake1" and "handshake2", over securePassthrough "handshake" and "login_device",
    over TPAP "pake_register" and "pake_share".
    granted: the device went along with it, whether its answer arrived or not.  peer: the client's address.
    """

    at: float
    true_at: float
    received_monotonic: float
    step: str
    granted: bool
    peer: str

    @property
    def begins(self) -> bool:
        """Whether a login begins with this step."""
        return self.step in ("handshake1", "handshake", "pake_register")
