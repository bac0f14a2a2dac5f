"""One listening socket that can go away for a while and come back on the same port."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.http_server import Answer, Connection, Misframed

_BACKLOG = 128
_TLS_PATIENCE_S = 5.0


class Listener:
    """Accepts connections for one device.  Everything but the constructor runs in the loop's thread."""

    def __init__(
        self,
        host: str,
        port: int,
        answer: Answer,
        misframed: Misframed,
        met: Callable[[], None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Bind host and port (0: any free one); context: for TLS.  Raises SimulatorError."""
        self._context = context
        self._answer = answer
        self._misframed = misframed
        self._met = met
        self._members: set[Connection] = set()
        self._arriving: set[asyncio.Task[object]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = _bound(host, port)
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]

    @property
    def is_open(self) -> bool:
        return self._loop is not None

    def open(self) -> None:
        if self._loop is None:
            self._socket.listen(_BACKLOG)
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._accept, self._loop)

    def cut_all(self) -> None:
        """End every connection; new ones are welcome."""
        for member in list(self._members):
            member.cut()

    def shut(self) -> None:
        """Refuse connections, but keep the port: a bound socket that does not listen does both."""
        if self._loop is not None:
            self.close()
            self._socket = _bound(self.host, self.port)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None
        self.cut_all()
        self._socket.close()

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        # asyncio's own server loses a connection that it accepts just before it is closed.
        for _ in range(_BACKLOG):
            try:
                line, _address = self._socket.accept()
            except OSError:  # nobody is left, or whoever knocked has gone again
                return
            line.setblocking(False)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._met()
            task: asyncio.Task[object] = loop.create_task(self._receive(loop, line))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _receive(self, loop: asyncio.AbstractEventLoop, line: socket.socket) -> None:
        with suppress(OSError):  # whoever speaks no TLS, or goes in the middle of its handshake, is gone
            patience_s = None if self._context is None else _TLS_PATIENCE_S
            await loop.connect_accepted_socket(self._welcome, line, ssl=self._context, ssl_handshake_timeout=patience_s)

    def _welcome(self) -> Connection:
        return Connection(self._answer, self._misframed, self._joined, self._members.discard)

    def _joined(self, member: Connection) -> None:
        if self.is_open:
            self._members.add(member)
        else:  # it was accepted just before the door was shut
            member.cut()


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
