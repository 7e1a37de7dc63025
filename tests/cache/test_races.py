"""An invalidation or a change at any step of a lookup: older documents are not used after it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import (
    APIGroup,
    APIResourceList,
    CachedDiscoveryClient,
    ClientConfig,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    IndexedDiscoveryInterface,
    NotFound,
    ResourceIndex,
)
from cachediscovery._concurrency import Lock
from cachediscovery.config.trust_fingerprint import cluster_of
from cachediscovery.disk.cluster_record import ClusterRecord
from cachediscovery.disk.document_store import DocumentStore
from cachediscovery.disk.files import Signature
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient

from ..conftest import WIDGETS, make_store

Make = Callable[..., CachedDiscoveryClient]


class InterruptedStore(DocumentStore):
    """Calls `interrupt` at step number `at`; a path, a record, and the start and end of a write are steps."""

    def __init__(self, store: DocumentStore, at: int) -> None:
        super().__init__(store.root, store.folder)
        self.at = at
        self.calls = 0
        self.interrupt: Callable[[], None] = lambda: None

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.interrupt()

    def path(self, key: str) -> str:
        self._count()
        return super().path(key)

    def record(self) -> ClusterRecord:
        self._count()
        return super().record()

    def write(self, key: str, data: bytes, mtime: float, epoch: str = "") -> Signature | None:
        self._count()
        written = super().write(key, data, mtime, epoch)
        self._count()
        return written


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("resources", [WIDGETS, []])
def test_an_invalidation_at_any_step_of_a_lookup_takes_effect(
    cached_client: Make, tmp_path: Path, warm: bool, resources: list[dict[str, object]]
) -> None:
    at, reached = 0, True
    while reached:
        at += 1
        with DiscoveryServer() as server:
            old = [{**WIDGETS[0], "kind": "Old"}] if warm or resources else []
            server.recording.add_group("new.test", {"v1": old})
            if warm:
                cached_client(server).server_groups_and_resources()
            store = InterruptedStore(make_store(tmp_path, server), at)
            client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)), store)

            def change(client: CachedDiscoveryClient = client, server: DiscoveryServer = server) -> None:
                server.recording.remove_group("new.test")
                server.recording.add_group("new.test", {"v1": [{**WIDGETS[0], "kind": "New"}]})
                client.invalidate("new.test/v1")

            store.interrupt = change
            client.server_resources_for_group_version("new.test/v1")
            reached = store.calls >= at
            if reached:
                written = Path(client.path("new.test/v1"))
                assert warm or not written.exists() or b'"Old"' not in written.read_bytes(), at
                found = client.server_resources_for_group_version("new.test/v1")
                assert [resource.kind for resource in found.resources] == ["New"], at
    assert at > 5


def test_a_mapper_keeps_no_table_of_documents_replaced_while_it_read_them() -> None:
    class Changing(FakeDiscoveryClient, IndexedDiscoveryInterface, ResourceIndex):
        """Another process replaces the documents just after the first read."""

        changes = 0

        @property
        def resource_index(self) -> ResourceIndex:
            return self

        def search(self) -> None:
            return None

        def write(self) -> bool:
            return False

        def revision(self) -> int:
            return self.changes

        def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
            found = super().server_groups_and_resources()
            if not self.changes:
                self.changes = 1
                self.resources = [newer]
            return found

    old, newer = (APIResourceList("v1", (resource,)) for resource in _resources("Old", "New"))
    mapper = DeferredDiscoveryRESTMapper(Changing([old]))
    assert mapper.mapping_for("things").kind == "New"


def _resources(*kinds: str) -> list[object]:
    from cachediscovery import APIResource

    return [APIResource("things", "thing", True, kind, ("get",)) for kind in kinds]


def test_a_document_in_memory_expires_even_within_the_recheck_interval(
    server: DiscoveryServer, cached_client: Make
) -> None:
    client = cached_client(server, ttl=0.2, recheck_interval=3600)
    client.server_resources_for_group_version("apps/v1")
    asked = time.monotonic()
    while time.monotonic() - asked < 0.3:
        client.server_resources_for_group_version("apps/v1")
    assert server.paths().count("/apis/apps/v1") >= 2


def test_one_newer_document_does_not_skip_a_refresh(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    since = time.monotonic()
    client.invalidate("apps/v1")
    client.server_resources_for_group_version("apps/v1")
    server.forget_requests()
    client.refresh(since)
    assert sorted(server.paths()) == ["/api", "/apis"]
    server.forget_requests()
    client.refresh(since)
    assert server.request_count == 0


def test_a_newer_group_list_does_not_skip_a_refresh(legacy_server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(legacy_server)
    client.server_groups_and_resources()
    since = time.monotonic()
    other = cached_client(legacy_server)
    other.invalidate()
    other.server_groups()
    legacy_server.forget_requests()
    client.refresh(since)
    assert "/apis/apps/v1" in legacy_server.paths()


def test_a_404_response_removes_the_documents_file(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    path = Path(client.path("apps/v1"))
    assert path.exists()
    del server.recording.unaggregated["/apis/apps/v1"]
    client.invalidate("apps/v1")
    with pytest.raises(NotFound):
        client.server_resources_for_group_version("apps/v1")
    assert not path.exists()


def test_a_lock_held_during_a_fork_is_free_in_the_child() -> None:
    lock, held, over = Lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout=5) else 1)
    _, status = os.waitpid(child, 0)
    over.set()
    thread.join()
    assert status == 0


def test_the_tls_server_name_is_part_of_the_trust_fingerprint() -> None:
    one, other = (ClientConfig("https://x", ca_data=b"ca", tls_server_name=name) for name in ("one", "other"))
    assert cluster_of(one).trust_fingerprint != cluster_of(other).trust_fingerprint
    assert cluster_of(one).trust_fingerprint == cluster_of(one._replace(token="t")).trust_fingerprint
