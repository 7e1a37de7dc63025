"""What one API server serves itself, without its peers: it is in no shared cache."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cachediscovery import (
    AsyncCachedDiscoveryClient,
    CachedDiscoveryClient,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    DiscoveryInterface,
    NoMatchError,
    TransportOptions,
    open_store,
)
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient
from cachediscovery.transport.http_store import HTTPStore
from cachediscovery.transport.transport import Transport

from ..conftest import WIDGETS

NO_PEER = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer"


@pytest.fixture
def server() -> Iterator[DiscoveryServer]:
    """A server that lacks a group of its peers."""
    with DiscoveryServer() as running:
        running.with_peers = running.recording.copy()
        running.with_peers.add_group("peer.test", {"v1": WIDGETS})
        yield running


def has_group_of_peers(client: DiscoveryInterface) -> bool:
    return any(group.name == "peer.test" for group in client.server_groups_and_resources()[0])


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def accepts(server: DiscoveryServer) -> list[str]:
    return [value for request in server.requests for name, value in request.headers if name.lower() == "accept"]


def test_the_profile_comes_first_in_the_accept_header(server: DiscoveryServer) -> None:
    with DiscoveryClient.for_config(server.config, no_peer=True) as client:
        assert client.no_peer
        assert not has_group_of_peers(client)
    assert [accept.split(",")[0] for accept in accepts(server)] == [NO_PEER, NO_PEER]
    # As client-go's, it takes what a server without the profile offers.
    assert all(accept.endswith(",application/json") and accept.count("v=v2;") == 2 for accept in accepts(server))
    with DiscoveryClient.for_config(server.config) as client:
        assert not client.no_peer
        assert has_group_of_peers(client)


@pytest.mark.parametrize("aggregated", [("v2",), ("v2beta1",), ()])
def test_older_servers_are_listed_all_the_same(aggregated: tuple[str, ...]) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        groups = DiscoveryClient.for_config(server.config).server_groups()
        assert DiscoveryClient.for_config(server.config, no_peer=True).server_groups() == groups


def test_a_legacy_client_asks_for_no_profile(server: DiscoveryServer) -> None:
    client = DiscoveryClient.for_config(server.config, no_peer=True).with_legacy()
    assert client.no_peer
    client.server_groups()
    assert {*accepts(server)} == {"application/json"}


def test_answers_stay_out_of_the_shared_cache_and_are_not_served_from_it(
    server: DiscoveryServer, tmp_path: Path
) -> None:
    with CachedDiscoveryClient.for_config(server.config, cache_dir=tmp_path) as client:
        assert has_group_of_peers(client)
        client.resource_index.write()
    before = state(tmp_path)
    assert before
    server.forget_requests()
    with CachedDiscoveryClient.for_config(server.config, cache_dir=tmp_path, no_peer=True) as client:
        assert client.no_peer
        assert client.path() == ""
        assert not has_group_of_peers(client)
        assert not has_group_of_peers(client), "the second time from memory"
        assert server.request_count == 2
        with pytest.raises(NoMatchError):
            DeferredDiscoveryRESTMapper(client).mapping_for("widgets.peer.test")
        client.refresh()
        assert not has_group_of_peers(client)
        assert not client.resource_index.write()
    assert all(status != 304 for status in (request.status for request in server.requests))
    assert state(tmp_path) == before
    server.forget_requests()
    with CachedDiscoveryClient.for_config(server.config, cache_dir=tmp_path) as client:
        assert has_group_of_peers(client)
    assert server.request_count == 0, "the cache of the others is warm"


@pytest.mark.parametrize("how", ["options", "keyword", "asyncio", "delegate", "delegate and store", "cached delegate"])
def test_nothing_is_written_however_it_is_asked_for(server: DiscoveryServer, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "cache"
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    base = DiscoveryClient.for_config(server.config, no_peer=True)
    made: dict[str, Any] = {
        "options": lambda: CachedDiscoveryClient.for_config(
            server.config, cache_dir=folder, options=TransportOptions(no_peer=True)
        ),
        "keyword": lambda: CachedDiscoveryClient.from_kubeconfig(kubeconfig, cache_dir=folder, no_peer=True),
        "asyncio": lambda: AsyncCachedDiscoveryClient.from_kubeconfig(kubeconfig, cache_dir=folder, no_peer=True),
        "delegate": lambda: CachedDiscoveryClient(base, cache_dir=folder),
        "delegate and store": lambda: CachedDiscoveryClient(base, open_store(server.url, str(folder))),
        "cached delegate": lambda: CachedDiscoveryClient(CachedDiscoveryClient(base), cache_dir=folder),
    }
    client = made[how]()
    assert client.no_peer
    if isinstance(client, AsyncCachedDiscoveryClient):
        groups = [group.name for group in asyncio.run(client.server_groups_and_resources())[0]]
        assert groups
        assert "peer.test" not in groups
        client = client.client
    assert not has_group_of_peers(client)
    client.close()
    written = [path for path in state(folder) if not path.endswith("remembered.json")]
    assert [path for path in written if "/discovery/" in path or "/http/" in path] == []


def test_stored_responses_are_neither_read_nor_replaced(server: DiscoveryServer, tmp_path: Path) -> None:
    transport = Transport(server.url)
    transport.responses = HTTPStore(str(tmp_path))
    everyone, one = (DiscoveryClient(transport, server.url, no_peer=no_peer) for no_peer in (False, True))
    assert has_group_of_peers(everyone)
    before = state(tmp_path)
    assert len(before) == 2
    server.forget_requests()
    assert not has_group_of_peers(one)
    assert state(tmp_path) == before
    assert not any(name.lower() == "if-none-match" for request in server.requests for name, _ in request.headers)
    assert has_group_of_peers(everyone)
    assert [request.status for request in server.requests[2:]] == [304, 304]
    transport.close()


def test_only_true_and_false_are_values_of_the_option(server: DiscoveryServer) -> None:
    with pytest.raises(TypeError, match="no_peer takes True or False, not int"):
        DiscoveryClient.for_config(server.config, no_peer=1)  # type: ignore[arg-type]
    assert not CachedDiscoveryClient(FakeDiscoveryClient()).no_peer
