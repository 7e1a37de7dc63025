"""What `invalidate` discards, when a client is fresh, and when changes by other processes are picked up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cachediscovery import CachedDiscoveryClient
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, files

Make = Callable[..., CachedDiscoveryClient]


def test_invalidate_sends_no_request_before_the_next_call(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    server.forget_requests()
    client.invalidate()
    assert server.request_count == 0
    client.server_resources_for_group_version("batch/v1")
    assert server.paths() == ["/apis/batch/v1"]
    client.server_groups()
    assert sorted(server.paths()) == ["/api", "/apis", "/apis/batch/v1"]


def test_documents_from_before_an_invalidation_are_not_used(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    server.recording.add_group("new.example", {"v1": WIDGETS})
    assert "new.example" not in [group.name for group in client.server_groups().groups]
    client.invalidate()
    assert "new.example" in [group.name for group in client.server_groups().groups]
    # Documents fetched afterwards are cached as usual.
    server.forget_requests()
    assert "new.example" in [group.name for group in cached_client(server).server_groups().groups]
    assert server.request_count == 0


def test_invalidating_one_group_version_refetches_only_that_one(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    server.forget_requests()
    client.invalidate("apps/v1")
    client.server_groups_and_resources()
    client.server_groups_and_resources()
    assert server.paths() == ["/apis/apps/v1"]


def test_another_process_s_documents_from_before_an_invalidation_are_not_used(
    server: DiscoveryServer, cached_client: Make
) -> None:
    one, other = cached_client(server), cached_client(server)
    other.server_groups_and_resources()
    one.invalidate()
    one.server_resources_for_group_version("apps/v1")
    assert server.paths()[2:] == ["/apis/apps/v1"]


def test_another_process_s_fetch_from_after_an_invalidation_is_used(
    server: DiscoveryServer, cached_client: Make
) -> None:
    one, other = cached_client(server), cached_client(server)
    one.server_groups()
    one.invalidate()
    other.invalidate()
    other.server_groups_and_resources()
    server.forget_requests()
    one.server_groups_and_resources()
    assert server.request_count == 0
    assert not one.fresh


def test_a_kubectl_file_written_just_after_an_invalidation_is_not_trusted(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    client = cached_client(server)
    cached_client(server).server_groups()
    client.invalidate()
    path = next((tmp_path / "cache").rglob("servergroups.json"))
    os.utime(path, (time.time() + 1,) * 2)
    client.server_groups()
    assert server.request_count == 4


def test_a_client_is_fresh_while_it_fetched_everything_it_used(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    assert client.fresh
    client.server_groups_and_resources()
    assert client.fresh
    warm = cached_client(server)
    assert warm.fresh
    warm.server_groups()
    assert not warm.fresh
    warm.invalidate()
    assert warm.fresh
    warm.server_groups()
    assert warm.fresh


def test_a_fetch_in_progress_during_an_invalidation_is_not_cached(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    asked, answer = threading.Event(), threading.Event()
    real = server._answer

    def slow(*arguments: str) -> tuple[int, dict[str, str], bytes]:
        answered = real(*arguments)
        asked.set()
        assert answer.wait(10)
        return answered

    server._answer = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=client.server_groups)
    thread.start()
    assert asked.wait(10)
    client.invalidate()
    answer.set()
    thread.join()
    server._answer = real  # type: ignore[method-assign]
    server.recording.add_group("new.example", {"v1": WIDGETS})
    assert "new.example" in [group.name for group in client.server_groups().groups]


# --- memory and other processes


def test_repeated_calls_read_no_file_within_the_recheck_interval(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    client = cached_client(server, recheck_interval=3600)
    first = client.server_resources_for_group_version("apps/v1")
    for path in files(tmp_path):
        path.unlink()
    assert client.server_resources_for_group_version("apps/v1") is first


def test_documents_replaced_by_another_process_are_used_without_a_request(
    server: DiscoveryServer, cached_client: Make
) -> None:
    client = cached_client(server, recheck_interval=0)
    client.server_groups_and_resources()
    server.recording.add_group("new.example", {"v1": WIDGETS})
    other = cached_client(server)
    other.invalidate()
    other.server_groups_and_resources()
    server.forget_requests()
    groups, lists = client.server_groups_and_resources()
    assert groups[-1].name == "new.example"
    assert lists[-1].group_version == "new.example/v1"
    assert server.request_count == 0
    assert not client.fresh


def test_documents_removed_by_another_process_are_refetched(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    client = cached_client(server, recheck_interval=0)
    client.server_groups()
    for path in files(tmp_path):
        path.unlink()
    client.server_groups()
    assert server.request_count == 4
