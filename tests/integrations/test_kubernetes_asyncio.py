"""kubernetes_asyncio against the real API server, with its own discoverer and with ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import config
from kubernetes_asyncio.dynamic import DynamicClient
from kubernetes_asyncio.dynamic.discovery import LazyDiscoverer
from kubernetes_asyncio.dynamic.exceptions import ForbiddenError, ResourceNotFoundError

from cachediscovery.integrations.kubernetes_asyncio import CachedDiscoverer
from cachediscovery.testing import DiscoveryServer

from .conftest import Cluster, clusters
from .test_kubernetes import SEARCHES, TWINS

AGENT = "asyncio-client"

# The client's own search by an attribute fails on lists, whose attributes need a coroutine.
ATTRIBUTES = {"name", "singular_name", "short_names", "preferred", "namespaced"}


def shown(resources: list[Any]) -> list[tuple[str, ...]]:
    return sorted((type(item).__name__, item.group or "", item.api_version, item.kind) for item in resources)


twins = clusters(TWINS)


@asynccontextmanager
async def dynamic(
    kubeconfig: Path, discoverer: type = CachedDiscoverer, context: str | None = None, cache_file: str | None = None
) -> AsyncIterator[DynamicClient]:
    async with await config.new_client_from_config(str(kubeconfig), context) as api_client:
        api_client.user_agent = AGENT
        async with DynamicClient(api_client, discoverer=discoverer, cache_file=cache_file) as made:
            yield made


def test_a_warm_lookup_requests_only_the_version(twins: Cluster) -> None:
    async def look_up() -> str:
        async with dynamic(twins.kubeconfig) as made:
            found = await made.resources.get(api_version="apps/v1", kind="Deployment")
            return str(found.name)

    assert asyncio.run(look_up()) == "deployments"
    start = len(twins.requests_of(AGENT))
    assert asyncio.run(look_up()) == "deployments"
    assert twins.requests_of(AGENT)[start:] == ["/version"], "as theirs does"


def test_every_search_finds_what_the_clients_discoverer_finds(twins: Cluster, tmp_path: Path) -> None:
    async def compare() -> None:
        async with (
            dynamic(twins.kubeconfig) as one,
            dynamic(twins.kubeconfig, LazyDiscoverer, cache_file=str(tmp_path / "cache.json")) as other,
        ):
            for keywords in (keywords for keywords in SEARCHES if not ATTRIBUTES & keywords.keys()):
                mine, theirs = await one.resources.search(**keywords), await other.resources.search(**keywords)
                assert shown(mine) == shown(theirs), keywords
            (found,) = await one.resources.search(name="deployments")
            assert found.kind == "Deployment"
            assert sorted(await one.resources.api_groups) == sorted(await other.resources.api_groups)
            assert one.version == other.version
            kinds = {resource.kind async for resources in one.resources for resource in resources}
            assert {"Twin", "TwinList", "Pod", "PodList"} <= kinds

    asyncio.run(compare())


def test_a_found_resource_can_be_used(twins: Cluster) -> None:
    async def use() -> None:
        async with dynamic(twins.kubeconfig) as made:
            namespaces = await made.resources.get(api_version="v1", kind="Namespace")
            listed = await made.get(namespaces)
            assert "default" in [item.metadata.name for item in listed.items]
            await made.resources.invalidate_cache()
            with pytest.raises(ResourceNotFoundError):
                await made.resources.get(api_version="v1", kind="Nothing")

    asyncio.run(use())


def test_request_errors_are_raised_as_the_clients_exceptions(twins: Cluster) -> None:
    async def ask() -> None:
        async with dynamic(twins.kubeconfig, context="anonymous") as made:
            await made.resources.get(kind="Pod")

    with pytest.raises(ForbiddenError):
        asyncio.run(ask())


def test_discovery_does_not_block_the_event_loop(server: DiscoveryServer, tmp_path: Path) -> None:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    begun, answer = threading.Event(), threading.Event()

    async def look_up() -> None:
        async with dynamic(kubeconfig) as made:
            server.on_request = lambda _: (begun.set(), answer.wait(20), None)[2]
            looking = asyncio.ensure_future(made.resources.get(api_version="apps/v1", kind="Deployment"))
            while not begun.is_set():
                await asyncio.sleep(0)
            assert not looking.done(), "the loop runs while the server is waited for"
            answer.set()
            assert (await looking).name == "deployments"

    asyncio.run(look_up())
