"""The OpenAPI index, and documents by their hashes, in the shared cache."""

from __future__ import annotations

import json
import threading
import zlib

import pytest

from cachediscovery import CachedDiscoveryClient
from cachediscovery.model.fields import MalformedDocument
from cachediscovery.openapi.documents import OpenAPIDocument, OpenAPIIndex
from cachediscovery.shared.record_store import RecordStore
from cachediscovery.shared.records import Record, Stamp, decode_record, encode_record
from cachediscovery.testing import DiscoveryServer

from .conftest import Machine, RedisServer, aged

APPS = "apis/apps/v1"
NEW = {"openapi": "3.0.0", "paths": {"/apis/apps/v1/": {}}}
CLUSTER = {"fingerprint": "f", "name": "", "url": "https://x"}
STAMP = Stamp("1700000000000000-c0123456789abcdef", 1700000000000001)
URL = "/openapi/v3/apis/apps/v1?hash=AB12"
INDEX = OpenAPIIndex({"apis/apps/v1": URL, "version": "/openapi/v3/version?hash=CD"}, '"etag"')


def body(client: CachedDiscoveryClient) -> bytes:
    return client.openapi_v3().paths()[APPS].body()


def asked(server: DiscoveryServer) -> list[str]:
    found = server.paths()
    server.forget_requests()
    return found


def test_another_machine_asks_for_no_index_and_no_document(machine: Machine, server: DiscoveryServer) -> None:
    first = body(machine("a"))
    assert asked(server) == ["/openapi/v3", f"/openapi/v3/{APPS}"]
    assert body(machine("b")) == first
    assert asked(server) == []


def test_machines_that_miss_a_document_at_the_same_time_ask_once(machine: Machine, server: DiscoveryServer) -> None:
    threads = [threading.Thread(target=body, args=(machine(str(number)),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked(server)) == ["/openapi/v3", f"/openapi/v3/{APPS}"]


def test_an_invalidation_makes_one_machine_ask_for_the_index_again(machine: Machine, server: DiscoveryServer) -> None:
    first, second = machine("a"), machine("b")
    old = body(first), body(second)
    server.openapi.documents = {**server.openapi.documents, APPS: NEW}
    assert (body(first), body(second)) == old
    second.invalidate()
    asked(server)
    assert json.loads(body(second)) == NEW
    assert json.loads(body(machine("c"))) == NEW
    assert asked(server) == ["/openapi/v3", f"/openapi/v3/{APPS}"]


def test_a_client_that_has_invalidated_locally_takes_no_older_index(machine: Machine, server: DiscoveryServer) -> None:
    first, second = machine("a"), machine("b")
    body(first), body(second)
    server.openapi.documents = {**server.openapi.documents, APPS: NEW}
    asked(server)
    second.invalidate_locally()
    assert json.loads(body(second)) == NEW
    assert asked(server) == ["/openapi/v3", f"/openapi/v3/{APPS}"]


def test_an_index_with_the_known_etag_is_not_returned_again(machine: Machine, server: DiscoveryServer) -> None:
    index = machine("a").openapi_v3().index()
    assert index is not None
    shared = machine("b").delegate.openapi_v3()  # type: ignore[attr-defined]
    assert shared.index(index.etag) is None
    assert shared.index('"other"') == index
    assert asked(server) == ["/openapi/v3"]


def test_an_old_index_of_the_shared_cache_is_not_used(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer
) -> None:
    machine("a").openapi_v3().index()
    aged(redis_server, 3600)
    machine("b", ttl=3500).openapi_v3().index()
    machine("c", ttl=3500).openapi_v3().index()
    assert asked(server) == ["/openapi/v3"] * 2


def test_a_document_that_has_replaced_another_is_not_shared_under_the_old_hash(
    machine: Machine, server: DiscoveryServer, records: RecordStore
) -> None:
    client = machine("a")
    paths = client.openapi_v3().paths()
    server.openapi.documents = {**server.openapi.documents, APPS: NEW}
    assert json.loads(paths[APPS].body()) == NEW
    assert records.names() == ["/openapi/v3"]


def test_an_index_requested_just_after_a_refresh_is_not_shared(
    machine: Machine, server: DiscoveryServer, records: RecordStore
) -> None:
    client = machine("a")
    client.refresh()
    client.openapi_v3().index()
    assert "/openapi/v3" not in records.names()
    asked(server)
    machine("b").openapi_v3().index()
    assert asked(server) == ["/openapi/v3"]


def test_an_unchanged_index_is_revalidated_without_a_body(machine: Machine, server: DiscoveryServer) -> None:
    client = machine("a")
    first = client.openapi_v3().index()
    client.invalidate()
    assert client.openapi_v3().index() == first
    assert [request.status for request in server.requests] == [200, 304]
    assert machine("b").openapi_v3().index() == first


@pytest.mark.parametrize(
    ("name", "answer"), [("/openapi/v3", INDEX), (URL, OpenAPIDocument(URL, b'{"openapi":"3.0.0"}\n\n'))]
)
def test_a_record_of_openapi_is_read_as_it_was_written(name: str, answer: OpenAPIIndex | OpenAPIDocument) -> None:
    data = encode_record(Record(answer), CLUSTER, STAMP)
    assert decode_record(data, CLUSTER, name) == Record(answer)
    for other in ("groups", "apps/v1", "/openapi/v3", URL):
        if other != name:
            with pytest.raises(MalformedDocument):
                decode_record(data, CLUSTER, other)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        (URL, b"{}"),
        (URL, b'{"openapi":"2.0"}'),
        (URL, b"not JSON"),
        ("/openapi/v3", b'{"etag":""}\n{"paths":{"a":{"serverRelativeURL":"//evil.example/x"}}}\n'),
        ("/openapi/v3", b'{"etag":""}\n{"paths":{}, "more":1}\n'),
        ("/openapi/v3", b'{"etag":""}\n'),
    ],
)
def test_openapi_that_a_server_would_not_have_sent_is_refused(name: str, rest: bytes) -> None:
    header, _, packed = encode_record(Record(INDEX), CLUSTER, STAMP).partition(b"\n")
    about = zlib.decompress(packed).partition(b"\n")[0]
    with pytest.raises(MalformedDocument):
        decode_record(header + b"\n" + zlib.compress(about + b"\n" + rest), CLUSTER, name)
