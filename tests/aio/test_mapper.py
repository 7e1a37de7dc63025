from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cachediscovery import (
    AsyncCachedDiscoveryClient,
    AsyncDeferredDiscoveryRESTMapper,
    CachedDiscoveryClient,
    DeferredDiscoveryRESTMapper,
    GroupKind,
    GroupVersionResource,
    NoMatchError,
)
from cachediscovery.aio import mapper as mapper_module
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient

from ..conftest import WIDGETS

Make = Callable[..., CachedDiscoveryClient]
PODS, CERTIFICATE = GroupVersionResource("", "", "pods"), GroupKind("cert-manager.io", "Certificate")
LOOKUPS: list[tuple[object, ...]] = [
    ("kind_for", PODS), ("kinds_for", PODS), ("resource_for", PODS), ("resources_for", PODS),
    ("rest_mapping", CERTIFICATE), ("rest_mapping", CERTIFICATE, "v1"), ("rest_mappings", CERTIFICATE),
    ("resource_singularizer", "pods"), ("mapping_for", "deploy"), ("expand_category", "all"),
    ("nearest_names", "deplo"), ("mapping_for_object", {"apiVersion": "cert-manager.io/v1", "kind": "Certificate"}),
]  # fmt: skip


@pytest.mark.parametrize("asked", LOOKUPS)
def test_every_lookup_gives_the_sync_mappers_answer_and_then_starts_no_thread(
    server: DiscoveryServer, cached_client: Make, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, object]
) -> None:
    name, *arguments = asked
    expected = getattr(DeferredDiscoveryRESTMapper(cached_client(server)), name)(*arguments)
    mapper = AsyncDeferredDiscoveryRESTMapper(AsyncCachedDiscoveryClient(cached_client(server, recheck_interval=3600)))

    async def no_thread(*_: object) -> None:
        raise AssertionError("a thread was started")

    async def look_up() -> None:
        assert await getattr(mapper, name)(*arguments) == expected
        # What was just loaded becomes known with the first check.
        assert await getattr(mapper, name)(*arguments) == expected
        monkeypatch.setattr(mapper_module, "run_in_thread", no_thread)
        again = await getattr(mapper, name)(*arguments)
        assert again == expected
        if isinstance(again, list):
            again.clear()
            assert await getattr(mapper, name)(*arguments) == expected, "each caller has a list of its own"

    asyncio.run(look_up())


def test_a_remembered_answer_is_dropped_with_the_cache(server: DiscoveryServer, cached_client: Make) -> None:
    async def look_up() -> None:
        client = AsyncCachedDiscoveryClient(cached_client(server))
        mapper = AsyncDeferredDiscoveryRESTMapper(client)
        server.install_crd("new.test/v1", "Widget")
        for _ in range(3):
            assert (await mapper.mapping_for("widgets")).version == "v1"
        server.install_crd("new.test/v1", "Other")
        server.uninstall_crd("widgets.new.test")
        client.invalidate()
        with pytest.raises(NoMatchError):
            await mapper.mapping_for("widgets")
        server.recording.add_resources("new.test/v1", WIDGETS)
        mapper.reset()
        assert (await mapper.mapping_for("widgets")).plural == "widgets"
        assert (await mapper.mapper()).mapping_for("others").kind == "Other"

    asyncio.run(look_up())


def test_a_sync_client_can_be_given() -> None:
    mapper = AsyncDeferredDiscoveryRESTMapper(FakeDiscoveryClient())
    with pytest.raises(NoMatchError):
        asyncio.run(mapper.mapping_for("pods"))
