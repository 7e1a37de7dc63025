"""kr8s against the real API server, with and without our cache."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import kr8s
import kr8s.asyncio
import pytest

from cachediscovery.integrations.kr8s import stop_using_cache, use_cache
from cachediscovery.testing import DiscoveryServer

from ..crds import CRD
from .conftest import Cluster, clusters

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Kubernetes version"
    ),
]
AGENT = "kr8s/"
TWIN = CRD("one.test", ("v2", "v1"), "twins", "Twin", ("tw",), ("all",))


twin = clusters([TWIN])


def api_for(server: Cluster) -> kr8s.Api:
    # kr8s keeps one api for each set of arguments.
    kr8s.Api._instances.clear()
    return kr8s.api(kubeconfig=str(server.kubeconfig))


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Clear the apis that kr8s keeps after each test."""
    yield
    kr8s.Api._instances.clear()


def asked(server: Cluster) -> list[str]:
    """The discovery requests. kr8s also requests the version whenever it creates an api."""
    return [path for path in server.requests_of(AGENT) if not path.startswith("/version")]


def names(resources: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(item["version"], item["name"], item["kind"], item["namespaced"]) for item in resources]


def test_api_resources_match_kr8s_with_two_requests_cold_and_none_warm(twin: Cluster) -> None:
    theirs = names(api_for(twin).api_resources())
    start = len(asked(twin))
    assert start > 20
    assert names(use_cache(api_for(twin)).api_resources()) == theirs
    assert sorted(asked(twin)[start:]) == ["/api", "/apis"]
    assert names(use_cache(api_for(twin)).api_resources()) == theirs
    assert len(asked(twin)) == start + 2


def test_lookup_kind_returns_what_kr8s_returns(twin: Cluster) -> None:
    theirs = api_for(twin)
    ours = use_cache(api_for(twin))
    for kind in ("pods", "deploy", "Deployment", "deployment.apps", "twins", "tw", "twin.v1.one.test", "ns"):
        assert ours.lookup_kind(kind) == theirs.lookup_kind(kind), kind
    with pytest.raises(ValueError, match="nothing"):
        ours.lookup_kind("nothing")


def test_objects_of_a_looked_up_kind_can_be_listed(twin: Cluster) -> None:
    api = use_cache(api_for(twin))
    assert "default" in [item.name for item in api.get("ns")]
    assert list(api.get("tw", namespace="default")) == []
    assert "apps/v1" in list(api.api_versions())


def test_the_async_api_uses_the_same_cache(twin: Cluster) -> None:
    use_cache(api_for(twin)).api_resources()

    async def look_up() -> tuple[str, str, bool]:
        kr8s.Api._instances.clear()
        api = use_cache(await kr8s.asyncio.api(kubeconfig=str(twin.kubeconfig)))
        found: tuple[str, str, bool] = await api.lookup_kind("deploy")
        return found

    start = len(asked(twin))
    assert asyncio.run(look_up()) == ("deployment.apps/v1", "deployments", True)
    assert len(asked(twin)) == start


def test_concurrent_calls_return_the_same_resources(twin: Cluster) -> None:
    async def together() -> list[object]:
        kr8s.Api._instances.clear()
        api = use_cache(await kr8s.asyncio.api(kubeconfig=str(twin.kubeconfig)))
        calls = [api.async_api_resources_uncached() for _ in range(6)]
        return [names(found) for found in await asyncio.gather(*calls)]

    first, *others = asyncio.run(together())
    assert first
    assert others == [first] * 5


def test_a_cancelled_call_ends_and_other_calls_finish(server: DiscoveryServer, tmp_path: Path) -> None:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    begun, go_on = threading.Event(), threading.Event()

    def answer(path: str) -> None:
        if path == "/apis":
            begun.set()
            go_on.wait(120)

    async def ask() -> None:
        kr8s.Api._instances.clear()
        api = use_cache(await kr8s.asyncio.api(kubeconfig=str(kubeconfig)))
        server.on_request = answer
        one, other = (asyncio.ensure_future(api.async_api_resources()) for _ in range(2))
        assert await asyncio.to_thread(begun.wait, 60)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        go_on.set()
        assert len(await other) > 50

    asyncio.run(ask())


def test_the_order_of_versions_is_that_of_kr8s(server: DiscoveryServer, tmp_path: Path) -> None:
    widgets = [{"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}]
    versions = ("v1", "v10", "v2", "v1beta1", "v2alpha1", "odd")
    server.recording.add_group("many.test", dict.fromkeys(versions, widgets))
    kubeconfig = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    theirs = kr8s.api(kubeconfig=kubeconfig)
    expected = [item["version"] for item in theirs.api_resources() if item["kind"] == "Widget"]
    assert len(expected) == len(versions)
    found = use_cache(theirs).api_resources()
    assert [item["version"] for item in found if item["kind"] == "Widget"] == expected


def test_an_api_discovers_by_itself_again_after_stop_using_cache(twin: Cluster) -> None:
    api = api_for(twin)
    attributes = dict(vars(api))
    assert stop_using_cache(use_cache(api)) is api
    assert vars(api) == attributes
    start = len(asked(twin))
    api.api_resources()
    assert len(asked(twin)) - start > 20
    assert stop_using_cache(api) is api


def test_an_api_without_what_is_needed_is_one_clear_error() -> None:
    class Api:
        async_api_versions = call_api = auth = None

    message = (
        "use_cache needs a kr8s.Api that has async_api_resources, async_api_resources_uncached, and this Api has not"
    )
    with pytest.raises(TypeError, match=message):
        use_cache(Api())
