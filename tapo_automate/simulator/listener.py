"""One listening socket that can go away for a while and come back on the same port."""

import asyncio
import socket
from collections.abc import Callable

from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.http_server import Answer, Connection, Misframed

_BACKLOG = 128


class Listener:
    """Accepts connections for one device.  Everything but the constructor runs in the loop's thread."""

    def __init__(self, host: str, port: int, answer: Answer, misframed: Misframed, met: Callable[[], None]) -> None:
        """Bind host and port (0: any free one).  Raises SimulatorError."""
        self._answer = answer
        self._misframed = misframed
        self._met = met
        self._members: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._socket = _bound(host, port)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self) -> None:
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._welcome, sock=self._socket, backlog=_BACKLOG)

    def cut_all(self) -> None:
        """End every connection; new ones are welcome."""
        for member in list(self._members):
            member.cut()

    def shut(self) -> None:
        """Refuse connections, but keep the port: a bound socket that does not listen does both."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self.cut_all()
        self._socket = _bound(self.host, self.port)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut_all()
        self._socket.close()

    def _welcome(self) -> Connection:
        self._met()
        return Connection(self._answer, self._misframed, self._members)


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SimulatorError(f"cannot listen on {host}:{port}: {reason}") from None
    return bound
