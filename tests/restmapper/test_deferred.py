"""The deferred mapper: what each lookup costs, and when it sends requests again."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    GroupKind,
    GroupUnavailableError,
    NoResourceMatchError,
)
from cachediscovery.testing import Call, DiscoveryServer, Failure, FakeDiscoveryClient

from .conftest import partial

Make = Callable[..., CachedDiscoveryClient]


def test_nothing_is_read_before_the_first_lookup(fake: FakeDiscoveryClient) -> None:
    mapper = DeferredDiscoveryRESTMapper(fake)
    assert fake.calls == []
    mapper.kind_for(partial("pods"))
    mapper.resource_for(partial("deploy"))
    assert fake.calls == [Call("server_groups_and_resources")]


def test_a_lookup_in_one_group_reads_only_that_group(fake: FakeDiscoveryClient) -> None:
    mapper = DeferredDiscoveryRESTMapper(fake)
    mapper.rest_mapping(GroupKind("apps", "Deployment"))
    assert fake.calls == [Call("server_groups"), Call("server_resources_for_group_version", ("apps/v1",))]


def test_repeated_misses_refresh_a_warm_cache_only_once(server: DiscoveryServer, cached_client: Make) -> None:
    cached_client(server).server_groups_and_resources()
    server.forget_requests()
    mapper = DeferredDiscoveryRESTMapper(cached_client(server))
    assert mapper.mapping_for("deploy").plural == "deployments"
    assert server.request_count == 0
    for name in ("nothing", "nada", "nought", "niente"):
        with pytest.raises(NoResourceMatchError):
            mapper.mapping_for(name)
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_a_miss_on_an_unchanged_server_costs_two_304s(server: DiscoveryServer, tmp_path: object) -> None:
    def client() -> CachedDiscoveryClient:
        return CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=f"{tmp_path}/cache")

    client().server_groups_and_resources()
    server.forget_requests()
    with pytest.raises(NoResourceMatchError):
        DeferredDiscoveryRESTMapper(client()).mapping_for("nothing")
    assert [request.status for request in server.requests] == [304, 304]


def test_a_new_resource_is_found_at_the_first_lookup(server: DiscoveryServer, cached_client: Make) -> None:
    cached_client(server).server_groups_and_resources()
    mapper = DeferredDiscoveryRESTMapper(cached_client(server))
    widgets = [{"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}]
    server.recording.add_group("new.example", {"v1": widgets})
    assert mapper.mapping_for("widgets").group == "new.example"


def test_lookups_use_documents_refreshed_by_another_process(server: DiscoveryServer, cached_client: Make) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(server, recheck_interval=0))
    mapper.mapping_for("deploy")
    server.recording.remove_group("apps")
    other = cached_client(server)
    other.invalidate()
    other.server_groups_and_resources()
    server.forget_requests()
    with pytest.raises(NoResourceMatchError):
        mapper.mapping_for("deploy")
    assert sorted(server.paths()) == ["/api", "/apis"], "the other's answer was not fresh, so it was asked once"


def test_a_lookup_works_on_a_client_without_cache(server: DiscoveryServer) -> None:
    mapper = DeferredDiscoveryRESTMapper(DiscoveryClient.for_config(ClientConfig(server.url)))
    assert mapper.mapping_for("vm").group == "kubevirt.io"
    assert mapper.mapping_for("pods").plural == "pods"
    assert server.request_count == 2
    mapper.reset()
    mapper.mapping_for("pods")
    assert server.request_count == 4


def test_a_failed_group_version_of_a_legacy_server_does_not_hide_the_others(
    legacy_server: DiscoveryServer, cached_client: Make
) -> None:
    legacy_server.fail("/apis/batch/v1", Failure(503))
    mapper = DeferredDiscoveryRESTMapper(cached_client(legacy_server))
    assert mapper.mapping_for("deploy").plural == "deployments"
    with pytest.raises(GroupUnavailableError, match="batch/v1"):
        mapper.mapping_for("cronjobs")


def test_repeated_lookups_are_answered_from_memory(server: DiscoveryServer, cached_client: Make) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(server, recheck_interval=3600))
    first = mapper.kind_for(partial("deploy"))
    tables = dict(mapper._tables)
    assert mapper.kind_for(partial("deploy")) is first
    assert mapper._tables == tables


def test_memory_stays_bounded_over_many_different_lookups(server: DiscoveryServer, cached_client: Make) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(server))

    def ask(first: int, count: int) -> None:
        for number in range(first, first + count):
            mapper.expand_category(f"no-category-{number}")
            mapper.rest_mapping(GroupKind("apps", "Deployment"), "v1", f"v{number}")
            # Each number gives another letter case: one bit per letter.
            spelled = "".join(letter.upper() if number >> at & 1 else letter for at, letter in enumerate("deployments"))
            mapper.mapping_for(f"{spelled}.app{'s'[: number >> 11]}")
        for number in range(first, first + count // 100):
            mapper.nearest_names(f"deployment{number}")

    ask(0, 1500)
    tracemalloc.start()
    try:
        ask(1500, 10_000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 2_000_000


def test_a_successful_lookup_is_remembered(fake: FakeDiscoveryClient) -> None:
    mapper = DeferredDiscoveryRESTMapper(fake)
    assert mapper.mapping_for("deploy") is mapper.mapping_for("deploy")
