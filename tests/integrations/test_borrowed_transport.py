"""Another client's connection as a transport, without a cluster."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
import urllib3

from cachediscovery.integrations.borrowed_transport import BorrowedTransport
from cachediscovery.model.errors import InvalidDocument, RequestTimeout


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port with a full backlog: further connections are never established."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for connection in waiting:
            connection.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


Get = Callable[[str], object]


def by_urllib3(url: str) -> object:
    with urllib3.PoolManager(retries=False, timeout=0.2) as pool:
        return pool.request("GET", url)


def by_httpx(url: str) -> object:
    with httpx.Client(timeout=0.2) as client:
        return client.get(url)


def message_of(port: int, get: Get) -> str:
    url = f"http://127.0.0.1:{port}"

    def ask(path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        raise AssertionError(get(url + path))

    with pytest.raises(RequestTimeout) as caught:
        BorrowedTransport(url, ask).get("/api")
    return str(caught.value).replace(url, "URL")


@pytest.mark.parametrize("get", [by_urllib3, by_httpx])
def test_the_timeout_errors_of_a_borrowed_client_state_no_duration(full_port: int, silent_port: int, get: Get) -> None:
    assert message_of(full_port, get) == "no connection to URL/api in time: is the server reachable from here?"
    assert message_of(silent_port, get) == "URL/api did not answer in time: try again, or raise the read time-out"


def test_an_answer_of_300_megabytes_is_refused() -> None:
    body = bytes(300 << 20)
    transport = BorrowedTransport("http://host", lambda path, headers: (200, {}, body))
    with pytest.raises(InvalidDocument, match="http://host/openapi/v3 is larger than 67108864 bytes"):
        transport.get("/openapi/v3")
