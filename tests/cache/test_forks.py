"""A program forks while its threads use the client: no child hangs or inherits a held lock or a plugin's pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from cachediscovery import ConfigOverrides, load_config
from cachediscovery._concurrency import UNFORKABLE
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.exec_plugin import run_exec_plugin

from ..other_clusters import tls_of, write_kubeconfig

# Eight threads use clients in all ways, with plugin credentials that expire at once; forked children use them too.
# Prints how many children there were, and what went wrong in them.
PROGRAM = """
import json, os, random, signal, sys, threading, time, traceback
from cachediscovery import CachedDiscoveryClient, ConfigOverrides, DeferredDiscoveryRESTMapper
forks, kubeconfig, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
shared = CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=kubeconfig), recheck_interval=0.01)
mapper = DeferredDiscoveryRESTMapper(shared)
stop, errors = threading.Event(), []

def use(number):
    chance = random.Random(number)
    while not stop.is_set():
        try:
            if chance.random() < 0.5:
                shared.invalidate(chance.choice((None, "apps/v1")))
            shared.server_groups_and_resources()
            mapper.mapping_for("deploy")
        except Exception:
            errors.append(traceback.format_exc())

threads = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(8)]
for thread in threads:
    thread.start()
running, chance, hung, failed = {}, random.Random(0), 0, []

def collect(at_most):
    global hung
    while len(running) > at_most:
        for child, (began, path) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                del running[child]
                if status:
                    failed.append(open(path).read())
                os.unlink(path)
            elif time.monotonic() - began > 60:
                hung += 1
                failed.append(open(path).read())
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                del running[child]
        time.sleep(0.005)

for number in range(forks):
    time.sleep(chance.random() * 0.01)
    path = f"{folder}/{number}"
    child = os.fork()
    if child == 0:
        import faulthandler
        out = open(path, "w")
        try:
            # In time for the parent, which then takes it for hung.
            faulthandler.dump_traceback_later(50, file=out)
            shared.invalidate()
            shared.server_groups_and_resources()
            mapper.mapping_for("pods")
            os._exit(0)
        except BaseException:
            out.write(traceback.format_exc())
            out.flush()
            os._exit(1)
    running[child] = time.monotonic(), path
    open(path, "a").close()
    collect(3)
collect(0)
stop.set()
for thread in threads:
    thread.join(60)
alive = sum(map(threading.Thread.is_alive, threads))
report = {"forks": forks, "hung": hung, "failed": failed, "errors": errors, "alive": alive}
print(json.dumps(report))
"""
# Responds after a short delay, so that one is running most of the time.
PLUGIN = """#!/bin/sh
sleep 0.01
echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",' \
    '"status": {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}'
"""


@pytest.fixture
def plugin_kubeconfig(tmp_path: Path, port: int, authority: trustme.CA) -> Path:
    """A kubeconfig whose credentials come from a plugin, for a server at `port`."""
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    path = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    config = json.loads(path.read_text())
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": command}
    path.write_text(json.dumps(config))
    return path


def test_children_forked_while_threads_use_the_client_do_not_hang(
    environ: dict[str, str],
    tmp_path: Path,
    port: int,
    authority: trustme.CA,
    plugin_kubeconfig: Path,
    request: pytest.FixtureRequest,
    figures: Callable[..., None],
) -> None:
    forks = 1000 if request.config.getoption("--whole") else 200
    counted = dict.fromkeys(("forks", "hung", "failed", "errors", "alive"), 0)
    with DiscoveryServer(tls=tls_of(authority), port=port):
        # Several programs, because threads import modules only while a program starts.
        for number in range(forks // 40):
            folder = tmp_path / str(number)
            folder.mkdir()
            command = [sys.executable, "-W", "ignore", "-c", PROGRAM, "40", str(plugin_kubeconfig), str(folder)]
            ran = subprocess.run(command, env=environ, capture_output=True, timeout=600, check=False)
            assert ran.returncode == 0, ran.stderr.decode()
            report = json.loads(ran.stdout)
            assert "\n".join(report.pop("failed") + report.pop("errors")) == ""
            assert report == {"forks": 40, "hung": 0, "alive": 0}
            counted["forks"] += report["forks"]
    assert counted["forks"] == forks
    figures("forks while eight threads use a client", **counted)


def test_a_child_can_import_a_module_that_the_parent_was_importing(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import gate\ngate.importing.set()\ngate.over.wait(20)\nVALUE = 1\n")
    (tmp_path / "gate.py").write_text("import threading\nimporting, over = threading.Event(), threading.Event()\n")
    program = """
