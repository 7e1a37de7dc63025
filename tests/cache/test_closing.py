"""Every client can be closed, again and again, and used afterwards; it is a context manager."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryClient, DiscoveryInterface, DiscoveryWatch
from cachediscovery.config.cluster import Cluster
from cachediscovery.discovery.lazy_client import LazyDiscoveryClient
from cachediscovery.testing import Call, DiscoveryServer, FakeDiscoveryClient

from ..conftest import eventually, files, threads_of_ours

Make = Callable[[DiscoveryServer, Path], DiscoveryInterface]


def base(server: DiscoveryServer, tmp_path: Path) -> DiscoveryInterface:
    return DiscoveryClient.for_config(ClientConfig(server.url))


def lazy(server: DiscoveryServer, tmp_path: Path) -> DiscoveryInterface:
    return LazyDiscoveryClient(Cluster(server.url), lambda: ClientConfig(server.url), None)


def cached(server: DiscoveryServer, tmp_path: Path) -> DiscoveryInterface:
    return CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=tmp_path, ttl=0)


def in_memory(server: DiscoveryServer, tmp_path: Path) -> DiscoveryInterface:
    return CachedDiscoveryClient(base(server, tmp_path), ttl=0)


@pytest.fixture(autouse=True)
def _no_leaks() -> Iterator[None]:
    """Fail a test that leaves a socket to the garbage collector."""
    yield
    # Warnings are errors, those of collected sockets too.
    gc.collect()


@pytest.mark.parametrize("make", [base, lazy, cached, in_memory])
def test_a_closed_client_can_be_closed_and_used_again(server: DiscoveryServer, tmp_path: Path, make: Make) -> None:
    with make(server, tmp_path) as client:
        assert client.server_groups().groups
    client.close()
    with client as again:
        assert again is client
        assert again.server_resources_for_group_version("apps/v1").resources
    assert eventually(lambda: not threads_of_ours())


def test_an_unused_client_can_be_closed(server: DiscoveryServer, tmp_path: Path) -> None:
    for make in (base, lazy, cached, in_memory):
        make(server, tmp_path).close()
    assert server.request_count == 0


def test_closing_ends_the_watches(server: DiscoveryServer, tmp_path: Path) -> None:
    with CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=tmp_path) as client:
        watches = [client.watch(), client.watch()]
        assert watches[0].wait_until_watching(10)
    assert not any(watch.is_running for watch in watches)
    assert not threads_of_ours()
    with client.watch() as another:
        assert another.is_running
    client.close()


def test_closing_ends_watches_that_threads_began_at_the_same_time(
    server: DiscoveryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=tmp_path)
    client.watch()

    known = DiscoveryWatch.is_running

    def slow(watch: DiscoveryWatch) -> object:
        time.sleep(0.01)
        return known.__get__(watch)

    monkeypatch.setattr(DiscoveryWatch, "is_running", property(slow))
    with ThreadPoolExecutor(4) as pool:
        watches = [future.result() for future in [pool.submit(client.watch) for _ in range(4)]]
    client.close()
    assert not any(watch.is_running for watch in watches)


def test_closing_ends_the_refresh_in_the_background(tmp_path: Path, port: int) -> None:
    config = ClientConfig(f"http://127.0.0.1:{port}")
    with DiscoveryServer(port=port), CachedDiscoveryClient.for_config(config, cache_dir=tmp_path / "cache") as first:
        first.server_groups_and_resources()
    for path in files(tmp_path):
        os.utime(path, (path.stat().st_mtime - 7 * 3600,) * 2)

    def refreshing() -> bool:
        return "cachediscovery-revalidation" in [thread.name for thread in threading.enumerate()]

    with socket.create_server(("127.0.0.1", port)):
        client = CachedDiscoveryClient.for_config(config, cache_dir=tmp_path / "cache", stale_while_revalidate="2h")
        assert client.server_groups().groups
        assert refreshing()
        client.close()
        assert not refreshing()
        assert client.server_groups().groups
        assert refreshing()
        client.close()


def test_a_delegate_needs_no_close(server: DiscoveryServer) -> None:
    fake = FakeDiscoveryClient()
    with CachedDiscoveryClient(fake) as client:
        client.server_groups()
    assert fake.calls[-1] == Call("close")
