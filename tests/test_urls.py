from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachediscovery.urls import hostname_of, split_plain


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:6443",
        "http://localhost",
        "https://rancher.example/k8s/clusters/c-1/",
        "https://ABCDEF0123.gr7.eu-central-1.eks.amazonaws.com".lower(),
    ],
)
def test_the_urls_of_api_servers_are_plain(url: str) -> None:
    plain = split_plain(url)
    assert plain is not None
    assert plain.hostname == urlsplit(url).hostname


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a", "https://", "https://a@b", "https://[::1]:6443", "https://a?b", "https://a#b", "https://a/%41",
     "https://A", "https://a:", "https://a:65536", "https://a:0000099999", "https://a:" + "9" * 5000, "https://a:x",
     "https://a b", "https://\u00e9", "https://a:\u0663", "https://a\n", "https://a/\t", "https://a/../b c"],
)  # fmt: skip
def test_what_is_unusual_is_not_plain(url: str) -> None:
    assert split_plain(url) is None


@given(st.from_regex(r"https?://[a-z0-9.@:\[\]%?#A-Z\u00e9 -]{0,8}(/[a-zA-Z0-9.~_/%?# -]{0,8})?", fullmatch=True))
@example("http://a:065535")
@example("http://a:0")
def test_a_plain_url_has_the_parts_that_urllib_sees(url: str) -> None:
    plain = split_plain(url)
    if plain is None:
        return
    parts = urlsplit(url)
    assert plain == (parts.scheme, parts.netloc, parts.hostname, parts.port, parts.path)
    assert (parts.query, parts.fragment, parts.username) == ("", "", None)
    assert hostname_of(url) == parts.hostname


def test_the_host_of_any_url_is_told() -> None:
    assert hostname_of("https://user:password@[::1]:6443/x?y") == "::1"
    assert hostname_of("nothing") == ""
