"""An invalidation reaches all machines: nothing older comes from the shared cache afterwards."""

from __future__ import annotations

import threading
import time

import pytest

from cachediscovery import CachedDiscoveryClient, DeferredDiscoveryRESTMapper
from cachediscovery.shared import news
from cachediscovery.shared.engine import Engine, EngineUnavailable
from cachediscovery.shared.record_store import RecordStore
from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually
from .conftest import CLUSTER, Machine, RedisServer, aged


def has_widgets(client: CachedDiscoveryClient) -> bool:
    return any(group.name == "example.com" for group in client.server_groups().groups)


def test_nothing_older_than_an_invalidation_is_taken(machine: Machine, server: DiscoveryServer) -> None:
    client = machine("a")
    client.server_groups_and_resources()
    server.install_crd("example.com/v1", "Widget")
    assert not has_widgets(machine("b"))
    client.invalidate()
    assert server.request_count == 2
    assert has_widgets(machine("c"))
    assert has_widgets(client)
    assert server.request_count == 4


def test_the_invalidation_of_one_group_version_is_told_too(machine: Machine, server: DiscoveryServer) -> None:
    client = machine("a")
    client.server_groups_and_resources()
    client.invalidate("apps/v1")
    client.server_resources_for_group_version("apps/v1")
    machine("b").server_resources_for_group_version("apps/v1")
    assert sorted(server.paths()) == ["/api", "/apis", "/apis/apps/v1"]


