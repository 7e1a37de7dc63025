"""The shared cache and exec plugins: a machine that has nothing to ask the server runs none."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from cachediscovery import CachedDiscoveryClient, ClientConfig, CredentialsError, ExecConfig
from cachediscovery.testing import DiscoveryServer

from ..transport.test_hanging import V1
from ..transport.test_plugins_and_the_lock import FUTURE, PAST, TOKEN, Plugin
from .conftest import RedisServer

Make = Callable[[str], CachedDiscoveryClient]


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    made = Plugin(tmp_path / "plugin")
    made.answer((TOKEN, FUTURE))
    yield made
    made.go_on()


@pytest.fixture
def secured(tls: ssl.SSLContext) -> Iterator[DiscoveryServer]:
    with DiscoveryServer(tls=tls, token=TOKEN, delay=0.05) as server:
        yield server


@pytest.fixture
def make(
    secured: DiscoveryServer, authority: trustme.CA, plugin: Plugin, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Make]:
    """Makes the client of a machine, whose credentials come from the plugin."""
    config = ClientConfig(secured.url, ca_data=authority.cert_pem.bytes(), exec=ExecConfig(str(plugin.path), V1))
    made: list[CachedDiscoveryClient] = []

    def client(machine: str) -> CachedDiscoveryClient:
        root = str(tmp_path / machine)
        made.append(CachedDiscoveryClient.for_config(config, cache_dir=root, shared_cache=redis_server.url))
        return made[-1]

    yield client
    for each in made:
        each.close()


def test_what_is_shared_is_used_without_running_the_plugin(
    make: Make, plugin: Plugin, secured: DiscoveryServer
) -> None:
    first = make("a").server_groups_and_resources()
    assert (plugin.runs, secured.request_count) == (1, 2)
    assert make("b").server_groups_and_resources() == first
    assert make("c").server_groups().groups
    assert (plugin.runs, secured.request_count) == (1, 2)


def test_machines_that_run_their_plugins_at_the_same_time_ask_once(
    make: Make, plugin: Plugin, secured: DiscoveryServer
) -> None:
    clients = [make(str(number)) for number in range(6)]
    threads = [threading.Thread(target=client.server_groups_and_resources) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(secured.paths()) == ["/api", "/apis"]
    assert clients[5].server_groups_and_resources() == clients[0].server_groups_and_resources()
    assert plugin.runs >= 1


def test_a_refresh_runs_the_plugin_and_asks_the_server(make: Make, plugin: Plugin, secured: DiscoveryServer) -> None:
    make("a").server_groups_and_resources()
    client = make("b")
    client.refresh()
    assert (plugin.runs, secured.request_count) == (2, 4)
    client.server_groups_and_resources()
    assert (plugin.runs, secured.request_count) == (2, 4)


@pytest.mark.parametrize("answers", [(("revoked", FUTURE), (TOKEN, FUTURE)), ((TOKEN, PAST),)])
def test_a_credential_that_is_refused_or_has_expired_is_renewed(
    make: Make, plugin: Plugin, secured: DiscoveryServer, answers: tuple[tuple[str, str], ...]
) -> None:
    plugin.answer(*answers)
    assert make("a").server_groups_and_resources()[0]
    # Once before each of two tries.
    assert plugin.runs == 2
    secured.forget_requests()
    assert make("b").server_groups_and_resources()[0]
    assert (plugin.runs, secured.request_count) == (2, 0)


def test_a_plugin_that_fails_is_told(make: Make, plugin: Plugin) -> None:
    plugin.path.write_text(f"#!{sys.executable}\nraise SystemExit(3)\n")
    with pytest.raises(CredentialsError, match="plugin"):
        make("a").server_groups_and_resources()


def test_a_command_that_finds_everything_shared_makes_no_connection(
    make: Make,
    secured: DiscoveryServer,
    authority: trustme.CA,
    redis_server: RedisServer,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    make("a").server_groups_and_resources()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    path = secured.write_kubeconfig(tmp_path / "kubeconfig", certificate_authority=str(tmp_path / "ca.pem"))
    code = "import sys; from cachediscovery.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    command = [sys.executable, "-c", code, "api-resources", "--cached", f"--shared-cache={redis_server.url}"]
    variables = {"KUBECONFIG": str(path), "KUBECACHEDIR": str(tmp_path / "b")}
    ran = subprocess.run(command, env={**environ, **variables}, capture_output=True, text=True, check=True)
    assert "deployments" in ran.stdout
    assert secured.request_count == 2
    modules = ran.stdout.splitlines()[-1].split()
    assert "redis" in modules
    assert not {f"cachediscovery.transport.{name}" for name in ("dialer", "tls", "transport")} & {*modules}
    assert "http.client" not in modules
