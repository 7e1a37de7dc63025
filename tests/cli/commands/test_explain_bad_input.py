"""`explain` with an index and documents that are of no use: one clear line, exit code 1, and nothing is cached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.disk.response_file import response_path
from cachediscovery.testing import DiscoveryServer
from cachediscovery.testing.failure import Failure

from ...conftest import Ran
from .test_explain import make_things

Run = Callable[..., Ran]

INDEX, DOCUMENT = "/openapi/v3", "/openapi/v3/apis/g.io/v1"
NOT_FOUND = 'error: couldn\'t find resource for "g.io/v1, Resource=things"\n'


@pytest.fixture
def things(server: DiscoveryServer) -> DiscoveryServer:
    make_things(server)
    return server


def cached(server: DiscoveryServer, home: Path) -> list[str]:
    """The files of the cached responses that are not of discovery."""
    root = str(home / ".kube" / "cache")
    discovery = {response_path(root, f"{server.url}{path}") for path in ("/api", "/apis")}
    found = {str(path) for path in home.rglob("http/*")}
    assert discovery <= found
    return sorted(found - discovery)


@pytest.mark.parametrize("path", [INDEX, DOCUMENT])
def test_300_megabytes_are_refused(things: DiscoveryServer, here: Run, home: Path, path: str) -> None:
    # With this header the server does not compress it.
    things.fail(path, Failure(200, headers=(("Expires", "0"),), body=bytes(300 << 20)))
    ran = here("explain things", things)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"{things.url}{path}" in ran.err
    assert "is larger than 67108864 bytes" in ran.err
    # The index is whole.
    assert len(cached(things, home)) == (path == DOCUMENT)
    things.failures.clear()
    assert here("explain things", things).code == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"paths": 3}', b"<html>", b"[" * 100_000])
def test_a_response_that_is_no_index_is_one_line(things: DiscoveryServer, here: Run, home: Path, body: bytes) -> None:
    things.fail(INDEX, Failure(200, body=body))
    ran = here("explain things", things)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(f"error: {things.url}{INDEX} answered with ")
    assert cached(things, home) == []


@pytest.mark.parametrize("written", ["//{host}/x", "{url}" + DOCUMENT, "http://[", "not a url", ""])
def test_an_index_that_leads_to_another_host_is_not_followed(
    things: DiscoveryServer, here: Run, home: Path, written: str
) -> None:
    with DiscoveryServer() as elsewhere:
        make_things(elsewhere)
        url = written.format(host=elsewhere.url.removeprefix("http://"), url=elsewhere.url)
        things.openapi.urls = {"apis/g.io/v1": url}
        ran = here("explain things", things)
        assert elsewhere.paths() == []
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1].startswith("error: ")
    assert len(cached(things, home)) == 1


@pytest.mark.parametrize("url", ["/api/v1", "/nothing", "/../../x?hash=1"])
def test_an_index_that_was_mended_is_used_at_once(things: DiscoveryServer, here: Run, url: str) -> None:
    things.openapi.urls = {"apis/g.io/v1": url}
    ran = here("explain things", things)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    things.openapi.urls = {}
    things.forget_requests()
    assert here("explain things", things).code == 0
    assert things.paths()[-2:] == [INDEX, DOCUMENT]


def test_a_server_without_openapi_v3_is_one_line(things: DiscoveryServer, here: Run, home: Path) -> None:
    things.openapi.documents = {}
    ran = here("explain things", things)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert cached(things, home) == []
    assert things.paths().count(INDEX) == 1


def test_a_group_version_without_a_document_is_kubectls_line(things: DiscoveryServer, here: Run, kubectl: Run) -> None:
    documents = things.openapi.documents
    things.openapi.documents = {path: documents[path] for path in documents if path != "apis/g.io/v1"}
    ran = here("explain things", things)
    assert ran == (1, "", NOT_FOUND)
    assert ran == kubectl("explain", "things", server=things)
