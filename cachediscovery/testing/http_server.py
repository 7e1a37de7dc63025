"""`HTTPServer`: GET requests on a loopback port, each answered by one function in a thread of its own."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class ServedRequest(NamedTuple):
    """A request as received, with headers as (name, value) pairs including repeated ones, and its response."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    status: int
    sent_bytes: int
    query: str = ""

    def header(self, name: str) -> str:
        """Return the first header of this name, in any letter case; "" if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Answer(NamedTuple):
    """A response: a body, or the events of a watch, which are sent as they come."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    events: Iterable[dict[str, Any]] | None = None


class HTTPServer:
    """Calls `answer(path, query, headers)` for each GET request, and `note` before the response is sent."""

    def __init__(
        self,
        answer: Callable[[str, str, tuple[tuple[str, str], ...]], Answer],
        note: Callable[[ServedRequest], None],
        tls: ssl.SSLContext | None,
        port: int,
    ) -> None:
        handler = type("Handler", (_Handler,), {"answer": staticmethod(answer), "note": staticmethod(note)})
        self._server = _Server(("127.0.0.1", port), handler)
        scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url: str = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, free the port and close open connections."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            super().shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect during a response."""


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[str, str, tuple[tuple[str, str], ...]], Answer]
    note: Callable[[ServedRequest], None]
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: Nagle's algorithm would delay the second until the first is acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        # Some clients append a slash to paths, and real servers accept it.
        path = path.rstrip("/") or "/"
        received = tuple(self.headers.items())
        status, headers, body, events = self.answer(path, query, received)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if events is not None:
            self.send_header("Transfer-Encoding", "chunked")
        elif status != 304:
            self.send_header("Content-Length", str(len(body)))
        # Before the response is sent: a client that has read it finds the request counted.
        self.note(ServedRequest("GET", path, received, status, len(body), query))
        self.end_headers()
        if events is None:
            self.wfile.write(body)
        else:
            self._send(events)

    def _send(self, events: Iterable[dict[str, Any]]) -> None:
        try:
            for event in events:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: standard error belongs to the test."""
