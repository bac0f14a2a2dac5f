"""How the daemon is, over HTTP on loopback: /healthz, /readyz, /metrics.

Whoever may open a socket on this machine may ask; nobody else.  The endpoints only ever tell, and name devices as the
rule file does.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tapo_automate.daemon.health import Health
from tapo_automate.daemon.metrics import Metrics
from tapo_automate.daemon.sdnotify import STALLED_S
from tapo_automate.errors import ConfigError

MOST_REQUESTS = 16  # at once; one that comes on top of them is hung up on
PATIENCE_S = 5.0  # for a client that does not say what it wants

log = logging.getLogger("tapo_automate")


def loopback(text: str) -> tuple[str, int]:
    """Return host and port of "127.0.0.1:8080", "localhost:8080" or "[::1]:8080".  Port 0: any that is free.

    Raises ConfigError for anything else, other addresses of this machine too.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:  # a port of letters or beyond 65535, half a bracket
        host, port = None, None
    if not host or port is None or parts.netloc != text or "@" in text:
        raise ConfigError(f"{text!r} is not a host and a port; write it as 127.0.0.1:8080")
    if not _is_loopback(host):
        raise ConfigError(
            f"{host} is not a loopback address; health is told on 127.0.0.1 and [::1] only, since everybody may ask"
        )
    return ("127.0.0.1" if host == "localhost" else host), port


class Endpoints:
    """Answers questions about the daemon's health from threads of its own.

    The port is taken at once, so that one in use is known before anything is begun; raises ConfigError then.
    """

    def __init__(self, address: tuple[str, int], health: Callable[[], Health], metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics
        self._stopping = False
        try:
            self._server = _Server(address, self._answer)
        except OSError as problem:
            raise ConfigError(
                f"cannot listen on {_written(*address)}: {problem.strerror or problem}; choose another port"
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def url(self) -> str:
        """Where the endpoints are, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{_written(str(host), port)}"

    def start(self) -> None:
        """Begin to answer; whoever asked since the port was taken has waited."""
        self._thread.start()

    def stopping(self) -> None:
        """Answer from now on that the daemon is not ready: it takes on nothing new."""
        self._stopping = True

    def close(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Return status, content type and body for a path."""
        match path:
            case "/healthz":
                return _text(503, stalled) if (stalled := _stalled(self._health())) else _text(200, "ok")
            case "/readyz":
                health = self._health()
                if why := self._unready(health):
                    return _text(503, "\n".join(why))
                return _text(200, "\n".join(["ok", *_beside(health)]))
            case "/metrics":
                body, content_type = self._metrics.exposition(accept)
                return 200, content_type, body
            case _:
                return _text(404, "not found; there are /healthz, /readyz and /metrics")

    def _unready(self, health: Health) -> list[str]:
        why = ["stopping"] if self._stopping else []
        if not health.clock_plausible:
            why.append("the clock is wrong; firings are held until it is set")
        if stalled := _stalled(health):
            why.append(stalled)
        return why


def _stalled(health: Health) -> str:
    if health.progress_s < STALLED_S:
        return ""
    return f"the planner has stood still for {health.progress_s:.0f} s"


def _beside(health: Health) -> list[str]:
    """Return what is wrong without keeping the daemon from its work."""
    lines = [f"journal: {health.journal}"] if health.journal else []
    if health.book:
        lines.append("rules: those that were offered last have errors; the log shows them")
    troubled = [name for name, trouble in health.devices.items() if trouble]
    if troubled:
        lines.append(f"devices in trouble: {', '.join(troubled)}")
    if health.blocked:
        lines.append(f"credentials refused by: {', '.join(sorted(health.blocked))}")
    return lines


def _text(status: int, text: str) -> tuple[int, str, bytes]:
    harmless = "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
    return status, "text/plain; charset=utf-8", f"{harmless}\n".encode()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Callable[[str, str], tuple[int, str, bytes]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.answer = answer
        self._slots = threading.BoundedSemaphore(MOST_REQUESTS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the name server for our name

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a request about health broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "tapo-automate"
    sys_version = ""
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) > 1 or not all(_is_loopback(_name_in(host)) for host in hosts):
            # A page from elsewhere whose name was made to lead here (DNS rebinding) comes with that name.
            self._send(*_text(403, "ask for this machine by a loopback address, such as 127.0.0.1"))
            return
        try:
            answer = self.server.answer(self.path.partition("?")[0], self.headers.get("Accept", ""))
        except Exception:
            log.exception("unexpected error while health was asked for")
            answer = _text(500, "the daemon cannot say how it is; its log shows why")
        self._send(*answer)

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no proper request, without repeating what it said."""
        self.close_connection = True
        if code == 501:  # what `http.server` says to a method that is neither GET nor HEAD
            self._send(*_text(405, "only GET and HEAD are answered"), Allow="GET, HEAD")
        else:
            self._send(*_text(code, "not a request that is understood"))

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("health: " + format, *args)

    def _send(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _name_in(host: str) -> str:
    """Return the name or address in a Host header, "" where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
