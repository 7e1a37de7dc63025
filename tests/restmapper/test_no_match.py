"""The errors of lookups that find nothing name similar names, and the server."""

from __future__ import annotations

import copy
import pickle

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    GroupKind,
    GroupVersionResource,
    NoKindMatchError,
    NoMatchError,
    NoResourceMatchError,
    RESTMapper,
)
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran


@pytest.fixture
def mapper(server: DiscoveryServer) -> DeferredDiscoveryRESTMapper:
    return DeferredDiscoveryRESTMapper(CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url))))


def test_an_unknown_name_is_answered_with_the_nearest(
    server: DiscoveryServer, mapper: DeferredDiscoveryRESTMapper
) -> None:
    with pytest.raises(NoResourceMatchError) as caught:
        mapper.mapping_for("deploymnet")
    assert "deployment" in caught.value.nearest
    near = ", ".join(caught.value.nearest)
    assert str(caught.value) == (
        f"the server doesn't have a resource type 'deploymnet' (did you mean {near}? The server is {server.url})"
    )
    with pytest.raises(NoResourceMatchError, match=r"^no resource 'servics' \(did you mean service"):
        mapper.resource_for(GroupVersionResource("", "", "servics"))


def test_an_unknown_kind_has_nearest_names(mapper: DeferredDiscoveryRESTMapper) -> None:
    with pytest.raises(NoKindMatchError) as caught:
        mapper.rest_mapping(GroupKind("apps", "Deploymnet"))
    assert caught.value.nearest[0] == "Deployment"


def test_without_similar_names_the_server_is_named(
    server: DiscoveryServer, mapper: DeferredDiscoveryRESTMapper
) -> None:
    with pytest.raises(NoResourceMatchError) as caught:
        mapper.mapping_for("xyzzy")
    assert caught.value.nearest == ()
    assert str(caught.value).endswith(f"'xyzzy' (the server is {server.url})")
    assert caught.value.server == server.url


def test_a_known_name_in_another_version_is_answered_with_that(mapper: DeferredDiscoveryRESTMapper) -> None:
    with pytest.raises(NoKindMatchError, match=r"in version v9: it is in apps/v1 \(the server is http"):
        mapper.rest_mapping(GroupKind("apps", "Deployment"), "v9")


def test_the_nearest_names_are_not_computed_before_they_are_shown(
    mapper: DeferredDiscoveryRESTMapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    monkeypatch.setattr(RESTMapper, "nearest_names", lambda self, name, count=3: computed.append(name) or ["x"])
    with pytest.raises(NoMatchError) as caught:
        mapper.mapping_for("deploymnet")
    assert computed == []
    assert str(caught.value).count("did you mean x?") == 1
    assert str(caught.value)
    assert computed == ["deploymnet"]


def test_the_error_can_be_copied_and_pickled(mapper: DeferredDiscoveryRESTMapper) -> None:
    with pytest.raises(NoMatchError) as caught:
        mapper.mapping_for("deploymnet")
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(again) is NoResourceMatchError
        assert (str(again), again.nearest) == (str(caught.value), caught.value.nearest)


def test_the_command_line_prints_the_text_of_the_error(
    server: DiscoveryServer, mapper: DeferredDiscoveryRESTMapper, cli: object
) -> None:
    with pytest.raises(NoMatchError) as caught:
        mapper.mapping_for("deploymnet")
    ran: Ran = cli("resolve", "deploymnet", server=server)  # type: ignore[operator]
    assert (ran.code, ran.err) == (1, f"error: {caught.value}\n")
