"""A raw TCP server, a helper for one GET, and a client that trusts the tests' CA."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trustme

from cachediscovery import ClientConfig, DiscoveryClient, TransportOptions
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.transport import Transport

RawResponse = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(answer: RawResponse) -> Iterator[str]:
    """A TCP server that reads the request of each connection and then calls `answer` with it."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            try:
                answer(connection)
            except OSError:
                pass

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        # Wakes accept(), which close() alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def get(url: str, path: str = "/apis", **options: float) -> bytes:
    transport = Transport(url, TransportOptions()._replace(**options), config=ClientConfig(url))
    try:
        return transport.get(path).body
    finally:
        transport.close()


def _client(server: DiscoveryServer, authority: trustme.CA, **more: object) -> DiscoveryClient:
    config = ClientConfig(server.url, ca_data=authority.cert_pem.bytes(), token="secret")._replace(**more)  # type: ignore[arg-type]
    return DiscoveryClient.for_config(config)
