"""Waiting for the fetch lock: for how long, with which warning, once per call, and in turn with other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.disk import lock as lock_module
from cachediscovery.disk.lock import FetchLock, file_lock
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, eventually
from .test_lock import hold

Run = Callable[..., Ran]

# A thread fetches, holding the lock; meanwhile the program forks a child that lives on and never uses discovery.
DAEMON = """
import os, sys, threading, time
from cachediscovery import CachedDiscoveryClient, ClientConfig
client = CachedDiscoveryClient.for_config(ClientConfig(sys.argv[1]), cache_dir=sys.argv[2])
thread = threading.Thread(target=client.server_groups)
thread.start()
sys.stdin.readline()
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(120)
    os._exit(0)
thread.join()
"""


def test_a_daemon_forked_during_a_fetch_does_not_keep_the_lock(server: DiscoveryServer, tmp_path: Path) -> None:
    asked, answer = threading.Event(), threading.Event()

    def wait(path: str) -> None:
        asked.set()
        answer.wait(20)

    server.on_request = wait
    command = [sys.executable, "-W", "ignore", "-c", DAEMON, server.url, str(tmp_path / "cache")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert asked.wait(20)
    process.stdin.write(b"fork\n")
    process.stdin.close()
    daemon = int(process.stdout.readline())
    try:
        answer.set()
        assert process.wait(20) == 0
        client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
        client.invalidate()
        started = time.monotonic()
        client.server_groups_and_resources()
        assert time.monotonic() - started < 5
        os.kill(daemon, 0)
    finally:
        os.kill(daemon, signal.SIGKILL)
        process.stdout.close()


@pytest.mark.parametrize("forget", [True, False])
def test_a_forked_child_releases_locks_that_filelock_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget: bool
) -> None:
    """filelock's hooks run only in forks that start after its import; a plain flock stands for an earlier fork."""
    import fcntl

    path = str(tmp_path / "lock")
    lock_module._lock_files.note(path) if not forget else Path(path).touch()
    held = os.open(path, os.O_RDWR | os.O_CREAT)
    lock_module._lock_files.note(path)
    fcntl.flock(held, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        os.close(held)
        assert eventually(lambda: FetchLock(lambda: path).run_if_free(lambda: True, lambda: None) is True, 5)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_forked_child_releases_a_file_lock_too(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with file_lock(path):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        started = time.monotonic()
        with file_lock(path):
            assert time.monotonic() - started < 2
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_waiting_process_warns_once_after_two_seconds_and_names_the_holder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "lock")
    monkeypatch.setattr(lock_module, "MAX_WAIT", 3.0)
    waits = threading.Event()
    holder = FetchLock(lambda: path)
    thread = threading.Thread(target=lambda: holder.run(lambda: waits.wait(20), lambda: None))
    thread.start()
    assert eventually(lambda: f"{os.getpid()} " in Path(path).read_text() if os.path.exists(path) else False)
    started, began = time.monotonic(), time.time()
    FetchLock(lambda: path).run(lambda: "fetched", lambda: None)
    waits.set()
    thread.join()
    assert time.monotonic() - started >= 3
    said = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.getMessage() for record in said] == [
        f"waiting for process {os.getpid()}, which is asking the same server ({path})"
    ]
    assert 2 <= said[0].created - began < 3


def test_one_call_waits_for_the_lock_only_once(
    server: DiscoveryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without aggregated discovery, a listing fetches the groups and then each group version."""
    monkeypatch.setattr(lock_module, "MAX_WAIT", 2.0)
    server.aggregated = ()
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
    folder = Path(client.path()).parent
    folder.mkdir(parents=True, mode=0o700)
    process = hold(str(folder / ".cachediscovery.lock"))
    try:
        started = time.monotonic()
        client.server_groups_and_resources()
        assert 2 <= time.monotonic() - started < 4
    finally:
        process.kill()
        process.wait()


def test_a_long_fetch_after_a_lock_timeout_does_not_wait_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "MAX_WAIT", 0.5)
    process = hold(str(tmp_path / "lock"))
    lock = FetchLock(lambda: str(tmp_path / "lock"))

    def fetch() -> float:
        began = time.monotonic()
        assert eventually(lambda: time.monotonic() - began > 0.6)
        began = time.monotonic()
        lock.run(lambda: "fetched", lambda: None)
        return time.monotonic() - began

    try:
        assert lock.run(fetch, lambda: None) < 0.3
    finally:
        process.kill()
        process.wait()


# Eight threads whose documents expire at once: one of them always fetches.
GREEDY = """
import sys, threading
from cachediscovery import CachedDiscoveryClient, ClientConfig
client = CachedDiscoveryClient.for_config(ClientConfig(sys.argv[1]), cache_dir=sys.argv[2], ttl=0)

def ask():
    while True:
        client.server_groups_and_resources()

for _ in range(8):
    threading.Thread(target=ask, daemon=True).start()
print("begun", flush=True)
sys.stdin.read()
"""


def test_a_process_that_fetches_constantly_does_not_starve_others(
    server: DiscoveryServer, cli: Run, home: Path, tmp_path: Path
) -> None:
    server.delay = 0.02
    command = [sys.executable, "-c", GREEDY, server.url, str(home / ".kube" / "cache")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        assert eventually(lambda: server.request_count > 20)
        for _ in range(3):
            started = time.monotonic()
            assert cli("invalidate", server=server).code == 0
            ran = cli("api-resources", server=server)
            assert (ran.code, ran.err.count("waiting for")) == (0, ran.err.count("\n"))
            assert time.monotonic() - started < 15
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()
