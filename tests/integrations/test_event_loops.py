"""Abandoned searches, in separate processes: they end and release the lock."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from cachediscovery import AsyncCachedDiscoveryClient, ClientConfig
from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually, threads_of_ours
from .conftest import AIO_MISSING

PROGRAM = """
import asyncio, pathlib, sys
from {client} import config
from {client}.dynamic import DynamicClient
from cachediscovery.integrations.{integration} import CachedDiscoverer

async def begin():
    api_client = await config.new_client_from_config(sys.argv[1])
    client = await DynamicClient(api_client, discoverer=CachedDiscoverer)
    return api_client, asyncio.ensure_future(client.resources.get(api_version="apps/v1", kind="Deployment"))

async def time_out():
    api_client, search = await begin()
    try:
        await asyncio.wait_for(search, 1)
    except asyncio.TimeoutError:
        print("timed out", flush=True)
    return api_client

async def time_out_and_close():
    await (await time_out()).close()

async def give_up():
    kept.append(await begin())
    while not list(pathlib.Path.home().rglob(".cachediscovery.lock")):
        await asyncio.sleep(0.01)

kept = []
"""
ENDINGS = {
    "run": "asyncio.run(time_out_and_close())",
    "closed": "loop = asyncio.new_event_loop(); kept.append(loop.run_until_complete(time_out())); loop.close()",
    "stopped": "loop = asyncio.new_event_loop(); loop.run_until_complete(give_up())",
    "stopped and closed": "loop = asyncio.new_event_loop(); loop.run_until_complete(give_up()); loop.close()",
}
# The program keeps running and does something else.
WAIT = "\nprint('over', flush=True)\nsys.stdin.read()\n"


@pytest.fixture
def silent(server: DiscoveryServer) -> Iterator[DiscoveryServer]:
    """A server that returns its version and answers no other request until the test ends."""
    over = threading.Event()
    server.on_request = lambda path: None if path == "/version" else (over.wait(120), None)[1]
    yield server
    over.set()


def is_free(lock: Path) -> bool:
    try:
        filelock.FileLock(str(lock)).acquire(blocking=False).lock.release()
    except filelock.Timeout:
        return False
    return True


# Both clients run the same code of ours, so that one ending is enough for the second.
RUNS = [("kubernetes_asyncio", "kubernetes_asyncio", ending) for ending in ENDINGS]
RUNS.append(("kubernetes.aio", "kubernetes_aio", "run"))


@pytest.mark.parametrize(("client", "integration", "ending"), RUNS)
def test_an_abandoned_search_releases_the_lock_and_lets_the_program_exit(
    silent: DiscoveryServer,
    environ: dict[str, str],
    home: Path,
    tmp_path: Path,
    client: str,
    integration: str,
    ending: str,
) -> None:
    if client == "kubernetes.aio":
        pytest.importorskip(client, reason=AIO_MISSING)
    program = PROGRAM.replace("{client}", client).replace("{integration}", integration)
    kubeconfig = silent.write_kubeconfig(tmp_path / "kubeconfig")
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", program + ENDINGS[ending] + WAIT, str(kubeconfig)]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline()) and line != "over\n":
            pass
        assert line == "over\n"
        (lock,) = home.rglob(".cachediscovery.lock")
        assert eventually(lambda: is_free(lock))
        process.communicate("", timeout=20)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_a_cancelled_call_leaves_no_thread_behind(silent: DiscoveryServer, tmp_path: Path) -> None:
    client = AsyncCachedDiscoveryClient.for_config(ClientConfig(silent.url), cache_dir=str(tmp_path / "cache"))

    async def ask() -> None:
        asking = asyncio.ensure_future(client.server_groups())
        while not list((tmp_path / "cache").rglob(".cachediscovery.lock")):
            await asyncio.sleep(0)
        assert threads_of_ours()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(eventually, lambda: not threads_of_ours(), 10)

    asyncio.run(ask())


def test_a_paused_event_loop_resumes_its_search(server: DiscoveryServer, tmp_path: Path) -> None:
    client = AsyncCachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
    loop = asyncio.new_event_loop()
    try:
        begun, go_on = threading.Event(), threading.Event()
        server.on_request = lambda path: (begun.set(), go_on.wait(60), None)[2]
        search = loop.create_task(client.server_groups())
        loop.run_until_complete(asyncio.to_thread(begun.wait, 60))
        assert not loop.is_running()
        go_on.set()
        assert loop.run_until_complete(search).groups
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
