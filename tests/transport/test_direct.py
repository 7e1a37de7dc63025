"""Plain answers are taken over plain sockets, and whatever is not plain is left to `requests`."""

from __future__ import annotations

import gc
import gzip
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.transport.direct import DirectConnections

Serve = Callable[..., DirectConnections]
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
        # Sent after each answer although nobody asked; the answer sent again and again, without end.
        self.after_answer = b""
        self.repeat = False
        self.accepted = 0
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
        with connection:
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
                    try:
                        connection.sendall(answer[at : at + step])
                    except OSError:
                        return
                    time.sleep(self.pause)
                while self.repeat:
                    try:
                        connection.sendall(answer)
                    except OSError:
                        return
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
    made: list[DirectConnections] = []

    def make(*connections: list[bytes], read_timeout: float = 5.0, limit: int = 1000) -> DirectConnections:
        script.connections = list(connections)
        made.append(
            DirectConnections(
                script.url, context=None, server_name="", connect_timeout=5, read_timeout=read_timeout, limit=limit
            )
        )
        return made[-1]

    yield make
    for direct in made:
        direct.close()


def body_of(serve: Serve, script: Script, answer: bytes) -> bytes | None:
    found = serve([answer]).get(f"{script.url}/x", [("Accept", "text/plain")])
    return found.body if found is not None else None


def test_a_request_is_one_that_any_server_understands(serve: Serve, script: Script) -> None:
    body_of(serve, script, OK + b"Content-Length: 2\r\n\r\nhi")
    host = script.url.removeprefix("http://").encode()
    assert script.requests == [b"GET /x HTTP/1.1\r\nHost: " + host + b"\r\nAccept: text/plain\r\n\r\n"]


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        gzipped(b"hello"),
    ],
    ids=["length", "chunked", "gzip"],
)  # fmt: skip
def test_a_whole_answer_is_returned(serve: Serve, script: Script, answer: bytes) -> None:
    assert body_of(serve, script, answer) == b"hello"


def test_any_status_with_a_whole_body_is_an_answer(serve: Serve, script: Script) -> None:
    for line, status in ((b"304 Not Modified", 304), (b"404 Not Found", 404), (b"302 Found", 302), (b"204", 204)):
        body = b"" if status in (204, 304) else b"Content-Length: 1\r\n"
        answer = b"HTTP/1.1 " + line + b"\r\nLocation: /y\r\n" + body + b"\r\n" + (b"x" if body else b"")
        found = serve([answer]).get(f"{script.url}/x", [])
        assert found is not None
        assert (found.status, found.headers.get("LOCATION")) == (status, "/y")
        script.accepted = 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        OK + b"\r\nwithout an end",
        OK + b"Content-Length: 5\r\n\r\nhel",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: +5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello world\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n",
        OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000,
        OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + b"x" * 4095 + b"\r\n0\r\n\r\n",
        gzipped(b"0" * 10**6),
        OK + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + gzip.compress(b"hello", mtime=0)[:10],
        OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi",
        OK + b" folded: x\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"no colon\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_or_not_whole_is_left_to_requests(serve: Serve, script: Script, answer: bytes) -> None:
    assert body_of(serve, script, answer) is None


@given(st.binary(max_size=200), st.sampled_from([b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_no_bytes_raise(data: bytes, beginning: bytes) -> None:
    script = Script()
    script.connections = [[beginning + data]]
    direct = DirectConnections(script.url, context=None, server_name="", connect_timeout=5, read_timeout=5, limit=1000)
    found = direct.get(f"{script.url}/x", [])
    assert found is None or len(found.body) <= 1000
    direct.close()
    script.stop()


def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_replaced(serve: Serve, script: Script) -> None:
    whole = OK + b"Content-Length: 1\r\n\r\nx"
    direct = serve([whole, whole], [whole])
    for _ in range(3):
        found = direct.get(f"{script.url}/x", [])
        assert found is not None
        assert found.body == b"x"
        time.sleep(0.05)
    assert (script.accepted, len(script.requests)) == (2, 3)


@pytest.mark.parametrize(
    "answer", [OK + b"Content-Length: 1\r\n\r\nxHTTP", OK + b"Connection: Close\r\nContent-Length: 1\r\n\r\nx"]
)
def test_a_connection_is_not_used_again_after_more_than_was_asked_for_or_a_goodbye(
    serve: Serve, script: Script, answer: bytes
) -> None:
    direct = serve([answer, answer], [answer])
    for _ in range(2):
        assert direct.get(f"{script.url}/x", []) is not None
    assert script.accepted == 2


@pytest.mark.parametrize("answer", [OK + b"X: " + b"x" * 500, OK + b"Content-Length: 500\r\n\r\n" + b"x" * 500])
def test_a_slow_drip_is_over_in_time(serve: Serve, script: Script, answer: bytes) -> None:
    script.pause = 0.02
    direct = serve([answer], read_timeout=0.3)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        direct.get(f"{script.url}/x", [])
    assert time.monotonic() - started < 2
    assert script.accepted == 1


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://elsewhere.test/x", []),
        ("{url}/x y", []),
        ("{url}/x\r\nEvil: 1", []),
        ("{url}/x", [("Authorization", "Bearer x\r\nEvil: 1")]),
        ("{url}/x", [("Impersonate-User", "Jürgen")]),
    ],
)
def test_what_cannot_be_said_in_plain_lines_is_left_to_requests(
    serve: Serve, script: Script, url: str, headers: list[tuple[str, str]]
) -> None:
    assert serve([OK + b"Content-Length: 1\r\n\r\nx"]).get(url.replace("{url}", script.url), headers) is None
    assert script.accepted == 0


def test_what_comes_on_an_idle_connection_is_not_the_next_answer(serve: Serve, script: Script) -> None:
    goodbye = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    script.after_answer = goodbye
    direct = serve([OK + b"Content-Length: 1\r\n\r\na"])
    for _ in range(3):
        found = direct.get(f"{script.url}/x", [])
        assert found is not None
        assert (found.status, found.body) == (200, b"a")
        time.sleep(0.05)
    assert script.accepted == 3


def test_a_forked_child_does_not_use_its_parents_connections(serve: Serve, script: Script) -> None:
    whole = OK + b"Content-Length: 1\r\n\r\nx"
    direct = serve([whole, whole, whole])
    direct.get(f"{script.url}/x", [])
    child = os.fork()
    if child == 0:
        os._exit(0 if direct.get(f"{script.url}/x", []) is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert script.accepted == 2
    assert direct.get(f"{script.url}/x", []) is not None
    assert script.accepted == 2, "the parent's is as it was"


def test_a_fast_stream_without_end_is_over_in_time(serve: Serve, script: Script) -> None:
    direct = serve([OK + b"X: " + b"x" * 10 + b"\r\nY: y" * 50], read_timeout=0.3)
    script.repeat = True
    started = time.monotonic()
    assert direct.get(f"{script.url}/x", []) is None
    assert time.monotonic() - started < 5


def test_a_host_without_ascii_is_refused_without_a_word_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="host"):
        DirectConnections(
            "http://bücher.test", context=None, server_name="", connect_timeout=1, read_timeout=1, limit=1
        )
    gc.collect()
    assert capfd.readouterr().err == ""