import gate, os, sys, threading
import cachediscovery._concurrency
thread = threading.Thread(target=__import__, args=("slow_module",))
thread.start()
gate.importing.wait()
child = os.fork()
if child == 0:
    threading.Timer(20, os._exit, [1]).start()
    gate.over.set()
    import slow_module
    os._exit(0 if slow_module.VALUE == 1 else 2)
status = os.waitpid(child, 0)[1]
gate.over.set()
thread.join()
import slow_module
print(status, slow_module.VALUE)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    path = os.pathsep.join((str(tmp_path), *sys.path))
    ran = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, timeout=60, check=False)
    assert ran.stdout.split() == [b"0", b"1"], ran.stderr.decode()


def test_a_child_can_import_a_module_that_the_parent_was_about_to_import(tmp_path: Path) -> None:
    """A thread holds a lock within the module's lock for a moment, before it owns the module's lock."""
    (tmp_path / "some_module.py").write_text("VALUE = 1\n")
    program = """
import importlib._bootstrap as bootstrap, os, threading
import cachediscovery._concurrency
lock = bootstrap._get_module_lock("some_module")
held = threading.Event()
def hold():
    lock.lock.acquire()
    held.set()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    threading.Timer(20, os._exit, [1]).start()
    import some_module
    os._exit(0 if some_module.VALUE == 1 else 2)
print(os.waitpid(child, 0)[1])
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    path = os.pathsep.join((str(tmp_path), *sys.path))
    ran = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, timeout=60, check=False)
    assert ran.stdout.split() == [b"0"], ran.stderr.decode()


def test_a_fork_waits_until_filelock_is_imported(tmp_path: Path) -> None:
    """While filelock is imported, it holds a lock of `tempfile`, which would stay locked in the child."""
    (tmp_path / "filelock.py").write_text(
        "import gate\nwith gate.held:\n    gate.importing.set()\n    gate.over.wait(0.5)\n"
        "class Timeout(Exception): pass\nclass FileLock:\n    def __init__(self, *args, **options): pass\n"
        "    def acquire(self, **options): pass\n    release = acquire\n"
    )
    (tmp_path / "gate.py").write_text(
        "import threading\nheld, importing, over = threading.Lock(), threading.Event(), threading.Event()\n"
    )
    program = """
import gate, os, sys, threading
from cachediscovery.disk.lock import file_lock
def use_lock():
    with file_lock(sys.argv[1]):
        pass
thread = threading.Thread(target=use_lock)
thread.start()
gate.importing.wait()
child = os.fork()
if child == 0:
    os._exit(0 if gate.held.acquire(timeout=10) else 1)
print(os.waitpid(child, 0)[1])
thread.join()
"""
    command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / "lock")]
    path = os.pathsep.join((str(tmp_path), *sys.path))
    ran = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, timeout=60, check=False)
    assert ran.stdout.split() == [b"0"], ran.stderr.decode()


def test_a_fork_waits_for_the_end_of_an_unforkable_section() -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        with UNFORKABLE:
            begun.set()
            over.wait(0.3)
            over.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(0 if over.is_set() and UNFORKABLE.acquire(timeout=1) else 1)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()


def test_a_fork_waits_until_a_plugin_has_started(tmp_path: Path, plugin_kubeconfig: Path) -> None:
    """A child that inherited the plugin's pipes would block the parent until the child exits."""
    config = load_config(ConfigOverrides(kubeconfig=str(plugin_kubeconfig)))
    assert config.exec is not None
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            run_exec_plugin(config, config.exec)  # type: ignore[arg-type]

    thread = threading.Thread(target=run)
    thread.start()
    children = []
    try:
        for _ in range(30):
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
