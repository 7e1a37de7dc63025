"""A hanging plugin or server blocks neither other processes nor the end of a program's threads."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from cachediscovery import CachedDiscoveryClient, ClientConfig, ExecConfig, RequestError
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.transport import Transport

from ..cache.test_stale_if_error import SEVEN_HOURS, expire
from ..conftest import eventually, threads_of_ours
from .servers import OK, raw_server

V1 = "client.authentication.k8s.io/v1"
CALLS: dict[str, Callable[[CachedDiscoveryClient], object]] = {
    "groups": lambda client: client.server_groups(),
    "resources": lambda client: client.server_resources_for_group_version("apps/v1"),
    "listing": lambda client: client.server_groups_and_resources(),
    "refresh": lambda client: client.refresh(),
    "refresh without waiting": lambda client: client.refresh(wait=False),
}


class HangingPlugin:
    """A plugin that returns an expired token at once, until `hang` is called."""

    def __init__(self, folder: Path) -> None:
        self._begun, self._hangs, self.path = folder / "begun", folder / "hangs", folder / "hanging-plugin"
        status = {"token": "secret", "expirationTimestamp": "2000-01-01T00:00:00Z"}
        answer = json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": status})
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import pathlib, time\n"
            f"hangs = pathlib.Path({str(self._hangs)!r})\n"
            f"if hangs.exists(): pathlib.Path({str(self._begun)!r}).touch()\n"
            "while hangs.exists(): time.sleep(0.01)\n"
            f"print({answer!r})\n"
        )
        self.path.chmod(0o700)

    def hang(self) -> None:
        self._hangs.touch()

    def wait_until_begun(self) -> bool:
        return eventually(self._begun.exists)

    def go_on(self) -> None:
        self._hangs.unlink(missing_ok=True)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[HangingPlugin]:
    made = HangingPlugin(tmp_path)
    yield made
    made.go_on()


@pytest.fixture
def secured(tls: ssl.SSLContext) -> Iterator[DiscoveryServer]:
    with DiscoveryServer(tls=tls, token="secret") as server:
        yield server


Make = Callable[..., CachedDiscoveryClient]


@pytest.fixture
def client_of(secured: DiscoveryServer, authority: trustme.CA, tmp_path: Path) -> Make:
    def make(plugin: HangingPlugin | None = None, **keywords: float) -> CachedDiscoveryClient:
        config = ClientConfig(secured.url, ca_data=authority.cert_pem.bytes())
        who = config._replace(exec=ExecConfig(str(plugin.path), V1)) if plugin else config._replace(token="secret")
        return CachedDiscoveryClient.for_config(who, cache_dir=str(tmp_path / "cache"), **keywords)  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_hanging_plugin_does_not_block_a_client_with_a_token(
    client_of: Make, plugin: HangingPlugin, call: Callable[[CachedDiscoveryClient], object]
) -> None:
    client = client_of(plugin)
    client.server_groups_and_resources()
    client.invalidate()
    plugin.hang()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(call, client)
        assert plugin.wait_until_begun()
        fresh = client_of()
        fresh.invalidate()
        other = pool.submit(fresh.server_groups_and_resources)
        try:
            assert other.result(20)[0]
            assert not hanging.done()
        finally:
            plugin.go_on()
        hanging.result(60)


def test_a_plugin_hanging_in_a_background_refresh_blocks_no_other_client(
    client_of: Make, plugin: HangingPlugin, tmp_path: Path
) -> None:
    client = client_of(plugin, stale_while_revalidate=SEVEN_HOURS, recheck_interval=0)
    client.server_groups_and_resources()
    expire(tmp_path)
    plugin.hang()
    assert client.server_groups().groups
    assert plugin.wait_until_begun()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(client_of().server_groups_and_resources)
        try:
            assert other.result(20)[0]
        finally:
            plugin.go_on()


# --- a server that sends one byte at a time


DRIPPING = {"headers": (b"HTTP/1.1 200 OK\r\nX: ", b"x"), "body": (OK + b"Content-Length: 1000000\r\n\r\n", b" ")}


class Dripping:
    """Answers each request with a prefix, then one byte at a time without end."""

    def __init__(self, beginning: bytes, byte: bytes) -> None:
        self._beginning, self._byte = beginning, byte
        self._over = threading.Event()
        self.answering = 0

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self._beginning)
        self.answering += 1
        while not self._over.wait(0.02):
            connection.sendall(self._byte)

    def stop(self) -> None:
        self._over.set()


@pytest.fixture(params=DRIPPING.values(), ids=DRIPPING)
def dripping(request: pytest.FixtureRequest) -> Iterator[tuple[str, Dripping]]:
    answer = Dripping(*request.param)
    with raw_server(answer) as url:
        yield url, answer
        answer.stop()


@pytest.mark.parametrize("by_proxy", [False, True])
def test_closing_a_transport_does_not_wait_for_a_dripping_response(
    dripping: tuple[str, Dripping], by_proxy: bool
) -> None:
    url, answer = dripping
    config = ClientConfig("http://api.test", proxy_url=url) if by_proxy else ClientConfig(url)
    transport = Transport(config.server, config=config)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(transport.get, "/api")
        assert eventually(lambda: answer.answering == 1)
        transport.close()
        with pytest.raises(RequestError, match="was given up: the connections were closed"):
            asking.result(5)
    assert eventually(lambda: not threads_of_ours(), 5)


def test_closing_a_watch_does_not_wait_for_a_dripping_response(dripping: tuple[str, Dripping], tmp_path: Path) -> None:
    url, answer = dripping
    client = CachedDiscoveryClient.for_config(ClientConfig(url), cache_dir=str(tmp_path / "cache"))
    watch = client.watch()
    assert eventually(lambda: answer.answering >= 2)
    watch.close()
    assert eventually(lambda: not threads_of_ours(), 2)


def test_closing_a_watch_does_not_wait_for_more_events(server: DiscoveryServer, tmp_path: Path) -> None:
    from cachediscovery.watching.watch import PATHS

    over = threading.Event()
    for path in PATHS:
        metadata = {"metadata": {"resourceVersion": "7"}}
        server.recording.unaggregated[path] = {"kind": "List", "apiVersion": "v1", **metadata}
        event = {"type": "BOOKMARK", "object": metadata}
        server.watches[path] = lambda _, event=event: iter(lambda: over.wait(0.02) or event, True)  # type: ignore[misc]
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
    try:
        watch = client.watch()
        assert watch.wait_until_watching(20)
        watch.close()
        assert eventually(lambda: not threads_of_ours(), 2)
        assert not watch.is_watching
        assert client.server_groups().groups, "the client may be used further"
    finally:
        over.set()
