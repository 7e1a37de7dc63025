from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.layout import cache_root, cluster_folder


@pytest.mark.parametrize(
    ("server", "folder"),
    [
        ("https://127.0.0.1:6443", "127.0.0.1_6443"),
        ("http://localhost:8080", "localhost_8080"),
        ("https://rancher.example/k8s/clusters/c-1", "rancher.example/k8s/clusters/c_1"),
        ("https://x:6443/", "x_6443"),
        ("https://[::1]:6443", "___1__6443"),
        ("https://ü.example(1)", "_.example(1)"),
        ("https://jane:secret@x:6443", "x_6443"),
    ],
)
def test_a_cluster_uses_kubectls_folder_name(server: str, folder: str) -> None:
    assert cluster_folder("/cache", Cluster(server)) == f"/cache/discovery/{folder}"


@given(st.text())
def test_no_server_url_leads_outside_the_cache_root(server: str) -> None:
    folder = os.path.normpath(cluster_folder("/cache", Cluster(server)))
    assert folder == "/cache/discovery" or folder.startswith("/cache/discovery/")


def test_the_cache_root_is_the_given_folder_or_kubectls() -> None:
    environ = {"KUBECACHEDIR": "/k", "HOME": "/home/jane"}
    assert cache_root("/x", environ) == "/x"
    assert cache_root("", environ) == "/k"
    assert cache_root("", {"HOME": "/home/jane"}) == "/home/jane/.kube/cache"
    assert cache_root("", {}) == ""
