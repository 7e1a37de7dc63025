"""The session over `requests`: slow responses time out."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cachediscovery import ClientConfig, RequestTimeout, TransportOptions
from cachediscovery.transport.credentials import Identity
from cachediscovery.transport.session import ServerSession
from cachediscovery.transport.tls import TLSContexts

OPTIONS = TransportOptions(connect_timeout=0.4, read_timeout=0.4)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextlib.contextmanager
def dripping(whole: bytes, at: int) -> Iterator[str]:
    """A server that sends `whole` up to `at` at once and then a byte every 0.1 s; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(whole[:at])
                    for byte in whole[at:]:
                        connection.sendall(bytes([byte]))
                        time.sleep(0.1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("at", [0, 4, 17, 30, 46, len(HEAD) - 2, len(HEAD), len(HEAD) + 2, len(HEAD) + 40])
def test_a_dripping_response_raises_request_timeout_in_time(at: int) -> None:
    with dripping(HEAD + b"00000040\r\n" + b" " * 200, at) as url:
        config = ClientConfig(url)
        session = ServerSession(None, config, lambda: TLSContexts(config), OPTIONS)
        started = time.monotonic()
        with pytest.raises(RequestTimeout, match=r"did not answer within 0\.4 s"):
            session.get(f"{url}/api", [], Identity(), anonymous=False)
        assert time.monotonic() - started < 2
        session.close()
