"""`Balancer`: a layer-4 balancer in front of test servers. It can redirect new connections, never open ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType

from cachediscovery.testing import DiscoveryServer

_CHUNK = 1 << 16


class Balancer:
    """Listens on a loopback port and forwards each new connection to the server that `choose()` returns.

    `choose` may be replaced at any time; open connections stay with their server.
    """

    def __init__(self, choose: Callable[[], DiscoveryServer]) -> None:
        self.choose = choose
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        # The number of connections accepted.
        self.taken = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Balancer:
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # shutdown() wakes a thread that blocks in accept(); close() does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for connection in left:
            _end(connection)

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            far = socket.create_connection(("127.0.0.1", int(self.choose().url.rpartition(":")[2])))
            with self._lock:
                self._open |= {near, far}
            both = [threading.Thread(target=self._lead, args=ends, daemon=True) for ends in ((near, far), (far, near))]
            for thread in both:
                thread.start()
            threading.Thread(target=self._close, args=(both, near, far), daemon=True).start()

    def _lead(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while chunk := source.recv(_CHUNK):
                target.sendall(chunk)
        except OSError:
            pass
        _end(source)
        _end(target)

    def _close(self, threads: list[threading.Thread], *connections: socket.socket) -> None:
        for thread in threads:
            thread.join()
        with self._lock:
            self._open -= set(connections)
        for connection in connections:
            connection.close()


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
