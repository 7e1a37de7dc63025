"""A client that watches a server whose watch events the test controls."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryWatch
from cachediscovery.testing import DiscoveryServer
from cachediscovery.watching import schedule
from cachediscovery.watching.watch import PATHS

from ..conftest import eventually, remains

CRDS, SERVICES = PATHS


class Watched:
    """One watched collection of a `DiscoveryServer` and the events that it sends."""

    def __init__(self, server: DiscoveryServer, path: str) -> None:
        self.queries: list[str] = []
        # The events for each watch, oldest watch first; None ends the response.
        self.watches: list[queue.SimpleQueue[dict[str, Any] | None]] = []
        self.ends_at_once = False
        self.events_at_once: list[dict[str, Any]] = []
        server.watches[path] = self.send
        server.recording.unaggregated[path] = {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}

    def send(self, query: str) -> Iterator[dict[str, Any]]:
        events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.watches.append(events)
        self.queries.append(query)
        yield from self.events_at_once
        if self.ends_at_once or self.events_at_once:
            return
        while (event := events.get()) is not None:
            yield event

    def put(self, event: dict[str, Any] | None) -> None:
        self.watches[-1].put(event)

    def end_all(self) -> None:
        for events in self.watches:
            events.put(None)

    def tell(self, kind: str, name: str = "", version: str = "8") -> None:
        self.put({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}})

    def versions(self) -> list[str]:
        return [query.rpartition("resourceVersion=")[2] for query in self.queries]


class Fixture:
    def __init__(self, cache_dir: Path) -> None:
        self.server = DiscoveryServer()
        self.crds, self.services = Watched(self.server, CRDS), Watched(self.server, SERVICES)
        self.server.start()
        self.client = CachedDiscoveryClient.for_config(ClientConfig(self.server.url), cache_dir=str(cache_dir))
        self.changes = 0
        # The refreshes under way.
        self.refreshing: list[None] = []
        refresh = self.client.refresh

        def noted(*arguments: Any, **keywords: Any) -> None:
            self.refreshing.append(None)
            try:
                refresh(*arguments, **keywords)
            finally:
                self.refreshing.pop()

        self.client.refresh = noted  # type: ignore[method-assign]
        self.watch: DiscoveryWatch | None = None

    def begin(self, **keywords: Any) -> DiscoveryWatch:
        def count() -> None:
            self.changes += 1

        self.watch = self.client.watch(on_change=count, **keywords)
        return self.watch

    def discovery_requests(self) -> int:
        return sum(path in ("/api", "/apis") for path in self.server.paths())

    def groups(self) -> list[str]:
        return [group.name for group in self.client.server_groups().groups]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fixture]:
    # Let the refreshes after the start of a watch follow at once.
    monkeypatch.setattr(schedule, "LOOKS_AFTER_GAP", ((0.0, 0.0), (0.1, 0.1)))
    made = Fixture(tmp_path / "cache")
    yield made
    if made.watch is not None:
        made.watch.close()
    made.crds.end_all()
    made.services.end_all()
    made.server.stop()


def settle(watched: Fixture) -> None:
    """Wait until the refreshes after the start of the watches are done."""
    watch = watched.watch
    assert watch is not None
    assert watch.wait_until_watching(20)
    assert eventually(lambda: watched.discovery_requests() > 0)
    while True:
        # A refresh may be slow after its last request: it writes files.
        assert eventually(lambda: watch._refresher._schedule.next_at() is None and not watched.refreshing)
        before = watched.discovery_requests()
        if remains(lambda before=before: watched.discovery_requests() == before, 0.5):  # type: ignore[misc]
            return
