"""What the way through `requests`, retries and credentials must not do: each with a server that would notice."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from cachediscovery import CachedDiscoveryClient, CertificateError, ClientConfig, DiscoveryClient, StatusError
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport import transport as transport_module
from cachediscovery.transport.credentials import Credentials
from cachediscovery.transport.transport import Transport

from ..cache.test_stale_if_error import SEVEN_HOURS, expire
from .servers import get
from .test_credentials import Plugin


@pytest.fixture
def other() -> Iterator[DiscoveryServer]:
    with DiscoveryServer() as server:
        yield server


def test_netrc_is_not_read_on_the_way_through_a_proxy_or_to_another_host(
    server: DiscoveryServer, other: DiscoveryServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = home / ".netrc"
    netrc.write_text("default login jane password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    # The proxy here is a discovery server, which answers whatever the host is.
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


def test_the_environments_proxy_is_used_neither_for_this_machine_nor_for_where_it_redirects_to(
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


def test_where_a_callers_session_is_redirected_to_the_environment_says_nothing(
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


def test_another_host_is_not_expected_to_have_the_api_servers_name(authority: trustme.CA) -> None:
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


def test_the_seconds_of_all_retries_together_are_bounded(
    server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "_MAX_RETRY_SECONDS", 1.5)
    server.fail("/apis", Failure(429, headers=(("Retry-After", "1"),)))
    with pytest.raises(StatusError, match="429"):
        get(server.url)
    assert server.request_count == 2


def test_a_plugin_is_run_again_once_for_a_request_however_many_tokens_are_refused(
    tmp_path: Path, tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    plugin = Plugin(tmp_path)
    plugin.answer(token="TOKEN")
    script = plugin.path.read_text().replace(".read_text())\n", ".read_text().replace('TOKEN', os.urandom(8).hex()))\n")
    # Not without end, if it is run for every 401.
    plugin.path.write_text(script + "sys.exit((folder / 'runs').stat().st_size > 4)\n")
    with DiscoveryServer(tls=tls, token="another") as server:
        config = plugin.config(server.url)._replace(ca_data=authority.cert_pem.bytes())
        with pytest.raises(StatusError, match="401"):
            DiscoveryClient.for_config(config).server_resources_for_group_version("apps/v1")
        assert (plugin.runs, server.request_count) == (2, 2)


def test_what_another_thread_has_renewed_is_not_renewed_again(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    plugin.answer(token="one")
    credentials = Credentials(plugin.config())
    refused = credentials.identity()
    plugin.answer(token="two")
    assert credentials.renew(refused)
    assert credentials.renew(refused), "by then there is another"
    assert plugin.runs == 2


def test_a_server_that_cannot_show_who_it_is_is_not_out_of_reach(
    authority: trustme.CA, tmp_path: Path, port: int
) -> None:
    def client(url: str) -> CachedDiscoveryClient:
        config = ClientConfig(url, ca_data=authority.cert_pem.bytes())
        return CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path), stale_if_error=SEVEN_HOURS)

    with DiscoveryServer(tls=tls_for(authority, "127.0.0.1"), port=port) as server:
        assert client(server.url).server_groups().groups
    expire(tmp_path)
    assert client(server.url).server_groups().groups, "out of reach"
    with DiscoveryServer(tls=tls_for(trustme.CA(), "127.0.0.1"), port=port), pytest.raises(CertificateError):
        client(server.url).server_groups()
