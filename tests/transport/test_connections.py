"""GETs over `http.client`: a complete response in time or an exception, and reuse of connections."""

from __future__ import annotations

import gc
import gzip
import http.client
import os
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.transport.base import RawResponse
from cachediscovery.transport.connections import ServerConnections
from cachediscovery.transport.dialer import Dialer
from cachediscovery.transport.incomplete import CutShortError, TooLargeError

from ..conftest import eventually
from .servers import Script

Serve = Callable[..., ServerConnections]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def gzipped(body: bytes) -> bytes:
    packed = gzip.compress(body, mtime=0)
    return OK + b"content-encoding: GZIP\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


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


def test_a_connection_opened_in_advance_is_replaced_if_the_server_closed_it(script: Script) -> None:
    script.connections = [[], [OK + b"Content-Length: 1\r\n\r\nx"]]
    dialer = Dialer(script.url, 5)
    dialer.begin(1)
    assert eventually(lambda: script.closed == 1)
    connections = ServerConnections(dialer, read_timeout=5, limit=1000)
    assert get(connections).body == b"x"
    connections.close()


def test_an_unused_client_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="host"):
        Dialer("http://", 1)
    ServerConnections(Dialer("http://127.0.0.1:1", 1), read_timeout=1, limit=1)
    gc.collect()
    assert capfd.readouterr().err == ""
