"""`stale_if_error`: expired documents are used when the server cannot be reached."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, RequestError, StatusError
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran

Make = Callable[..., CachedDiscoveryClient]
Run = Callable[..., Ran]
SEVEN_HOURS = 7 * 3600


def expire(folder: Path, seconds: float = SEVEN_HOURS) -> None:
    for path in folder.rglob("server*.json"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_expired_documents_are_not_used_without_the_option(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups_and_resources()
    expire(tmp_path)
    with pytest.raises(RequestError, match="refused"):
        cached_client(server).server_groups_and_resources()


@pytest.mark.parametrize("aggregated", [True, False])
def test_expired_documents_replace_an_unreachable_server_with_one_warning(
    cached_client: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        expected = cached_client(server).server_groups_and_resources()
    expire(tmp_path)
    client = cached_client(server, stale_if_error=SEVEN_HOURS)
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert client.server_groups_and_resources() == expected
        assert client.server_resources_for_group_version("apps/v1").resources
    (record,) = caplog.records
    assert record.getMessage().startswith(f"using documents from 7h ago: the connection to {server.url}/api")
    assert "refused" in record.getMessage()
    # An error may end with a question.
    assert "?:" not in record.getMessage()
    assert not client.fresh


def test_documents_older_than_the_limit_are_not_used(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups()
    expire(tmp_path, 3 * SEVEN_HOURS)
    with pytest.raises(RequestError):
        cached_client(server, stale_if_error=SEVEN_HOURS).server_groups()


def test_a_503_counts_as_unreachable_and_a_401_does_not(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    cached_client(server).server_groups()
    expire(tmp_path)
    server.fail("/apis", Failure(503))
    assert cached_client(server, stale_if_error=SEVEN_HOURS).server_groups().groups
    server.fail("/apis", Failure(401))
    with pytest.raises(StatusError, match="401"):
        cached_client(server, stale_if_error=SEVEN_HOURS).server_groups()


def test_invalidated_documents_are_not_used_on_an_error(cached_client: Make, tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        cached_client(server).server_groups()
    client = cached_client(server, stale_if_error=SEVEN_HOURS)
    client.invalidate()
    with pytest.raises(RequestError):
        client.server_groups()


def test_requests_resume_some_time_after_an_error(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    cached_client(server).server_groups()
    expire(tmp_path)
    server.fail("/apis", Failure(503, times=1))
    client = cached_client(server, stale_if_error=SEVEN_HOURS)
    client.server_groups()
    stale_if_error = client._fetcher._stale_if_error
    assert stale_if_error._unreachable_at is not None
    stale_if_error._unreachable_at -= 11
    server.forget_requests()
    client.server_groups()
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_the_command_line_warns_and_prints_the_expired_documents(cli: Run, home: Path) -> None:
    with DiscoveryServer() as server:
        expected = cli("api-resources", server=server).out
    expire(home)
    ran = cli("api-resources", "--cached", "--stale-if-error=24h", server=server)
    assert (ran.code, ran.out) == (0, expected)
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("Warning: using documents from 7h ago: the connection to ")
    assert cli("api-resources", "--cached", server=server).code == 1


def test_one_failed_group_version_does_not_mark_the_server_unreachable(
    legacy_server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    cached_client(legacy_server).server_groups_and_resources()
    expire(tmp_path)
    legacy_server.fail("/apis/batch/v1", Failure(503))
    client = cached_client(legacy_server, stale_if_error=SEVEN_HOURS)
    assert client.server_resources_for_group_version("batch/v1").resources
    legacy_server.forget_requests()
    client.server_resources_for_group_version("apps/v1")
    assert legacy_server.paths() == ["/apis/apps/v1"]


def test_each_outage_is_warned_of_once(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = cached_client(server, stale_if_error=SEVEN_HOURS, recheck_interval=0)
    client.server_groups()
    for _ in range(2):
        expire(tmp_path)
        server.fail("/apis", Failure(503, times=1))
        client.server_groups()
        client._fetcher._stale_if_error._unreachable_at = time.monotonic() - 11
        client.server_groups()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
