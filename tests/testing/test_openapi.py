"""The OpenAPI documents of the testing server."""

from __future__ import annotations

import requests

from cachediscovery.testing import DiscoveryServer

APPS = "apis/apps/v1"


def test_documents_have_the_headers_of_a_real_server(server: DiscoveryServer) -> None:
    url = server.openapi.url(APPS)
    answer = requests.get(server.url + url, timeout=10)
    known = url.partition("hash=")[2]
    assert answer.content == server.openapi.documents[APPS]
    assert answer.headers["Etag"] == f'"{known}"'
    assert answer.headers["Cache-Control"] == "public, immutable"
    assert answer.headers["Expires"].endswith(" UTC")
    assert "Content-Encoding" not in answer.headers
    assert requests.get(server.url + url, headers={"If-None-Match": f'"{known}"'}, timeout=10).status_code == 304
    assert "Expires" not in requests.get(server.url + url.partition("?")[0], timeout=10).headers


def test_an_old_hash_is_redirected_to_the_new_one(server: DiscoveryServer) -> None:
    old = server.openapi.url(APPS)
    server.openapi.documents[APPS] = {"openapi": "3.0.0"}
    answer = requests.get(server.url + old, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, server.openapi.url(APPS))
    assert server.openapi.url(APPS) != old


def test_the_index_names_the_hash_of_each_document(server: DiscoveryServer) -> None:
    paths = requests.get(f"{server.url}/openapi/v3", timeout=10).json()["paths"]
    assert paths == {path: {"serverRelativeURL": server.openapi.url(path)} for path in server.openapi.documents}
    server.etags = False
    assert "Etag" not in requests.get(f"{server.url}/openapi/v3", timeout=10).headers
    assert requests.get(f"{server.url}/openapi/v3/apis/none.test/v1", timeout=10).status_code == 404
    server.openapi.documents = {}
    assert requests.get(f"{server.url}/openapi/v3", timeout=10).status_code == 404


def test_the_query_of_a_request_is_kept(server: DiscoveryServer) -> None:
    requests.get(f"{server.url}/openapi/v3?timeout=32s", timeout=10)
    assert server.requests[0].query == "timeout=32s"
