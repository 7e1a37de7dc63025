"""kr8s against the real API server, as it is and with our cache."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import kr8s
import kr8s.asyncio
import pytest

from cachediscovery.integrations.kr8s import use_cache

from ..apiserver.harness import APIServer
from ..crds import CRD

pytestmark = [
    pytest.mark.apiserver,
    pytest.mark.xdist_group("apiserver"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Kubernetes version"
    ),
]
AGENT = "kr8s/"
TWIN = CRD("one.test", ("v2", "v1"), "twins", "Twin", ("tw",), ("all",))


@pytest.fixture(scope="module")
def twin(apiserver: APIServer) -> Iterator[APIServer]:
    apiserver.install([TWIN])
    yield apiserver
    apiserver.uninstall([TWIN])


def api_for(server: APIServer) -> kr8s.Api:
    # A cache of its own making keeps one api for each set of arguments.
    kr8s.Api._instances.clear()
    return kr8s.api(kubeconfig=str(server.kubeconfig))


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """kr8s leaves its connections to the garbage collector, which must not find them during another test."""
    yield
    kr8s.Api._instances.clear()
    gc.collect()


def asked(server: APIServer) -> list[str]:
    """kr8s asks for the version whenever an api is made; that is not discovery."""
    return [path for path in server.requests_of(AGENT) if not path.startswith("/version")]


def names(resources: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(item["version"], item["name"], item["kind"], item["namespaced"]) for item in resources]


def test_api_resources_are_theirs_for_two_requests_and_then_for_none(twin: APIServer) -> None:
    theirs = names(api_for(twin).api_resources())
    start = len(asked(twin))
    assert start > 20
    assert names(use_cache(api_for(twin)).api_resources()) == theirs
    assert sorted(asked(twin)[start:]) == ["/api", "/apis"]
    assert names(use_cache(api_for(twin)).api_resources()) == theirs
    assert len(asked(twin)) == start + 2


def test_lookup_kind_answers_as_theirs(twin: APIServer) -> None:
    theirs = api_for(twin)
    ours = use_cache(api_for(twin))
    for kind in ("pods", "deploy", "Deployment", "deployment.apps", "twins", "tw", "twin.v1.one.test", "ns"):
        assert ours.lookup_kind(kind) == theirs.lookup_kind(kind), kind
    with pytest.raises(ValueError, match="nothing"):
        ours.lookup_kind("nothing")


def test_objects_of_a_looked_up_kind_can_be_listed(twin: APIServer) -> None:
    api = use_cache(api_for(twin))
    assert "default" in [item.name for item in api.get("ns")]
    assert list(api.get("tw", namespace="default")) == []
    assert "apps/v1" in list(api.api_versions())


def test_the_async_api_answers_from_the_same_cache(twin: APIServer) -> None:
    use_cache(api_for(twin)).api_resources()

    async def look_up() -> tuple[str, str, bool]:
        kr8s.Api._instances.clear()
        api = use_cache(await kr8s.asyncio.api(kubeconfig=str(twin.kubeconfig)))
        found: tuple[str, str, bool] = await api.lookup_kind("deploy")
        return found

    start = len(asked(twin))
    assert asyncio.run(look_up()) == ("deployment.apps/v1", "deployments", True)
    assert len(asked(twin)) == start


def test_several_calls_at_a_time_do_not_get_in_each_others_way(twin: APIServer) -> None:
    async def together() -> list[object]:
        kr8s.Api._instances.clear()
        api = use_cache(await kr8s.asyncio.api(kubeconfig=str(twin.kubeconfig)))
        calls = [api.async_api_resources_uncached() for _ in range(6)]
        return [names(found) for found in await asyncio.gather(*calls)]

    first, *others = asyncio.run(together())
    assert first
    assert others == [first] * 5
