"""The category expanders and the shortcut expander of client-go's restmapper."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    CategoryExpander,
    DeferredDiscoveryRESTMapper,
    DiscoveryCategoryExpander,
    DiscoveryError,
    GroupKind,
    GroupResource,
    NoMatchError,
    ShortcutExpander,
    SimpleCategoryExpander,
    UnionCategoryExpander,
)
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient

from ..conftest import WIDGETS
from .conftest import partial

PODS, DEPLOYMENTS = GroupResource("", "pods"), GroupResource("apps", "deployments")
WIDGET = GroupResource("x", "widgets")


def test_a_simple_expander_knows_what_it_was_given() -> None:
    expander = SimpleCategoryExpander({"all": [PODS, DEPLOYMENTS, PODS], "empty": ()})
    assert isinstance(expander, CategoryExpander)
    assert expander.expand("all") == [PODS, DEPLOYMENTS]
    assert expander.expand("empty") == []
    assert expander.expand("other") is None
    found = expander.expand("all")
    assert found is not None
    found.clear()
    assert expander.expand("all") == [PODS, DEPLOYMENTS], "each caller has a list of its own"


def test_a_discovery_expander_knows_the_categories_of_the_cluster(
    fake: FakeDiscoveryClient, caplog: pytest.LogCaptureFixture
) -> None:
    expander = DiscoveryCategoryExpander(fake)
    assert expander.expand("all") == [PODS, DEPLOYMENTS]
    assert expander.expand("other") is None
    # As in client-go, what fails is left out.
    fake.fail("apps/v1")
    assert expander.expand("all") == [PODS]
    fake.fail("server_groups_and_resources", DiscoveryError("no connection"))
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert expander.expand("all") is None
    assert "no connection" in caplog.text


def test_a_discovery_expander_names_each_resource_once_as_the_mapper_does(
    server: DiscoveryServer, cached_client: Callable[..., CachedDiscoveryClient]
) -> None:
    client = cached_client(server)
    found = DiscoveryCategoryExpander(client).expand("all")
    assert found is not None
    assert len(found) == len({*found}) > 5
    assert {*found} == {*DeferredDiscoveryRESTMapper(client).expand_category("all")}


def test_a_union_joins_what_its_expanders_know(fake: FakeDiscoveryClient) -> None:
    simple = SimpleCategoryExpander({"all": [WIDGET, PODS], "mine": [WIDGET], "empty": []})
    union = UnionCategoryExpander([simple, DiscoveryCategoryExpander(fake)])
    assert union.expand("all") == [WIDGET, PODS, DEPLOYMENTS]
    assert union.expand("mine") == [WIDGET]
    assert union.expand("empty") == []
    assert union.expand("other") is None
    assert UnionCategoryExpander([]).expand("all") is None
    fake.fail("server_groups_and_resources", DiscoveryError("no connection"))
    assert union.expand("all") == [WIDGET, PODS], "the simple one is the fallback"


def shortcuts(client: FakeDiscoveryClient) -> tuple[ShortcutExpander, list[str]]:
    warnings: list[str] = []
    return ShortcutExpander(DeferredDiscoveryRESTMapper(client), client, warnings.append), warnings


def test_short_names_are_expanded_before_the_lookup(fake: FakeDiscoveryClient) -> None:
    expander, warnings = shortcuts(fake)
    assert expander.expand(partial("po")) == ("", "", "pods")
    assert expander.expand(partial("deploy", "apps")) == ("apps", "", "deployments")
    assert expander.expand(partial("nothing")) == ("", "", "nothing")
    assert expander.expand(partial("deploy", "ap", "v1")) == ("apps", "v1", "deployments"), "a prefix of the group"
    assert expander.expand(partial("po", "other")) == ("other", "", "po")
    assert expander.kind_for(partial("deploy")).kind == "Deployment"
    assert expander.kinds_for(partial("ns"))[0].kind == "Namespace"
    assert expander.resource_for(partial("deploy")).resource == "deployments"
    assert [found.resource for found in expander.resources_for(partial("po"))] == ["pods"]
    assert expander.resource_singularizer("deploy") == "deployment"
    assert expander.rest_mapping(GroupKind("apps", "Deployment"), "v1").plural == "deployments"
    assert len(expander.rest_mappings(GroupKind("one.example", "Twin"))) == 2
    assert warnings == []


def test_the_warning_handler_is_told_of_other_resources_with_the_short_name(
    fake: FakeDiscoveryClient, caplog: pytest.LogCaptureFixture
) -> None:
    expander, warnings = shortcuts(fake)
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert expander.resource_for(partial("tw")).group == "one.example"
    # Once, although one group has the resource in two versions.
    assert warnings == ['short name "tw" could also match lower priority resource twins.two.example']
    assert caplog.text == "", "the delegate gets the whole name"
    silent = ShortcutExpander(DeferredDiscoveryRESTMapper(fake).mapper(), fake)
    assert silent.kind_for(partial("tw")).group == "one.example"
    silent.reset()


def test_a_shortcut_expander_sees_a_new_resource(
    server: DiscoveryServer, cached_client: Callable[..., CachedDiscoveryClient]
) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    # It was loaded from the cache by another client: not fresh, so that a miss makes the mapper reload.
    client = cached_client(server)
    expander = ShortcutExpander(DeferredDiscoveryRESTMapper(client), client)
    assert expander.kind_for(partial("po")).kind == "Pod"
    server.recording.add_group("new.test", {"v1": [{**WIDGETS[0], "shortNames": ["wi"]}]})
    assert expander.kind_for(partial("wi")).kind == "Widget"
    server.forget_requests()
    expander.reset()
    assert expander.kind_for(partial("wi")).group == "new.test"
    assert server.request_count == 2


def test_a_cluster_that_cannot_be_listed_leaves_names_as_they_are(
    fake: FakeDiscoveryClient, caplog: pytest.LogCaptureFixture
) -> None:
    expander, _ = shortcuts(fake)
    fake.fail("server_groups_and_resources", DiscoveryError("no connection"))
    assert expander.expand(partial("po")).resource == "po"
    with pytest.raises(DiscoveryError, match="no connection"):
        expander.kind_for(partial("po"))
    fake.recover("server_groups_and_resources")
    with pytest.raises(NoMatchError):
        expander.kind_for(partial("nothing"))
