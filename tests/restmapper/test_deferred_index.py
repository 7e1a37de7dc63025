"""Lookups in the index: what is read, when the index is outdated, and which mappers notice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    DocumentStore,
    GroupKind,
    NoMatchError,
)
from cachediscovery.disk.files import signature_of
from cachediscovery.index.index_file import INDEX_FILE, encode_index, read_index
from cachediscovery.index.search import COLUMNS
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, eventually

Make = Callable[..., CachedDiscoveryClient]


def index_of(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").rglob(INDEX_FILE)
    return found


@pytest.fixture
def warm(server: DiscoveryServer, cached_client: Make) -> DiscoveryServer:
    """A server whose cache is filled, including the index."""
    DeferredDiscoveryRESTMapper(cached_client(server)).mapping_for("deploy")
    server.forget_requests()
    return server


def test_the_first_lookup_writes_an_index_for_the_next_process(
    server: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(server))
    assert mapper.mapping_for("deploy").plural == "deployments"
    written = signature_of(str(index_of(tmp_path)))
    assert written is not None
    assert DeferredDiscoveryRESTMapper(cached_client(server)).mapping_for("deploy") == mapper.mapping_for("deploy")
    assert signature_of(str(index_of(tmp_path))) == written
    assert server.request_count == 2


def test_a_client_that_used_the_index_refreshes_on_a_miss(warm: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(warm)
    mapper = DeferredDiscoveryRESTMapper(client)
    assert client.fresh
    mapper.mapping_for("deploy")
    assert not client.fresh
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    assert mapper.mapping_for("widget").group == "new.example"
    assert sorted(warm.paths()) == ["/api", "/apis"]
    assert client.fresh
    with pytest.raises(NoMatchError):
        mapper.mapping_for("gadget")
    assert warm.request_count == 2


def test_documents_fetched_by_the_client_take_precedence_over_the_index(
    server: DiscoveryServer, cached_client: Make
) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    DeferredDiscoveryRESTMapper(cached_client(server)).mapping_for("deploy")
    assert cached_client(server).resource_index.search() is not None
    assert client.resource_index.search() is None
    DeferredDiscoveryRESTMapper(client).mapping_for("deploy")
    assert client.fresh
    assert server.request_count == 2


@pytest.mark.parametrize("group_version", [None, "apps/v1"])
def test_the_index_is_not_used_after_an_invalidation(
    warm: DiscoveryServer, cached_client: Make, group_version: str | None
) -> None:
    client = cached_client(warm)
    mapper = DeferredDiscoveryRESTMapper(client)
    mapper.mapping_for("deploy")
    client.invalidate(group_version)
    mapper.mapping_for("deploy")
    expected = ["/api", "/apis"] if group_version is None else ["/apis/apps/v1"]
    assert sorted(warm.paths()) == expected


def test_a_mapper_that_used_the_index_sees_another_processs_refresh(warm: DiscoveryServer, cached_client: Make) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(warm, recheck_interval=0))
    with pytest.raises(NoMatchError):
        mapper.mapper().mapping_for("widget")
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    cached_client(warm).refresh()
    assert mapper.mapper().mapping_for("widget").group == "new.example"


def test_a_mapper_sees_a_refresh_by_its_own_client_at_once(warm: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(warm, recheck_interval=3600)
    mapper = DeferredDiscoveryRESTMapper(client)
    mapper.mapping_for("deploy")
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    client.refresh()
    assert mapper.mapper().mapping_for("widget").group == "new.example"


def test_all_mappers_of_a_client_notice_an_outdated_index(warm: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(warm, recheck_interval=0.2)
    first, second = DeferredDiscoveryRESTMapper(client), DeferredDiscoveryRESTMapper(client)
    first.mapping_for("deploy")
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    other = cached_client(warm)
    other.refresh()
    assert other.resource_index.write()
    second.mapping_for("deploy")

    def finds_widget(mapper: DeferredDiscoveryRESTMapper) -> bool:
        with suppress(NoMatchError):
            return mapper.mapper().mapping_for("widget").group == "new.example"
        return False

    for mapper in (first, second):
        assert eventually(lambda mapper=mapper: finds_widget(mapper))  # type: ignore[misc]


def test_an_index_with_another_trust_fingerprint_is_not_used(server: DiscoveryServer, tmp_path: Path) -> None:
    def client(authority: str) -> CachedDiscoveryClient:
        store = DocumentStore(str(tmp_path), str(tmp_path / "cluster"), authority)
        return CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)), store)

    DeferredDiscoveryRESTMapper(client("one")).mapping_for("deploy")
    place = (str(tmp_path), str(tmp_path / "cluster"), COLUMNS)
    assert client("one").resource_index.search() is not None
    assert read_index(*place, "one") is not None
    # The command line reads only the index.
    assert read_index(*place, "two") is None
    assert client("two").resource_index.search() is None
    # An index with the second fingerprint, beside documents that have the first.
    state = signature_of(str(tmp_path / "cluster" / "servergroups.json"))
    assert state is not None
    data = encode_index([("servergroups.json", state)], {name: [] for name in COLUMNS}, "two")
    assert data is not None
    (tmp_path / "cluster" / INDEX_FILE).write_bytes(data)
    assert read_index(*place, "two") is not None
    assert client("two").resource_index.search() is None


def test_a_child_forked_during_the_first_miss_can_fetch(server: DiscoveryServer, tmp_path: Path) -> None:
    environ = {**os.environ, "SERVER": server.url, "CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", FORK]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["child", "parent"]


FORK = """
import os, threading, time
from cachediscovery import CachedDiscoveryClient, ClientConfig
import cachediscovery.cache.document_fetcher as module

