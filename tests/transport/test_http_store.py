from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.http_store import HTTPStore, StoredResponse

from ..conftest import Ran

Run = Callable[..., Ran]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def client(server: DiscoveryServer, tmp_path: Path) -> CachedDiscoveryClient:
    return CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))


def statuses(server: DiscoveryServer) -> list[int]:
    return [request.status for request in server.requests]


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache" / "http").iterdir() if path.is_file()]


def test_revalidating_an_unchanged_server_costs_two_304s(server: DiscoveryServer, tmp_path: Path) -> None:
    cold = client(server, tmp_path).server_groups_and_resources()
    server.forget_requests()
    again = client(server, tmp_path)
    again.invalidate()
    assert again.server_groups_and_resources() == cold
    assert statuses(server) == [304, 304]
    assert sum(request.sent_bytes for request in server.requests) == 0
    assert again.fresh


def test_a_changed_document_is_fetched_again(server: DiscoveryServer, tmp_path: Path) -> None:
    client(server, tmp_path).server_groups()
    server.recording.remove_group("kubevirt.io")
    server.forget_requests()
    again = client(server, tmp_path)
    again.invalidate()
    assert "kubevirt.io" not in [group.name for group in again.server_groups().groups]
    assert sorted(statuses(server)) == [200, 304]


def test_kubectl_and_the_command_line_share_stored_responses(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    cli("api-resources", server=server)
    assert statuses(server) == [200, 200]
    kubectl("api-resources", server=server)
    assert statuses(server) == [200, 200, 304, 304]
    cli("invalidate", server=server)
    cli("api-resources", server=server)
    assert statuses(server) == [200, 200, 304, 304, 304, 304]


def test_a_response_stored_by_kubectl_is_revalidated(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    kubectl("api-resources", server=server)
    cli("api-resources", server=server)
    assert statuses(server) == [200, 200, 304, 304]


@pytest.mark.parametrize(
    "content", [b"", b"x" * 31, b"x" * 100, b"\x00" * 32 + b"HTTP/1.1 200 OK\r\nEtag: x\r\n\r\n{}"]
)
def test_a_truncated_or_forged_stored_response_is_a_miss(
    server: DiscoveryServer, tmp_path: Path, content: bytes
) -> None:
    client(server, tmp_path).server_groups()
    for path in stored(tmp_path):
        path.write_bytes(content)
    server.forget_requests()
    again = client(server, tmp_path)
    again.invalidate()
    assert again.server_groups().groups
    assert statuses(server) == [200, 200]


def test_an_invalid_stored_body_is_fetched_again(server: DiscoveryServer, tmp_path: Path) -> None:
    client(server, tmp_path).server_groups()
    store = HTTPStore(str(tmp_path / "cache"))
    for path in ("/api", "/apis"):
        kept = store.load(f"{server.url}{path}")
        assert kept is not None
        store.save(f"{server.url}{path}", kept._replace(body=b"<html>"))
    server.forget_requests()
    again = client(server, tmp_path)
    again.invalidate()
    assert again.server_groups().groups
    assert sorted(statuses(server)) == [200, 200, 304, 304]


def test_only_discovery_documents_are_stored(server: DiscoveryServer, tmp_path: Path) -> None:
    server.fail("/apis", Failure(200, body=b"{}", headers=(("Etag", '"x"'),)))
    with pytest.raises(Exception, match="other than a discovery document"):
        client(server, tmp_path).server_groups()
    store = HTTPStore(str(tmp_path / "cache"))
    store.save("https://x/api/v1/secrets", StoredResponse('"x"', AGGREGATED, b"{}"))
    assert store.load("https://x/api/v1/secrets") is None
    assert store.load(f"{server.url}/apis") is None
    assert store.load(f"{server.url}/api") is not None


def test_an_unexpected_304_is_an_error(server: DiscoveryServer, tmp_path: Path) -> None:
    server.fail("/api", Failure(304, body=b""))
    with pytest.raises(Exception, match="304"):
        client(server, tmp_path).server_groups()


@given(st.binary(max_size=300))
def test_any_body_is_stored_unchanged(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    store = HTTPStore(str(tmp_path_factory.mktemp("store")))
    response = StoredResponse('"etag"', AGGREGATED, body)
    store.save("https://x/apis", response)
    assert store.load("https://x/apis") == response


@pytest.mark.parametrize("header", ["Content-Encoding: gzip", "Transfer-Encoding: chunked", "transfer-encoding:x"])
def test_an_encoded_stored_body_is_a_miss(tmp_path: Path, header: str) -> None:
    """A client that requests compression itself would store such a response."""
    store = HTTPStore(str(tmp_path))
    store.save("https://x/apis", StoredResponse('"etag"', AGGREGATED, b"{}"))
    (path,) = (tmp_path / "http").iterdir()
    head, _, body = path.read_bytes()[32:].partition(b"\r\n\r\n")
    for more, is_used in (("Vary: Accept", True), (header, False)):
        data = head + b"\r\n" + more.encode() + b"\r\n\r\n" + body
        path.write_bytes(sha256(data).digest() + data)
        assert (store.load("https://x/apis") is not None) is is_used
