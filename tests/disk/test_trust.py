from __future__ import annotations

from pathlib import Path

import pytest

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.folders import cluster_folder
from cachediscovery.disk.index import INDEX_FILE, encode_index, read_index
from cachediscovery.disk.trust import distrust_of_cluster

PARTS = ["", "discovery", "discovery/rancher.example", "discovery/rancher.example/k8s/clusters/c_1"]


@pytest.mark.parametrize("part", PARTS)
def test_every_folder_from_the_root_to_a_nested_cluster_counts(tmp_path: Path, part: str) -> None:
    root = str(tmp_path)
    folder = Path(cluster_folder(root, Cluster("https://rancher.example/k8s/clusters/c-1")))
    folder.mkdir(parents=True)
    (folder / "document").write_text("x")
    found = (folder / "document").stat()
    from cachediscovery.disk.files import Signature

    state = Signature(found.st_mtime_ns, found.st_size, found.st_ino)
    data = encode_index([("document", state)], [["", "v1", "pods", "pod", "Pod", "true", "get", "po", "all", "1"]])
    assert data is not None
    (folder / INDEX_FILE).write_bytes(data)
    assert distrust_of_cluster(root, str(folder)) == ""
    assert read_index(root, str(folder), 3600)
    (tmp_path / part).chmod(0o777)
    assert "can be written by everybody" in distrust_of_cluster(root, str(folder))
    assert read_index(root, str(folder), 3600) is None