class Slow(module.DocumentFetcher):
    def __init__(self, *arguments):
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            time.sleep(0.5)
        super().__init__(*arguments)

begun = threading.Event()
module.DocumentFetcher = Slow
client = CachedDiscoveryClient.for_config(ClientConfig(os.environ["SERVER"]), cache_dir=os.environ["CACHE"])
asking = threading.Thread(target=client.server_groups)
asking.start()
begun.wait()
child = os.fork()
if child == 0:
    threading.Timer(20, os._exit, [1]).start()
    print("child" if client.server_groups().groups else "nothing", flush=True)
    os._exit(0)
os.waitpid(child, 0)
asking.join()
print("parent")
"""


def test_refetching_one_document_outdates_the_index(warm: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(warm, recheck_interval=3600)
    mapper = DeferredDiscoveryRESTMapper(client)
    mapper.mapping_for("deploy")
    Path(client.path("apps/v1")).unlink()
    warm.recording.remove_group("apps")
    warm.recording.add_group("apps", {"v1": WIDGETS})
    client.server_resources_for_group_version("apps/v1")
    assert mapper.mapper().mapping_for("widget").group == "apps"


def test_an_index_read_for_one_group_serves_the_others(
    warm: DiscoveryServer, cached_client: Make, tmp_path: Path
) -> None:
    mapper = DeferredDiscoveryRESTMapper(cached_client(warm, recheck_interval=3600))
    assert mapper.rest_mapping(GroupKind("apps", "Deployment")).plural == "deployments"
    for path in [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]:
        path.unlink()
    assert mapper.rest_mapping(GroupKind("batch", "Job")).plural == "jobs"
    assert warm.request_count == 0


def test_an_index_expires_with_its_documents(warm: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    oldest = min(path.stat().st_mtime for path in (tmp_path / "cache").rglob("server*.json"))
    ttl = time.time() - oldest + 0.5
    mapper = DeferredDiscoveryRESTMapper(cached_client(warm, recheck_interval=0, ttl=ttl))
    mapper.mapping_for("deploy")
    assert warm.request_count == 0
    assert eventually(lambda: bool(mapper.mapping_for("deploy")) and sorted(warm.paths()) == ["/api", "/apis"])


@pytest.mark.parametrize("damage", [b"", b"cachediscovery index 3 00000000\n", bytes(range(256))])
def test_a_broken_index_is_a_miss_and_is_rewritten(
    warm: DiscoveryServer, cached_client: Make, tmp_path: Path, damage: bytes
) -> None:
    index_of(tmp_path).write_bytes(damage)
    assert DeferredDiscoveryRESTMapper(cached_client(warm)).mapping_for("deploy").plural == "deployments"
    assert len(index_of(tmp_path).read_bytes()) > len(damage), "it was written anew"
    assert warm.request_count == 0


LOOK_UP = """
import sys
before = set(sys.modules)
opened = []
def hook(event, arguments):
    if event == "open" and ".kube" in str(arguments[0]):
        opened.append(str(arguments[0]))
sys.addaudithook(hook)
from cachediscovery import CachedDiscoveryClient, DeferredDiscoveryRESTMapper, GroupVersionResource
mapper = DeferredDiscoveryRESTMapper(CachedDiscoveryClient.from_kubeconfig())
assert mapper.mapping_for("deploy").plural == "deployments"
assert mapper.kind_for(GroupVersionResource("", "", "po")).kind == "Pod"
print(*set(sys.modules) - before)
print(*opened)
"""


def test_the_first_lookup_of_a_warm_process_imports_little_and_reads_two_files(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, home: Path
) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    overrides = ConfigOverrides(kubeconfig=environ["KUBECONFIG"])
    cache_dir = str(home / ".kube" / "cache")
    DeferredDiscoveryRESTMapper(CachedDiscoveryClient.from_kubeconfig(overrides, cache_dir=cache_dir)).mapping_for("po")
    server.forget_requests()
    for _ in range(2):
        # The first run remembers the cluster for this environment.
        ran = subprocess.run([sys.executable, "-c", LOOK_UP], env=environ, capture_output=True, text=True, check=True)
    modules, opened = (line.split() for line in ran.stdout.splitlines())
    names = [os.path.basename(path) for path in opened]
    assert names[0].startswith("server-")
    assert names[1:] == [INDEX_FILE]
    ours = {name for name in modules if name.startswith("cachediscovery")}
    assert len(ours) <= 33, "to import another module is to make every start slower"
    # Modules that named tuples need or that every program has.
    allowed = {"collections", "errno", "importlib", "itertools", "keyword", "operator", "reprlib", "warnings", "zlib"}
    assert {name for name in set(modules) - ours - allowed if not name.startswith(("_", "importlib."))} == set()
    assert server.request_count == 0
