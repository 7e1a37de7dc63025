from __future__ import annotations

import pytest

from cachediscovery.openapi.server_relative_url import hash_of, request_url, server_relative_url

HOST = "https://host:6443"
BASE = f"{HOST}/k8s/c1"


@pytest.mark.parametrize(
    ("server", "url", "asked"),
    [
        (HOST, "/openapi/v3/apis/g.io/v1?hash=A", f"{HOST}/openapi/v3/apis/g.io/v1?hash=A"),
        (HOST, "/openapi/v3/apis/g.io/v1", f"{HOST}/openapi/v3/apis/g.io/v1"),
        (f"{HOST}/", "/openapi/v3/api/v1?hash=A", f"{HOST}/openapi/v3/api/v1?hash=A"),
        (BASE, "/openapi/v3/apis/g.io/v1?hash=A", f"{BASE}/openapi/v3/apis/g.io/v1?hash=A"),
        (f"{BASE}/", "/openapi/v3/apis/g.io/v1?hash=A", f"{BASE}/openapi/v3/apis/g.io/v1?hash=A"),
        (BASE, "/k8s/c1/openapi/v3/apis/g.io/v1?hash=A", f"{BASE}/openapi/v3/apis/g.io/v1?hash=A"),
        (BASE, "/other/place/v1?hash=A", f"{HOST}/other/place/v1?hash=A"),
        (BASE, "/k8s/c1/other/v1?hash=A", f"{BASE}/other/v1?hash=A"),
        (BASE, "/k8s/c1X/openapi/v3/v1?hash=A", f"{HOST}/k8s/c1X/openapi/v3/v1?hash=A"),
        (HOST, "/other/place/v1?hash=A", f"{HOST}/other/place/v1?hash=A"),
        # As Go's url.Values.Encode and path.Join write them, after which kubectl's file is named.
        (HOST, "/v1?zeta=1&hash=A&hash=B&al=%20x%2F+y", f"{HOST}/v1?al=+x%2F+y&hash=A&hash=B&zeta=1"),
        (HOST, "/openapi/v3/apis/g%2eio/v1?hash=%41", f"{HOST}/openapi/v3/apis/g.io/v1?hash=A"),
        (HOST, "/openapi/v3/../v3/apis/g.io/v1?hash=A", f"{HOST}/openapi/v3/apis/g.io/v1?hash=A"),
        (HOST, "/openapi/v3/apis/g.io/v1?hash=A#x", f"{HOST}/openapi/v3/apis/g.io/v1?hash=A"),
        (HOST, "/openapi/v3//apis/g.io/v1/?hash=A", f"{HOST}/openapi/v3/apis/g.io/v1/?hash=A"),
        (HOST, "/openapi/v3/v1?hash=A;b=c", f"{HOST}/openapi/v3/v1"),
        (BASE, "/openapi/v3/../../secrets", f"{HOST}/secrets"),
    ],
)
def test_a_url_of_the_index_is_asked_for_as_client_go_does(server: str, url: str, asked: str) -> None:
    assert request_url(server, server_relative_url(server, url)) == asked


@pytest.mark.parametrize(
    "url",
    ["", "openapi/v3/x", "//evil.test/openapi/v3/x", "https://evil.test/openapi/v3/x", "///evil.test", "\\\\evil"],
)
def test_a_url_of_another_host_is_refused(url: str) -> None:
    assert server_relative_url(HOST, url) == ""


@pytest.mark.parametrize(
    "url",
    ["/\\evil.test/x", "/ /evil.test", "/\t/evil.test/x", "/%2Fevil.test/x", "/@evil.test", "/x\r\nHost: y"],
)
def test_no_url_leaves_the_host(url: str) -> None:
    asked = request_url(BASE, server_relative_url(BASE, url))
    assert asked.startswith(f"{HOST}/")
    assert not asked.startswith(f"{HOST}//")
    assert asked.isprintable()
    assert " " not in asked


def test_the_hash_is_a_parameter_of_the_url() -> None:
    assert hash_of("/x?a=b&hash=C&hash=D") == "C"
    assert hash_of("/x?nohash=C") == hash_of("/x") == ""
