"""The OpenAPI documents of a cached client, in memory and in kubectl's folder."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryError, InvalidDocument, NotFound
from cachediscovery.openapi.stored import stored_bytes, stored_document, stored_index
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran, eventually

Run = Callable[..., Ran]
APPS = "apis/apps/v1"
NEW = {"openapi": "3.0.0", "new": True, "paths": {"/apis/apps/v1/": {}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def make(server: DiscoveryServer, root: Path) -> Callable[..., CachedDiscoveryClient]:
    """Makes clients that share a cache, as separate processes would."""

    def make(**keywords: float) -> CachedDiscoveryClient:
        return CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(root), **keywords)

    return make


Make = Callable[..., CachedDiscoveryClient]


def asked(server: DiscoveryServer) -> list[str]:
    """The OpenAPI requests since the last call: `index`, or the path of a document."""
    found = [path for path in server.paths() if path.startswith("/openapi/v3")]
    server.forget_requests()
    return [path.removeprefix("/openapi/v3").lstrip("/") or "index" for path in found]


def age(root: Path, seconds: float) -> None:
    for path in (root / "http").iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def stored(root: Path) -> int:
    return sum(path.is_file() for path in (root / "http").iterdir()) if (root / "http").exists() else 0


def read_in_threads(clients: list[CachedDiscoveryClient]) -> None:
    def read(client: CachedDiscoveryClient) -> None:
        client.openapi_v3().paths()[APPS].body()

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_index_and_document_are_asked_for_once(server: DiscoveryServer, make: Make) -> None:
    openapi = make().openapi_v3()
    body = openapi.paths()[APPS].body()
    assert openapi.paths()[APPS].body() == body == server.openapi.documents[APPS]
    assert openapi.fresh
    assert asked(server) == ["index", APPS]
    again = make().openapi_v3()
    assert again.paths()[APPS].body() == body
    assert not again.fresh
    assert asked(server) == []


def test_an_expired_index_is_revalidated_and_its_documents_are_not(
    server: DiscoveryServer, make: Make, root: Path
) -> None:
    make().openapi_v3().paths()[APPS].body()
    server.forget_requests()
    age(root, 7 * 3600)
    make().openapi_v3().paths()[APPS].body()
    assert [(request.path, request.status) for request in server.requests] == [("/openapi/v3", 304)]
    server.forget_requests()
    make().openapi_v3().paths()
    assert asked(server) == [], "the 304 made it fresh"


def test_an_index_without_an_etag_is_fetched_again(server: DiscoveryServer, make: Make, root: Path) -> None:
    server.etags = False
    make().openapi_v3().paths()[APPS].body()
    age(root, 7 * 3600)
    server.forget_requests()
    make().openapi_v3().paths()[APPS].body()
    assert [(request.path, request.status) for request in server.requests] == [("/openapi/v3", 200)]


def test_a_changed_document_is_fetched_and_the_old_one_removed(server: DiscoveryServer, make: Make, root: Path) -> None:
    client = make()
    client.openapi_v3().paths()[APPS].body()
    assert stored(root) == 2
    server.openapi.documents[APPS] = NEW
    client.invalidate()
    assert asked(server) == ["index", APPS]
    assert client.openapi_v3().paths()[APPS].schema() == NEW
    assert asked(server) == ["index", APPS]
    assert stored(root) == 2


def test_an_old_hash_is_followed_and_filed_under_the_new_one(server: DiscoveryServer, make: Make, root: Path) -> None:
    make().openapi_v3().paths()
    server.openapi.documents[APPS] = NEW
    server.forget_requests()
    openapi = make().openapi_v3()
    assert openapi.paths()[APPS].schema() == NEW
    assert [request.status for request in server.requests] == [301, 200]
    server.forget_requests()
    assert openapi.paths()[APPS].server_relative_url == server.openapi.url(APPS)
    assert openapi.paths()[APPS].schema() == NEW
    assert make().openapi_v3().paths()[APPS].schema() == NEW
    assert asked(server) == []


def test_invalidating_asks_for_the_index_alone(server: DiscoveryServer, make: Make) -> None:
    client = make()
    client.openapi_v3().paths()[APPS].body()
    asked(server)
    for group_version in (None, "apps/v1"):
        client.invalidate(group_version)
        assert asked(server) == [], "no request is made until something is asked for"
        client.openapi_v3().paths()[APPS].body()
        client.openapi_v3().paths()[APPS].body()
        assert asked(server) == ["index"]


def test_a_refresh_of_the_discovery_documents_makes_the_index_expire(server: DiscoveryServer, make: Make) -> None:
    client = make()
    client.openapi_v3().paths()[APPS].body()
    client.refresh()
    asked(server)
    client.openapi_v3().paths()[APPS].body()
    assert asked(server) == ["index"]


def test_the_client_that_watches_sees_a_changed_document(server: DiscoveryServer, make: Make) -> None:
    client = make()
    client.openapi_v3().paths()
    with client.watch():
        name = server.install_crd("example.com/v1", "Widget")
        server.openapi.documents["apis/example.com/v1"] = {"openapi": "3.0.0"}
        assert eventually(lambda: "apis/example.com/v1" in client.openapi_v3().paths())
        server.openapi.documents["apis/example.com/v1"] = NEW
        server.uninstall_crd(name)
        assert eventually(lambda: client.openapi_v3().paths()["apis/example.com/v1"].schema() == NEW)


def test_threads_that_miss_cause_one_request(server: DiscoveryServer, make: Make) -> None:
    server.delay = 0.05
    client = make()
    read_in_threads([client] * 8)
    assert asked(server) == ["index", APPS]


def test_clients_of_one_folder_that_miss_cause_one_request(server: DiscoveryServer, make: Make) -> None:
    server.delay = 0.05
    read_in_threads([make() for _ in range(4)])
    assert asked(server) == ["index", APPS]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b"[]", b'{"openapi":"3.0.0"', b"[" * 100_000, b'{"openapi":"2.0","swagger":"2.0"}'],
)
def test_a_body_that_is_no_document_is_not_cached(server: DiscoveryServer, make: Make, root: Path, body: bytes) -> None:
    good = server.openapi.documents[APPS]
    server.openapi.documents[APPS] = body
    openapi = make().openapi_v3()
    for _ in range(2):
        with pytest.raises(InvalidDocument):
            openapi.paths()[APPS].schema()
    assert stored(root) == 1
    server.openapi.documents[APPS] = good
    assert make().openapi_v3().paths()[APPS].body() == good


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"paths":{"x":7}}'])
def test_a_malformed_index_is_not_cached(server: DiscoveryServer, make: Make, root: Path, body: bytes) -> None:
    server.fail("/openapi/v3", Failure(200, body=body, times=1))
    client = make()
    with pytest.raises(InvalidDocument):
        client.openapi_v3().paths()
    assert stored(root) == 0
    assert APPS in client.openapi_v3().paths()


def test_a_document_that_a_redirect_finds_on_another_host_is_not_cached(
    server: DiscoveryServer, make: Make, root: Path
) -> None:
    with DiscoveryServer() as other:
        server.fail(f"/openapi/v3/{APPS}", Failure(301, headers=(("Location", other.url + other.openapi.url(APPS)),)))
        make().openapi_v3().paths()[APPS].body()
        make().openapi_v3().paths()[APPS].body()
        assert len(other.requests) == 2
    assert stored(root) == 1


def test_a_document_without_a_hash_is_kept_with_the_index(server: DiscoveryServer, make: Make, root: Path) -> None:
    server.openapi.urls[APPS] = f"/openapi/v3/{APPS}"
    make().openapi_v3().paths()[APPS].body()
    make().openapi_v3().paths()[APPS].body()
    assert asked(server) == ["index", APPS]
    age(root, 7 * 3600)
    make().openapi_v3().paths()[APPS].body()
    assert asked(server) == ["index", APPS]


def test_without_openapi_v3_nothing_is_cached(server: DiscoveryServer, make: Make, root: Path) -> None:
    make().openapi_v3().paths()
    age(root, 7 * 3600)
    server.openapi.documents = {}
    client = make()
    assert client.openapi_v3().paths() == {}
    with pytest.raises(NotFound):
        client.openapi_v3().index()
    assert stored(root) == 0


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x00" * 32 + b"HTTP/1.1 200 OK\r\n\r\n{}"])
def test_a_torn_or_forged_file_is_a_miss(server: DiscoveryServer, make: Make, root: Path, content: bytes) -> None:
    body = make().openapi_v3().paths()[APPS].body()
    asked(server)
    for path in (root / "http").iterdir():
        path.write_bytes(content)
    assert make().openapi_v3().paths()[APPS].body() == body
    assert asked(server) == ["index", APPS]


def test_nothing_is_read_from_a_folder_that_others_can_write(server: DiscoveryServer, make: Make, root: Path) -> None:
    make().openapi_v3().paths()[APPS].body()
    asked(server)
    (root / "http").chmod(0o777)
    make().openapi_v3().paths()[APPS].body()
    assert asked(server) == ["index", APPS]
    assert stored_index(str(root), server.url, 60) is None


def test_an_expired_index_is_used_if_the_server_cannot_be_reached(
    server: DiscoveryServer, make: Make, root: Path
) -> None:
    make().openapi_v3().paths()[APPS].body()
    age(root, 7 * 3600)
    server.fail("/openapi/v3", Failure(503))
    assert make(stale_if_error=24 * 3600).openapi_v3().paths()[APPS].body()
    with pytest.raises(DiscoveryError):
        make().openapi_v3().paths()


def test_an_expired_index_is_used_while_it_is_revalidated(server: DiscoveryServer, make: Make, root: Path) -> None:
    make().openapi_v3().paths()
    age(root, 7 * 3600)
    server.openapi.documents["apis/new.test/v1"] = NEW
    openapi = make(stale_while_revalidate=24 * 3600).openapi_v3()
    assert "apis/new.test/v1" not in openapi.paths()
    assert eventually(lambda: "apis/new.test/v1" in openapi.paths())


def test_another_process_sees_what_one_has_fetched(server: DiscoveryServer, make: Make) -> None:
    first = make(recheck_interval=0.0).openapi_v3()
    first.paths()
    server.openapi.documents["apis/new.test/v1"] = NEW
    other = make()
    other.invalidate()
    other.openapi_v3().invalidate()
    other.openapi_v3().paths()
    asked(server)
    assert "apis/new.test/v1" in first.paths()
    assert asked(server) == []


def test_a_cache_in_memory_alone_asks_once(server: DiscoveryServer) -> None:
    from cachediscovery import DiscoveryClient

    client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)))
    for _ in range(2):
        client.openapi_v3().paths()[APPS].body()
    assert asked(server) == ["index", APPS]


def test_kubectl_and_the_library_warm_each_other(server: DiscoveryServer, kubectl: Run, home: Path) -> None:
    server.etags = False
    cache = str(home / ".kube" / "cache")
    assert kubectl("explain", "deployments", server=server).code == 0
    assert asked(server) == ["index", APPS]
    ours = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=cache)
    assert ours.openapi_v3().paths()[APPS].body() == server.openapi.documents[APPS]
    assert asked(server) == [], "kubectl has fetched both"
    assert ours.openapi_v3().paths()["api/v1"].body()
    assert asked(server) == ["api/v1"]
    assert kubectl("explain", "pods", server=server).code == 0
    assert asked(server) == ["index"], "kubectl asks for the index each time"
    ours.invalidate()
    ours.openapi_v3().paths()
    assert asked(server) == ["index"]
    assert kubectl("explain", "pods.spec", server=server).code == 0
    assert asked(server) == ["index"]


def test_kubectl_revalidates_the_index_that_the_library_has_stored(
    server: DiscoveryServer, kubectl: Run, home: Path
) -> None:
    ours = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(home / ".kube" / "cache"))
    ours.openapi_v3().paths()["api/v1"].body()
    server.forget_requests()
    assert kubectl("explain", "pods", server=server).code == 0
    statuses = {request.path: request.status for request in server.requests}
    assert statuses["/openapi/v3"] == 304
    assert "/openapi/v3/api/v1" not in statuses


def test_stored_documents_are_read_without_a_client(server: DiscoveryServer, make: Make, root: Path) -> None:
    entry = make().openapi_v3().paths()[APPS]
    body = entry.body()
    index = stored_index(str(root), server.url, 60)
    assert index is not None
    assert json.loads(index)["paths"][APPS] == {"serverRelativeURL": entry.server_relative_url}
    found = stored_document(str(root), server.url, entry.server_relative_url)
    assert found is not None
    assert Path(found.path).read_bytes()[found.at : found.at + found.size] == body
    assert stored_bytes(str(root), server.url, entry.server_relative_url) == body
    assert stored_document(str(root), server.url, "/openapi/v3/api/v1?hash=A") is None
    age(root, 120)
    assert stored_index(str(root), server.url, 60) is None
    age(root, -60)
    assert stored_index(str(root), server.url, 60) is None
