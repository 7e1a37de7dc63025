from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import (
    AmbiguousResourceError,
    APIResource,
    APIResourceList,
    CachedDiscoveryClient,
    ClientConfig,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    DiscoveryError,
    GroupKind,
    GroupUnavailableError,
    GroupVersionResource,
    NoKindMatchError,
    NoMatchError,
    NoResourceMatchError,
    ResourceTable,
    RESTMapper,
)
from cachediscovery.testing import Call, DiscoveryServer, Failure, FakeDiscoveryClient

Make = Callable[..., CachedDiscoveryClient]


def resource(
    name: str,
    kind: str,
    *short: str,
    namespaced: bool = True,
    categories: tuple[str, ...] = (),
    singular: str | None = None,
) -> APIResource:
    singular = kind.lower() if singular is None else singular
    return APIResource(name, singular, namespaced, kind, ("get", "list"), short_names=short, categories=categories)


LISTS = [
    APIResourceList("v1", (resource("pods", "Pod", "po", categories=("all",)), resource("pods/log", "Pod"), resource("events", "Event", "ev"), resource("namespaces", "Namespace", "ns", namespaced=False))),
    APIResourceList("apps/v1", (resource("deployments", "Deployment", "deploy", categories=("all",)),)),
    APIResourceList("events.k8s.io/v1", (resource("events", "Event", "ev"),)),
    APIResourceList("one.example/v2", (resource("twins", "Twin", "tw"), resource("olds", "Old", singular=""))),
    APIResourceList("one.example/v1", (resource("twins", "Twin", "tw"), resource("relics", "Relic"))),
    APIResourceList("two.example/v1", (resource("twins", "Twin", "tw"), resource("cephnfses", "CephNFS", "nfs"))),
    APIResourceList("three.example/v1", (resource("sames", "One", singular="same"), resource("same", "Two", singular="two"))),
]  # fmt: skip


@pytest.fixture
def fake() -> FakeDiscoveryClient:
    return FakeDiscoveryClient(LISTS)


@pytest.fixture
def mapper(fake: FakeDiscoveryClient) -> RESTMapper:
    return RESTMapper(ResourceTable(*fake.server_groups_and_resources(), {}))


def partial(resource: str, group: str = "", version: str = "") -> GroupVersionResource:
    return GroupVersionResource(group, version, resource)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("pods", "v1/pods"),
        ("pod", "v1/pods"),
        ("Pod", "v1/pods"),
        ("PODS", "v1/pods"),
        ("po", "v1/pods"),
        ("pods.v1.", "v1/pods"),
        ("deploy", "apps/v1/deployments"),
        ("deployments.apps", "apps/v1/deployments"),
        ("deployments.app", "apps/v1/deployments"),
        ("deployment.v1.apps", "apps/v1/deployments"),
        ("Deployment.apps", "apps/v1/deployments"),
        ("deploy.apps", "apps/v1/deployments"),
        ("deploy.a", "apps/v1/deployments"),
        ("events", "v1/events"),
        ("events.events.k8s.io", "events.k8s.io/v1/events"),
        ("events.v1.events.k8s.io", "events.k8s.io/v1/events"),
        ("ev.events", "events.k8s.io/v1/events"),
        ("twins", "one.example/v2/twins"),
        ("twins.v1.one.example", "one.example/v1/twins"),
        ("tw.v1.one.example", "one.example/v2/twins"),
        ("twins.two", "two.example/v1/twins"),
        ("relics", "one.example/v1/relics"),
        ("old", "one.example/v2/olds"),
        ("CephNFS", "two.example/v1/cephnfses"),
        ("nfs", "two.example/v1/cephnfses"),
    ],
)
def test_a_name_leads_where_kubectl_goes(mapper: RESTMapper, argument: str, expected: str) -> None:
    mapping = mapper.mapping_for(argument)
    assert f"{mapping.group_version}/{mapping.plural}" == expected


@pytest.mark.parametrize(
    "argument",
    [
        "",
        ".",
        "nothing",
        "pods/log",
        "pods/x",
        "PO",
        "DEPLOY",
        "pods.nope",
        "twins.v3.one.example",
        "/",
        "a.b.c.d",
        "podlist",
        "*",
    ],
)
def test_what_is_no_name_is_no_match(mapper: RESTMapper, argument: str) -> None:
    with pytest.raises(NoResourceMatchError):
        mapper.mapping_for(argument)


@given(st.text(max_size=30))
def test_any_text_is_a_match_or_an_error_of_ours(argument: str) -> None:
    fake = FakeDiscoveryClient(LISTS)
    mapper = RESTMapper(ResourceTable(*fake.server_groups_and_resources(), {}))
    try:
        assert mapper.mapping_for(argument).plural
    except DiscoveryError:
        pass
    mapper.nearest_names(argument)


def test_kinds_and_resources_come_best_first(mapper: RESTMapper) -> None:
    assert [str(item) for item in mapper.resources_for(partial("twin"))] == [
        "one.example/v2, Resource=twins",
        "one.example/v1, Resource=twins",
        "two.example/v1, Resource=twins",
    ]
    assert [str(item) for item in mapper.kinds_for(partial("events"))] == [
        "v1, Kind=Event",
        "events.k8s.io/v1, Kind=Event",
    ]
    assert mapper.resource_for(partial("twins", version="v1")) == ("one.example", "v1", "twins")
    assert mapper.kind_for(partial("po")) == ("", "v1", "Pod")
    assert mapper.resource_singularizer("deploy") == "deployment"


