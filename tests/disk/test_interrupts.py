"""Programs that are interrupted or exit during a write leave no temporary file and print no traceback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.disk.document_store import GROUPS, DocumentStore
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, eventually, kubeconfig_of, run

Run = Callable[..., Ran]
# Slow down writes, so that a write is always in progress.
SLOW = """
import os, sys, time
from cachediscovery.cli.main import run_and_exit
really_write = os.write

def write(descriptor, data):
    written = really_write(descriptor, data)
    if descriptor > 2:
        time.sleep(0.05)
    return written

os.write = write
sys.argv[0] = "cachediscovery"
run_and_exit()
"""
# Exit while daemon threads are writing.
DAEMONS = """
import os, sys, threading, time
from cachediscovery.disk.document_store import DocumentStore
store = DocumentStore(sys.argv[1], sys.argv[1] + "/discovery/x")
really_write = os.write

def write_slowly(descriptor, data):
    time.sleep(0.02)
    return really_write(descriptor, data)

os.write = write_slowly

def write(key):
    while True:
        store.write(key, os.urandom(1_000_000), time.time())

for number in range(4):
    threading.Thread(target=write, args=(f"v{number + 1}",), daemon=True).start()
time.sleep(0.3)
"""

# Exit, and optionally get interrupted during the exit, while a thread is writing.
ENDING = """
import os, signal, sys, threading, time
from cachediscovery.cli.main import run_and_exit
from cachediscovery.disk import files
really_write, is_writing = os.write, threading.Event()

def write(descriptor, data):
    if descriptor > 2:
        is_writing.set()
        time.sleep(5)
    return really_write(descriptor, data)

def interrupt():
    while not files._is_ending:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

os.write = write
folder = sys.argv.pop()
threading.Thread(target=files.replace_file, args=(f"{folder}/file.new", b"data"), daemon=True).start()
is_writing.wait()
if "interrupted" in sys.argv[1:]:
    sys.argv.remove("interrupted")
    threading.Thread(target=interrupt, daemon=True).start()
run_and_exit()
"""


def temporary(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*.new.*") if path.is_file()]


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupted_command_leaves_no_temporary_file_and_no_traceback(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest, times: int
) -> None:
    chance = random.Random(times)
    kubeconfig = kubeconfig_of(server, tmp_path)
    for number in range(57 if request.config.getoption("--whole") else 8):
        root = tmp_path / f"cache-{number}"
        root.mkdir(mode=0o700)
        command = [sys.executable, "-c", SLOW, "api-resources"]
        variables = {**environ, "KUBECACHEDIR": str(root), "KUBECONFIG": str(kubeconfig)}
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert eventually(lambda p=process, root=root: bool(temporary(root)) or p.poll() is not None, 60)  # type: ignore[misc]
        for _ in range(times):
            time.sleep(chance.random() * 0.03)
            process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1].decode()
        # On a busy machine the command may have finished already.
        assert process.returncode in (130, 0)
        assert said == ""
        assert temporary(root) == []


@pytest.mark.parametrize("words", [[], ["interrupted"]])
def test_an_exiting_command_waits_for_no_writer_and_leaves_no_file(
    environ: dict[str, str], tmp_path: Path, words: list[str]
) -> None:
    started = time.monotonic()
    ran = run([sys.executable, "-c", ENDING, "--version", *words, str(tmp_path)], environ)
    assert time.monotonic() - started < 5
    # On a busy machine the interrupt comes too late.
    assert ran.code in ([130, 0] if words else [0])
    assert ran.err == ""
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


def test_a_program_that_exits_during_writes_leaves_no_temporary_file(tmp_path: Path, environ: dict[str, str]) -> None:
    ran = run([sys.executable, "-c", DAEMONS, str(tmp_path / "cache")], environ)
    assert ran == Ran(0, "", "")
    assert (tmp_path / "cache" / "discovery" / "x" / "v1" / "serverresources.json").stat().st_size == 1_000_000
    assert temporary(tmp_path / "cache") == []


def test_temporary_files_of_a_killed_writer_are_removed_by_the_next_write(
    server: DiscoveryServer, cli: Run, home: Path, tmp_path: Path
) -> None:
    cli("api-resources", server=server)
    root = home / ".kube" / "cache"
    cluster = next((root / "discovery").iterdir())
    (response, *_), (remembered,) = (root / "http").iterdir(), (root / "cachediscovery").iterdir()
    names = [cluster / ".cachediscovery.new", cluster / ".cachediscovery.index", cluster / ".cachediscovery.cluster"]
    names += [response, remembered]
    left = [path.with_name(f"{path.name}.0123456789ab") for path in names]
    young = [path.with_name(f"{path.name}.ba9876543210") for path in names]
    others = [cluster / "notes.0123456789ab", root / "http" / "notes.0123456789ab", cluster / ".cachediscovery.new.bak"]
    for path in [*left, *young, *others]:
        path.write_bytes(b"half")
    for path in [*left, *others]:
        os.utime(path, (time.time() - 3600,) * 2)
    server.recording.remove_group("kubevirt.io")
    # Change the kubeconfig's mtime, so that the cluster is remembered again.
    os.utime(tmp_path / "kubeconfig")
    assert cli("api-resources", server=server).code == 0
    assert [path.name for path in left if path.exists()] == []
    assert [path.name for path in [*young, *others] if not path.exists()] == []


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DocumentStore(str(tmp_path), str(tmp_path / "discovery" / "x"))
    for name in ("write", "utime", "replace"):
        with monkeypatch.context() as patched:
            for error in (OSError(28, "full"), KeyboardInterrupt()):
                patched.setattr(os, name, _raises(error))
                if isinstance(error, KeyboardInterrupt):
                    with pytest.raises(KeyboardInterrupt):
                        DocumentStore(store.root, store.folder).write(GROUPS, b"data", time.time())
                else:
                    assert DocumentStore(store.root, store.folder).write(GROUPS, b"data", time.time()) is None
        assert temporary(tmp_path) == []


def _raises(error: BaseException) -> Callable[..., None]:
    def call(*arguments: object, **keywords: object) -> None:
        raise error

    return call
