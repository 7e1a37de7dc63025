"""Each integration takes the options of the cache."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kr8s
import kr8s.asyncio
import kubernetes
import kubernetes_asyncio
import lightkube
import pytest
from kubernetes.dynamic import DynamicClient
from kubernetes_asyncio.dynamic import DynamicClient as AsyncDynamicClient

from cachediscovery import InvalidOption
from cachediscovery.integrations import kubernetes as ours
from cachediscovery.integrations import kubernetes_asyncio as ours_asyncio
from cachediscovery.integrations.kr8s import use_cache
from cachediscovery.integrations.lightkube import discovery_for, generic_resource
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, eventually

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Kubernetes version"
)


def by_kubernetes(kubeconfig: str, **options: Any) -> None:
    with kubernetes.config.new_client_from_config(kubeconfig) as api_client:
        client = DynamicClient(api_client, discoverer=ours.CachedDiscoverer.with_options(**options))
        assert client.resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"


def by_kubernetes_asyncio(kubeconfig: str, **options: Any) -> None:
    async def look() -> None:
        async with await kubernetes_asyncio.config.new_client_from_config(kubeconfig) as api_client:
            discoverer = ours_asyncio.CachedDiscoverer.with_options(**options)
            client = await AsyncDynamicClient(api_client, discoverer=discoverer)
            assert (await client.resources.get(api_version="apps/v1", kind="Deployment")).name == "deployments"

    asyncio.run(look())


def by_kr8s(kubeconfig: str, **options: Any) -> None:
    kr8s.Api._instances.clear()
    api = use_cache(kr8s.api(kubeconfig=kubeconfig), **options)
    assert any(resource["name"] == "deployments" for resource in api.api_resources())


def by_lightkube(kubeconfig: str, **options: Any) -> None:
    client = lightkube.Client(lightkube.KubeConfig.from_file(kubeconfig))
    assert generic_resource(discovery_for(client, **options), "example.com/v1", "Widget").__name__ == "Widget"


LOOKUPS = [by_kubernetes, by_kubernetes_asyncio, by_kr8s, by_lightkube]
Look = Callable[..., None]


@pytest.fixture
def kubeconfig(server: DiscoveryServer, tmp_path: Path) -> str:
    server.recording.add_group("example.com", {"v1": WIDGETS})
    return str(server.write_kubeconfig(tmp_path / "kubeconfig"))


def discovery_requests(server: DiscoveryServer) -> int:
    return sum(path.startswith("/api") for path in server.paths())


@pytest.mark.parametrize("look", LOOKUPS)
def test_the_cache_is_kept_in_the_given_folder_for_the_given_time(
    server: DiscoveryServer, kubeconfig: str, tmp_path: Path, look: Look
) -> None:
    folder = tmp_path / "elsewhere"
    look(kubeconfig, cache_dir=folder, ttl="10m")
    assert list(folder.rglob("servergroups.json"))
    server.forget_requests()
    look(kubeconfig, cache_dir=folder, ttl="10m")
    assert discovery_requests(server) == 0
    look(kubeconfig, cache_dir=folder, ttl=0)
    assert discovery_requests(server) > 0


@pytest.mark.parametrize("look", LOOKUPS)
def test_a_wrong_option_is_an_error_that_names_it(kubeconfig: str, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidOption, match="ttl must be 0 or more seconds, not -1"):
        look(kubeconfig, ttl=-1)
    with pytest.raises(TypeError, match="unexpected keyword 'tll': did you mean 'ttl'?"):
        look(kubeconfig, tll=1)
    monkeypatch.setenv("CACHEDISCOVERY_STALE_IF_ERROR", "a day")
    with pytest.raises(InvalidOption, match=r"\$CACHEDISCOVERY_STALE_IF_ERROR: 'a day' is not a duration"):
        look(kubeconfig)
    look(kubeconfig, stale_if_error=0)


@pytest.mark.parametrize("look", [by_kubernetes, by_kubernetes_asyncio, by_lightkube])
def test_expired_documents_are_used_while_the_server_is_down(
    server: DiscoveryServer, kubeconfig: str, tmp_path: Path, look: Look
) -> None:
    look(kubeconfig, cache_dir=tmp_path)
    for path in tmp_path.rglob("server*.json"):
        os.utime(path, (path.stat().st_mtime - 7 * 3600,) * 2)
    server.fail("/api")
    server.fail("/apis")
    look(kubeconfig, cache_dir=tmp_path, stale_if_error="2h")


def test_kr8s_refreshes_expired_documents_in_the_background(
    server: DiscoveryServer, kubeconfig: str, tmp_path: Path
) -> None:
    by_kr8s(kubeconfig, cache_dir=tmp_path)
    for path in tmp_path.rglob("server*.json"):
        os.utime(path, (path.stat().st_mtime - 7 * 3600,) * 2)
    server.forget_requests()
    by_kr8s(kubeconfig, cache_dir=tmp_path, stale_while_revalidate="2h")
    assert eventually(lambda: discovery_requests(server) == 2)
