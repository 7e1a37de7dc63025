"""Who may use the engine: TLS with a CA of its own, and a user who may use the keys of this cache alone."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme

from cachediscovery.testing import DiscoveryServer

from .conftest import Machine, RedisServer


class TLSFront:
    """Accepts TLS on a loopback port, in front of a redis-server that has none."""

    def __init__(self, context: ssl.SSLContext, socket_path: str) -> None:
        self._context = context
        self._path = socket_path
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            with (
                socket.socket(socket.AF_UNIX) as behind,
                plain,
                self._context.wrap_socket(plain, server_side=True) as front,
            ):
                behind.connect(self._path)
                front.settimeout(0.02)
                behind.settimeout(0.02)
                while self._pass_on(front, behind) and self._pass_on(behind, front):
                    pass
        except OSError:
            # The client does not trust this server, or has gone.
            pass

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> bool:
        try:
            data = one.recv(1 << 16)
        except TimeoutError:
            return True
        other.settimeout(5)
        other.sendall(data)
        other.settimeout(0.02)
        return bool(data)


@pytest.fixture
def front(tls: ssl.SSLContext, redis_server: RedisServer) -> Iterator[TLSFront]:
    running = TLSFront(tls, redis_server.url.removeprefix("unix://"))
    yield running
    running.close()


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_an_engine_behind_tls_is_used_if_its_certificate_is_trusted(
    machine: Machine,
    server: DiscoveryServer,
    front: TLSFront,
    authority: trustme.CA,
    tmp_path: Path,
    scheme: str,
) -> None:
    ca_file = tmp_path / "engine-ca.pem"
    ca_file.write_bytes(authority.cert_pem.bytes())
    url = f"{scheme}://127.0.0.1:{front.port}?ssl_ca_certs={ca_file}"
    machine("a", shared_cache=url).server_groups()
    machine("b", shared_cache=url).server_groups()
    assert server.request_count == 2


def test_an_engine_whose_certificate_is_not_trusted_is_not_used(
    machine: Machine,
    server: DiscoveryServer,
    redis_server: RedisServer,
    front: TLSFront,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ca_file = tmp_path / "another-ca.pem"
    ca_file.write_bytes(trustme.CA().cert_pem.bytes())
    machine("a", shared_cache=f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={ca_file}").server_groups()
    assert server.request_count == 2
    assert redis_server.client().keys() == []
    assert "going on without it" in caplog.text


def test_a_user_with_the_rights_of_the_readme_is_enough(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    rights = "on >pass ~cachediscovery:* resetchannels &cachediscovery:* +@all -@dangerous".split()
    redis_server.client().execute_command("ACL", "SETUSER", "discovery", *rights)
    url = redis_server.url.replace("unix://", "unix://discovery:pass@")
    first = machine("a", shared_cache=url)
    first.server_groups_and_resources()
    machine("b", shared_cache=url).server_groups_and_resources()
    assert server.request_count == 2
    first.invalidate()
    machine("c", shared_cache=url).server_groups_and_resources()
    assert server.request_count == 4
    assert "going on without it" not in caplog.text
    with pytest.raises(redis.exceptions.NoPermissionError):
        redis.Redis.from_url(url).get("another")


def test_a_user_without_rights_costs_requests_alone(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    redis_server.client().execute_command("ACL", "SETUSER", "nobody", "on", ">pass", "-@all")
    client = machine("a", shared_cache=redis_server.url.replace("unix://", "unix://nobody:pass@"))
    assert client.server_groups().groups
    assert server.request_count == 2
