"""What one machine has asked, the others take from the shared cache."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DeferredDiscoveryRESTMapper, DiscoveryClient
from cachediscovery.shared import single_flight
from cachediscovery.shared.client import SharedDiscoveryClient
from cachediscovery.shared.engine import Engine
from cachediscovery.shared.news import News
from cachediscovery.shared.record_store import RecordStore
from cachediscovery.shared.records import GROUPS_RECORD
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.credentials import PluginNeeded

from ..conftest import WIDGETS
from .conftest import Machine, RedisServer, aged


def test_a_machine_with_an_empty_disk_asks_nothing_that_another_has_asked(
    machine: Machine, server: DiscoveryServer
) -> None:
    first = machine("a").server_groups_and_resources()
    assert server.request_count == 2
    assert machine("b").server_groups_and_resources() == first
    assert server.request_count == 2


def test_a_group_version_that_was_asked_for_alone_is_shared_too(machine: Machine, server: DiscoveryServer) -> None:
    first = machine("a").server_resources_for_group_version("apps/v1")
    assert machine("b").server_resources_for_group_version("apps/v1") == first
    assert server.request_count == 1


def test_without_aggregation_each_document_is_asked_for_once(machine: Machine, legacy_server: DiscoveryServer) -> None:
    first = machine("a", legacy_server).server_groups_and_resources()
    paths = legacy_server.paths()
    assert machine("b", legacy_server).server_groups_and_resources() == first
    assert legacy_server.paths() == paths
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("aggregated", [True, False])
def test_machines_that_miss_at_the_same_time_ask_once(machine: Machine, aggregated: bool) -> None:
    with DiscoveryServer(aggregated=aggregated, delay=0.05) as server:
        clients = [machine(str(number), server) for number in range(6)]
        threads = [threading.Thread(target=client.server_groups_and_resources) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.paths()) == len(set(server.paths()))
        assert clients[0].server_groups_and_resources() == clients[5].server_groups_and_resources()


def test_a_lock_that_is_held_for_too_long_is_not_waited_for(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_flight, "_MAX_WAIT", 0.2)
    client = machine("a")
    records = client.delegate.records  # type: ignore[attr-defined]
    assert redis_server.client().set(f"{records.prefix}:lock:{GROUPS_RECORD}", "somebody", px=60_000)
    started = time.monotonic()
    assert client.server_groups().groups
    assert time.monotonic() - started < 30
    assert server.request_count == 2


@pytest.mark.parametrize(("error", "told"), [(PluginNeeded(), "x"), (ValueError("no"), "x failed")])
def test_others_are_told_of_a_failed_fetch_and_not_of_one_that_lacks_credentials(
    records: RecordStore, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    published: list[str] = []
    monkeypatch.setattr(records, "publish", published.append)

    def fetch() -> None:
        raise error

    with pytest.raises(type(error)):
        single_flight.SingleFlight(records, News(records)).run("x", lambda: None, fetch)
    assert published == [told]


def test_without_a_ca_nothing_is_shared_unless_the_cluster_is_named(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    machine("a", shared_cluster="").server_groups()
    assert "name it by shared_cluster" in caplog.text
    assert redis_server.client().keys() == []


def test_clusters_of_different_names_share_nothing(machine: Machine, server: DiscoveryServer) -> None:
    machine("a").server_groups()
    machine("b", shared_cluster="other").server_groups()
    assert server.request_count == 4


def test_a_document_from_the_engine_is_dated_by_its_true_age(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("a").server_groups_and_resources()
    aged(redis_server, 3600)
    client = machine("b", ttl=3700)
    client.server_groups_and_resources()
    assert server.request_count == 2
    for path in (client.path(), client.path("apps/v1")):
        assert 3599 < time.time() - Path(path).stat().st_mtime < 3660
    # It expires when the document does, in memory too.
    aged(redis_server, 101)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 101)
    client.server_groups()
    assert server.request_count == 4


def test_a_record_older_than_the_ttl_is_not_used(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    machine("a").server_groups()
    aged(redis_server, 700)
    machine("b", ttl="10m").server_groups()
    assert server.request_count == 4


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clocks_of_machines_may_differ(
    machine: Machine, server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    right = time.time
    began = right()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: right() + hours * 3600)
        machine("a").server_groups()
    ended = right()
    client = machine("b")
    client.server_groups()
    assert server.request_count == 2
    assert began - 0.5 < Path(client.path()).stat().st_mtime < ended + 0.5
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: right() + hours * 3600)
        client = machine("c")
        client.server_groups()
        assert began - 0.5 < Path(client.path()).stat().st_mtime - hours * 3600 < ended + 0.5
    assert server.request_count == 2


def test_a_client_with_a_shared_document_is_not_fresh_and_asks_after_a_miss(
    machine: Machine, server: DiscoveryServer
) -> None:
    machine("a").server_groups_and_resources()
    server.install_crd("example.com/v1", "Widget")
    client = machine("b")
    assert DeferredDiscoveryRESTMapper(client).mapping_for("widgets").resource.group == "example.com"
    # The miss of one machine spares the others theirs.
    server.forget_requests()
    assert DeferredDiscoveryRESTMapper(machine("c")).mapping_for("widgets")
    assert server.request_count == 0
    assert client.fresh
    assert machine("d").server_groups() != ()


def test_a_lookup_that_finds_nothing_invalidates_nothing_on_other_machines(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    client = machine("a")
    client.server_groups_and_resources()
    (key,) = redis_server.client().keys("*:generation")
    generation = redis_server.client().get(key)
    client.invalidate_locally()
    client.server_groups_and_resources()
    assert redis_server.client().get(key) == generation
    assert server.request_count == 4


def test_a_refresh_uses_what_another_machine_has_asked_for_since(machine: Machine, server: DiscoveryServer) -> None:
    client, other = machine("a"), machine("b")
    for each in (client, other):
        each.server_groups_and_resources()
    since = time.monotonic()
    client.refresh(since)
    other.refresh(since)
    assert server.request_count == 4


def test_a_partial_answer_is_not_shared(machine: Machine, server: DiscoveryServer, redis_server: RedisServer) -> None:
    server.recording.add_group("example.com", {"v1": WIDGETS})
    server.fail("/apis")
    with pytest.raises(Exception, match="apis"):
        machine("a").server_groups()
    assert redis_server.client().keys("*:record:*") == []


def test_a_later_record_is_not_replaced_by_an_earlier_one(
    server: DiscoveryServer, redis_server: RedisServer, records: RecordStore
) -> None:
    base = DiscoveryClient.for_config(ClientConfig(server.url))
    early = records.see(begin=True)
    client = SharedDiscoveryClient(base, records, 60)
    client.server_groups()
    seen = records.see("groups")
    found = records.usable(seen, "groups", 60, float("-inf"))
    assert found is not None
    assert not records.put("groups", found.record, early, 60)
    assert records.see("groups").data == seen.data


def test_records_expire(machine: Machine, redis_server: RedisServer) -> None:
    machine("a", ttl=600, stale_if_error=300).server_groups_and_resources()
    client = redis_server.client()
    for key in client.keys("*:record:*"):
        assert 890 < client.ttl(key) <= 900
    for key in client.keys():
        assert client.ttl(key) > 0


def test_the_base_client_can_be_shared_without_a_disk(
    server: DiscoveryServer, redis_server: RedisServer, records: RecordStore
) -> None:
    base = DiscoveryClient.for_config(ClientConfig(server.url))
    expected = base.server_groups_and_resources()
    server.forget_requests()
    for _ in range(2):
        with SharedDiscoveryClient(base, records, 60) as client:
            assert client.server_groups_and_resources() == expected
            assert client.server_preferred_resources() == base.server_preferred_resources()
    assert server.paths().count("/api") == 1 + 2
    assert client.server_version() == base.server_version()


def test_a_client_of_the_caller_is_used_and_left_open(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    own = redis_server.client()
    machine("a", shared_cache=own).server_groups()
    machine("b").server_groups()
    with machine("c", shared_cache=own) as client:
        client.server_groups()
    assert server.request_count == 2
    assert own.ping()


def test_a_client_of_valkey_is_used(machine: Machine, server: DiscoveryServer, redis_server: RedisServer) -> None:
    import valkey

    own = valkey.Valkey.from_url(redis_server.url)
    with own:
        machine("a", shared_cache=own).server_groups()
        machine("b", shared_cache=own).server_groups()
        machine("c").server_groups()
    assert server.request_count == 2


def test_a_client_that_is_forgotten_listens_no_longer(machine: Machine, redis_server: RedisServer) -> None:
    import gc

    before = {thread for thread in threading.enumerate() if thread.name == "cachediscovery-news"}
    config = ClientConfig("http://127.0.0.1:1")
    client = CachedDiscoveryClient.for_config(config, shared_cache=redis_server.url, shared_cluster="x")
    (thread,) = {thread for thread in threading.enumerate() if thread.name == "cachediscovery-news"} - before
    del client
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_an_engine_names_no_password(redis_server: RedisServer) -> None:
    assert Engine("redis://user:secret@host:1/0?ssl_ca_certs=x").place == "redis://host:1/0"
