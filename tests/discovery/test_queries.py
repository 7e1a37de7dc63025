"""client-go's functions for any client, and the names of its clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from cachediscovery import (
    APIGroupList,
    AsyncCachedDiscoveryClient,
    CachedDiscoveryClient,
    DiscoveryClient,
    DiscoveryError,
    DiscoveryInterface,
    GroupDiscoveryFailed,
    GroupVersion,
    GroupVersionResource,
    StatusError,
    VersionInfo,
    is_resource_enabled,
    matches_server_version,
    server_groups_and_resources,
    server_preferred_namespaced_resources,
    server_preferred_resources,
    server_supports_version,
)
from cachediscovery.discovery.lazy_client import LazyDiscoveryClient
from cachediscovery.testing import DiscoveryServer, Failure, FakeDiscoveryClient
from cachediscovery.transport.transport import Transport

Base = Callable[..., DiscoveryClient]
Cached = Callable[..., CachedDiscoveryClient]
FUNCTIONS: list[Callable[[DiscoveryInterface], Any]] = [
    server_groups_and_resources,
    server_preferred_resources,
    server_preferred_namespaced_resources,
]


class OnlyTheParts:
    """What client-go needs of a client: the groups, and the resources of each version."""

    def __init__(self, client: DiscoveryInterface) -> None:
        self.server_groups = client.server_groups
        self.server_resources_for_group_version = client.server_resources_for_group_version


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("aggregated", [True, False])
def test_each_function_finds_what_the_method_of_its_name_does(
    base_client: Base, cached_client: Cached, function: Callable[[Any], Any], aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        base = base_client(server)
        expected = getattr(base, function.__name__)()
        server.forget_requests()
        assert function(base) == expected
        assert (server.request_count == 2) == aggregated
        assert function(cached_client(server)) == function(OnlyTheParts(cached_client(server))) == expected
        legacy = base.with_legacy()
        assert function(OnlyTheParts(legacy)) == getattr(legacy, function.__name__)()


def names(found: Any) -> list[str]:
    return [item.group_version for item in (found[1] if isinstance(found, tuple) else found)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_keep_what_was_found_beside_a_failure_and_list_once(
    legacy_server: DiscoveryServer, base_client: Base, function: Callable[[Any], Any]
) -> None:
    legacy_server.fail("/apis/apps/v1", Failure(503))
    with pytest.raises(GroupDiscoveryFailed) as raised:
        function(base_client(legacy_server))
    assert list(raised.value.failed) == [GroupVersion("apps", "v1")]
    assert len(names(raised.value.result)) > 20
    assert legacy_server.paths().count("/apis/apps/v1") == 1, "the method asks twice, as client-go's"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_raise_what_ends_the_listing(function: Callable[[Any], Any]) -> None:
    fake = FakeDiscoveryClient()
    fake.fail("server_groups", DiscoveryError("no connection"))
    with pytest.raises(DiscoveryError, match="no connection"):
        function(fake)


def test_a_version_matches_if_it_was_built_from_the_same_tree() -> None:
    version = VersionInfo("1", "37", "v1.37.2", "abc", "clean", build_date="today")
    fake = FakeDiscoveryClient(version=version)
    assert matches_server_version(version._replace(build_date="yesterday", platform="other"), fake)
    for other in ({"git_version": "v1.37.1"}, {"git_commit": "abd"}, {"git_tree_state": "dirty"}):
        assert not matches_server_version(version._replace(**other), fake)
    fake.fail("server_version", DiscoveryError("no connection"))
    with pytest.raises(DiscoveryError):
        matches_server_version(version, fake)


def test_the_core_group_is_below_the_legacy_prefix(server: DiscoveryServer) -> None:
    def client(**options: str) -> DiscoveryClient:
        return DiscoveryClient(Transport(server.url), server.url, **options)  # type: ignore[arg-type]

    assert client().legacy_prefix == "/api"
    other = client(legacy_prefix="/other")
    server.recording.unaggregated["/other/v1"] = server.recording.unaggregated["/api/v1"]
    assert other.legacy_prefix == other.with_legacy().legacy_prefix == "/other"
    for prefix, path in (("/api", "/api/v1"), ("/other", "/other/v1"), ("", "/apis/v1")):
        server.forget_requests()
        found = client(legacy_prefix=prefix).server_resources_for_group_version("v1")
        assert server.paths() == [path]
        assert bool(found.resources) == bool(prefix), "a 404 for v1 is an empty list"
    server.forget_requests()
    other.server_resources_for_group_version("apps/v1")
    assert server.paths() == ["/apis/apps/v1"]


def test_every_client_has_with_legacy(server: DiscoveryServer, base_client: Base, cached_client: Cached) -> None:
    base, cached, fake = base_client(server), cached_client(server), FakeDiscoveryClient()
    lazy = cast(LazyDiscoveryClient, CachedDiscoveryClient.for_config(server.config, cache_dir="").delegate)
    for client in (base, lazy):
        legacy: Any = client.with_legacy()
        assert legacy is not client
        assert legacy.groups_and_maybe_resources().resources == {}, "only aggregated documents have resources"
        legacy.close()
    # As client-go's cached clients.
    assert cached.with_legacy() is cached
    assert fake.with_legacy() is fake
    asynchronous = AsyncCachedDiscoveryClient(cached)
    assert asynchronous.with_legacy() is asynchronous
    assert asyncio.run(asynchronous.with_legacy().server_groups()).groups


def test_is_resource_enabled_fetches_only_its_group_version(server: DiscoveryServer, base_client: Base) -> None:
    client = base_client(server)
    assert is_resource_enabled(client, GroupVersionResource("apps", "v1", "deployments"))
    assert not is_resource_enabled(client, GroupVersionResource("apps", "v1", "nothing"))
    assert not is_resource_enabled(client, GroupVersionResource("nope", "v1", "nothing"))
    assert server.paths() == ["/apis/apps/v1"] * 2 + ["/apis/nope/v1"]
    assert server_supports_version(client, GroupVersion("apps", "v1"))
    assert not server_supports_version(client, GroupVersion("apps", "v1beta1"))


def test_an_unavailable_group_is_an_error_not_a_disabled_resource(server: DiscoveryServer, base_client: Base) -> None:
    server.fail("/apis/apps/v1", Failure(503))
    with pytest.raises(StatusError):
        is_resource_enabled(base_client(server), GroupVersionResource("apps", "v1", "deployments"))


def test_a_server_with_no_groups_supports_every_version() -> None:
    class Nothing:
        def server_groups(self) -> APIGroupList:
            return APIGroupList(())

    assert server_supports_version(Nothing(), GroupVersion("apps", "v1"))  # type: ignore[arg-type]


def test_a_version_in_a_partial_listing_is_supported(server: DiscoveryServer, base_client: Base) -> None:
    client = base_client(server)
    server.fail("/api", Failure(403, "no"))
    assert server_supports_version(client, GroupVersion("apps", "v1"))
    with pytest.raises(GroupDiscoveryFailed):
        server_supports_version(client, GroupVersion("", "v1"))
