"""`DiscoveryServer`: a read-only API server on a loopback port that replays a `Recording`."""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from ..model.aggregated import GROUP, KIND, VERSIONS
from .failure import Failure
from .recording import Recording, load_recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

# Real API servers compress responses from this size on.
_GZIP_BYTES = 128 << 10


class ServedRequest(NamedTuple):
    """A request as received, with headers as (name, value) pairs including repeated ones, and its response."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    status: int
    sent_bytes: int

    def header(self, name: str) -> str:
        """Return the first header of this name, in any letter case; "" if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class DiscoveryServer:
    """Serves `/api`, `/apis`, every group version and `/version` over HTTP, or HTTPS with `tls`.

    Use it as a context manager:

        with DiscoveryServer() as server:
            client = DiscoveryClient.for_config(ClientConfig(server=server.url))
            ...
            assert server.request_count == 2

    The public attributes may be changed while it runs.
    """

    def __init__(
        self,
        recording: Recording | None = None,
        *,
        aggregated: tuple[str, ...] | bool = True,
        delay: float = 0.0,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        """`aggregated` lists the supported versions of aggregated discovery: True for all, False for none.

        `delay` (seconds) precedes each response. Requests without `token`, if set, get a 401. `port` 0 is any free one.
        """
        self.recording: Recording = recording if recording is not None else load_recording()
        self.aggregated: tuple[str, ...] = VERSIONS if aggregated is True else aggregated or ()
        self.delay = delay
        self.token = token
        # Responses that replace the recorded ones, by path.
        self.failures: dict[str, Failure] = {}
        self.etags = True
        # Headers of every response.
        self.headers: dict[str, str] = {}
        # Events for a watch (`?watch=1`), by path: a function of the query that yields them.
        self.watches: dict[str, Callable[[str], Iterable[dict[str, Any]]]] = {}
        # Called with the path of each request before the response.
        self.on_request: Callable[[str], None] | None = None
        self.requests: list[ServedRequest] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"discovery": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def request_count(self) -> int:
        """The number of requests answered."""
        with self._lock:
            return len(self.requests)

    def paths(self) -> list[str]:
        """The paths of all requests answered, in order."""
        with self._lock:
            return [request.path for request in self.requests]

    def forget_requests(self) -> None:
        """Clear the recorded requests."""
        with self._lock:
            self.requests.clear()

    def fail(self, path: str, failure: Failure | None = None) -> None:
        """Answer `path` with `failure`, by default a 503, from now on."""
        self.failures[path] = failure or Failure()

    def write_kubeconfig(self, path: Path, *, certificate_authority: str = "") -> Path:
        """Write a kubeconfig for this server, with its `token`, to `path`. Return `path`."""
        cluster: dict[str, Any] = {"server": self.url}
        if certificate_authority:
            cluster["certificate-authority"] = certificate_authority
        user = {"token": self.token} if self.token else {}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "local", "user": user}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        }
        import yaml

        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, free the port and close open connections."""
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join()

    def __enter__(self) -> DiscoveryServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, path: str, accept: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a GET."""
        failure = self._failure(path)
        if failure is not None:
            body = failure.body if failure.body is not None else _status(failure.status, failure.message)
            return failure.status, {"Content-Type": failure.content_type, **dict(failure.headers)}, body
        if self.token and authorization != f"Bearer {self.token}":
            return 401, {"Content-Type": "application/json"}, _status(401, "Unauthorized")
        recording = self.recording
        content_type = "application/json"
        document: dict[str, Any] | None = recording.unaggregated.get(path)
        version = self._aggregated_version(accept) if path in ("/api", "/apis") else ""
        if version:
            document = recording.api if path == "/api" else recording.apis
            content_type = f"application/json;g={GROUP};v={version};as={KIND}"
        if document is None:
            return 404, {"Content-Type": content_type}, _status(404, "the server could not find the requested resource")
        body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        headers = {"Content-Type": content_type}
        if version and self.etags:
            headers.update({"Etag": f'"{hashlib.sha256(body).hexdigest()[:64].upper()}"', "Vary": "Accept"})
        return 200, headers, body

    def _failure(self, path: str) -> Failure | None:
        with self._lock:
            failure = self.failures.get(path)
            if failure is not None and failure.times is not None:
                if failure.times > 1:
                    self.failures[path] = failure._replace(times=failure.times - 1)
                else:
                    del self.failures[path]
            return failure

    def _aggregated_version(self, accept: str) -> str:
        """Return the first version of aggregated discovery that both sides support; "" for none."""
        for item in accept.replace(" ", "").split(","):
            for version in self.aggregated:
                if item == f"application/json;g={GROUP};v={version};as={KIND}":
                    return version
        return ""

    def _note(self, request: ServedRequest) -> None:
        with self._lock:
            self.requests.append(request)


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
    discovery: DiscoveryServer
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: Nagle's algorithm would delay the second until the first is acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        discovery = self.discovery
        if discovery.delay:
            time.sleep(discovery.delay)
        # Some clients append a slash to paths, and real servers accept it.
        path = self.path.partition("?")[0].rstrip("/") or "/"
        accept, authorization = self.headers.get("Accept", ""), self.headers.get("Authorization", "")
        if discovery.on_request is not None:
            discovery.on_request(path)
        query = self.path.partition("?")[2]
        status, headers, body = discovery._answer(path, accept, authorization)
        if status == 200 and path in discovery.watches and "watch=1" in query.split("&"):
            self._send_events(path, discovery.watches[path](query))
            return
        headers = {**discovery.headers, **headers}
        etag = headers.get("Etag")
        if status == 200 and etag and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        elif "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > _GZIP_BYTES:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        # Before the response is sent: a client that has read it finds the request counted.
        discovery._note(ServedRequest("GET", path, tuple(self.headers.items()), status, len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_events(self, path: str, events: Iterable[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.discovery._note(ServedRequest("GET", path, tuple(self.headers.items()), 200, 0))
        try:
            for event in events:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: standard error belongs to the test."""


def _status(code: int, message: str) -> bytes:
    reasons = {
        401: "Unauthorized",
        403: "Forbidden",
        404: "NotFound",
        429: "TooManyRequests",
        503: "ServiceUnavailable",
    }
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reasons.get(code, ""),
        "code": code,
    }
    return json.dumps(status).encode() + b"\n"
