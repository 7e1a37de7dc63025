"""Clients of the caller for Redis Cluster and for Sentinel."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.sentinel import Sentinel

from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually
from .conftest import SERVER, Machine, require_server

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts redis-server on a port of loopback, which it returns."""
    require_server()
    processes: list[subprocess.Popen[bytes]] = []

    def start(*options: str, config: str = "") -> int:
        port = free_port()
        folder = tmp_path / f"redis-{port}"
        folder.mkdir()
        (folder / "redis.conf").write_text(config)
        command = [SERVER, str(folder / "redis.conf"), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", str(folder), *options]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        with redis.Redis(port=port) as client:
            assert eventually(lambda: is_up(client))
        return port

    yield start
    for process in processes:
        process.kill()
        process.wait()


def free_port() -> int:
    """A free port. The one above it by 10,000 is for the nodes of a cluster to talk to each other."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        if port < 65_536 - 10_000:
            return port


def is_up(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def check(machine: Machine, server: DiscoveryServer, client: object) -> None:
    """Two machines ask once between them, and an invalidation by one reaches the other."""
    first, second = machine("a", shared_cache=client), machine("b", shared_cache=client)
    groups = first.server_groups_and_resources()
    assert second.server_groups_and_resources() == groups
    assert server.request_count == 2
    second.invalidate()
    assert eventually(lambda: first.server_groups_and_resources() == groups and server.request_count == 4)


def test_a_client_of_redis_cluster_is_used(machine: Machine, server: DiscoveryServer, start: Start) -> None:
    port = start("--cluster-enabled", "yes", "--save", "")
    with redis.Redis(port=port) as node:
        node.execute_command("CLUSTER ADDSLOTS", *range(16_384))
        assert eventually(lambda: node.cluster("info")["cluster_state"] == "ok")
    client = redis.RedisCluster("127.0.0.1", port)
    check(machine, server, client)
    assert sum(len(client.keys(pattern)) for pattern in ("*:generation", "*:record:groups")) == 2
    client.close()


def test_a_client_of_a_sentinel_follows_the_master(machine: Machine, server: DiscoveryServer, start: Start) -> None:
    master = start("--save", "")
    watching = start("--sentinel", config=f"sentinel monitor shared 127.0.0.1 {master} 1\n")
    sentinel = Sentinel([("127.0.0.1", watching)])
    client = sentinel.master_for("shared")
    check(machine, server, client)
    client.close()
    for known in sentinel.sentinels:
        known.close()
