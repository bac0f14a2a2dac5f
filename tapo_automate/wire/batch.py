"""Several reads in one request, where the device can do that.

Source: docs/protocol.md, "multipleRequest".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unreachable, Unsupported
from tapo_automate.wire.answers import error_code
from tapo_automate.wire.codes import Remedy, lookup, refusal
from tapo_automate.wire.methods import NOT_BATCHABLE, is_read

BATCH = 5  # methods in one request; more have led to time-outs

Call: TypeAlias = tuple[str, Mapping[str, Any] | None]
Outcome: TypeAlias = dict[str, Any] | DeviceError


class Caller(Protocol):
    """Whoever is spoken to: a device, by a `Client`, or one socket of a strip; `Client` says what each method does.

    part: the number of the socket, known once it has answered; "" for a whole device.
    """

    @property
    def host(self) -> str: ...

    @property
    def part(self) -> str: ...

    @property
    def transport(self) -> str | None: ...

    @property
    def has_switch(self) -> bool: ...

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]: ...

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]: ...

    def log_in(self) -> None: ...

    def one_action(self) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class Batches:
    """Asks one device several things.  call: asks one thing, as `Client.call` does.  possible: it takes batches.

    Some devices refuse batches that others take, and some hang on them: either is remembered, and all goes singly then.
    """

    def __init__(
        self, host: str, call: Callable[[str, Mapping[str, Any] | None], dict[str, Any]], *, possible: bool = True
    ) -> None:
        self._host = host
        self._call = call
        self.possible = possible

    def ask(self, calls: Sequence[Call]) -> list[Outcome]:
        """Return for each call, in their order, its result or what came of it; see `Client.multiple`."""
        outcomes: list[Outcome] = []
        for group in _groups(calls):
            together = len(group) > 1 and self.possible
            outcomes += self._together(group) if together else [self._singly(call) for call in group]
        return outcomes

    def _together(self, calls: Sequence[Call]) -> list[Outcome]:
        requests = [{"method": m} if p is None else {"method": m, "params": p} for m, p in calls]
        try:
            result = self._call("multipleRequest", {"requests": requests})
        except Busy:
            raise
        except (Refused, Unsupported, Garbled) as error:
            self.possible = False
            if _cost_a_login(error):
                raise
            return [self._singly(call) for call in calls]
        except Unreachable as error:
            self.possible &= not error.outcome_unknown  # one that was not there to hear a batch has not hung on it
            raise
        responses = result.get("responses")
        found = responses if isinstance(responses, list) else []
        # A device may stop at the first error and leave the rest out.
        return [self._read(found[i], call) if i < len(found) else self._singly(call) for i, call in enumerate(calls)]

    def _read(self, item: object, call: Call) -> Outcome:
        """Return one outcome of a batch; whatever might go better alone is asked again alone."""
        method, _ = call
        if not isinstance(item, dict) or item.get("method", method) != method:
            return self._singly(call)
        code = error_code(item)
        if code == 0:
            result = item.get("result")
            return result if isinstance(result, dict) else {}
        if lookup(code).remedy is Remedy.NONE:
            return refusal(self._host, method, code)
        return self._singly(call)

    def _singly(self, call: Call) -> Outcome:
        try:
            return self._call(*call)
        except Busy:
            raise
        except (Refused, Unsupported, Garbled) as error:
            if _cost_a_login(error):
                raise
            return error


def _cost_a_login(error: DeviceError) -> bool:
    """Whether a session was opened for a call and is gone again, so that the next call would log in once more."""
    return isinstance(error, Garbled) and error.after_login


def _groups(calls: Sequence[Call]) -> list[list[Call]]:
    """Return the calls in their order, neighbours together that may share a request."""
    groups: list[list[Call]] = []
    open_group = False
    for call in calls:
        may_share = is_read(call[0]) and call[0] not in NOT_BATCHABLE
        if may_share and open_group and len(groups[-1]) < BATCH:
            groups[-1].append(call)
        else:
            groups.append([call])
        open_group = may_share
    return groups
