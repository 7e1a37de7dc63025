"""Limits of sessions, retries and credentials, each tested with a server that would notice a violation."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from cachediscovery import CachedDiscoveryClient, CertificateError, ClientConfig, DiscoveryClient, StatusError
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport import retries
from cachediscovery.transport.credentials import Credentials
from cachediscovery.transport.transport import Transport

from ..cache.test_stale_if_error import SEVEN_HOURS, expire
from .servers import get
from .test_credentials import Plugin


@pytest.fixture
def other() -> Iterator[DiscoveryServer]:
    with DiscoveryServer() as server:
        yield server


def test_netrc_is_not_used_for_a_proxy_or_a_redirect_to_another_host(
    server: DiscoveryServer, other: DiscoveryServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = home / ".netrc"
    netrc.write_text("default login jane password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    # The proxy is a discovery server, which answers for any host.
    server.fail("http://api.test/apis", Failure(200, body=b"{}"))
    config = ClientConfig("http://api.test", proxy_url=server.url)
    transport = Transport(config.server, config=config)
    transport.get("/apis")
    transport.close()
    server.fail("/apis", Failure(302, headers=(("Location", f"{other.url}/apis"),)))
    get(server.url)
    assert server.request_count == 2
    assert other.request_count == 1
    assert [request.header("Authorization") for request in (*server.requests, *other.requests)] == [""] * 3


def test_the_environments_proxy_is_skipped_for_loopback_and_its_redirects(
    server: DiscoveryServer, other: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DiscoveryServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        server.fail("/apis", Failure(302, headers=(("Location", f"{other.url}/apis"),)))
        get(server.url)
        assert (server.request_count, other.request_count, proxy.request_count) == (1, 1, 0)
        proxy.fail("http://api.test/apis", Failure(200, body=b"{}"))
        assert get("http://api.test") == b"{}", "others go through it"
        transport = Transport(server.url, config=ClientConfig(server.url))
        assert transport.ask(f"{server.url}/api", {}).connection is not None, "without requests"
        transport.close()


def test_a_redirect_of_a_callers_session_ignores_the_environments_proxy(
    server: DiscoveryServer, other: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DiscoveryServer() as proxy, requests.Session() as session:
        session.trust_env = False
        monkeypatch.setenv("http_proxy", proxy.url)
        server.fail("/apis", Failure(302, headers=(("Location", f"{other.url}/apis"),)))
        transport = Transport(server.url, session=session)
        transport.get("/apis")
        transport.close()
        assert (server.request_count, other.request_count, proxy.request_count) == (1, 1, 0)


def tls_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls_server_name_does_not_apply_to_a_redirect_to_another_host(authority: trustme.CA) -> None:
    with (
        DiscoveryServer(tls=tls_for(authority, "api.test")) as server,
        DiscoveryServer(tls=tls_for(authority, "127.0.0.1")) as other,
        DiscoveryServer(tls=tls_for(authority, "api.test")) as impostor,
    ):
        config = ClientConfig(server.url, ca_data=authority.cert_pem.bytes(), tls_server_name="api.test")
        transport = Transport(server.url, config=config)
        server.fail("/apis", Failure(302, headers=(("Location", f"{other.url}/apis"),)))
        assert transport.get("/apis").body
        server.fail("/apis", Failure(302, headers=(("Location", f"{impostor.url}/apis"),)))
        with pytest.raises(CertificateError):
            transport.get("/apis")
        transport.close()


def test_the_total_time_of_all_retries_is_bounded(server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_MAX_SECONDS", 1.5)
    server.fail("/apis", Failure(429, headers=(("Retry-After", "1"),)))
    with pytest.raises(StatusError, match="429"):
        get(server.url)
    assert server.request_count == 2


def test_a_plugin_is_rerun_at_most_once_per_request(tmp_path: Path, tls: ssl.SSLContext, authority: trustme.CA) -> None:
    plugin = Plugin(tmp_path)
    plugin.answer(token="TOKEN")
    script = plugin.path.read_text().replace(".read_text())\n", ".read_text().replace('TOKEN', os.urandom(8).hex()))\n")
    # Fails after a few runs, so that the test ends even if every 401 reruns it.
    plugin.path.write_text(script + "sys.exit((folder / 'runs').stat().st_size > 4)\n")
    with DiscoveryServer(tls=tls, token="another") as server:
        config = plugin.config(server.url)._replace(ca_data=authority.cert_pem.bytes())
        with pytest.raises(StatusError, match="401"):
            DiscoveryClient.for_config(config).server_resources_for_group_version("apps/v1")
        assert (plugin.runs, server.request_count) == (2, 2)


def test_a_credential_renewed_by_another_thread_is_not_renewed_again(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    plugin.answer(token="one")
    credentials = Credentials(plugin.config())
    refused = credentials.identity()
    plugin.answer(token="two")
    assert credentials.renew(refused)
    assert credentials.renew(refused), "by then there is another"
    assert plugin.runs == 2


def test_stale_if_error_does_not_apply_to_a_certificate_error(authority: trustme.CA, tmp_path: Path, port: int) -> None:
    def client(url: str) -> CachedDiscoveryClient:
        config = ClientConfig(url, ca_data=authority.cert_pem.bytes())
        return CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path), stale_if_error=SEVEN_HOURS)

    with DiscoveryServer(tls=tls_for(authority, "127.0.0.1"), port=port) as server:
        assert client(server.url).server_groups().groups
    expire(tmp_path)
    assert client(server.url).server_groups().groups, "out of reach"
    with DiscoveryServer(tls=tls_for(trustme.CA(), "127.0.0.1"), port=port), pytest.raises(CertificateError):
        client(server.url).server_groups()
