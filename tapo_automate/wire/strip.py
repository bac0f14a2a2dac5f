"""One socket of a power strip, spoken to through the strip as if it were a device of its own.

The clock, the firmware and the MAC are the strip's; all else a socket has for itself.  The light and the fan of a
switch that has both are sockets here too.
Source: docs/protocol.md, "control_child".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.wire import codec
from tapo_automate.wire.answers import error_code
from tapo_automate.wire.batch import Batches, Call, Caller, Outcome
from tapo_automate.wire.codes import Remedy, lookup, refusal
from tapo_automate.wire.methods import is_read, is_repeatable
from tapo_automate.wire.parts import Part, parts_of

_OF_THE_STRIP = frozenset({"get_device_time", "set_device_time"})  # what a socket's tables go by

# To a socket devices answer -1002 to these; that the strip should be meant is better said before it is asked.
_WHOLE_ONLY = frozenset(
    {
        "get_led_info",
        "set_led_info",
        "get_latest_fw",
        "get_fw_download_state",
        "fw_download",
        "get_auto_update_info",
        "set_auto_update_info",
        "get_wireless_scan_info",
        "set_wireless_info",
        "set_qs_info",
        "get_inherit_info",
        "set_inherit_info",
        "get_matter_setup_info",
        "get_homekit_info",
        "device_reboot",
        "device_reset",
    }
)


class Socket:
    """A `Caller` over a strip's.  wanted: a number from 1, the name that the owner gave it, or "light" or "fan".

    One that is called by its name is the one that has this name now: if the owner gives it to another, that is noticed
    when the socket is next asked how it is.
    """

    def __init__(self, strip: Caller, wanted: str) -> None:
        self._strip = strip
        self._wanted = wanted.strip()
        self._parts = parts_of(strip)
        self._found: Part | None = None
        self._batches = Batches(strip.host, self._ask)

    @property
    def host(self) -> str:
        return self._strip.host

    @property
    def transport(self) -> str | None:
        return self._strip.transport

    @property
    def has_switch(self) -> bool:
        """Whether it was found: what is a socket can be switched."""
        return self._found is not None

    @property
    def part(self) -> str:
        return "" if self._found is None else str(self._found.number)

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of the socket's methods, or of the strip's where only that has it; see `Client`."""
        with self.one_action():
            if method in _OF_THE_STRIP:
                return self._strip.call(method, params)
            self._check_meant(method)
            if method == "component_nego" and (components := self._part().components):
                return {"component_list": list(components)}
            result = self._ask(method, params)
            if method == "get_device_info" and self._has_moved(result):
                result = self._ask(method, params)
            return self._completed(method, result)

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]:
        """Call several methods; see `Client`."""
        with self.one_action():
            for method, _ in calls:
                self._check_meant(method)
            asked = [call for call in calls if call[0] not in _OF_THE_STRIP]
            answers = self._batches.ask(asked)
            if all(is_read(method) for method, _ in asked) and any(
                method == "get_device_info" and not isinstance(answer, DeviceError) and self._has_moved(answer)
                for (method, _), answer in zip(asked, answers, strict=True)
            ):
                answers = self._batches.ask(asked)
            own = iter(answers)
            outcomes: list[Outcome] = []
            for call in calls:
                outcome = self._strip.multiple([call])[0] if call[0] in _OF_THE_STRIP else next(own)
                if not isinstance(outcome, DeviceError):
                    outcome = self._completed(call[0], outcome)
                elif call[0] not in _OF_THE_STRIP:
                    outcome = self._of_this(outcome)
                outcomes.append(outcome)
            return outcomes

    def log_in(self) -> None:
        """Open a session with the strip anew; see `Client`."""
        self._strip.log_in()

    def one_action(self) -> AbstractContextManager[None]:
        """Make one of several calls; see `Client`."""
        return self._strip.one_action()

    def close(self) -> None:
        """Forget which socket it is, and let go of the strip."""
        self._found = None
        self._parts.leave(self)
        self._strip.close()

    def _ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            return self._ask_once(method, params)
        except Refused as error:
            if lookup(error.code).remedy is not Remedy.RETRY or not is_repeatable(method, params):
                raise
            return self._ask_once(method, params)

    def _ask_once(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        part = self._part()
        try:
            reply = self._pass_on(part, method, params)
        except (Refused, Unsupported) as error:
            if isinstance(error, Busy) or self._sought_anew(part).id == part.id:
                raise
            part = self._part()  # the strip is another than it was, and this was not carried out
            reply = self._pass_on(part, method, params)
        answer = reply.get("responseData")
        if not isinstance(answer, Mapping):
            problem = f"the strip did not say what its {part} answered to {method}"
            raise Garbled(self.host, problem, outcome_unknown=not is_read(method))
        code = error_code(answer)
        if code:
            raise self._of_this(refusal(self.host, method, code))
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def _pass_on(self, part: Part, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the strip's answer.  What it refuses is told as what it was asked for: the envelope tells nobody."""
        data = {"method": method} if params is None else {"method": method, "params": params}
        try:
            return self._strip.call("control_child", {"device_id": part.id, "requestData": data})
        except DeviceError as error:
            error.problem = error.problem.replace("control_child", f"{method} of {part}")
            error.args = (f"{error.host}: {error.problem}",)
            if isinstance(error, Refused):
                error.method = method
            raise

    def _check_meant(self, method: str) -> None:
        """Raise Unsupported for what only a whole strip can do, before a socket is asked for it."""
        if method in _WHOLE_ONLY:
            raise Unsupported(self.host, f"{method} is the whole strip's: name the device without /{self._wanted}")

    def _completed(self, method: str, result: dict[str, Any]) -> dict[str, Any]:
        return {**result, **self._part().strip} if method == "get_device_info" else result

    def _of_this(self, error: DeviceError) -> DeviceError:
        """Return the error with the socket named, if it is not yet."""
        whose = f"{self._part()}: "
        if not error.problem.startswith(whose):
            error.problem = whose + error.problem
            error.args = (f"{error.host}: {error.problem}",)
        return error

    def _part(self) -> Part:
        """Return the socket, sought once."""
        if self._found is None:
            self._found = self._parts.find(self, self._strip, self._wanted)
        return self._found

    def _sought_anew(self, wrong: Part) -> Part:
        self._found = None
        self._found = self._parts.find(self, self._strip, self._wanted, wrong=wrong)
        return self._found

    def _has_moved(self, info: Mapping[str, Any]) -> bool:
        """Whether a socket that is called by its name says that it has another now, and another has this one."""
        part = self._part()
        if "nickname" not in info or not part.is_called(self._wanted) or self._wanted == str(part.number):
            return False
        renamed = Part(part.id, part.number, codec.nickname(info), part.noun)
        return not renamed.is_called(self._wanted) and self._sought_anew(part).id != part.id
