"""Responses other than 200: error messages, retries and redirects."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
import trustme

from cachediscovery import ClientConfig, Impersonation, RequestError, StatusError
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.transport import Transport

from .servers import _client, get


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "log in again"), (403, "rights"), (404, "URL"), (500, "log"), (503, "not ready")]
)
def test_a_status_error_shows_the_servers_message_and_advice(server: DiscoveryServer, status: int, advice: str) -> None:
    server.fail("/apis", Failure(status, "said\nthe \x1b[31mserver"))
    with pytest.raises(StatusError, match=advice) as caught:
        get(server.url)
    assert caught.value.code == status
    assert f"{status}" in str(caught.value)
    assert f"{server.url}/apis: said the [31mserver" in str(caught.value)


def test_retry_after_is_obeyed(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(429, headers=(("Retry-After", "1"),), times=1))
    started = time.monotonic()
    assert get(server.url)
    assert time.monotonic() - started >= 1
    assert server.request_count == 2


def test_a_too_long_retry_after_is_an_error_at_once(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(429, "slow down", headers=(("Retry-After", "3600"),)))
    with pytest.raises(StatusError, match=r"slow down \(try again in 3600 s\)") as caught:
        get(server.url)
    assert caught.value.retry_after == 3600
    assert server.request_count == 1


def test_a_server_that_stays_busy_is_an_error_after_five_requests(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(503, headers=(("Retry-After", "0"),)))
    with pytest.raises(StatusError, match="503"):
        get(server.url)
    assert server.request_count == 5


def test_a_429_without_retry_after_is_not_retried(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(429))
    with pytest.raises(StatusError, match="429"):
        get(server.url)
    assert server.request_count == 1


def test_new_credentials_are_tried_even_after_all_retries(
    tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    with DiscoveryServer(tls=tls, token="new") as server:
        server.fail("/apis", Failure(429, headers=(("Retry-After", "0"),), times=4))

        def renew(path: str) -> None:
            token.write_text("new")

        server.on_request = renew
        config = ClientConfig(server.url, ca_data=authority.cert_pem.bytes(), token_file=str(token))
        assert Transport(config.server, config=config).get("/apis").body


# --- redirects


def _redirect(to: str, status: int = 302) -> Failure:
    return Failure(status, headers=(("Location", to),))


def test_a_redirect_within_the_server_keeps_the_credentials(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    with DiscoveryServer(tls=tls, token="secret") as server:
        server.fail("/api/v1", _redirect("/apis/apps/v1"))
        assert b"deployments" in _client(server, authority).transport.get("/api/v1").body
        assert [request.header("Authorization") for request in server.requests] == ["Bearer secret"] * 2


def test_a_redirect_to_another_host_carries_no_credentials(
    tls: ssl.SSLContext, authority: trustme.CA, server: DiscoveryServer
) -> None:
    with DiscoveryServer(tls=tls) as home, DiscoveryServer(tls=tls) as elsewhere:
        home.fail("/api/v1", _redirect(f"{elsewhere.url}/apis"))
        elsewhere.fail("/apis", _redirect(f"{server.url}/back"))
        server.fail("/back", _redirect(f"{home.url}/apis/apps/v1"))
        certificate = authority.issue_cert("client.test")
        client = _client(
            home,
            authority,
            impersonation=Impersonation("jane", groups=("admins",)),
            client_certificate_data=certificate.cert_chain_pems[0].bytes(),
            client_key_data=certificate.private_key_pem.bytes(),
        )
        assert client.transport.get("/api/v1").body
        assert home.requests[0].header("Authorization") == "Bearer secret"
        for request in (*elsewhere.requests, *server.requests, home.requests[1]):
            assert not request.header("Authorization")
            assert not request.header("Impersonate-User")


def test_endless_redirects_are_an_error(server: DiscoveryServer) -> None:
    server.fail("/apis", _redirect("/apis"))
    with pytest.raises(RequestError, match="redirects too often"):
        get(server.url)


def test_a_redirect_to_a_file_is_an_error(server: DiscoveryServer) -> None:
    server.fail("/apis", _redirect("file:///etc/passwd"))
    with pytest.raises(RequestError, match="redirects to a URL that is not HTTP"):
        get(server.url)


def test_an_error_after_a_redirect_names_the_redirecting_url(server: DiscoveryServer) -> None:
    server.fail("/apis", _redirect("/gone"))
    with pytest.raises(StatusError, match=f"^{server.url}/apis redirects: the server answered 404") as caught:
        get(server.url)
    assert (caught.value.url, caught.value.code) == (f"{server.url}/gone", 404)


@pytest.mark.parametrize("location", ["http:///", "http:gone", "/a\x7fb"])
def test_a_redirect_to_an_invalid_url_is_an_error(server: DiscoveryServer, location: str) -> None:
    server.fail("/apis", _redirect(location))
    with pytest.raises(RequestError, match="not HTTP"):
        get(server.url)
    assert server.request_count == 1