def test_a_client_that_lives_long_hears_an_invalidation_and_reads_again(
    machine: Machine, server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_QUIET_START", 0.0)
    client, other = machine("a"), machine("b")
    for each in (client, other):
        each.server_groups_and_resources()
    heard = threading.Event()
    told = other.delegate.records.on_invalidated  # type: ignore[attr-defined]
    other.delegate.records.on_invalidated = lambda moment: (told(moment), heard.set())  # type: ignore[attr-defined]
    server.install_crd("example.com/v1", "Widget")
    client.invalidate()
    assert heard.wait(5)
    assert has_widgets(other)
    assert has_widgets(client)
    # One of them has asked the server, and what it was told is on the disk of both.
    assert server.request_count == 4
    assert has_widgets(machine("b", shared_cache=None))
    assert DeferredDiscoveryRESTMapper(other).mapping_for("widgets")
    assert server.request_count == 4


def test_a_lost_message_is_made_up_for(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_QUIET_START", 0.0)
    monkeypatch.setattr(news, "_LOOK", 0.1)
    monkeypatch.setattr(RecordStore, "publish", lambda *_: None)
    client, other = machine("a"), machine("b")
    for each in (client, other):
        each.server_groups_and_resources()
    server.install_crd("example.com/v1", "Widget")
    client.invalidate()
    assert eventually(lambda: has_widgets(other), 5)


def test_a_warm_client_that_was_made_before_an_invalidation_hears_it_when_it_begins_to_listen(
    machine: Machine, server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("b").server_groups_and_resources()
    monkeypatch.setattr(news, "_QUIET_START", 60.0)
    other = machine("b")
    assert not has_widgets(other)
    server.install_crd("example.com/v1", "Widget")
    machine("a").invalidate()
    assert not has_widgets(other)
    other.delegate.news.listen(at_once=True)  # type: ignore[attr-defined]
    assert eventually(lambda: has_widgets(other), 5)


def test_what_was_asked_for_before_an_invalidation_is_not_put_after_it(
    machine: Machine, server: DiscoveryServer, records: RecordStore
) -> None:
    client = machine("a")
    asked, invalidated = threading.Event(), threading.Event()

    def wait(_: str) -> None:
        asked.set()
        invalidated.wait(20)

    server.on_request = wait
    thread = threading.Thread(target=client.server_groups)
    thread.start()
    assert asked.wait(20)
    records.invalidate(time.monotonic())
    invalidated.set()
    thread.join()
    assert records.see("groups").data == b""


@pytest.mark.parametrize("lose", ["flushall", "restart"])
def test_an_engine_that_lost_its_memory_takes_nothing_from_before(
    records: RecordStore, redis_server: RedisServer, machine: Machine, lose: str
) -> None:
    machine("a").server_groups()
    seen = records.see("groups", begin=True)
    found = records.usable(seen, "groups", 60, float("-inf"))
    assert found is not None
    if lose == "flushall":
        redis_server.client().flushall()
    else:
        redis_server.kill()
        redis_server.start()
    assert not records.put("groups", found.record, seen, 60)
    assert records.see("groups", begin=True).generation != seen.generation
    assert not records.put("groups", found.record, seen, 60)


def test_an_evicted_generation_voids_all_records(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    machine("a").server_groups()
    redis_server.client().delete(*redis_server.client().keys("*:generation"))
    machine("b").server_groups()
    assert server.request_count == 4


def test_an_invalidation_that_the_engine_missed_is_made_up_for(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, no_pause: None
) -> None:
    client = machine("a")
    client.server_groups_and_resources()
    data = {key: redis_server.client().get(key) for key in redis_server.client().keys("*:record:*")}
    generation = redis_server.client().keys("*:generation")[0], redis_server.client().keys("*:generation")
    token = redis_server.client().get(generation[0])
    redis_server.kill()
    server.install_crd("example.com/v1", "Widget")
    client.invalidate()
    redis_server.start()
    # The engine comes back with what it had.
    redis_server.client().mset({**data, generation[0]: token})
    assert has_widgets(client)
    assert has_widgets(machine("b"))


def test_an_invalidation_from_before_a_client_was_made_is_no_news_to_it(
    records: RecordStore, redis_server: RedisServer, server: DiscoveryServer
) -> None:
    records.invalidate(time.monotonic())
    heard: list[float] = []
    later = RecordStore(Engine(redis_server.url), server.url, "", CLUSTER)
    later.on_invalidated = heard.append
    assert later.see().generation
    assert heard == []
    records.invalidate(time.monotonic())
    later.see()
    later.engine.close()
    assert len(heard) == 1


def test_the_one_who_invalidates_is_not_told_by_itself(
    machine: Machine, server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_QUIET_START", 0.0)
    client = machine("a")
    client.server_groups()
    heard: list[float] = []
    client.delegate.records.on_invalidated = heard.append  # type: ignore[attr-defined]
    client.delegate.news.listen(at_once=True)  # type: ignore[attr-defined]
    for _ in range(3):
        client.invalidate()
        client.server_groups()
    machine("b").invalidate()
    assert eventually(lambda: len(heard) == 1)


def test_readers_of_the_engine_get_nothing_older_while_another_invalidates(
    machine: Machine, server: DiscoveryServer, request: pytest.FixtureRequest
) -> None:
    """Each round adds a CRD, invalidates, and lets all readers read; none may see an earlier round's list."""
    rounds, count = (100, 20) if request.config.getoption("--whole") else (5, 8)
    writer = machine("writer")
    readers = [machine(f"r{number}", recheck_interval=0) for number in range(count)]
    reached = [0]
    wrong: list[tuple[int, int]] = []
    over = threading.Event()

    def read(client: CachedDiscoveryClient) -> None:
        while not over.is_set():
            at_least = reached[0]
            # A new look: as a machine with an empty disk would.
            client.invalidate_locally()
            shared = client.delegate
            groups = shared.groups_and_maybe_resources().groups.groups  # type: ignore[attr-defined]
            found = max((int(group.name[1:-5]) for group in groups if group.name.endswith(".test")), default=0)
            if found < at_least:
                wrong.append((found, at_least))

    threads = [threading.Thread(target=read, args=(client,)) for client in readers]
    for thread in threads:
        thread.start()
    for number in range(1, rounds + 1):
        server.recording.add_group(f"g{number}.test", {"v1": []})
        writer.invalidate()
        reached[0] = number
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_unavailable_engine_is_no_error_for_an_invalidation(machine: Machine, redis_server: RedisServer) -> None:
    client = machine("a")
    client.server_groups()
    redis_server.kill()
    client.invalidate()
    with pytest.raises(EngineUnavailable):
        client.delegate.records.see()  # type: ignore[attr-defined]


def test_a_heard_invalidation_spares_the_server_those_who_hear_late(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    clients = [machine(str(number)) for number in range(4)]
    for client in clients:
        client.server_groups_and_resources()
    clients[0].invalidate()
    for client in clients * 2:
        client.delegate.records.see()  # type: ignore[attr-defined]
        client.server_groups_and_resources()
    assert server.request_count == 4
    aged(redis_server, 0.001)
    assert server.request_count == 4
