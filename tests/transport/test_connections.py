"""GETs over `http.client`: a complete response in time or an exception, and reuse of connections."""

from __future__ import annotations

import gc
import gzip
import http.client
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.base import RawResponse
from cachediscovery.transport.connections import ServerConnections
from cachediscovery.transport.dialer import Dialer
from cachediscovery.transport.incomplete import CutShortError, TooLargeError

from ..conftest import eventually, threads_of_ours

Serve = Callable[..., ServerConnections]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def gzipped(body: bytes) -> bytes:
    packed = gzip.compress(body, mtime=0)
    return OK + b"content-encoding: GZIP\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


class Script:
    """A server that answers the requests of each connection with the given bytes, one after another."""

    def __init__(self) -> None:
        self.connections: list[list[bytes]] = []
        self.requests: list[bytes] = []
        self.pause = 0.0
        # `after_answer`: unsolicited bytes after each response. `repeat`: send the response endlessly.
        self.after_answer = b""
        self.repeat = False
        self.accepted = 0
        self.closed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            answers = self.connections[min(self.accepted, len(self.connections) - 1)]
            self.accepted += 1
            threading.Thread(target=self._answer, args=(connection, answers), daemon=True).start()

    def _answer(self, connection: socket.socket, answers: list[bytes]) -> None:
        try:
            self._converse(connection, answers)
        except OSError:
            # The client closed the connection.
            pass
        finally:
            connection.close()
            self.closed += 1

    def _converse(self, connection: socket.socket, answers: list[bytes]) -> None:
        for answer in answers:
            received = b""
            while b"\r\n\r\n" not in received:
                data = connection.recv(65536)
                if not data:
                    return
                received += data
            self.requests.append(received)
            step = 1 if self.pause else len(answer) or 1
            for at in range(0, len(answer), step):
                connection.sendall(answer[at : at + step])
                time.sleep(self.pause)
            while self.repeat:
                connection.sendall(answer)
            if self.after_answer:
                time.sleep(0.02)
                connection.sendall(self.after_answer)


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.stop()


@pytest.fixture
def serve(script: Script) -> Iterator[Serve]:
    made: list[ServerConnections] = []

    def make(*connections: list[bytes], read_timeout: float = 5.0, limit: int = 1000) -> ServerConnections:
        script.connections = list(connections)
        made.append(ServerConnections(Dialer(script.url, 5), read_timeout=read_timeout, limit=limit))
        return made[-1]

    yield make
    for connections in made:
        connections.close()


def get(connections: ServerConnections) -> RawResponse:
    return connections.get("api.test", "/x", [("Accept", "text/plain")])


def test_a_get_sends_a_plain_http_request(serve: Serve, script: Script) -> None:
    get(serve([OK + b"Content-Length: 2\r\n\r\nhi"]))
    assert script.requests == [b"GET /x HTTP/1.1\r\nHost: api.test\r\nAccept: text/plain\r\n\r\n"]


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        gzipped(b"hello"),
    ],
    ids=["length", "chunked", "gzip"],
)  # fmt: skip
def test_a_complete_response_is_returned(serve: Serve, answer: bytes) -> None:
    assert get(serve([answer])).body == b"hello"


