from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import (
    AmbiguousResourceError,
    DeferredDiscoveryRESTMapper,
    DiscoveryError,
    GroupKind,
    GroupUnavailableError,
    NoKindMatchError,
    NoMatchError,
    NoResourceMatchError,
    ResourceTable,
    RESTMapper,
)
from cachediscovery.model.listing import result_of
from cachediscovery.restmapper.paths import collection_path
from cachediscovery.testing import FakeDiscoveryClient

from .conftest import LISTS, partial


@pytest.fixture
def mapper(fake: FakeDiscoveryClient) -> RESTMapper:
    return RESTMapper(ResourceTable(result_of(fake.server_groups_and_resources)))


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
def test_a_name_resolves_as_in_kubectl(mapper: RESTMapper, argument: str, expected: str) -> None:
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
def test_an_unknown_or_invalid_name_raises_no_resource_match(mapper: RESTMapper, argument: str) -> None:
    with pytest.raises(NoResourceMatchError):
        mapper.mapping_for(argument)


@given(st.text(max_size=30))
def test_any_text_matches_or_raises_a_discovery_error(argument: str) -> None:
    fake = FakeDiscoveryClient(LISTS)
    mapper = RESTMapper(ResourceTable(result_of(fake.server_groups_and_resources)))
    try:
        assert mapper.mapping_for(argument).plural
    except DiscoveryError:
        pass
    mapper.nearest_names(argument)


def test_kinds_and_resources_are_sorted_by_priority(mapper: RESTMapper) -> None:
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


def test_a_kind_maps_to_the_requested_or_the_preferred_version(mapper: RESTMapper) -> None:
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


def test_a_mapping_builds_its_paths(mapper: RESTMapper) -> None:
    pods, deployments, namespaces = map(mapper.mapping_for, ("pods", "deploy", "ns"))
    assert pods.path() == "/api/v1/pods"
    assert pods.path("kube-system", "a b/c") == "/api/v1/namespaces/kube-system/pods/a%20b%2Fc"
    assert deployments.path("default") == "/apis/apps/v1/namespaces/default/deployments"
    assert namespaces.path("ignored", "default") == "/api/v1/namespaces/default"
    assert (pods.scope, namespaces.scope) == ("Namespaced", "Cluster")
    assert pods.verbs == ("get", "list")
    with pytest.raises(ValueError, match="namespace"):
        pods.path(name="a")


def test_two_resources_with_one_name_in_one_version_are_ambiguous(mapper: RESTMapper) -> None:
    with pytest.raises(AmbiguousResourceError, match="sames.*same") as caught:
        mapper.resource_for(partial("same"))
    assert [match.resource for match in caught.value.matches] == ["sames", "same"]


def test_a_short_name_of_two_resources_warns_as_kubectl_does(
    mapper: RESTMapper, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert mapper.resource_for(partial("tw")).group == "one.example"
    assert caplog.messages == ['short name "tw" could also match lower priority resource twins.two.example']


def test_a_category_expands_to_each_of_its_resources_once(mapper: RESTMapper) -> None:
    assert list(map(str, mapper.expand_category("all"))) == ["pods", "deployments.apps"]
    assert mapper.expand_category("nothing") == []


def test_nearest_names_include_the_correct_spelling(mapper: RESTMapper) -> None:
    assert "deployment" in mapper.nearest_names("deploymnet")


def test_a_miss_in_a_failed_group_reports_that_group_as_unavailable(fake: FakeDiscoveryClient) -> None:
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


def test_a_namespace_that_is_not_utf_8_keeps_its_bytes_in_the_path() -> None:
    assert collection_path("apps", "v1", "deployments", "a\udcffb") == "/apis/apps/v1/namespaces/a%FFb/deployments"


def test_a_lookup_with_a_version_requires_the_full_group_name(mapper: RESTMapper) -> None:
    assert mapper.resource_for(partial("events", "events")).group == "events.k8s.io"
    assert mapper.resource_for(partial("events", "events.k8s.io", "v1")).group == "events.k8s.io"
    with pytest.raises(NoResourceMatchError):
        mapper.resource_for(partial("events", "events", "v1"))


def test_mappings_follow_the_order_of_the_requested_versions(mapper: RESTMapper) -> None:
    twin = GroupKind("one.example", "Twin")
    for versions in (("v1", "v2"), ("v2", "v1"), ("v3", "v1", "v2"), ("v1",)):
        expected = [version for version in versions if version != "v3"]
        assert [each.version for each in mapper.rest_mappings(twin, *versions)] == expected
        assert mapper.rest_mapping(twin, *versions).version == expected[0]


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("deployments.v9.apps", "apps/v1"),
        ("deploy.v9.nope", "apps/v1"),
        ("Deployment.v9.apps", "apps/v1"),
        ("deployments.nope", "apps/v1"),
        ("events.v9.events.k8s.io", "events.k8s.io/v1"),
    ],
)
def test_an_unknown_group_or_version_is_answered_with_those_there_are(
    mapper: RESTMapper, argument: str, found: str
) -> None:
    with pytest.raises(NoResourceMatchError) as caught:
        mapper.mapping_for(argument)
    assert str(caught.value) == f"the server doesn't have a resource type {argument!r}: it is in {found}"
    assert mapper.nearest_names(argument) == []


def test_an_unknown_version_of_a_kind_or_resource_is_answered_with_those_there_are(mapper: RESTMapper) -> None:
    with pytest.raises(NoMatchError, match=r"in version v9: it is in one.example/v2, one.example/v1$"):
        mapper.rest_mapping(GroupKind("one.example", "Twin"), "v9")
    with pytest.raises(NoMatchError, match=r"no resource 'deployments.v9.apps': it is in apps/v1$"):
        mapper.resource_for(partial("deployments", "apps", "v9"))
    with pytest.raises(NoMatchError, match=r"no resource 'nothing.v9.apps'$"):
        mapper.resource_for(partial("nothing", "apps", "v9"))
