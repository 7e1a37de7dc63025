"""`stale_while_revalidate`: expired documents are served at once and refreshed in the background."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, GroupDiscoveryFailed, NotFound, RequestError
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import WIDGETS, Ran, eventually, threads_of_ours
from .test_stale_if_error import SEVEN_HOURS, expire

Make = Callable[..., CachedDiscoveryClient]
Run = Callable[..., Ran]


@pytest.mark.parametrize("aggregated", [True, False])
def test_an_expired_document_is_served_at_once_and_revalidated_once(
    cached_client: Make, tmp_path: Path, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        old = cached_client(server).server_groups_and_resources()
        expire(tmp_path)
        server.recording.add_group("new.test", {"v1": WIDGETS})
        answer = threading.Event()
        server.on_request = lambda _: (answer.wait(60), None)[1]
        server.forget_requests()
        client = cached_client(server, stale_while_revalidate=SEVEN_HOURS, recheck_interval=0)
        for _ in range(20):
            assert client.server_groups_and_resources() == old
            client.server_groups()
            client.server_resources_for_group_version("apps/v1")
        assert server.request_count == 0, "nothing was answered, and nothing was waited for"
        answer.set()
        assert eventually(lambda: client.server_groups_and_resources() != old)
        groups, _ = client.server_groups_and_resources()
        assert groups[-1].name == "new.test"
        assert len(server.paths()) == len(set(server.paths())), "no document is asked for twice"


def test_revalidated_documents_are_written_to_disk(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups_and_resources()
        expire(tmp_path)
        cached_client(server, stale_while_revalidate=SEVEN_HOURS).server_groups()
        groups = Path(cached_client(server).path())
        assert eventually(lambda: time.time() - groups.stat().st_mtime < 60)
        server.forget_requests()
        assert cached_client(server).server_groups().groups
        assert server.request_count == 0


def test_documents_older_than_the_limit_are_not_served(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups()
    expire(tmp_path, 3 * SEVEN_HOURS)
    with pytest.raises(RequestError):
        cached_client(server, stale_while_revalidate=SEVEN_HOURS).server_groups()


def test_a_failed_refresh_warns_once_and_is_not_repeated_at_each_call(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = cached_client(server).server_groups()
    expire(tmp_path)
    server.fail("/apis", Failure(500))
    server.forget_requests()
    client = cached_client(server, stale_while_revalidate=SEVEN_HOURS)
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert client.server_groups() == old
        assert eventually(lambda: bool(caplog.records) and not threads_of_ours())
        for _ in range(50):
            assert client.server_groups() == old
            assert eventually(lambda: not threads_of_ours())
    (record,) = caplog.records
    assert "using expired documents" in record.getMessage()
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_invalidated_documents_are_never_served(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    cached_client(server).server_groups()
    expire(tmp_path)
    server.recording.add_group("new.test", {"v1": WIDGETS})
    client = cached_client(server, stale_while_revalidate=SEVEN_HOURS)
    client.invalidate()
    assert client.server_groups().groups[-1].name == "new.test"


def test_a_partial_listing_is_refetched_within_the_call(server: DiscoveryServer, cached_client: Make) -> None:
    server.recording.mark_stale("batch/v1")
    client = cached_client(server, stale_while_revalidate=SEVEN_HOURS, ttl=0.05)

    def requests() -> list[str]:
        with suppress(GroupDiscoveryFailed):
            client.server_groups()
        return sorted(server.paths())

    assert requests() == ["/api", "/apis"]
    # Fetched within the call, not in a background thread.
    assert eventually(lambda: requests() == ["/api", "/api", "/apis", "/apis"])


def test_the_command_line_prints_at_once_and_refreshes_in_another_process(
    server: DiscoveryServer, cli: Run, home: Path
) -> None:
    expected = cli("api-resources", server=server).out
    expire(home)
    server.recording.add_group("new.test", {"v1": WIDGETS})
    server.forget_requests()
    answer = threading.Event()
    server.on_request = lambda _: (answer.wait(120), None)[1]
    # Standard output is read to its end: the background process does not keep it open.
    ran = cli("api-resources", "--cached", "--stale-while-revalidate=24h", server=server)
    assert ran == Ran(0, expected, "")
    assert server.request_count == 0, "nothing was answered, and nothing was waited for"
    answer.set()
    (groups,) = home.rglob("servergroups.json")
    assert eventually(lambda: time.time() - groups.stat().st_mtime < 60)
    assert eventually(lambda: "widgets" in cli("api-resources", "--cached", server=server).out)
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_the_refresh_flag_costs_two_empty_304_responses(server: DiscoveryServer, cli: Run) -> None:
    for command in (["api-resources"], ["api-versions"], ["resolve", "deploy"]):
        cli(*command, server=server)
        server.forget_requests()
        assert cli(*command, "--refresh", server=server).code == 0
        assert [(request.status, request.sent_bytes) for request in server.requests] == [(304, 0)] * 2


def test_refresh_updates_the_files_and_is_skipped_if_already_done(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    before = os.stat(client.path("apps/v1")).st_mtime_ns
    server.forget_requests()
    client.refresh()
    assert os.stat(client.path("apps/v1")).st_mtime_ns > before
    assert sorted(server.paths()) == ["/api", "/apis"]
    # The documents were already refreshed since then.
    since = time.monotonic() - 60
    client.refresh(since=since)
    assert server.request_count == 2


@pytest.mark.parametrize("aggregated", [True, False])
def test_documents_of_a_removed_group_are_deleted(cached_client: Make, tmp_path: Path, aggregated: bool) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        server.recording.add_group("new.test", {"v1": WIDGETS})
        client, other = cached_client(server, recheck_interval=0), cached_client(server, recheck_interval=0)
        client.server_groups_and_resources()
        assert other.server_resources_for_group_version("new.test/v1").resources
        server.recording.remove_group("new.test")
        client.refresh()
        assert not Path(client.path("new.test/v1")).exists()
        assert "new.test" not in [group.name for group in other.server_groups().groups]
        other.server_groups_and_resources()


def test_a_listing_from_an_outdated_group_list_is_refetched(tmp_path: Path, cached_client: Make) -> None:
    with DiscoveryServer(aggregated=False) as server:
        server.recording.add_group("new.test", {"v1": WIDGETS})
        cached_client(server).server_groups()
        server.recording.remove_group("new.test")
        groups, _ = cached_client(server).server_groups_and_resources()
        assert "new.test" not in [group.name for group in groups]


def test_a_removed_group_is_deleted_while_another_group_version_is_stale(
    server: DiscoveryServer, cached_client: Make
) -> None:
    server.recording.add_group("gone.test", {"v1": WIDGETS})
    client = cached_client(server)
    client.server_groups_and_resources()
    server.recording.remove_group("gone.test")
    server.recording.mark_stale("batch/v1")
    client.refresh()
    for asked in (client, cached_client(server)):
        with pytest.raises(NotFound):
            asked.server_resources_for_group_version("gone.test/v1")
    assert Path(client.path("batch/v1")).exists(), "of what does not answer the last word is kept"


def test_a_list_that_becomes_empty_removes_the_old_file(server: DiscoveryServer, cached_client: Make) -> None:
    server.recording.add_group("metrics.test", {"v1": WIDGETS})
    client = cached_client(server)
    client.server_groups_and_resources()
    server.recording.remove_group("metrics.test")
    server.recording.add_group("metrics.test", {"v1": []})
    client.refresh()
    assert cached_client(server).server_resources_for_group_version("metrics.test/v1").resources == ()


def test_several_clients_revalidate_expired_documents_once(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups_and_resources()
        expire(tmp_path)
        server.forget_requests()
        for _ in range(5):
            client = cached_client(server, stale_while_revalidate=SEVEN_HOURS, recheck_interval=0)
            client.server_groups()
            groups = Path(client.path())
            assert eventually(lambda groups=groups: time.time() - groups.stat().st_mtime < 60)  # type: ignore[misc]
        assert eventually(lambda: not threads_of_ours())
        assert sorted(server.paths()) == ["/api", "/apis"]


def test_no_index_is_written_of_documents_replaced_meanwhile(
    server: DiscoveryServer, cached_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    signatures = client._cache.signatures

    def refreshed_meanwhile() -> object:
        server.recording.add_group("new.test", {"v1": WIDGETS})
        client.refresh()
        return signatures()

    monkeypatch.setattr(client._cache, "signatures", refreshed_meanwhile)
    assert not client.resource_index.write()
    monkeypatch.setattr(client._cache, "signatures", signatures)
    assert client.resource_index.write()


def test_expired_documents_are_served_and_revalidated_later_if_no_thread_starts(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = cached_client(server).server_groups()
    expire(tmp_path)
    server.recording.add_group("new.test", {"v1": WIDGETS})
    client = cached_client(server, stale_while_revalidate=SEVEN_HOURS, recheck_interval=0)

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        for _ in range(3):
            assert client.server_groups() == old
    assert eventually(lambda: client.server_groups().groups[-1].name == "new.test")
