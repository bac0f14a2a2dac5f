"""What goes wrong between a device and us, by name, and what becomes of one command that meets it once.

A device that is too slow is none of them: it takes as long as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wire.other_server import PAGE, Fault, Reply, broken_off, done_then, says, spoiled, status


@dataclass(frozen=True, slots=True)
class Mishap:
    """fault: of one request.  done: the device had carried the command out before.  heals: over which generations a
    read gets its answer all the same.
    """

    fault: Fault
    done: bool = True
    heals: tuple[str, ...] = ("klap", "aes", "tpap")


def _flipped(place: int) -> Callable[[bytes], bytes]:
    def spoil(body: bytes) -> bytes:
        changed = bytearray(body)
        changed[place] ^= 1
        return bytes(changed)

    return spoil


MISHAPS: dict[str, Mishap] = {
    "lost answer": Mishap(broken_off(-1)),
    "reset": Mishap(broken_off(-1, reset=True)),
    "cut in the head": Mishap(broken_off(-20)),
    "cut in the body": Mishap(broken_off(20)),
    "401": Mishap(status(401), done=False),
    "403": Mishap(status(403), done=False),
    "404": Mishap(status(404), done=False),
    "429": Mishap(status(429), done=False, heals=()),
    "500": Mishap(status(500), done=False),
    "503 with a page": Mishap(status(503, b"<h1>Busy</h1>"), done=False),
    "web page": Mishap(says(PAGE, "text/html"), done=False),
    "web page of no type": Mishap(says(PAGE, ""), done=False),
    "web page after all": Mishap(done_then(Reply(200, PAGE))),
    "empty": Mishap(done_then(Reply(200))),
    "garbage": Mishap(done_then(Reply(200, bytes(range(200, 256)) * 3))),
    "short garbage": Mishap(done_then(Reply(200, b"\x07" * 35))),
    "text": Mishap(done_then(Reply(200, b"Service\xff temporarily\x00 away"))),
    "list": Mishap(done_then(Reply(200, b"[1, 2, 3]"))),
    "object": Mishap(done_then(Reply(200, b"{}"))),
    "number": Mishap(done_then(Reply(200, b"17"))),
    "deep": Mishap(done_then(Reply(200, b"[" * 9000))),
    "first byte wrong": Mishap(spoiled(_flipped(0))),
    "byte 40 wrong": Mishap(spoiled(_flipped(40))),
    "last byte wrong": Mishap(spoiled(_flipped(-1))),
    "last byte missing": Mishap(spoiled(lambda body: body[:-1])),
    "half of it": Mishap(spoiled(lambda body: body[: len(body) // 2])),
    "more than it": Mishap(spoiled(lambda body: body + b"more of it")),
    "session lost 9999": Mishap(says(b'{"error_code":9999}'), done=False),
    "session lost -2203": Mishap(says(b'{"error_code":-2203}'), done=False, heals=("tpap",)),
    "session lost -1501": Mishap(says(b'{"error_code":-1501}'), done=False),
    "code as text": Mishap(says(b'{"error_code":"9999"}'), done=False),
    "unknown code": Mishap(says(b'{"error_code":-77777}'), done=False, heals=()),
    "busy in plain": Mishap(says(b'{"error_code":-1301}'), done=False, heals=()),
    "code of another": Mishap(says(b'{"error_code":1003}'), done=False),
}
