"""A disk that cannot be written for a while: writes pause, are retried, and resume."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cachediscovery import CachedDiscoveryClient
from cachediscovery.disk import document_writer
from cachediscovery.disk.document_store import GROUPS, DocumentStore
from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually

Make = Callable[..., CachedDiscoveryClient]


class Disk:
    """Fails writes while `is_full` is true, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
        self.is_full = False
        self.tries = 0
        really_replace = os.replace

        def replace(source: str, target: str) -> None:
            if self.is_full and target.endswith(".json"):
                self.tries += 1
                raise OSError(number, os.strerror(number), target)
            really_replace(source, target)

        monkeypatch.setattr(os, "replace", replace)


@pytest.fixture
def store(tmp_path: object) -> DocumentStore:
    return DocumentStore(f"{tmp_path}/cache", f"{tmp_path}/cache/discovery/x")


def test_a_write_that_began_before_the_disk_was_full_does_not_end_the_pause(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    began, has_failed = threading.Event(), threading.Event()
    really_replace = os.replace

    def replace(source: str, target: str) -> None:
        if "slow" not in target:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
        began.set()
        has_failed.wait(30)
        really_replace(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with caplog.at_level(logging.WARNING, "cachediscovery"), ThreadPoolExecutor(1) as threads:
        slow = threads.submit(store.write, "slow/v1", b"data", time.time())
        assert began.wait(30)
        assert store.write("v1", b"data", time.time()) is None
        has_failed.set()
        assert slow.result(30) is not None
        assert store.write("apps/v1", b"data", time.time()) is None
    assert [record.getMessage().count("cannot be written") for record in caplog.records] == [1]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_was_full_is_written_again_after_a_while(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    monkeypatch.setattr(document_writer, "_FIRST_PAUSE", 0.2)
    disk = Disk(monkeypatch, number)
    disk.is_full = True
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        for key in (GROUPS, "v1", "apps/v1"):
            assert store.write(key, b"data", time.time()) is None
        assert disk.tries == 1, "it is left alone"
        assert store.lock_path() == ""
        disk.is_full = False
        assert eventually(lambda: store.write("v1", b"data", time.time()) is not None)
        assert store.write(GROUPS, b"data", time.time()) is not None
        assert store.lock_path()
    assert [record.getMessage().count("cannot be written") for record in caplog.records] == [1]


def test_pauses_grow_up_to_a_limit_and_restart_after_a_success(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    disk = Disk(monkeypatch)
    disk.is_full = True

    def pauses(seconds: int) -> list[float]:
        """Return the intervals between tries of a program that writes every second."""
        tried = []
        for _ in range(seconds):
            before = disk.tries
            store.write("v1", b"new", 1.0)
            tried += [now[0]] if disk.tries > before else []
            now[0] += 1
        return [later - earlier for earlier, later in itertools.pairwise(tried)]

    assert pauses(4 * 3600 + 60)[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    disk.is_full = False
    now[0] += 3600
    assert store.write("v1", b"data", 1.0) is not None
    disk.is_full = True
    store.write("v1", b"new", 1.0)
    assert pauses(200)[:1] == [120]


def test_a_long_lived_client_writes_to_disk_again_after_the_error_ends(
    server: DiscoveryServer, cached_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_writer, "_FIRST_PAUSE", 0.05)
    disk = Disk(monkeypatch)
    disk.is_full = True
    client = cached_client(server)
    assert client.server_groups_and_resources()[1]
    disk.is_full = False

    def is_kept() -> bool:
        client.invalidate()
        client.server_groups_and_resources()
        before = server.request_count
        cached_client(server).server_groups_and_resources()
        return server.request_count == before

    assert eventually(is_kept)
