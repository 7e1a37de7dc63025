from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cachediscovery.disk import lock as lock_module
from cachediscovery.disk.lock import FetchLock

HOLD = """
import filelock, sys, time
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


def hold(path: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    process.stdout.close()
    return process


def test_a_process_waits_for_the_result_of_anothers_fetch(path: str) -> None:
    process = hold(path)
    looks = iter([None, None, "found"])
    assert FetchLock(lambda: path).run(lambda: "fetched", lambda: next(looks)) == "found"
    process.kill()
    process.wait()


def test_a_killed_process_leaves_no_lock_behind(path: str) -> None:
    process = hold(path)
    process.kill()
    process.wait()
    started = time.monotonic()
    assert FetchLock(lambda: path).run(lambda: "fetched", lambda: None) == "fetched"
    assert time.monotonic() - started < 5


def test_waiting_for_a_hanging_process_ends_after_the_limit(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "MAX_WAIT", 0.1)
    process = hold(path)
    assert FetchLock(lambda: path).run(lambda: "fetched", lambda: None) == "fetched"
    process.kill()
    process.wait()


def test_threads_of_one_process_share_the_lock(path: str) -> None:
    lock = FetchLock(lambda: path)
    together = threading.Barrier(3, timeout=10)
    threads = [threading.Thread(target=lambda: lock.run(lambda: together.wait() + 1, lambda: None)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.broken


@pytest.mark.parametrize("where", ["", "/proc/nothing/lock"])
def test_without_a_lock_file_the_fetch_runs_anyway(where: str) -> None:
    assert FetchLock(lambda: where).run(lambda: "fetched", lambda: None) == "fetched"


def test_an_error_releases_the_lock(path: str) -> None:
    lock = FetchLock(lambda: path)
    with pytest.raises(ZeroDivisionError):
        lock.run(lambda: 1 // 0, lambda: None)
    assert FetchLock(lambda: path).run(lambda: "fetched", lambda: None) == "fetched"


def test_a_forked_child_does_not_keep_the_lock(path: str) -> None:
    lock = FetchLock(lambda: path)
    children = []

    def fork() -> str:
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        children.append(child)
        return "fetched"

    lock.run(fork, lambda: None)
    started = time.monotonic()
    assert FetchLock(lambda: path).run(lambda: "fetched", lambda: None) == "fetched"
    assert time.monotonic() - started < 5
    os.kill(children[0], signal.SIGKILL)
    os.waitpid(children[0], 0)
