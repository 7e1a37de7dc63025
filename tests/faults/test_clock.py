"""Clocks that jump: documents from the future or the distant past are fetched again, and results are correct."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, Ran

Make = Callable[..., CachedDiscoveryClient]
Run = Callable[..., Ran]
DAY = 24 * 3600


class Clock:
    """This process's clock, which a test can shift."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.offset)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def names(client: CachedDiscoveryClient) -> list[str]:
    return [group.name for group in client.server_groups().groups]


@pytest.mark.parametrize("jump", [-DAY, -3600, -60, 7 * 3600, DAY, 400 * DAY])
def test_after_a_clock_jump_documents_are_fetched_once(
    server: DiscoveryServer, cached_client: Make, clock: Clock, jump: float
) -> None:
    client = cached_client(server, recheck_interval=0)
    client.server_groups_and_resources()
    server.recording.add_group("new.test", {"v1": WIDGETS})
    server.forget_requests()
    clock.offset = jump
    for _ in range(3):
        assert "new.test" in names(cached_client(server))
        assert "new.test" in names(client)
    assert sorted(server.paths()) == ["/api", "/apis"]


@pytest.mark.parametrize("jump", [-DAY, -3600, -60])
def test_documents_of_this_process_stay_fresh_when_the_clock_is_set_back(
    server: DiscoveryServer, cached_client: Make, clock: Clock, jump: float
) -> None:
    client = cached_client(server, recheck_interval=0)
    client.server_groups_and_resources()
    clock.offset = jump
    server.forget_requests()
    for _ in range(3):
        client.server_groups_and_resources()
    assert server.request_count == 0
    client.invalidate()
    for _ in range(3):
        client.server_groups_and_resources()
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_invalidated_documents_stay_invalid_when_the_clock_catches_up(
    server: DiscoveryServer, cached_client: Make, clock: Clock
) -> None:
    cached_client(server).server_groups_and_resources()
    client = cached_client(server, recheck_interval=0)
    clock.offset = -100
    client.invalidate()
    clock.offset = -3
    server.forget_requests()
    client.server_groups_and_resources()
    assert sorted(server.paths()) == ["/api", "/apis"]


@pytest.mark.parametrize("jump", [-2, 60, 3600])
def test_a_small_clock_step_causes_no_request(
    server: DiscoveryServer, cached_client: Make, clock: Clock, jump: float
) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    server.forget_requests()
    clock.offset = jump
    client.server_groups_and_resources()
    cached_client(server).server_groups_and_resources()
    assert server.request_count == 0


@pytest.mark.parametrize("jump", [-DAY, -60, 60, DAY])
@pytest.mark.parametrize("scope", [None, "apps/v1"])
def test_a_clock_jump_does_not_undo_an_invalidation(
    server: DiscoveryServer, cached_client: Make, clock: Clock, jump: float, scope: str | None
) -> None:
    client = cached_client(server, recheck_interval=0)
    client.server_groups_and_resources()
    client.invalidate(scope)
    server.forget_requests()
    clock.offset = jump
    client.server_resources_for_group_version("apps/v1")
    assert "/apis/apps/v1" in server.paths() or "/apis" in server.paths()


def test_the_command_line_refetches_files_from_the_past_or_the_future(
    server: DiscoveryServer, cli: Run, home: Path
) -> None:
    cli("api-resources", server=server)
    expected = cli("api-resources", "--cached", server=server)
    for offset in (-7 * 3600, -400 * DAY, 3600, 400 * DAY):
        for path in home.rglob("server*.json"):
            os.utime(path, (time.time() + offset,) * 2)
        server.forget_requests()
        assert cli("api-resources", "--cached", server=server) == expected
        assert sorted(server.paths()) == ["/api", "/apis"]
        server.forget_requests()
        assert cli("api-resources", "--cached", server=server) == expected
        assert server.request_count == 0


def test_a_document_in_memory_expires_when_the_clock_is_set_back(
    server: DiscoveryServer, cached_client: Make, clock: Clock
) -> None:
    client = cached_client(server, ttl=0.3, recheck_interval=3600)
    client.server_groups_and_resources()
    clock.offset = -3600
    server.forget_requests()
    began = time.monotonic()
    while time.monotonic() - began < 0.4:
        client.server_resources_for_group_version("apps/v1")
    assert server.request_count > 0
