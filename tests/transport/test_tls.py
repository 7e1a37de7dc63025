"""TLS: which servers are trusted, client certificates, and error messages."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from cachediscovery import (
    CertificateError,
    ClientConfig,
    ConfigError,
    ConfigOverrides,
    CredentialsError,
    DiscoveryClient,
    RequestError,
    load_config,
)
from cachediscovery.testing import DiscoveryServer

from .servers import _client, get


def test_the_configured_ca_is_trusted(tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> None:
    with DiscoveryServer(tls=tls) as server:
        authority.cert_pem.write_to_path(tmp_path / "ca.crt")
        assert _client(server, authority).server_groups().groups
        assert _client(server, authority, ca_data=b"", ca_file=str(tmp_path / "ca.crt")).server_groups().groups


def test_a_ca_bundle_may_contain_non_ascii_comments(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    bundle = "# Főtanúsítvány\n".encode() + authority.cert_pem.bytes()
    with DiscoveryServer(tls=tls) as server:
        assert _client(server, authority, ca_data=bundle).server_groups().groups


def test_an_uppercase_https_scheme_means_tls_and_http_sends_no_token(
    tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    with DiscoveryServer(tls=tls, token="secret") as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig", certificate_authority=str(tmp_path / "ca.crt"))
        authority.cert_pem.write_to_path(tmp_path / "ca.crt")
        kubeconfig.write_text(kubeconfig.read_text().replace("https://", "HTTPS://"))
        config = load_config(ConfigOverrides(kubeconfig=str(kubeconfig)))
        assert config.server == server.url
        assert DiscoveryClient.for_config(config).server_groups().groups
    assert ClientConfig("HTTPS://127.0.0.1").has_tls
    with DiscoveryServer() as server:
        DiscoveryClient.for_config(ClientConfig(server.url, token="secret")).server_groups()
        assert {request.header("Authorization") for request in server.requests} == {""}


def test_no_other_ca_is_trusted(
    tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "ca.crt"))
    with DiscoveryServer(tls=tls) as server:
        other = trustme.CA().cert_pem.bytes()
        for trust in (other, b""):
            with pytest.raises(CertificateError, match="not trusted.*check certificate-authority"):
                _client(server, authority, ca_data=trust).server_groups()
        assert server.request_count == 0


def test_a_certificate_for_another_name_requires_tls_server_name(
    authority: trustme.CA,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.test").configure_cert(context)
    with DiscoveryServer(tls=context) as server:
        with pytest.raises(CertificateError, match="another name.*tls-server-name"):
            _client(server, authority).server_groups()
        assert _client(server, authority, tls_server_name="api.test").server_groups().groups


def test_insecure_skips_certificate_checks_without_a_warning(
    tls: ssl.SSLContext, recwarn: pytest.WarningsRecorder
) -> None:
    with DiscoveryServer(tls=tls) as server:
        config = ClientConfig(server.url, insecure_skip_tls_verify=True)
        assert DiscoveryClient.for_config(config).server_groups().groups
    assert not recwarn.list


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_url_with_the_wrong_scheme_is_an_error(tls: ssl.SSLContext, server: DiscoveryServer, scheme: str) -> None:
    with DiscoveryServer(tls=tls) as secure:
        url = (server if scheme == "https" else secure).url.partition("://")[2]
        with pytest.raises(RequestError) as caught:
            get(f"{scheme}://{url}")
        if scheme == "https":
            assert "does not speak TLS" in str(caught.value)


def test_a_client_certificate_is_sent_and_its_key_leaves_no_file(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate = authority.issue_cert("client.test")
    pem, key = certificate.cert_chain_pems[0], certificate.private_key_pem
    pem.write_to_path(tmp_path / "client.crt")
    key.write_to_path(tmp_path / "client.key")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with DiscoveryServer(tls=context) as server:
        by_data = {"client_certificate_data": pem.bytes(), "client_key_data": key.bytes()}
        by_file = {
            "client_certificate_file": str(tmp_path / "client.crt"),
            "client_key_file": str(tmp_path / "client.key"),
        }
        for identity in (by_data, by_file):
            assert _client(server, authority, token="", **identity).server_groups().groups
        with pytest.raises(RequestError):
            _client(server, authority, token="").server_groups()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ca_data": b"nonsense"}, ConfigError, "no usable certificate"),
        ({"ca_file": "/nonexistent/ca.crt", "ca_data": b""}, ConfigError, "/nonexistent/ca.crt cannot be read"),
        ({"client_certificate_data": b"x", "client_key_data": b"y"}, CredentialsError, "cannot be used"),
        ({"client_key_file": "/nonexistent/key"}, ConfigError, "client-key /nonexistent/key cannot be read"),
    ],
)
def test_unusable_key_material_is_named_in_the_error(
    tls: ssl.SSLContext, authority: trustme.CA, change: dict[str, object], error: type[Exception], message: str
) -> None:
    with DiscoveryServer(tls=tls) as server, pytest.raises(error, match=message):
        _client(server, authority, **change).server_groups()
