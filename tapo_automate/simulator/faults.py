"""What goes wrong on purpose: which fault, how often, and at which stage of a conversation.

Text: ``name[.stage][=value]``, separated by commas, such as ``slow=0.2,drop=0.05,garbage=once,500.handshake=2x``.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tapo_automate.simulator.complaint import SimulatorError, hint
from tapo_automate.simulator.presence import NAP_S

HANDSHAKE = "handshake"
REQUEST = "request"
PROBE = "probe"
DISCOVERY = "discovery"
ANY = "any"
_STAGES = (REQUEST, HANDSHAKE, ANY)

# name -> (the stage it strikes unless told otherwise, what it does)
KINDS: dict[str, tuple[str, str]] = {
    "slow": (ANY, "answers late: seconds (0.2) or a span (0.025..0.055), optionally @how-often (2@0.05)"),
    "freeze": (ANY, "reads the request and never answers; the connection stays open until the client gives up"),
    "drop": (ANY, "cuts the connection before anything is executed"),
    "drop-after": (REQUEST, "executes the command, then cuts the connection instead of answering"),
    "expire": (REQUEST, "forgets the session just before the request"),
    "401": (REQUEST, "HTTP 401"),
    "403": (REQUEST, "HTTP 403, the session lives on"),
    "429": (REQUEST, "HTTP 429"),
    "500": (REQUEST, "HTTP 500"),
    "html": (REQUEST, 'the stock "200 OK" page'),
    "garbage": (REQUEST, "executes the command and answers with random bytes"),
    "short": (REQUEST, "executes the command and answers with a ciphertext that stops in the middle of a block"),
    "bad-signature": (REQUEST, "executes the command; the signature of the answer is wrong (KLAP, TPAP)"),
    "wrong-proof": (HANDSHAKE, "proves to know other credentials; over securePassthrough the login fails"),
    "defaults": (HANDSHAKE, "holds the vendor's default credentials instead of the account's"),
    "busy": (REQUEST, "error -1301"),
    "ignore": (REQUEST, "accepts what would change something, checks it, answers as if done, and does nothing"),
    "lag": (REQUEST, "accepts what would change something and does it late: seconds (2) or a span, as for slow"),
    "power-stale": (REQUEST, "the meter's methods repeat their last reading"),
    "power-nonsense": (REQUEST, "the meter tells power far below zero, or far over its maximum"),
    "no-batch": (REQUEST, "refuses multipleRequest with error 1200"),
    "batch-stops": (REQUEST, "multipleRequest ends at the first error"),
    "handshake-49": (HANDSHAKE, "a newline after the 48 bytes of handshake1 (KLAP)"),
    "off-curve": (HANDSHAKE, "its share is no point of the curve (TPAP)"),
    "iterations": (HANDSHAKE, "asks for two thousand million iterations (TPAP)"),
    "short-w0": (HANDSHAKE, "asks for so many iterations that the two forms of w0 differ (TPAP)"),
    "close": (ANY, "closes the TCP connection after each answer"),
    "plain-401": (ANY, "HTTP 401 instead of error 1003 to unencrypted requests (KLAP)"),
    "locked": (ANY, "error -2101 to login/discover, and to logins over securePassthrough and TPAP"),
    "clock-lost": (ANY, "the clock starts in the year 2000 and stays wrong until it is set"),
    "offline": (ANY, "refuses connections: for good, for seconds (30), or seconds after the start (10+30)"),
    "reboots": (ANY, "runs for seconds, restarts and is away for seconds (30+5), over and over"),
    "asleep": (ANY, "refuses connections, now and after each power cut, for seconds (470..540) or until a probe comes"),
    "probe-lost": (DISCOVERY, "the probe does not arrive, and wakes nobody"),
    "answer-lost": (DISCOVERY, "the probe arrives, its answer does not"),
    "answer-late": (DISCOVERY, "answers a probe late: seconds (2) or a span, as for slow"),
    "answer-twice": (DISCOVERY, "answers a probe twice"),
    "answer-garbage": (DISCOVERY, "answers a probe with random bytes"),
    "answer-cut": (DISCOVERY, "answers a probe with JSON that stops in the middle"),
    "router-beside": (DISCOVERY, "a router answers first, from the same port"),
    "camera-beside": (DISCOVERY, "a camera answers first, from the same port"),
    "others-beside": (DISCOVERY, "a hub, a vacuum and an old Kasa plug answer first, from the same port"),
}
_STAGELESS = {name for name, (stage, _) in KINDS.items() if stage == DISCOVERY} | {
    "clock-lost", "offline", "reboots", "asleep", "plain-401", "locked", "handshake-49", "wrong-proof", "defaults",
    "off-curve", "iterations", "short-w0",
    "ignore", "lag", "power-stale", "power-nonsense",
}  # fmt: skip
_TIMED = ("slow", "lag", "answer-late")  # their value is seconds, how often stands after an @
_NUMBER = r"\d+(?:\.\d+)?|\.\d+"


@dataclass(slots=True)
class _Armed:
    stage: str
    probability: float = 1.0
    left: int | None = None


class Faults:
    """The faults of one device; draws come from a generator of their own, so that a seed repeats them.

    Not thread-safe: the device that owns it holds its lock.
    """

    def __init__(self, text: str = "", *, seed: int | None = None, dice: random.Random | None = None) -> None:
        self._dice = dice if dice is not None else random.Random(seed)
        self._armed: dict[str, list[_Armed]] = {}
        self._spans_s: dict[str, tuple[float, float]] = {}
        self.offline: tuple[float, float] | None = None
        self.reboots: tuple[float, float] | None = None
        self.asleep: tuple[float, float] | None = None
        self.text = text.strip()
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            self._read(part)

    def __bool__(self) -> bool:
        return bool(self._armed) or (self.offline, self.reboots, self.asleep) != (None, None, None)

    def __repr__(self) -> str:
        return f"Faults({self.text!r})"

    @property
    def dice(self) -> random.Random:
        return self._dice

    def has(self, name: str) -> bool:
        """Whether name was asked for, however often it strikes."""
        return name in self._armed

    def strikes(self, name: str, stage: str) -> bool:
        """Whether name happens now, at stage; counts and draws."""
        for armed in self._armed.get(name, ()):
            if armed.stage not in (stage, ANY) or armed.left == 0:
                continue
            if armed.left is not None:
                armed.left -= 1
                return True
            if armed.probability >= 1 or self._dice.random() < armed.probability:
                return True
        return False

    def seconds(self, name: str, stage: str) -> float:
        """Return by how much slow, lag or answer-late is late now, 0 when it does not strike."""
        return self._dice.uniform(*self._spans_s[name]) if self.strikes(name, stage) else 0.0

    def noise(self, length: int) -> bytes:
        return self._dice.randbytes(length)

    def _read(self, part: str) -> None:
        label, equals, value = part.partition("=")
        name, dot, stage = label.partition(".")
        if name not in KINDS:
            raise SimulatorError(f"unknown fault {name!r}{hint(name, list(KINDS))}")
        if dot and (stage not in _STAGES or name in _STAGELESS):
            allowed = "none for this fault" if name in _STAGELESS else ", ".join(_STAGES)
            raise SimulatorError(f"fault {part!r}: unknown stage {stage!r}; stages: {allowed}")
        if equals and not value:
            raise SimulatorError(f"fault {part!r}: a value is missing after '='")
        armed = _Armed(stage or KINDS[name][0])
        match name:
            case "offline":
                self.offline = _window(part, value)
                return
            case "reboots":
                self.reboots = _cycle(part, value)
                return
            case "asleep":
                self.asleep = _span(part, name, value) if value else NAP_S
                return
            case "clock-lost" if value:
                raise SimulatorError(f"fault {part!r}: clock-lost takes no value")
            case _ if name in _TIMED:
                span, _, value = value.partition("@")
                self._spans_s[name] = _span(part, name, span)
        _set_rate(armed, part, value)
        self._armed.setdefault(name, []).append(armed)


def _span(part: str, name: str, text: str) -> tuple[float, float]:
    match = re.fullmatch(rf"({_NUMBER})(?:\.\.({_NUMBER}))?", text)
    if match is None:
        raise SimulatorError(f"fault {part!r}: {name} wants seconds, such as {name}=0.2 or {name}=0.025..0.055")
    low = float(match[1])
    high = float(match[2] or match[1])
    if high < low:
        raise SimulatorError(f"fault {part!r}: the span ends before it begins")
    return low, high


def _window(part: str, text: str) -> tuple[float, float]:
    """Return (seconds until it begins, seconds that it lasts)."""
    if not text:
        return 0.0, float("inf")
    match = re.fullmatch(rf"(?:({_NUMBER})\+)?({_NUMBER})", text)
    if match is None:
        raise SimulatorError(f"fault {part!r}: offline wants seconds, such as offline=30 or offline=10+30")
    return float(match[1] or 0), float(match[2])


def _cycle(part: str, text: str) -> tuple[float, float]:
    """Return (seconds up, seconds away)."""
    match = re.fullmatch(rf"({_NUMBER})\+({_NUMBER})", text)
    if match is None or not float(match[1]) or not float(match[2]):
        raise SimulatorError(f"fault {part!r}: reboots wants seconds up and seconds away, such as reboots=30+5")
    return float(match[1]), float(match[2])


def _set_rate(armed: _Armed, part: str, text: str) -> None:
    if text in ("", "always"):
        return
    if text == "once":
        armed.left = 1
    elif match := re.fullmatch(r"(\d+)x", text):
        armed.left = int(match[1])
    elif re.fullmatch(_NUMBER, text) and float(text) <= 1:
        armed.probability = float(text)
    else:
        raise SimulatorError(
            f"fault {part!r}: how often is 'once', 'always', a count such as '3x', or a share from 0 to 1"
        )


def table() -> Iterable[tuple[str, str, str]]:
    """Yield (name, stage, what it does) for the documentation and its test."""
    for name, (stage, text) in KINDS.items():
        yield name, stage, text
