from __future__ import annotations

from pathlib import Path

import pytest

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.layout import cluster_folder
from cachediscovery.disk.trust import distrust_of_path

PARTS = ["", "discovery", "discovery/rancher.example", "discovery/rancher.example/k8s/clusters/c_1"]


@pytest.mark.parametrize("part", PARTS)
def test_every_folder_from_the_root_to_a_nested_cluster_counts(tmp_path: Path, part: str) -> None:
    root = str(tmp_path)
    folder = Path(cluster_folder(root, Cluster("https://rancher.example/k8s/clusters/c-1")))
    folder.mkdir(parents=True)
    assert distrust_of_path(root, str(folder)) == ""
    (tmp_path / part).chmod(0o777)
    assert "can be written by everybody" in distrust_of_path(root, str(folder))
