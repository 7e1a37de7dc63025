"""No exec plugin runs while the fetch lock is held, so that a process with a valid token never waits for one."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from cachediscovery import CachedDiscoveryClient, ClientConfig, ExecConfig, StatusError
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, eventually
from .test_hanging import CALLS, V1

Run = Callable[..., Ran]
TOKEN = "valid"
PAST, FUTURE = "2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


class Plugin:
    """A real plugin: each run prints the next answer, the last one repeatedly. From run `hangs_from` on it hangs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self.path = folder, folder / "plugin"
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import json, pathlib, time\n"
            f"folder = pathlib.Path({str(folder)!r})\n"
            "with open(folder / 'runs', 'a') as runs: runs.write('x')\n"
            "run = len((folder / 'runs').read_text())\n"
            "while run >= int((folder / 'hangs_from').read_text()): time.sleep(0.01)\n"
            "answers = json.loads((folder / 'answers').read_text())\n"
            "print(json.dumps(answers[min(run, len(answers)) - 1]))\n"
        )
        self.path.chmod(0o700)

    def answer(self, *answers: tuple[str, str], hangs_from: int = 1000) -> None:
        status = [{"token": token, "expirationTimestamp": expires} for token, expires in answers]
        documents = [{"kind": "ExecCredential", "apiVersion": V1, "status": one} for one in status]
        (self._folder / "answers").write_text(json.dumps(documents))
        self.hang_from(hangs_from)

    def hang_from(self, run: int) -> None:
        replacement = self._folder / "replacement"
        replacement.write_text(str(run))
        replacement.replace(self._folder / "hangs_from")

    def go_on(self) -> None:
        self.hang_from(1000)

    @property
    def runs(self) -> int:
        path = self._folder / "runs"
        return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    made = Plugin(tmp_path / "plugin")
    yield made
    made.go_on()


@pytest.fixture
def secured(tls: ssl.SSLContext) -> Iterator[DiscoveryServer]:
    with DiscoveryServer(tls=tls, token=TOKEN) as server:
        yield server


@pytest.fixture
def client(secured: DiscoveryServer, authority: trustme.CA, plugin: Plugin, tmp_path: Path) -> CachedDiscoveryClient:
    """A client with the plugin, over the cache folder that `lists` uses too."""
    config = ClientConfig(secured.url, ca_data=authority.cert_pem.bytes(), exec=ExecConfig(str(plugin.path), V1))
    return CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))


@pytest.fixture
def lists(secured: DiscoveryServer, authority: trustme.CA, cli: Run, tmp_path: Path) -> Callable[[], bool]:
    """Whether another process, which has a valid token, can list."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    path = secured.write_kubeconfig(tmp_path / "kubeconfig", certificate_authority=str(tmp_path / "ca.pem"))

    def call() -> bool:
        ran = cli("api-resources", "--kubeconfig", str(path), "--cache-dir", str(tmp_path / "cache"))
        return "deployments" in ran.out and "waiting for" not in ran.err

    return call


def test_another_process_lists_while_the_plugin_runs_after_a_401(
    client: CachedDiscoveryClient, plugin: Plugin, lists: Callable[[], bool]
) -> None:
    plugin.answer(("revoked", FUTURE), (TOKEN, FUTURE), hangs_from=2)
    check(client, plugin, lists, CALLS["listing"])
    assert plugin.runs == 2


@pytest.mark.parametrize("run", [2, 3])
@pytest.mark.parametrize("call", [CALLS["listing"], CALLS["refresh"]])
def test_another_process_lists_while_the_plugin_renews_what_has_expired_already(
    client: CachedDiscoveryClient, plugin: Plugin, lists: Callable[[], bool], call: Callable[..., object], run: int
) -> None:
    plugin.answer((TOKEN, PAST), hangs_from=run)
    check(client, plugin, lists, call, run)


def check(
    client: CachedDiscoveryClient, plugin: Plugin, lists: Callable[[], bool], call: Callable[..., object], run: int = 2
) -> None:
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(call, client)
        try:
            assert eventually(lambda: plugin.runs == run)
            assert lists()
            assert not hanging.done()
        finally:
            plugin.go_on()
        hanging.result(60)
    assert client.server_groups().groups


def test_a_thread_that_waits_for_another_ones_plugin_does_not_hold_the_lock(
    client: CachedDiscoveryClient, plugin: Plugin, secured: DiscoveryServer, lists: Callable[[], bool]
) -> None:
    plugin.answer(("revoked", FUTURE), (TOKEN, FUTURE), hangs_from=2)
    with ThreadPoolExecutor(len(CALLS)) as pool:
        hanging = [pool.submit(call, client) for call in CALLS.values()]
        try:
            assert eventually(lambda: plugin.runs == 2)
            assert lists()
        finally:
            plugin.go_on()
        for call in hanging:
            call.result(60)
    assert plugin.runs == 2, "all threads share one run"


def test_a_credential_that_is_refused_again_is_the_servers_401(client: CachedDiscoveryClient, plugin: Plugin) -> None:
    plugin.answer(("revoked", FUTURE), ("revoked too", FUTURE))
    with pytest.raises(StatusError, match="401"):
        client.server_groups_and_resources()
    assert plugin.runs == 2
