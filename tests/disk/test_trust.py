from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.files import read_file
from cachediscovery.disk.layout import cluster_folder
from cachediscovery.disk.trust import distrust_of_path

PARTS = ["", "discovery", "discovery/rancher.example", "discovery/rancher.example/k8s/clusters/c_1"]


@pytest.mark.parametrize("part", PARTS)
def test_every_folder_from_the_root_to_a_nested_cluster_is_checked(tmp_path: Path, part: str) -> None:
    root = str(tmp_path)
    folder = Path(cluster_folder(root, Cluster("https://rancher.example/k8s/clusters/c-1")))
    folder.mkdir(parents=True)
    assert distrust_of_path(root, str(folder)) == ""
    (tmp_path / part).chmod(0o777)
    assert "can be written by everybody" in distrust_of_path(root, str(folder))


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_that_another_group_can_write_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    root = str(tmp_path)
    folder = Path(cluster_folder(root, Cluster("https://rancher.example/k8s/clusters/c-1")))
    folder.mkdir(parents=True)
    (tmp_path / part).chmod(0o770)
    os.chown(tmp_path / part, -1, os.getegid())
    assert distrust_of_path(root, str(folder)) == ""
    another = os.getegid() + 1
    monkeypatch.setattr(os, "getegid", lambda: another)
    assert "can be written by another group" in distrust_of_path(root, str(folder))
    (tmp_path / part).chmod(0o750)
    assert distrust_of_path(root, str(folder)) == ""


@pytest.mark.parametrize(
    ("mode", "folder_mode", "is_our_group", "is_used"),
    [
        (0o600, 0o700, False, True),
        (0o640, 0o750, False, True),
        (0o660, 0o750, True, True),
        (0o660, 0o2750, True, True),
        (0o660, 0o750, False, False),
        (0o660, 0o770, True, False),
        (0o660, 0o2770, True, False),
        (0o602, 0o700, True, False),
        (0o666, 0o700, True, False),
    ],
)
def test_a_file_that_others_could_have_written_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, folder_mode: int, is_our_group: bool, is_used: bool
) -> None:
    path = tmp_path / "folder" / "document"
    path.parent.mkdir()
    path.write_bytes(b"data")
    os.chown(path, -1, os.getegid())
    path.chmod(mode)
    path.parent.chmod(folder_mode)
    group = os.getegid() + (0 if is_our_group else 1)
    monkeypatch.setattr(os, "getegid", lambda: group)
    assert (read_file(str(path), 10) is not None) is is_used


def give_write_access_to_a_user(path: Path) -> None:
    """Set what `setfacl -m u:12345:rw` sets (acl(5)): the bits of the group then show the list's mask."""
    user_obj, user, group_obj, mask, other = (1, 6), (2, 6), (4, 4), (16, 6), (32, 4)
    entries = [
        struct.pack("<HHI", *entry, 12345 if entry is user else 2**32 - 1)
        for entry in (user_obj, user, group_obj, mask, other)
    ]
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(entries))


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists are read on Linux alone")
def test_a_file_or_folder_that_an_access_control_list_lets_another_user_write_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o750)
    path = folder / "document"
    path.write_bytes(b"{}")
    path.chmod(0o660)
    assert read_file(str(path), 10) is not None
    give_write_access_to_a_user(path)
    assert path.stat().st_mode & 0o777 == 0o664
    assert read_file(str(path), 10) is None
    # Without the right to write, the list does no harm.
    path.chmod(0o640)
    assert read_file(str(path), 10) is not None
    give_write_access_to_a_user(folder)
    assert "access control list" in distrust_of_path(str(tmp_path), str(folder))
    folder.chmod(0o750)
    assert distrust_of_path(str(tmp_path), str(folder)) == ""
