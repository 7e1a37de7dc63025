"""Raw TCP servers, a helper for one GET, and a client that trusts the tests' CA."""

from __future__ import annotations

import socket
import threading
import time
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
