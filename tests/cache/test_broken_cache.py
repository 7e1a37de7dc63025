"""Cache files that are broken, odd or cannot be written: each is a miss for its own document only."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryClient
from cachediscovery.testing import DiscoveryServer

from ..conftest import make_store

Make = Callable[..., CachedDiscoveryClient]


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _full_directory(path: Path) -> None:
    _directory(path)
    (path / "something").write_text("")


def _link(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


BREAK = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "empty": lambda path: path.write_bytes(b""),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "of another kind": lambda path: path.write_bytes(b'{"kind":"Status","apiVersion":"v1"}'),
    "of another group version": lambda path: path.write_bytes(
        b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"x/v1","resources":[]}'
    ),
    "with a hostile group": lambda path: path.write_bytes(
        b'{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"../x","versions":[{"version":"v1"}]}]}'
    ),
    "without groups": lambda path: path.write_bytes(b'{"kind":"APIGroupList","apiVersion":"v1","groups":[]}'),
    "a folder": _directory,
    "a full folder": _full_directory,
    "a symbolic link": _link,
    "a pipe": _fifo,
    "from the future": lambda path: os.utime(path, (time.time() + 3600,) * 2),
    "from 1970": lambda path: os.utime(path, (0, 0)),
}


@pytest.mark.parametrize("name", ["servergroups.json", "apps/v1/serverresources.json"])
@pytest.mark.parametrize("how", BREAK)
def test_a_broken_file_is_a_miss(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path, name: str, how: str
) -> None:
    expected = cached_client(server).server_groups_and_resources()
    BREAK[how](next((tmp_path / "cache").rglob(name)))
    server.forget_requests()
    assert [item.group_version for item in cached_client(server).server_groups_and_resources()[1]] == [
        item.group_version for item in expected[1]
    ]
    assert sorted(server.paths()) == (["/api", "/apis"] if name == "servergroups.json" else ["/apis/apps/v1"])


def test_a_file_in_place_of_a_folder_affects_only_that_document(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    expected = cached_client(server).server_groups_and_resources()
    folder = next((tmp_path / "cache").rglob("apps"))
    folder.rename(tmp_path / "away")
    folder.write_text("in the way")
    server.forget_requests()
    for _ in range(2):
        lists = cached_client(server).server_groups_and_resources()[1]
        assert [item.group_version for item in lists] == [item.group_version for item in expected[1]]
    assert server.paths() == ["/apis/apps/v1"] * 2


def test_an_unwritable_cache_warns_once_and_still_caches_in_memory(
    server: DiscoveryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Not even root can create a folder in /proc.
    store = make_store(tmp_path, server)
    store.root, store.folder = "/proc/cachediscovery", "/proc/cachediscovery/discovery/x"
    client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)), store)
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        for _ in range(3):
            assert client.server_groups_and_resources()[1]
    assert server.request_count == 2
    assert [record.getMessage().count("cannot be written") for record in caplog.records] == [1]