def test_a_response_with_any_status_is_returned(serve: Serve, script: Script) -> None:
    for line, status in ((b"304 Not Modified", 304), (b"404 Not Found", 404), (b"302 Found", 302), (b"204", 204)):
        body = b"" if status in (204, 304) else b"Content-Length: 1\r\n"
        answer = b"HTTP/1.1 " + line + b"\r\nLocation: /y\r\n" + body + b"\r\n" + (b"x" if body else b"")
        found = get(serve([answer]))
        assert (found.status, found.headers.get("LOCATION")) == (status, "/y")
        script.accepted = 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", http.client.RemoteDisconnected),
        (b"nonsense\r\n\r\n", http.client.BadStatusLine),
        (b"HTTP/1.1 abc\r\n\r\n", http.client.BadStatusLine),
        (OK + b"Content-Length: 5\r\n\r\nhel", CutShortError),
        (OK + b"Content-Length: 5\r\n\r\n", CutShortError),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", http.client.IncompleteRead),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", http.client.IncompleteRead),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello world\r\n0\r\n\r\n", http.client.IncompleteRead),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n", http.client.IncompleteRead),
        (OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000, TooLargeError),
        (OK + b"\r\n" + b"x" * 2000, TooLargeError),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + b"x" * 4095 + b"\r\n0\r\n\r\n", TooLargeError),
        (gzipped(b"0" * 10**6), TooLargeError),
        (
            OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b"hello", mtime=0)[:20],
            CutShortError,
        ),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", zlib.error),
        (OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi", zlib.error),
        (OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n", http.client.LineTooLong),
    ],
)
def test_an_invalid_truncated_or_oversized_response_raises(serve: Serve, answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        get(serve([answer]))


@given(st.binary(max_size=200), st.sampled_from([b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_any_bytes_give_a_bounded_response_or_a_network_error(data: bytes, beginning: bytes) -> None:
    script = Script()
    script.connections = [[beginning + data]]
    connections = ServerConnections(Dialer(script.url, 5), read_timeout=5, limit=1000)
    try:
        assert len(get(connections).body) <= 1000
    except (OSError, http.client.HTTPException, zlib.error, ValueError, TooLargeError, CutShortError):
        pass
    finally:
        connections.close()
        script.stop()


def test_a_connection_is_reused_and_a_closed_one_is_replaced(serve: Serve, script: Script) -> None:
    whole = OK + b"Content-Length: 1\r\n\r\nx"
    connections = serve([whole, whole], [whole])
    for closed in (0, 1, 2):
        assert get(connections).body == b"x"
        assert eventually(lambda closed=closed: script.closed == closed)  # type: ignore[misc]
    assert (script.accepted, len(script.requests)) == (2, 3)


@pytest.mark.parametrize(
    "answer", [OK + b"Content-Length: 1\r\n\r\nxHTTP", OK + b"Connection: Close\r\nContent-Length: 1\r\n\r\nx"]
)
def test_a_connection_is_not_reused_after_extra_bytes_or_connection_close(
    serve: Serve, script: Script, answer: bytes
) -> None:
    connections = serve([answer, answer], [answer])
    for _ in range(2):
        assert get(connections).body == b"x"
    assert script.accepted == 2


@pytest.mark.parametrize("answer", [OK + b"X: " + b"x" * 500, OK + b"Content-Length: 500\r\n\r\n" + b"x" * 500])
def test_a_slow_response_times_out(serve: Serve, script: Script, answer: bytes) -> None:
    script.pause = 0.02
    connections = serve([answer], read_timeout=0.3)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        get(connections)
    assert time.monotonic() - started < 2
    assert script.accepted == 1


@pytest.mark.parametrize("name", ["Authorization", "Evil\r\nName"])
def test_a_header_with_a_line_break_is_never_sent(serve: Serve, script: Script, name: str) -> None:
    with pytest.raises(ValueError, match="Invalid header"):
        serve([OK + b"Content-Length: 1\r\n\r\nx"]).get("api.test", "/x", [(name, "Bearer x\r\nEvil: 1")])
    assert script.requests == []


@pytest.mark.parametrize("target", ["/x y", "/x\r\nEvil: 1"])
def test_a_target_with_a_space_or_line_break_is_never_sent(serve: Serve, script: Script, target: str) -> None:
    with pytest.raises(http.client.InvalidURL):
        serve([OK + b"Content-Length: 1\r\n\r\nx"]).get("api.test", target, [])
    assert script.requests == []


def test_bytes_on_an_idle_connection_are_not_the_next_response(serve: Serve, script: Script) -> None:
    script.after_answer = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    connections = serve([OK + b"Content-Length: 1\r\n\r\na"])
    for closed in (1, 2, 3):
        found = get(connections)
        assert (found.status, found.body) == (200, b"a")
        # By then the server has sent the unsolicited response.
        assert eventually(lambda closed=closed: script.closed == closed)  # type: ignore[misc]
    assert script.accepted == 3


def test_a_forked_child_does_not_use_its_parents_connections(serve: Serve, script: Script) -> None:
    whole = OK + b"Content-Length: 1\r\n\r\nx"
    connections = serve([whole, whole, whole])
    get(connections)
    child = os.fork()
    if child == 0:
        os._exit(0 if get(connections).body == b"x" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert script.accepted == 2
    get(connections)
    assert script.accepted == 2, "the parent's is as it was"


@pytest.mark.parametrize("answer", [OK + b"X: " + b"x" * 10 + b"\r\nY: y" * 50, OK + b"\r\n" + b"x" * 100])
def test_an_endless_fast_response_times_out(serve: Serve, script: Script, answer: bytes) -> None:
    connections = serve([answer], read_timeout=0.3, limit=1 << 40)
    script.repeat = True
    started = time.monotonic()
    with pytest.raises((TimeoutError, http.client.HTTPException)):
        get(connections)
    assert time.monotonic() - started < 5


def test_connections_opened_in_advance_are_used(script: Script) -> None:
    whole = OK + b"Content-Length: 1\r\n\r\nx"
    script.connections = [[whole]]
    dialer = Dialer(script.url, 5)
    dialer.reach(1)
    dialer.begin(2)
    connections = ServerConnections(dialer, read_timeout=5, limit=1000)
    assert eventually(lambda: script.accepted == 2)
    for count in (2, 2, 3):
        assert get(connections).body == b"x"
        assert script.accepted == count
        # The server closes each connection after one response.
        assert eventually(lambda: len(script.requests) == script.closed)
    connections.close()


@pytest.mark.parametrize(("url", "port"), [("http://h", 80), ("https://h", 443), ("https://h:6443", 6443)])
def test_a_url_without_a_port_has_that_of_its_scheme(monkeypatch: pytest.MonkeyPatch, url: str, port: int) -> None:
    asked = []

    def look_up(host: bytes, port: int, **_: object) -> None:
        asked.append((host, port))
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(OSError, match="unknown"):
        Dialer(url, 1.0).make()
    assert asked == [(b"h", port)]


def test_a_connection_that_failed_in_advance_raises_when_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    dialer = Dialer(f"http://127.0.0.1:{port}", 5)
    dialer.begin(1)
    with pytest.raises(ConnectionRefusedError):
        dialer.take()


def test_a_connection_opened_in_advance_is_replaced_if_the_server_closed_it(script: Script) -> None:
    script.connections = [[], [OK + b"Content-Length: 1\r\n\r\nx"]]
    dialer = Dialer(script.url, 5)
    dialer.begin(1)
    assert eventually(lambda: script.closed == 1)
    connections = ServerConnections(dialer, read_timeout=5, limit=1000)
    assert get(connections).body == b"x"
    connections.close()


def test_unused_connections_are_closed(script: Script) -> None:
    script.connections = [[b""]]
    dialer = Dialer(script.url, 5)
    dialer.begin(2)
    assert eventually(lambda: script.accepted == 2)
    dialer.reach(1)
    assert eventually(lambda: script.accepted == 3)
    dialer.close()
    assert eventually(lambda: script.closed == 3)
    for _ in range(20):
        dialer.begin(1)
        dialer.close()
    # An attempt cancelled early never reaches the server; those that do are accepted before this one.
    assert eventually(lambda: not threads_of_ours())
    accepted = script.accepted
    with socket.create_connection(("127.0.0.1", int(script.url.rpartition(":")[2]))):
        assert eventually(lambda: script.accepted > accepted and script.closed == script.accepted - 1)


def test_closing_the_dialer_ends_a_handshake_in_progress(script: Script) -> None:
    script.connections = [[b""]]
    dialer = Dialer(script.url.replace("http", "https"), 60)
    dialer.secure(ssl.create_default_context(), "")
    dialer.begin(2)
    assert eventually(lambda: script.accepted == 2)
    dialer.close()
    assert eventually(lambda: script.closed == 2 and not threads_of_ours(), 10)


def test_an_unused_client_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="host"):
        Dialer("http://", 1)
    ServerConnections(Dialer("http://127.0.0.1:1", 1), read_timeout=1, limit=1)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_a_connection_that_is_closed_just_before_it_is_taken_is_not_used(server: DiscoveryServer) -> None:
    dialer = Dialer(server.url, 5)

    class Begun(list[Callable[[], object]]):
        def pop(self, *_: object) -> Callable[[], object]:  # type: ignore[override]
            result = super().pop()

            def wait_and_close() -> object:
                made = result()
                dialer.close()
                return made

            return wait_and_close

    dialer._begun = Begun()  # type: ignore[assignment]
    dialer.begin(1)
    assert dialer.take() is None
