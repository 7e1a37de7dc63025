"""`--no-peer`: one API server alone, and never the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ...conftest import WIDGETS, Ran

Run = Callable[..., Ran]


@pytest.fixture
def server() -> Iterator[DiscoveryServer]:
    """A server that lacks a group of its peers."""
    with DiscoveryServer() as running:
        running.with_peers = running.recording.copy()
        running.with_peers.add_group("peer.test", {"v1": WIDGETS})
        yield running


def documents(home: Path) -> dict[str, int]:
    folders = [home / ".kube" / "cache" / name for name in ("discovery", "http")]
    return {str(path): path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_each_command_asks_one_server_and_leaves_the_cache_as_it_is(
    server: DiscoveryServer, cli: Run, home: Path
) -> None:
    for command in ("api-resources -o name", "api-versions"):
        ran = cli(*command.split(), "--no-peer", server=server)
        assert (ran.code, ran.err) == (0, "")
        assert "peer.test" not in ran.out
        assert ran.out.count("\n") > 20
    assert cli("resolve", "deploy", "--no-peer", "-o", "name", server=server).out == "deployments.apps\n"
    assert documents(home) == {}
    assert "peer.test" in cli("api-resources", server=server).out
    before = documents(home)
    assert before
    server.forget_requests()
    ran = cli("resolve", "widgets", "--no-peer", server=server)
    assert ran.code == 1
    assert "the server doesn't have a resource type 'widgets'" in ran.err
    assert server.request_count == 2
    assert "peer.test" not in cli("api-versions", "--no-peer", server=server).out
    assert documents(home) == before
    assert cli("resolve", "widgets", "-o", "name", server=server).out == "widgets.peer.test\n"


@pytest.mark.parametrize(
    "line", ["api-resources --cached", "api-versions --cache-ttl=1h", "resolve x --stale-if-error=1h"]
)
def test_a_flag_of_the_cache_has_no_effect_with_it(server: DiscoveryServer, cli: Run, line: str) -> None:
    ran = cli(*line.split(), "--no-peer", server=server)
    flag = next(word for word in line.split() if word.startswith("--")).partition("=")[0]
    assert ran.code == 1
    assert ran.err.startswith(f"error: {flag} has no effect with --no-peer")
    assert server.request_count == 0
