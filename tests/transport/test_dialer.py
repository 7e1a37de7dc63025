"""Connections that are opened before they are needed: taken, failed, closed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.dialer import Dialer

from ..conftest import eventually, threads_of_ours
from .servers import Script


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
