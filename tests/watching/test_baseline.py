"""`on_change` is called for every difference from what the client held when the watch started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.watching import schedule
from cachediscovery.watching.watch import PATHS

from ..cache.test_stale_if_error import SEVEN_HOURS, expire
from ..conftest import WIDGETS, eventually, remains

Make = Callable[..., CachedDiscoveryClient]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LOOKS_AFTER_GAP", ((0.0, 0.0),))


@contextmanager
def changes_of(client: CachedDiscoveryClient) -> Iterator[list[int]]:
    """The number of groups at each call of `on_change`; the server is polled ten times a second."""
    calls: list[int] = []
    with client.watch(interval=0.1, on_change=lambda: calls.append(len(client.server_groups().groups))):
        yield calls


def count_looks(server: DiscoveryServer) -> int:
    return server.paths().count("/apis")


@pytest.fixture
def polled(server: DiscoveryServer) -> DiscoveryServer:
    """A server that forbids watches, so that clients poll it."""
    for path in PATHS:
        server.fail(path, Failure(403))
    return server


def test_a_change_before_the_first_refresh_calls_on_change(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    count = len(client.server_groups_and_resources()[0])
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    with changes_of(client) as calls:
        assert eventually(lambda: calls == [count + 1])


def test_the_baseline_of_a_new_client_is_the_cache_on_disk(polled: DiscoveryServer, cached_client: Make) -> None:
    count = len(cached_client(polled).server_groups_and_resources()[0])
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    with changes_of(cached_client(polled)) as calls:
        assert eventually(lambda: calls == [count + 1])


def test_the_baseline_is_what_the_client_used_not_a_newer_cache(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    count = len(client.server_groups_and_resources()[0])
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    cached_client(polled).refresh()
    with changes_of(client) as calls:
        assert eventually(lambda: calls == [count + 1])


def test_a_change_is_reported_even_if_the_first_refresh_is_late(tmp_path: Path, cached_client: Make, port: int) -> None:
    with DiscoveryServer(port=port) as server:
        client = cached_client(server)
        count = len(client.server_groups_and_resources()[0])
    with changes_of(client) as calls:
        again = DiscoveryServer(port=port)
        again.recording.add_group("new.test", {"v1": WIDGETS})
        assert remains(lambda: not calls, 0.5)
        with again:
            assert eventually(lambda: calls == [count + 1])


def test_the_baseline_of_an_empty_client_is_its_first_refresh(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    with changes_of(client) as calls:
        assert eventually(lambda: count_looks(polled) >= 3)
        assert calls == []
        polled.recording.add_group("new.test", {"v1": WIDGETS})
        assert eventually(lambda: len(calls) == 1)


def test_invalidated_documents_are_not_part_of_the_baseline(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    client.server_groups_and_resources()
    client.invalidate()
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    with changes_of(client) as calls:
        assert eventually(lambda: count_looks(polled) >= 4)
        assert calls == []


def test_a_change_of_the_only_held_document_is_reported_once(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    client.server_resources_for_group_version("apps/v1")
    for item in polled.recording.apis["items"]:
        if item["metadata"]["name"] == "apps":
            item["versions"][0]["resources"].pop()
    with changes_of(client) as calls:
        assert eventually(lambda: len(calls) == 1)
        before = count_looks(polled)
        assert eventually(lambda: count_looks(polled) >= before + 2)
        assert len(calls) == 1


def test_expired_documents_are_a_baseline_only_with_stale_if_error(
    polled: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    count = len(cached_client(polled).server_groups_and_resources()[0])
    expire(tmp_path)
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    with changes_of(cached_client(polled)) as calls:
        assert eventually(lambda: count_looks(polled) >= 4)
        assert calls == [], "without the option what has expired is not there"
    polled.recording.remove_group("new.test")
    cached_client(polled).refresh()
    expire(tmp_path)
    polled.recording.add_group("new.test", {"v1": WIDGETS})
    with changes_of(cached_client(polled, stale_if_error=SEVEN_HOURS)) as calls:
        assert eventually(lambda: calls == [count + 1])


def test_a_group_version_that_fails_and_recovers_is_two_changes(polled: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(polled)
    client.server_groups_and_resources()
    before = polled.recording.copy()
    with changes_of(client) as calls:
        polled.recording.mark_stale("batch/v1")
        assert eventually(lambda: len(calls) == 1)
        polled.recording = before
        assert eventually(lambda: len(calls) == 2)


def test_starting_a_watch_makes_no_request_and_uses_no_document(cached_client: Make, port: int) -> None:
    with DiscoveryServer(port=port) as server:
        cached_client(server).server_groups_and_resources()
    client = cached_client(server)
    started = time.monotonic()
    with client.watch(on_change=lambda: None):
        assert time.monotonic() - started < 5
        assert client.fresh, "nothing was used that another has fetched"