def test_a_kind_has_a_mapping_in_the_version_asked_for_or_the_preferred_one(mapper: RESTMapper) -> None:
    twin = GroupKind("one.example", "Twin")
    assert mapper.rest_mapping(twin).version == "v2"
    assert mapper.rest_mapping(twin, "v1").version == "v1"
    assert mapper.rest_mapping(twin, "v9", "v1").version == "v1"
    assert mapper.rest_mapping(twin, "").version == "v2"
    assert mapper.rest_mapping(GroupKind("one.example", "twin")).version == "v2"
    assert [mapping.version for mapping in mapper.rest_mappings(twin)] == ["v2", "v1"]
    assert mapper.rest_mapping(GroupKind.parse("Relic.one.example")).version == "v1"
    for group_kind, versions in ((twin, ("v9",)), (GroupKind("one", "Twin"), ()), (GroupKind("", "Twin"), ())):
        with pytest.raises(NoKindMatchError):
            mapper.rest_mapping(group_kind, *versions)


def test_a_mapping_knows_its_paths(mapper: RESTMapper) -> None:
    pods, deployments, namespaces = map(mapper.mapping_for, ("pods", "deploy", "ns"))
    assert pods.path() == "/api/v1/pods"
    assert pods.path("kube-system", "a b/c") == "/api/v1/namespaces/kube-system/pods/a%20b%2Fc"
    assert deployments.path("default") == "/apis/apps/v1/namespaces/default/deployments"
    assert namespaces.path("ignored", "default") == "/api/v1/namespaces/default"
    assert (pods.scope, namespaces.scope) == ("Namespaced", "Cluster")
    assert pods.verbs == ("get", "list")
    with pytest.raises(ValueError, match="namespace"):
        pods.path(name="a")


def test_two_resources_of_one_name_in_one_version_are_ambiguous(mapper: RESTMapper) -> None:
    with pytest.raises(AmbiguousResourceError, match="sames.*same") as caught:
        mapper.resource_for(partial("same"))
    assert [match.resource for match in caught.value.matches] == ["sames", "same"]


def test_a_short_name_of_two_resources_warns_as_kubectl_does(
    mapper: RESTMapper, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert mapper.resource_for(partial("tw")).group == "one.example"
    assert caplog.messages == ['short name "tw" could also match lower priority resource twins.two.example']


def test_a_category_is_each_of_its_resources_once(mapper: RESTMapper) -> None:
    assert list(map(str, mapper.expand_category("all"))) == ["pods", "deployments.apps"]
    assert mapper.expand_category("nothing") == []


def test_the_nearest_names_are_a_hint(mapper: RESTMapper) -> None:
    assert "deployment" in mapper.nearest_names("deploymnet")


def test_a_miss_beside_a_failed_group_says_that_the_group_was_unavailable(fake: FakeDiscoveryClient) -> None:
    fake.fail("metrics.k8s.io/v1beta1")
    mapper = DeferredDiscoveryRESTMapper(fake)
    assert mapper.mapping_for("deploy").kind == "Deployment"
    for argument in ("podmetrics", "pods.metrics.k8s.io", "nodes.v1beta1.metrics.k8s.io"):
        with pytest.raises(GroupUnavailableError, match=r"metrics.k8s.io/v1beta1 could not be discovered") as caught:
            mapper.mapping_for(argument)
        assert list(map(str, caught.value.failed)) == ["metrics.k8s.io/v1beta1"]
    with pytest.raises(GroupUnavailableError):
        mapper.rest_mapping(GroupKind("metrics.k8s.io", "PodMetrics"))
    with pytest.raises(NoMatchError):
        mapper.rest_mapping(GroupKind("apps", "Nothing"))


# --- deferred


def test_nothing_is_read_before_the_first_lookup(fake: FakeDiscoveryClient) -> None:
    mapper = DeferredDiscoveryRESTMapper(fake)
    assert fake.calls == []
    mapper.kind_for(partial("pods"))
    mapper.resource_for(partial("deploy"))
    assert fake.calls == [Call("server_groups_and_resources")]


def test_a_lookup_of_one_group_reads_that_alone(fake: FakeDiscoveryClient) -> None:
    mapper = DeferredDiscoveryRESTMapper(fake)
    mapper.rest_mapping(GroupKind("apps", "Deployment"))
    assert fake.calls == [Call("server_groups"), Call("server_resources_for_group_version", ("apps/v1",))]


def test_a_miss_on_a_stale_cache_asks_once_and_a_loop_of_misses_no_more(
    server: DiscoveryServer, cached_client: Make
) -> None:
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


def test_what_is_new_on_the_server_is_found_at_the_first_try(server: DiscoveryServer, cached_client: Make) -> None:
    cached_client(server).server_groups_and_resources()
    mapper = DeferredDiscoveryRESTMapper(cached_client(server))
    widgets = [{"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}]
    server.recording.add_group("new.example", {"v1": widgets})
    assert mapper.mapping_for("widgets").group == "new.example"


def test_another_process_s_refresh_reaches_the_lookups(server: DiscoveryServer, cached_client: Make) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(server, coherence=0))
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
    mapper = DeferredDiscoveryRESTMapper(cached_client(server, coherence=3600))
    first = mapper.kind_for(partial("deploy"))
    tables = dict(mapper._tables)
    time.sleep(0.01)
    assert mapper.kind_for(partial("deploy")) is first
    assert mapper._tables == tables
