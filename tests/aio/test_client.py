from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import (
    AsyncCachedDiscoveryClient,
    CachedDiscoveryClient,
    ClientConfig,
    DeferredDiscoveryRESTMapper,
    StatusError,
)
from cachediscovery.testing import DiscoveryServer, Failure

Make = Callable[..., CachedDiscoveryClient]


# Members of the sync client that the async one lacks.
MISSING = {"delegate", "from_kubeconfig", "openapi_v3", "path", "resource_index", "watch"}


def test_async_and_sync_members_differ_only_as_listed() -> None:
    sync, own = (
        {name for name in vars(kind) if not name.startswith("_")}
        for kind in (CachedDiscoveryClient, AsyncCachedDiscoveryClient)
    )
    assert sync - own == MISSING
    assert own - sync == {"client", "run"}


def test_the_async_client_returns_the_same_results_as_the_sync_client(
    server: DiscoveryServer, cached_client: Make
) -> None:
    sync = cached_client(server)

    async def ask() -> None:
        client = AsyncCachedDiscoveryClient(cached_client(server))
        assert await client.server_groups() == sync.server_groups()
        assert await client.server_groups_and_resources() == sync.server_groups_and_resources()
        assert await client.server_preferred_resources() == sync.server_preferred_resources()
        assert await client.server_preferred_namespaced_resources() == sync.server_preferred_namespaced_resources()
        assert (await client.server_resources_for_group_version("apps/v1")).group_version == "apps/v1"
        assert (await client.server_version()).git_version
        assert not client.fresh or client.server
        client.invalidate()
        assert client.fresh
        mapper = DeferredDiscoveryRESTMapper(client.client)
        assert (await client.run(mapper.mapping_for, "deploy")).kind == "Deployment"

    asyncio.run(ask())


def test_a_request_does_not_block_the_event_loop(server: DiscoveryServer, tmp_path: Path) -> None:
    begun, answer = threading.Event(), threading.Event()
    server.on_request = lambda _: (begun.set(), answer.wait(20), None)[2]

    async def ask() -> None:
        client = AsyncCachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
        asking = asyncio.ensure_future(client.server_groups_and_resources())
        while not begun.is_set():
            await asyncio.sleep(0)
        assert not asking.done(), "the loop runs while the server is waited for"
        answer.set()
        assert (await asking)[0]

    asyncio.run(ask())


def test_tasks_that_miss_together_fetch_once(server: DiscoveryServer, cached_client: Make) -> None:
    server.delay = 0.05

    async def ask() -> None:
        client = AsyncCachedDiscoveryClient(cached_client(server))
        await asyncio.gather(*(client.server_groups() for _ in range(8)))

    asyncio.run(ask())
    assert server.request_count == 2


def test_errors_are_raised_to_the_caller(server: DiscoveryServer, cached_client: Make) -> None:
    server.fail("/apis/apps/v1", Failure(503))
    client = AsyncCachedDiscoveryClient(cached_client(server))
    with pytest.raises(StatusError):
        asyncio.run(client.server_resources_for_group_version("apps/v1"))
