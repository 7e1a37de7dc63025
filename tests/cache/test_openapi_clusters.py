"""OpenAPI documents are never those of another cluster behind the same URL."""

from __future__ import annotations

from pathlib import Path

import trustme

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.testing import DiscoveryServer

from ..other_clusters import client_for, tls_of, write_kubeconfig

FLOW = "X-Kubernetes-Pf-Flowschema-Uid"
ONLY_HERE = "apis/only.test/v1"


def server_with(path: str, **keywords: object) -> DiscoveryServer:
    server = DiscoveryServer(**keywords)  # type: ignore[arg-type]
    server.openapi.documents = {path: {"openapi": "3.0.0"}, "api/v1": {"openapi": "3.0.0"}}
    return server


def test_the_index_is_dropped_when_another_cluster_answers(tmp_path: Path, port: int) -> None:
    cache = str(tmp_path / "cache")
    url = f"http://127.0.0.1:{port}"
    with server_with("apis/apples.test/v1", port=port) as server:
        server.headers = {FLOW: "11111111-1111-1111-1111-111111111111"}
        client = CachedDiscoveryClient.for_config(ClientConfig(url), cache_dir=cache)
        assert "apis/apples.test/v1" in client.openapi_v3().paths()
    with server_with("apis/pears.test/v1", port=port) as server:
        server.headers = {FLOW: "22222222-2222-2222-2222-222222222222"}
        client.server_groups()
        assert "apis/pears.test/v1" in client.openapi_v3().paths()
        server.forget_requests()
        again = CachedDiscoveryClient.for_config(ClientConfig(url), cache_dir=cache)
        assert sorted(again.openapi_v3().paths()) == ["api/v1", "apis/pears.test/v1"]
        assert server.request_count == 0


def test_another_cluster_that_answers_for_the_index_replaces_it(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with server_with("apis/apples.test/v1", tls=tls_of(authority), port=port):
        client = client_for(kubeconfig)
        client.server_groups()
        assert "apis/apples.test/v1" in client.openapi_v3().paths()
    with server_with("apis/pears.test/v1", tls=tls_of(authority), port=port):
        client.openapi_v3().invalidate()
        assert "apis/pears.test/v1" in client.openapi_v3().paths()
        assert "apis/pears.test/v1" in client_for(kubeconfig).openapi_v3().paths()


def test_a_new_certificate_authority_is_another_cluster(tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=first)
    with server_with("apis/apples.test/v1", tls=tls_of(first), port=port):
        client_for(kubeconfig).openapi_v3().paths()
    write_kubeconfig(kubeconfig, port, local=second)
    with server_with("apis/pears.test/v1", tls=tls_of(second), port=port):
        assert "apis/pears.test/v1" in client_for(kubeconfig).openapi_v3().paths()


def test_two_clusters_that_share_a_url_have_an_index_each(tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)
    other = write_kubeconfig(tmp_path / "other", port, second=second, first=first)
    with server_with("apis/apples.test/v1", tls=tls_of(first), port=port):
        assert "apis/apples.test/v1" in client_for(kubeconfig).openapi_v3().paths()
    with server_with("apis/pears.test/v1", tls=tls_of(second), port=port):
        assert "apis/pears.test/v1" in client_for(other).openapi_v3().paths()
    assert "apis/apples.test/v1" in client_for(kubeconfig).openapi_v3().paths(), "on disk, no server runs"
    assert "apis/pears.test/v1" in client_for(other).openapi_v3().paths()
