from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    DiscoveryClient,
    GroupDiscoveryFailed,
    GroupVersion,
    NotFound,
    RequestError,
)
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import WIDGETS, eventually, files, make_store

Make = Callable[..., CachedDiscoveryClient]


def age(tmp_path: Path, seconds: float) -> None:
    for path in files(tmp_path):
        os.utime(path, (time.time() - seconds,) * 2)


def test_a_warm_cache_sends_no_request_to_an_aggregated_server(server: DiscoveryServer, cached_client: Make) -> None:
    cold = cached_client(server).server_groups_and_resources()
    assert sorted(server.paths()) == ["/api", "/apis"]
    warm = cached_client(server)
    assert warm.server_groups_and_resources() == cold
    assert warm.server_preferred_resources()
    assert warm.server_resources_for_group_version("apps/v1").resources
    assert server.request_count == 2


def test_a_warm_cache_sends_no_request_to_a_legacy_server(legacy_server: DiscoveryServer, cached_client: Make) -> None:
    cold = cached_client(legacy_server).server_groups_and_resources()
    documents = len(legacy_server.recording.unaggregated) - 1
    assert legacy_server.request_count == documents
    assert cached_client(legacy_server).server_groups_and_resources() == cold
    assert legacy_server.request_count == documents


def test_the_cached_listing_equals_the_base_clients(server: DiscoveryServer, cached_client: Make) -> None:
    base = DiscoveryClient.for_config(ClientConfig(server.url))
    for _ in range(2):
        assert cached_client(server).server_groups_and_resources() == base.server_groups_and_resources()
        assert cached_client(server).server_preferred_resources() == base.server_preferred_resources()


def test_a_warm_cache_answers_everything_with_the_server_stopped(cached_client: Make) -> None:
    with DiscoveryServer() as server:
        expected = cached_client(server).server_groups_and_resources()
    client = cached_client(server)
    assert client.server_groups_and_resources() == expected
    assert client.server_groups().groups
    assert client.server_preferred_namespaced_resources()


