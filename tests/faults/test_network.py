"""Networks that fail at any byte, servers that change: an error or a correct result, and no partial cache."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    DiscoveryClient,
    DiscoveryError,
    DocumentStore,
    GroupDiscoveryFailed,
    TransportOptions,
)
from cachediscovery.testing import DiscoveryServer, load_recording

from ..conftest import WIDGETS, make_store


class FaultyLink:
    """Forwards bytes to a server, and back only the first `after` bytes of each connection before a fault."""

    def __init__(self, port: int) -> None:
        self.fault = ""
        self.after = 0
        self._port = port
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._port))
        threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
        fault, left = self.fault, self.after
        try:
            while data := server.recv(65536):
                if fault and len(data) >= left:
                    client.sendall(data[:left])
                    self._break(client, fault)
                    return
                left -= len(data)
                client.sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def _break(self, client: socket.socket, fault: str) -> None:
        if fault == "garbage":
            client.sendall(b"\0\xff{]" * 64)
        elif fault == "silence":
            self._stopped.wait(3)
        elif fault == "drip":
            while not self._stopped.wait(0.05):
                client.sendall(b"x")
        elif fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def _pass_on(client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture(params=[True, False], ids=["aggregated", "not aggregated"])
def faulty(request: pytest.FixtureRequest) -> Iterator[tuple[DiscoveryServer, FaultyLink]]:
    recording = load_recording()
    for item in recording.unaggregated["/apis"]["groups"][6:]:
        recording.remove_group(item["name"])
    with DiscoveryServer(recording, aggregated=request.param) as server:
        link = FaultyLink(int(server.url.rpartition(":")[2]))
        yield server, link
        link.stop()


def documents(store: DocumentStore) -> dict[str, bytes]:
    found = {key: store.read(key) for key in store.keys()}
    return {key: stored.data for key, stored in found.items() if stored is not None}


@pytest.mark.long
@pytest.mark.parametrize("fault", ["close", "reset", "garbage", "silence", "drip"])
def test_a_fault_at_any_byte_never_caches_a_partial_document(
    faulty: tuple[DiscoveryServer, FaultyLink],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    figures: Callable[..., None],
    fault: str,
) -> None:
    server, link = faulty

    def client_on(folder: Path, read_timeout: float = 10.0) -> tuple[CachedDiscoveryClient, DocumentStore]:
        store = DocumentStore(str(folder), str(folder / "discovery" / "x"))
        options = TransportOptions(connect_timeout=5, read_timeout=read_timeout)
        return CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(link.url), options), store), store

    client, store = client_on(tmp_path / "right")
    expected, right = client.server_groups_and_resources(), documents(store)
    count = 400 if request.config.getoption("--whole") else 8 if fault in ("silence", "drip") else 25
    chance = random.Random(f"{fault} {count}")
    failures = 0
    for number in range(count):
        link.fault, link.after = fault, chance.choice([chance.randrange(600), chance.randrange(60_000)])
        client, store = client_on(tmp_path / str(number), 0.3)
        try:
            assert client.server_groups_and_resources() == expected
        except GroupDiscoveryFailed as error:
            failures += 1
            _, lists = error.result
            assert {found.group_version: found for found in lists}.items() <= {
                found.group_version: found for found in expected[1]
            }.items()
        except DiscoveryError:
            failures += 1
        kept = documents(store)
        assert kept.items() <= right.items()
        if "" in kept:
            # A cached group list is always complete.
            assert kept[""] == right[""]
        link.fault = ""
        assert client_on(tmp_path / str(number))[0].server_groups_and_resources() == expected
    assert failures > 0
    kind = "aggregated" if server.aggregated else "not aggregated"
    figures(f"network, {fault}, {kind}", faults=count, errors_told=failures, parts_cached=0)


def test_a_listing_is_complete_when_aggregation_stops_between_two_requests(tmp_path: Path) -> None:
    for first in ("/api", "/apis"):
        with DiscoveryServer() as server:
            expected = DiscoveryClient.for_config(ClientConfig(server.url)).server_groups_and_resources()[1]

            def change(path: str, server: DiscoveryServer = server, first: str = first) -> None:
                if path != first:
                    server.aggregated = ()

            server.on_request = change
            client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / first[1:]))
            lists = client.server_groups_and_resources()[1]
            assert {found.group_version for found in lists} == {found.group_version for found in expected}


@pytest.mark.parametrize("path", ["/apis/apps/v1", "/apis/batch/v1", "/apis/storage.k8s.io/v1"])
def test_a_group_added_or_removed_during_a_listing_is_never_partly_cached(tmp_path: Path, path: str) -> None:
    with DiscoveryServer(aggregated=False) as server:
        server.recording.add_group("going.test", {"v1": WIDGETS})

        def change(asked: str) -> None:
            if asked == path and server.on_request is not None:
                server.on_request = None
                server.recording.remove_group("going.test")
                server.recording.add_group("coming.test", {"v1": WIDGETS})

        server.on_request = change
        store = make_store(tmp_path, server)
        client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)), store)
        groups, lists = client.server_groups_and_resources()
        names = [group.name for group in groups]
        listed = {found.group_version for found in lists}
        assert {str(version) for group in groups for version in group.group_versions} == listed
        client.invalidate()
        names = [group.name for group in client.server_groups_and_resources()[0]]
        assert "coming.test" in names
        assert "going.test" not in names
        assert "going.test/v1" not in store.keys()


def test_an_unresolvable_host_is_an_error_and_writes_no_document(tmp_path: Path) -> None:
    client = CachedDiscoveryClient.for_config(ClientConfig("http://no-such-host.invalid"), cache_dir=str(tmp_path))
    with pytest.raises(DiscoveryError, match="no address found"):
        client.server_groups()
    assert not list(tmp_path.rglob("*.json"))
