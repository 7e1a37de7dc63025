from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cachediscovery import DiscoveryClient, DiscoveryError, InvalidDocument, NotFound, _log
from cachediscovery.testing import DiscoveryServer, Failure

Make = Callable[..., DiscoveryClient]
APPS = "apis/apps/v1"


def test_documents_are_found_by_path(server: DiscoveryServer, base_client: Make) -> None:
    paths = base_client(server).openapi_v3().paths()
    assert sorted(paths) == ["api/v1", "apis/apiextensions.k8s.io/v1", APPS, "apis/cert-manager.io/v1"]
    found = paths[APPS]
    assert found.path == APPS
    assert found.server_relative_url == f"/openapi/v3/{APPS}?hash={found.hash}"
    assert found.body() == server.openapi.documents[APPS]
    assert "/apis/apps/v1/deployments" in str(list(found.schema()["paths"]))


@pytest.mark.parametrize("in_index", ["", "/k8s/clusters/c-1"])
def test_the_path_of_the_servers_url_is_used_once(base_client: Make, in_index: str) -> None:
    with DiscoveryServer(prefix="/k8s/clusters/c-1") as server:
        server.openapi.prefix = in_index
        server.openapi.urls["apis/rooted.test/v1"] = "/rooted/v1?hash=A"
        server.openapi.documents["apis/rooted.test/v1"] = b""
        server.recording.unaggregated["/rooted/v1"] = {"openapi": "3.0.0"}
        paths = base_client(server).openapi_v3().paths()
        assert paths[APPS].schema()["openapi"] == "3.0.0"
        assert paths[APPS].server_relative_url.startswith("/openapi/v3/")
        assert paths["apis/rooted.test/v1"].schema() == {"openapi": "3.0.0"}
        assert server.paths() == ["/k8s/clusters/c-1/openapi/v3", f"/k8s/clusters/c-1/openapi/v3/{APPS}", "/rooted/v1"]


def test_an_old_hash_leads_to_the_document_of_the_new_one(server: DiscoveryServer, base_client: Make) -> None:
    client = base_client(server).openapi_v3()
    old = client.paths()[APPS]
    server.openapi.documents[APPS] = {"openapi": "3.0.0", "new": True}
    found = client.document(old.server_relative_url)
    assert found.server_relative_url == server.openapi.url(APPS)
    assert json.loads(found.body)["new"]


def test_a_document_of_another_host_has_no_url(server: DiscoveryServer, base_client: Make) -> None:
    with DiscoveryServer() as other:
        server.token = "secret"
        url = f"{other.url}{other.openapi.url(APPS)}"
        server.fail("/elsewhere", Failure(301, headers=(("Location", url),)))
        found = base_client(server).openapi_v3().document("/elsewhere")
        assert found.server_relative_url == ""
        assert other.requests[0].header("Authorization") == ""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>login</html>", "HTML, not JSON: is this a login page"),
        (b"", "an empty body"),
        (b"[]", "something other than an OpenAPI document: not a JSON object"),
        (b'{"kind":"Status"}', "its openapi version is '', expected 3.x"),
        (b'{"openapi":"2.0"}', "its openapi version is '2.0'"),
        (b'{"openapi":3}', "'openapi' is not a string"),
        (b"[" * 100_000, "not JSON"),
        (b'{"openapi":"3.0.0"', "not JSON"),
    ],
)
def test_a_body_that_is_no_openapi_document_is_one_clear_error(
    server: DiscoveryServer, base_client: Make, body: bytes, message: str
) -> None:
    server.openapi.documents[APPS] = body
    with pytest.raises(InvalidDocument) as caught:
        base_client(server).openapi_v3().paths()[APPS].schema()
    assert message in str(caught.value)
    assert f"{server.url}/openapi/v3/{APPS}" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"{",
        b"[]",
        b'{"paths":[]}',
        b'{"paths":{"api/v1":7}}',
        b'{"paths":{"x":{"serverRelativeURL":7}}}',
    ],
)
def test_a_malformed_index_is_one_clear_error(server: DiscoveryServer, base_client: Make, body: bytes) -> None:
    server.fail("/openapi/v3", Failure(200, body=body))
    with pytest.raises(InvalidDocument) as caught:
        base_client(server).openapi_v3().paths()
    assert f"{server.url}/openapi/v3 answered with" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_entry_that_leads_elsewhere_is_left_out_with_a_warning(server: DiscoveryServer, base_client: Make) -> None:
    warnings: list[str] = []
    _log.on_warning(warnings.append)
    try:
        server.openapi.urls[APPS] = "//evil.test/\x1b[2J"
        assert APPS not in base_client(server).openapi_v3().paths()
    finally:
        _log.on_warning(None)
    assert len(warnings) == 1
    assert f"leads to another host for '{APPS}'" in warnings[0]
    assert warnings[0].isprintable()


def test_a_document_that_is_too_large_is_refused(server: DiscoveryServer, base_client: Make) -> None:
    server.openapi.documents[APPS] = b"{" + b" " * 70_000
    client = base_client(server, max_document_bytes=64 << 10).openapi_v3()
    with pytest.raises(InvalidDocument, match="64 KiB|65536|too large|more than"):
        client.paths()[APPS].body()


def test_the_index_of_a_server_without_openapi_v3_is_not_found(server: DiscoveryServer, base_client: Make) -> None:
    server.openapi.documents = {}
    client = base_client(server).openapi_v3()
    assert client.paths() == {}
    with pytest.raises(NotFound):
        client.index()


def test_the_index_is_asked_for_conditionally(server: DiscoveryServer, base_client: Make) -> None:
    client = base_client(server).openapi_v3()
    index = client.index()
    assert index is not None
    assert index.etag
    assert client.index(index.etag) is None
    assert [request.status for request in server.requests] == [200, 304]
    server.openapi.documents["apis/new.test/v1"] = {"openapi": "3.0.0"}
    changed = client.index(index.etag)
    assert changed is not None
    assert "apis/new.test/v1" in changed.urls


def test_an_error_status_names_the_url(server: DiscoveryServer, base_client: Make) -> None:
    server.fail(f"/openapi/v3/{APPS}", Failure(403, "no"))
    with pytest.raises(DiscoveryError, match=f"/openapi/v3/{APPS}"):
        base_client(server).openapi_v3().paths()[APPS].body()
