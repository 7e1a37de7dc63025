from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import (
    AsyncCachedDiscoveryClient,
    AsyncDeferredDiscoveryRESTMapper,
    AsyncDiscoveryWatch,
    AsyncOpenAPIV3,
    AsyncResourceIndex,
    CachedDiscoveryClient,
    CacheOptions,
    ClientConfig,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    DiscoveryWatch,
    OpenAPIV3,
    ResourceIndex,
    StatusError,
    TransportOptions,
)
from cachediscovery.aio.openapi import AsyncOpenAPIV3GroupVersion
from cachediscovery.openapi.documents import OpenAPIV3GroupVersion
from cachediscovery.testing import DiscoveryServer, Failure

Make = Callable[..., CachedDiscoveryClient]


# The names of the same thing in an async class.
ASYNC_NAMES = {
    "close": "aclose",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
    "__next__": "__anext__",
}
PAIRS: list[tuple[type, type, set[str]]] = [
    (CachedDiscoveryClient, AsyncCachedDiscoveryClient, {"client", "run"}),
    (DiscoveryWatch, AsyncDiscoveryWatch, set()),
    (DeferredDiscoveryRESTMapper, AsyncDeferredDiscoveryRESTMapper, set()),
    (ResourceIndex, AsyncResourceIndex, set()),
    (OpenAPIV3, AsyncOpenAPIV3, set()),
]


def members(kind: type) -> set[str]:
    named = {name for name in dir(kind) if not name.startswith("_")}
    return named | {name for name in (*ASYNC_NAMES, *ASYNC_NAMES.values()) if hasattr(kind, name)}


@pytest.mark.parametrize(("sync", "own", "more"), PAIRS)
def test_the_async_class_has_every_member_of_the_sync_one(sync: type, own: type, more: set[str]) -> None:
    # What the sync mapper tells the async one.
    expected = {ASYNC_NAMES.get(name, name) for name in members(sync)} - {"remembered"}
    context = {"__aenter__", "__aexit__"} if own is AsyncCachedDiscoveryClient else set()
    assert members(own) == expected | more | context


@pytest.mark.parametrize(("sync", "own", "more"), PAIRS)
def test_every_method_takes_the_same_arguments(sync: type, own: type, more: set[str]) -> None:
    for name in members(sync) - {"__exit__", "remembered"}:
        here = getattr(sync, name)
        if callable(here):
            there = getattr(own, ASYNC_NAMES.get(name, name))
            assert arguments(there) == arguments(here), name


def arguments(call: Callable[..., object]) -> list[tuple[str, object, object]]:
    parameters = inspect.signature(call).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


def test_the_constructors_pass_every_option_on(
    server: DiscoveryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "kubeconfig")))
    folder = str(tmp_path / "cache")
    made = [
        AsyncCachedDiscoveryClient.from_kubeconfig(ConfigOverrides(context="local"), ttl=7, cache_dir=folder),
        AsyncCachedDiscoveryClient.from_kubeconfig(None, CacheOptions(ttl=7, cache_dir=folder)),
        AsyncCachedDiscoveryClient.for_config(
            ClientConfig(server.url), ttl=7, cache_dir=folder, options=TransportOptions()
        ),
    ]
    for client in made:
        assert client.server == server.url
        assert client.client._cache.ttl == 7
        assert client.path().startswith(folder)
        assert client.path("apps/v1").endswith("apps/v1/serverresources.json")
        assert client.delegate is client.client.delegate
    with pytest.raises(TypeError):
        AsyncCachedDiscoveryClient.for_config(ClientConfig(server.url), ttll=7)  # type: ignore[call-arg]


def test_the_async_document_has_every_member_of_the_sync_one() -> None:
    # Those of a tuple are no part of the interface.
    assert members(AsyncOpenAPIV3GroupVersion) == members(OpenAPIV3GroupVersion) - members(tuple) - {"index", "count"}


def test_openapi_documents_are_fetched_by_coroutines(server: DiscoveryServer, cached_client: Make) -> None:
    async def ask() -> None:
        client = AsyncCachedDiscoveryClient(cached_client(server))
        documents = client.openapi_v3()
        found = (await documents.paths())["apis/apps/v1"]
        assert (found.path, found.server_relative_url.partition("?")[0]) == ("apis/apps/v1", "/openapi/v3/apis/apps/v1")
        assert found.hash
        assert (await found.schema())["openapi"].startswith("3.")
        assert await found.body() == (await found.fetch(found.server_relative_url)).body
        assert await found.body() == (await documents.document(found.server_relative_url)).body
        assert await documents.index() is not None
        assert documents.fresh
        documents.invalidate()

    asyncio.run(ask())


def test_the_index_is_read_and_written_by_coroutines(server: DiscoveryServer, cached_client: Make) -> None:
    async def ask() -> None:
        client = AsyncCachedDiscoveryClient(cached_client(server))
        await client.server_groups_and_resources()
        assert await client.resource_index.write()
        assert await AsyncCachedDiscoveryClient(cached_client(server)).resource_index.search() is not None
        assert await client.resource_index.revision() == client.resource_index.checked_revision()

    asyncio.run(ask())


def test_a_closed_client_can_be_used_again(server: DiscoveryServer, cached_client: Make) -> None:
    async def ask() -> None:
        async with AsyncCachedDiscoveryClient(cached_client(server)) as client:
            await client.refresh(0, wait=False)
        assert await client.server_version()

    asyncio.run(ask())


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
