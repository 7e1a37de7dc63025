"""OpenAPI documents by way of another client's connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import kubernetes
import lightkube
import pytest

from cachediscovery import CachedDiscoveryClient
from cachediscovery.integrations.kubernetes import CachedDiscoverer
from cachediscovery.integrations.lightkube import discovery_for
from cachediscovery.testing import DiscoveryServer

from ..conftest import kubeconfig_of

APPS = "apis/apps/v1"


def by_kubernetes(kubeconfig: Path) -> CachedDiscoveryClient:
    api_client = kubernetes.config.new_client_from_config(str(kubeconfig))
    dynamic = kubernetes.dynamic.DynamicClient(api_client, discoverer=CachedDiscoverer)
    found: CachedDiscoveryClient = dynamic.resources._discovery
    return found


def by_lightkube(kubeconfig: Path) -> CachedDiscoveryClient:
    return discovery_for(lightkube.Client(lightkube.KubeConfig.from_file(kubeconfig)))


@pytest.mark.parametrize("borrow", [by_kubernetes, by_lightkube])
def test_a_borrowed_connection_follows_the_redirect_of_an_old_hash(
    server: DiscoveryServer, tmp_path: Path, borrow: Callable[[Path], CachedDiscoveryClient]
) -> None:
    kubeconfig = kubeconfig_of(server, tmp_path)
    openapi = borrow(kubeconfig).openapi_v3()
    assert openapi.paths()[APPS].body() == server.openapi.documents[APPS]
    old = openapi.paths()["api/v1"]
    server.openapi.documents["api/v1"] = {"openapi": "3.0.0", "new": True}
    server.forget_requests()
    assert old.schema()["new"]
    assert openapi.paths()["api/v1"].server_relative_url == server.openapi.url("api/v1")
    assert openapi.paths()["api/v1"].schema()["new"]
    assert [request.status for request in server.requests] == [301, 200]
