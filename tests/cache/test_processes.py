"""Many processes on one cache folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer


def start(command: list[str], environ: dict[str, str], count: int) -> list[tuple[int, bytes, bytes]]:
    """Start `count` processes at once; the exit code, output and errors of each."""
    processes = [
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(count)
    ]
    ended = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        ended.append((process.returncode, out, err))
    return ended


@pytest.mark.long
@pytest.mark.parametrize("aggregated", [True, False])
def test_64_processes_on_an_empty_cache_fetch_each_document_once(
    environ: dict[str, str], tmp_path: Path, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated, delay=0.02) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        command = [sys.executable, "-m", "cachediscovery", "api-resources", "--cached", "--kubeconfig", str(kubeconfig)]
        ended = start(command, environ, 64)
        assert {code for code, _, _ in ended} == {0}
        # A process that waits long prints which process it waits for, if that one has written its name already.
        waits = b"Warning: waiting for process ", b"Warning: waiting for another process,"
        said = {line for _, _, err in ended for line in err.splitlines() if not line.startswith(waits)}
        assert not said
        assert len({out for _, out, _ in ended}) == 1
        paths = sorted(server.paths())
        expected = ["/api", "/apis"] if aggregated else sorted(set(server.recording.unaggregated) - {"/version"})
        assert paths == expected


def test_processes_that_refresh_at_the_same_time_share_fetches(environ: dict[str, str], tmp_path: Path) -> None:
    with DiscoveryServer(delay=0.3) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        command = [sys.executable, "-m", "cachediscovery", "api-resources", "--kubeconfig", str(kubeconfig)]
        ended = start(command, environ, 16)
        assert {code for code, _, _ in ended} == {0}
        assert len({out for _, out, _ in ended}) == 1
        assert server.request_count < 2 * 16