def test_an_expired_document_is_a_miss(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    cached_client(server).server_groups()
    age(tmp_path, 3 * 3600)
    cached_client(server).server_groups()
    assert server.request_count == 2
    cached_client(server, ttl=2 * 3600).server_groups()
    assert server.request_count == 4


def test_documents_in_memory_expire_too(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server, ttl=3)
    client.server_groups()
    client.server_groups()
    assert server.request_count == 2
    assert eventually(lambda: bool(client.server_groups().groups) and server.request_count == 4)


def test_fetching_one_group_version_costs_one_request(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    cached_client(server).server_resources_for_group_version("apps/v1")
    assert server.paths() == ["/apis/apps/v1"]
    assert [path.parent.name for path in files(tmp_path)] == ["v1"]


def test_a_few_missing_documents_are_fetched_individually(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    expected = cached_client(server).server_groups_and_resources()
    server.forget_requests()
    next((tmp_path / "cache").rglob("apps/v1/serverresources.json")).unlink()
    groups, lists = cached_client(server).server_groups_and_resources()
    assert server.paths() == ["/apis/apps/v1"]
    assert [item.group_version for item in lists] == [item.group_version for item in expected[1]]
    assert groups == expected[0]


def test_many_missing_documents_are_fetched_with_one_listing(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    expected = cached_client(server).server_groups_and_resources()
    server.forget_requests()
    for path in files(tmp_path):
        if path.name != "servergroups.json":
            path.unlink()
    assert cached_client(server).server_groups_and_resources() == expected
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_threads_that_miss_together_fetch_once(server: DiscoveryServer, cached_client: Make) -> None:
    server.delay = 0.05
    client = cached_client(server)
    found = []
    calls = [client.server_groups_and_resources] * 8 + [
        lambda: client.server_resources_for_group_version("apps/v1")
    ] * 8
    threads = [threading.Thread(target=lambda call=call: found.append(call())) for call in calls[:8]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(item == found[0] for item in found)
    assert server.request_count == 2
    client.invalidate()
    server.forget_requests()
    threads = [threading.Thread(target=call) for call in calls[8:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.paths() == ["/apis/apps/v1"]


# --- partial failures


def test_a_listing_with_a_stale_group_version_is_never_cached_as_complete(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    server.recording.mark_stale("batch/v1")
    for _ in range(2):
        server.forget_requests()
        with pytest.raises(GroupDiscoveryFailed) as caught:
            cached_client(server).server_groups_and_resources()
        assert list(caught.value.failed) == [GroupVersion("batch", "v1")]
        assert sorted(server.paths()) == ["/api", "/apis"]
    assert not [path for path in files(tmp_path) if path.name == "servergroups.json"]


def test_a_stale_group_version_discards_the_older_complete_listing(
    server: DiscoveryServer, cached_client: Make
) -> None:
    cached_client(server).server_groups_and_resources()
    server.recording.mark_stale("batch/v1")
    client = cached_client(server)
    client.invalidate()
    with pytest.raises(GroupDiscoveryFailed):
        client.server_groups_and_resources()
    with pytest.raises(GroupDiscoveryFailed):
        cached_client(server).server_groups_and_resources()


def test_server_groups_omits_a_stale_group_version_as_kubectl_does(
    server: DiscoveryServer, cached_client: Make
) -> None:
    server.recording.mark_stale("batch/v1")
    assert GroupVersion("batch", "v1") not in cached_client(server).server_groups().group_versions


def test_only_the_failed_group_version_of_a_legacy_server_is_refetched(
    legacy_server: DiscoveryServer, cached_client: Make
) -> None:
    legacy_server.fail("/apis/batch/v1", Failure(503, times=1))
    with pytest.raises(GroupDiscoveryFailed):
        cached_client(legacy_server).server_groups_and_resources()
    legacy_server.forget_requests()
    cached_client(legacy_server).server_groups_and_resources()
    assert legacy_server.paths() == ["/apis/batch/v1"]


def test_a_listing_without_a_forbidden_part_is_not_cached(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    server.fail("/apis", Failure(403))
    with pytest.raises(GroupDiscoveryFailed) as caught:
        cached_client(server).server_groups()
    assert [group.name for group in caught.value.result.groups] == [""]
    assert files(tmp_path) == []


def states(tmp_path: Path) -> dict[Path, tuple[int, int, int, int]]:
    """The stat of each cache file, without the access time."""
    found = {path: path.stat() for path in files(tmp_path)}
    return {path: (it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns) for path, it in found.items()}


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize(("path", "status"), [("/apis", 404), ("/apis", 403), ("/api", 404), ("/api", 403)])
def test_a_partial_listing_changes_no_file_and_is_reported(
    cached_client: Make, tmp_path: Path, path: str, status: int, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        whole = cached_client(server).server_groups_and_resources()
        before = states(tmp_path)
        server.fail(path, Failure(status, times=1))
        client = cached_client(server)
        client.invalidate()
        with pytest.raises(GroupDiscoveryFailed, match=f"{path}[: ]") as caught:
            client.server_groups()
        assert 0 < len(caught.value.result.groups) < len(whole[0])
        assert states(tmp_path) == before
        assert cached_client(server).server_groups_and_resources() == whole


def test_a_server_that_never_had_a_core_group_is_cached_as_complete(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    server.fail("/api", Failure(404))
    client = cached_client(server)
    client.server_groups_and_resources()
    client.invalidate()
    client.server_groups_and_resources()
    assert "servergroups.json" in [path.name for path in files(tmp_path)]


def test_a_core_group_cached_only_in_memory_is_reported_when_missing(server: DiscoveryServer) -> None:
    client = CachedDiscoveryClient(DiscoveryClient.from_session(requests.Session(), server.url))
    client.server_groups_and_resources()
    server.fail("/api", Failure(404))
    client.invalidate()
    with pytest.raises(GroupDiscoveryFailed, match="had a core group"):
        client.server_groups()


def test_an_unlisted_group_version_is_requested_only_once(server: DiscoveryServer, cached_client: Make) -> None:
    cold = cached_client(server)
    for _ in range(5):
        with pytest.raises(NotFound, match=r"absent\.example/v1"):
            cold.server_resources_for_group_version("absent.example/v1")
    assert sorted(server.paths()) == ["/api", "/apis", "/apis/absent.example/v1"]
    server.forget_requests()
    warm = cached_client(server)
    for _ in range(5):
        with pytest.raises(NotFound, match=r"absent\.example/v1"):
            warm.server_resources_for_group_version("absent.example/v1")
    assert sorted(server.paths()) == ["/api", "/apis"], "one look, since others may have listed the groups"


def test_a_group_version_added_after_the_group_list_was_cached_is_found(
    server: DiscoveryServer, cached_client: Make
) -> None:
    cached_client(server).server_groups_and_resources()
    server.recording.add_group("new.example", {"v1": WIDGETS})
    found = cached_client(server).server_resources_for_group_version("new.example/v1")
    assert [resource.name for resource in found.resources] == [item["name"] for item in WIDGETS]


@pytest.mark.parametrize("aggregated", [True, False])
def test_duplicates_in_a_response_are_dropped(cached_client: Make, aggregated: bool) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        once = cached_client(server).server_preferred_resources()
        server.recording.apis["items"] *= 2
        for item in server.recording.apis["items"]:
            for version in item["versions"]:
                version["resources"] = version["resources"] * 2
        for document in server.recording.unaggregated.values():
            for key in ("groups", "resources"):
                if key in document:
                    document[key] = document[key] * 2
        client = cached_client(server)
        client.invalidate()
        assert client.server_preferred_resources() == once
        groups, lists = client.server_groups_and_resources()
        assert len(groups) == len({group.name for group in groups})
        assert len(lists) == len({found.group_version for found in lists})
        for found in lists:
            assert len(found.resources) == len({resource.name for resource in found.resources})


def test_an_empty_resource_list_is_never_written(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    server.recording.add_group("empty.example", {"v1": []})
    client = cached_client(server)
    client.server_groups_and_resources()
    assert not list((tmp_path / "cache").rglob("empty.example"))
    assert client.server_resources_for_group_version("empty.example/v1").resources == ()


def test_a_failed_fetch_leaves_the_cache_unchanged(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    cached_client(server).server_groups_and_resources()
    before = {path: path.read_bytes() for path in files(tmp_path)}
    server.fail("/apis", Failure(200, body=b"<html>"))
    client = cached_client(server)
    client.invalidate()
    with pytest.raises(RequestError):
        client.server_groups()
    assert {path: path.read_bytes() for path in files(tmp_path)} == before


# --- stores and base clients


def test_path_returns_the_file_of_a_document(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    client = cached_client(server)
    client.server_groups()
    assert Path(client.path()).name == "servergroups.json"
    assert Path(client.path("apps/v1")).exists()
    assert CachedDiscoveryClient(client).path() == ""


def test_a_client_without_a_store_caches_in_memory(server: DiscoveryServer) -> None:
    client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)))
    for _ in range(3):
        assert client.server_groups_and_resources()[1]
        assert client.server_resources_for_group_version("apps/v1").resources
    assert server.request_count == 2
    assert client.fresh


def test_any_base_client_can_be_wrapped(server: DiscoveryServer, tmp_path: Path) -> None:
    """One without `groups_and_maybe_resources`: client-go's plain DiscoveryInterface."""
    real = DiscoveryClient.for_config(ClientConfig(server.url))

    class Plain:
        server = real.server
        server_groups = real.server_groups
        server_resources_for_group_version = real.server_resources_for_group_version

    client = CachedDiscoveryClient(Plain(), make_store(tmp_path, server))  # type: ignore[arg-type]
    names = [item.group_version for item in client.server_groups_and_resources()[1]]
    assert names == [item.group_version for item in real.server_groups_and_resources()[1]]


def test_a_cached_client_can_wrap_a_cached_client(server: DiscoveryServer, cached_client: Make) -> None:
    inner = cached_client(server)
    outer = CachedDiscoveryClient(inner)
    outer.server_groups()
    outer.invalidate()
    outer.server_groups()
    assert server.request_count == 4
