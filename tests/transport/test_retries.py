"""`retries=`: which requests are sent again, how often, and after how long."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    CertificateError,
    ClientConfig,
    DiscoveryClient,
    RequestError,
    RequestTimeout,
    StatusError,
)
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport import retries
from cachediscovery.transport.options import TransportOptions

from ..conftest import free_port

PATH = "/apis/apps/v1"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_BACKOFF", (0.001, 0.004))


def client(server: DiscoveryServer, **options: float) -> DiscoveryClient:
    return DiscoveryClient.for_config(ClientConfig(server.url), TransportOptions()._replace(**options))


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_transient_status_is_retried_until_it_is_over(server: DiscoveryServer, code: int) -> None:
    server.fail(PATH, Failure(code, times=2))
    assert client(server, retries=2).server_resources_for_group_version("apps/v1").resources
    assert server.request_count == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 501])
def test_another_status_is_not_retried(server: DiscoveryServer, code: int) -> None:
    server.fail(PATH, Failure(code))
    with pytest.raises(StatusError):
        client(server, retries=3).server_resources_for_group_version("apps/v1")
    assert server.request_count == 1


@pytest.mark.parametrize(("allowed", "requests"), [(None, 1), (0, 1), (1, 2), (3, 4)])
def test_retries_bound_the_number_of_requests(server: DiscoveryServer, allowed: int, requests: int) -> None:
    server.fail(PATH, Failure(503))
    with pytest.raises(StatusError, match="503"):
        client(server, retries=allowed).server_resources_for_group_version("apps/v1")
    assert server.request_count == requests


@pytest.mark.parametrize(("allowed", "requests"), [(None, 5), (0, 1), (2, 3)])
def test_retries_bound_those_that_the_server_asks_for(server: DiscoveryServer, allowed: int, requests: int) -> None:
    server.fail(PATH, Failure(429, headers=(("Retry-After", "0"),)))
    with pytest.raises(StatusError, match="429"):
        client(server, retries=allowed).server_resources_for_group_version("apps/v1")
    assert server.request_count == requests


def test_a_server_that_starts_late_is_reached(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    started: list[DiscoveryServer] = []

    def start_on_the_second_pause(self: retries.Retries) -> float:
        if self._count == 1:
            server = DiscoveryServer(port=port)
            server.start()
            started.append(server)
        return 0.0

    monkeypatch.setattr(retries.Retries, "_backoff", start_on_the_second_pause)
    with caplog.at_level(logging.INFO, "cachediscovery"):
        found = DiscoveryClient.for_config(ClientConfig(f"http://127.0.0.1:{port}"), retries=3)
        try:
            assert found.server_resources_for_group_version("apps/v1").resources
        finally:
            for server in started:
                server.stop()
            found.close()
    lines = [record.getMessage() for record in caplog.records if "retrying" in record.getMessage()]
    assert len(lines) == 2
    assert "was refused" in lines[0]
    assert lines[0].endswith("retrying after 0 s (1 of at most 3)")


def test_no_retry_begins_after_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_MAX_SECONDS", 0.5)
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        made = DiscoveryClient.for_config(ClientConfig(url), retries=100, read_timeout=0.1)
        with made, pytest.raises(RequestTimeout):
            made.server_resources_for_group_version("apps/v1")
        silent.settimeout(0)
        connections = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            connections += 1
    assert time.monotonic() - begun < 3
    assert 2 <= connections <= 6


def test_the_pause_doubles_and_half_of_it_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_BACKOFF", (0.25, 8.0))
    monkeypatch.setattr(retries, "_MAX_SECONDS", 1e9)
    error = RequestError("u", "m", is_transient=True)
    for _ in range(20):
        made = retries.Retries(TransportOptions(retries=7))
        pauses = [made.pause_after(error) or 0 for _ in range(7)]
        for pause, longest in zip(pauses, (0.25, 0.5, 1, 2, 4, 8, 8), strict=True):
            assert longest / 2 <= pause <= longest
        assert made.pause_after(error) is None


def test_a_certificate_error_is_not_retried() -> None:
    assert retries.Retries(TransportOptions(retries=3)).pause_after(CertificateError("u", "m")) is None


def test_closing_ends_a_retry(server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_BACKOFF", (10.0, 10.0))
    server.fail(PATH, Failure(503))
    made = client(server, retries=3)

    def close_when_logged(message: str, *arguments: object) -> None:
        if "retrying" in message:
            made.close()

    monkeypatch.setattr(retries.log, "info", close_when_logged)
    begun = time.monotonic()
    with pytest.raises(RequestError, match="closed"):
        made.server_resources_for_group_version("apps/v1")
    assert time.monotonic() - begun < 5
    assert server.request_count == 1


def test_by_default_a_group_version_that_is_down_costs_one_request(legacy_server: DiscoveryServer) -> None:
    legacy_server.fail(PATH, Failure(503))
    cached = CachedDiscoveryClient.for_config(ClientConfig(legacy_server.url))
    with pytest.raises(StatusError):
        cached.server_resources_for_group_version("apps/v1")
    assert legacy_server.paths().count(PATH) == 1
