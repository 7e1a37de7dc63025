"""A fleet: machines are processes with homes of their own, which start with an empty disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ..apiserver import harness
from .conftest import RedisServer

AT_A_TIME = 50


def machines(
    count: int, server: DiscoveryServer, redis_server: RedisServer, tmp_path: Path
) -> list[subprocess.CompletedProcess[bytes]]:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    line = ["api-resources", "--cached", "--kubeconfig", str(kubeconfig), "--shared-cluster=test"]

    def start(number: int) -> subprocess.CompletedProcess[bytes]:
        home = tmp_path / f"home-{number}"
        home.mkdir()
        variables = {**harness.clean_environ(home), "CACHEDISCOVERY_SHARED_CACHE": redis_server.url}
        command = [sys.executable, "-m", "cachediscovery", *line]
        return subprocess.run(command, env=variables, capture_output=True, timeout=300, check=False)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(start, range(count)))


@pytest.mark.long
@pytest.mark.parametrize("aggregated", [True, False])
def test_machines_with_empty_disks_ask_for_each_document_once(
    redis_server: RedisServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    figures: Callable[..., None],
    aggregated: bool,
) -> None:
    count = 1000 if request.config.getoption("--whole") else 40 if aggregated else 6
    with DiscoveryServer(aggregated=aggregated, delay=0.02) as server:
        ended = machines(count, server, redis_server, tmp_path)
        expected = ["/api", "/apis"] if aggregated else sorted(set(server.recording.unaggregated) - {"/version"})
        assert {(process.returncode, process.stderr) for process in ended} == {(0, b"")}
        assert len({process.stdout for process in ended}) == 1
        assert sorted(server.paths()) == expected
        figures(
            f"fleet, {'aggregated' if aggregated else 'not aggregated'}",
            machines=count,
            requests=server.request_count,
        )


def test_a_machine_without_the_engine_answers_with_one_warning(
    redis_server: RedisServer, server: DiscoveryServer, tmp_path: Path
) -> None:
    redis_server.kill()
    (ended,) = machines(1, server, redis_server, tmp_path)
    assert ended.returncode == 0
    assert b"apiservices" in ended.stdout
    assert ended.stderr.count(b"cannot be used") == 1
