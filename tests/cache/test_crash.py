"""Writers are killed at random moments: readers see complete documents, and prune removes what is left over."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryClient
from cachediscovery.cache.inventory import BROKEN, clusters_in
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, make_store

Run = Callable[..., Ran]

# Fetches and writes all documents in a loop until it is killed.
WRITER = """
import sys
from cachediscovery import CachedDiscoveryClient, ClientConfig
client = CachedDiscoveryClient.for_config(ClientConfig(sys.argv[1]), cache_dir=sys.argv[2])
while True:
    client.invalidate()
    client.server_groups_and_resources()
    client.resource_index.write()
    # From here on everything is imported, and something is always under way.
    print("ready", flush=True)
"""


@pytest.mark.long
def test_killed_writers_leave_complete_documents_and_no_lock(
    server: DiscoveryServer, cli: Run, tmp_path: Path, request: pytest.FixtureRequest, figures: Callable[..., None]
) -> None:
    kills = 1000 if request.config.getoption("--whole") else 25
    root = str(tmp_path / "cache")
    store = make_store(tmp_path, server)
    base = DiscoveryClient.for_config(ClientConfig(server.url))
    expected = base.server_groups_and_resources()
    CachedDiscoveryClient(base, store).server_groups_and_resources()
    stop, problems, reads = threading.Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            found = CachedDiscoveryClient(base, store).server_groups_and_resources()
            reads[0] += 1
            if found != expected:
                problems.append(found)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    chance = random.Random(kills)
    try:
        for _ in range(kills):
            command = [sys.executable, "-c", WRITER, server.url, root]
            writer = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(chance.random() * 0.25)
            writer.kill()
            writer.wait()
            writer.stdout.close()
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not problems
    assert reads[0] > kills
    (cluster,) = clusters_in(root, 3600)
    assert cluster.count(BROKEN) == 0
    started = time.monotonic()
    again = CachedDiscoveryClient(base, store)
    again.invalidate()
    assert again.server_groups_and_resources() == expected
    assert time.monotonic() - started < 5, "no lock stays behind"
    for path in Path(root).rglob("*.json.*"):
        os.utime(path, (0, 0))
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    assert cli("cache", "prune", "--cache-dir", root, "--kubeconfig", str(kubeconfig)).code == 0
    assert not list(Path(root, "discovery").rglob("*.json.*"))
    figures("writers killed at any moment", killed=kills, reads=reads[0], torn_reads=len(problems), locks_left=0)
