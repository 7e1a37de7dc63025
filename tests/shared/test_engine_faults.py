"""An engine that fails costs requests and a bounded time, never an error or a wrong answer."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

import pytest
import redis

from cachediscovery import CachedDiscoveryClient
from cachediscovery.shared import engine
from cachediscovery.shared.engine import Engine, EngineUnavailable
from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually
from .conftest import Machine, RedisServer

# Much more than the bounds of an operation: the machine that runs the tests may be busy.
BOUND = 5.0


def ask(client: CachedDiscoveryClient, server: DiscoveryServer) -> int:
    """Read everything, within the bound; how many requests that took."""
    before, began = server.request_count, time.monotonic()
    assert len(client.server_groups_and_resources()[1]) == 39
    assert time.monotonic() - began < BOUND
    return server.request_count - before


def test_an_engine_that_is_not_there_is_told_of_once(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()
    client = machine("a")
    assert ask(client, server) == 2
    client.invalidate()
    assert ask(client, server) == 2
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    (record,) = [record for record in warnings if redis_server.url in record.getMessage()]
    assert "the shared cache at unix://" in record.getMessage()
    assert record.getMessage().endswith("going on without it")


def test_an_engine_whose_host_does_not_answer(machine: Machine, server: DiscoveryServer) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        # Nobody accepts: the connection is made, and nothing is answered.
        deaf.listen()
        client = machine("a", shared_cache=f"redis://127.0.0.1:{deaf.getsockname()[1]}")
        assert ask(client, server) == 2


def test_an_engine_that_is_paused_and_goes_on(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, no_pause: None
) -> None:
    ask(machine("a"), server)
    client = machine("b")
    redis_server.pause()
    assert ask(client, server) == 2
    redis_server.go_on()
    client.invalidate_locally()
    assert ask(machine("c"), server) == 0


def test_after_a_failure_the_engine_is_left_alone_for_a_while(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.pause()
    client = machine("a")
    monkeypatch.setattr(engine, "PAUSE", 600.0)
    ask(client, server)
    client.invalidate_locally()
    operations: list[object] = []
    monkeypatch.setattr(engine, "begin_in_thread", operations.append)
    client.server_groups()
    assert operations == []
    redis_server.go_on()


def test_an_engine_that_refuses_to_write(machine: Machine, server: DiscoveryServer, redis_server: RedisServer) -> None:
    assert ask(machine("a"), server) == 2
    redis_server.client().config_set("maxmemory", 1)
    # What it has can still be read.
    assert ask(machine("b"), server) == 0
    machine("c").invalidate()
    client = machine("d", shared_cluster="other")
    assert ask(client, server) == 2


def test_a_replica_can_be_read(machine: Machine, server: DiscoveryServer, redis_server: RedisServer) -> None:
    assert ask(machine("a"), server) == 2
    redis_server.client().execute_command("CONFIG", "SET", "replica-read-only", "yes")
    redis_server.client().config_set("replica-serve-stale-data", "yes")
    redis_server.client().replicaof("127.0.0.1", "1")
    assert ask(machine("b"), server) == 0
    assert ask(machine("c", shared_cluster="other"), server) == 2


def test_a_wrong_password_is_never_shown(
    machine: Machine, server: DiscoveryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    locked = RedisServer(folder, "--requirepass", "right")
    locked.start()
    try:
        caplog.set_level("DEBUG")
        client = machine("a", shared_cache=locked.url.replace("unix://", "unix://:s3cr3t@"))
        assert ask(client, server) == 2
        client = machine("b", shared_cache=locked.url.replace("unix://", "unix://:right@"))
        assert ask(client, server) == 2
        assert ask(machine("c", shared_cache=locked.url.replace("unix://", "unix://:right@")), server) == 0
    finally:
        locked.kill()
    assert "s3cr3t" not in caplog.text
    assert "right@" not in caplog.text
    assert "the shared cache at unix:///" in caplog.text


@pytest.mark.parametrize("secret", ["s3cr3t", "s3/cr3t@x"])
def test_an_error_that_quotes_the_password_is_cleaned(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    from urllib.parse import quote

    found = Engine(f"redis://user:{quote(secret, safe='')}@127.0.0.1:1")

    def fail(_: object) -> None:
        raise ValueError(f"no luck with {secret}")

    with pytest.raises(EngineUnavailable) as caught:
        found.call(fail)
    assert secret not in caplog.text + str(caught.value)


def test_a_client_without_time_outs_holds_nobody_up(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    own = redis.Redis.from_url(redis_server.url, socket_timeout=None)
    ask(machine("a", shared_cache=own), server)
    redis_server.pause()
    assert ask(machine("b", shared_cache=own), server) == 2
    redis_server.go_on()


def test_a_holder_that_dies_delays_the_others_no_longer_than_its_lock(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = machine("a")
    records = client.delegate.records  # type: ignore[attr-defined]
    redis_server.client().set(f"{records.prefix}:lock:groups", "gone", px=700)
    began = time.monotonic()
    assert ask(client, server) == 2
    assert time.monotonic() - began > 0.5


def test_those_who_wait_for_a_fetch_that_fails_ask_themselves(machine: Machine, server: DiscoveryServer) -> None:
    server.delay = 0.3
    server.fail("/api")
    server.fail("/apis")
    clients = [machine(str(number)) for number in range(4)]
    failed: list[Exception] = []

    def read(client: CachedDiscoveryClient) -> None:
        try:
            client.server_groups()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 4


def test_an_engine_that_is_killed_paused_and_emptied_at_random_costs_no_answer(
    machine: Machine,
    server: DiscoveryServer,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(engine, "PAUSE", 0.05)
    whole = request.config.getoption("--whole")
    faults, count = (500, 20) if whole else (8, 4)
    clients = [machine(str(number), recheck_interval=0) for number in range(count)]
    wrong: list[str] = []
    over = threading.Event()

    def read(client: CachedDiscoveryClient) -> None:
        while not over.is_set():
            client.invalidate_locally()
            began = time.monotonic()
            try:
                lists = client.server_groups_and_resources()[1]
            except Exception as error:
                wrong.append(repr(error))
                return
            if len(lists) != 39:
                wrong.append(f"{len(lists)} lists")
            if time.monotonic() - began > 4 * BOUND:
                wrong.append(f"{time.monotonic() - began} seconds")

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    chance = random.Random(1)
    for _ in range(faults):
        fault = chance.choice(["kill", "pause", "flush"])
        if fault == "kill":
            redis_server.kill()
            redis_server.start()
        elif fault == "pause":
            redis_server.pause()
            time.sleep(chance.random() * 0.2)
            redis_server.go_on()
        else:
            assert eventually(lambda: bool(redis_server.client().flushall()))
        time.sleep(chance.random() * 0.1)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
