from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    Impersonation,
    InvalidDocument,
    RequestError,
    RequestTimeout,
    StatusError,
    TransportOptions,
    load_config,
)
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.transport import Transport

Answer = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(answer: Answer) -> Iterator[str]:
    """A TCP server that hands each connection, once its request has been read, to `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            try:
                answer(connection)
            except OSError:
                pass

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        # Wakes accept(), which close() alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def get(url: str, path: str = "/apis", **options: float) -> bytes:
    transport = Transport.for_config(ClientConfig(url), TransportOptions()._replace(**options))
    try:
        return transport.get(path).body
    finally:
        transport.close()


def test_a_whole_answer_is_returned() -> None:
    with raw_server(lambda connection: connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")) as url:
        assert get(url) == b"{}"


def test_a_refused_connection_names_the_url_and_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        RequestError, match=rf"http://127.0.0.1:{port}/apis was refused: is this the right host and port"
    ):
        get(f"http://127.0.0.1:{port}")


def test_an_unknown_host_is_told_from_an_unreachable_one() -> None:
    with pytest.raises(RequestError, match="no address found"):
        get("http://nothing.invalid:6443")


def test_a_server_that_never_answers_times_out() -> None:
    with raw_server(lambda connection: time.sleep(5)) as url, pytest.raises(RequestTimeout, match=r"within 0\.3 s"):
        get(url, read_timeout=0.3)


def test_an_answer_without_end_times_out_as_a_whole() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    started = time.monotonic()
    with raw_server(drip) as url, pytest.raises(RequestTimeout):
        get(url, read_timeout=0.4)
    assert time.monotonic() - started < 5


def test_a_connection_that_is_not_made_times_out() -> None:
    # A full backlog: the kernel leaves further connections unanswered.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        with pytest.raises(RequestTimeout, match=r"no connection to .* within 0\.3 s"):
            get(f"http://127.0.0.1:{address[1]}", connect_timeout=0.3)
        for one in waiting:
            one.close()


BODY = b'{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[]}'
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED], ids=["with a length", "chunked"])
def test_a_drop_at_any_byte_is_an_error_and_never_a_part(answer: bytes) -> None:
    cut = 0
    with raw_server(lambda connection: connection.sendall(answer[:cut])) as url:
        client = DiscoveryClient.for_config(ClientConfig(url))
        for cut in range(len(answer) - len(b"\r\n0\r\n\r\n")):  # noqa: B007 - the server reads it
            with pytest.raises(RequestError) as caught:
                client.server_resources_for_group_version("apps/v1")
            assert url in str(caught.value)
            assert "\n" not in str(caught.value)
        cut = len(answer)
        assert client.server_resources_for_group_version("apps/v1").resources == ()


def test_a_reset_connection_is_an_error() -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()

    with raw_server(reset) as url, pytest.raises(RequestError, match="failed: Connection reset by peer"):
        get(url)


def test_what_is_no_http_is_an_error() -> None:
    with (
        raw_server(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")) as url,
        pytest.raises(RequestError),
    ):
        get(url)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_document_larger_than_the_bound_is_refused(compressed: bool) -> None:
    body = b" " * 3_000_000
    headers = b""
    if compressed:
        body, headers = gzip.compress(body), b"Content-Encoding: gzip\r\n"

    def send(connection: socket.socket) -> None:
        connection.sendall(OK + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    with raw_server(send) as url:
        with pytest.raises(InvalidDocument, match="larger than 1000000 bytes: raise max_document_bytes"):
            get(url, max_document_bytes=1_000_000)
        assert len(get(url)) == 3_000_000


def test_broken_compression_is_an_error() -> None:
    answer = OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    with raw_server(lambda connection: connection.sendall(answer)) as url, pytest.raises(RequestError):
        get(url)


# --- statuses


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "log in again"), (403, "rights"), (404, "URL"), (500, "log"), (503, "not ready")]
)
def test_a_status_shows_the_servers_message_and_what_to_do(server: DiscoveryServer, status: int, advice: str) -> None:
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


def test_a_retry_after_that_is_too_long_is_told_at_once(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(429, "slow down", headers=(("Retry-After", "3600"),)))
    with pytest.raises(StatusError, match=r"slow down \(try again in 3600 s\)") as caught:
        get(server.url)
    assert caught.value.retry_after == 3600
    assert server.request_count == 1


def test_a_server_that_is_always_busy_is_an_error_in_the_end(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(503, headers=(("Retry-After", "0"),)))
    with pytest.raises(StatusError, match="503"):
        get(server.url)
    assert server.request_count == 5


def test_a_429_without_retry_after_is_not_retried(server: DiscoveryServer) -> None:
    server.fail("/apis", Failure(429))
    with pytest.raises(StatusError, match="429"):
        get(server.url)
    assert server.request_count == 1


# --- redirects


def _redirect(to: str, status: int = 302) -> Failure:
    return Failure(status, headers=(("Location", to),))


def _client(server: DiscoveryServer, authority: trustme.CA, **more: object) -> DiscoveryClient:
    config = ClientConfig(server.url, ca_data=authority.cert_pem.bytes(), token="secret")._replace(**more)  # type: ignore[arg-type]
    return DiscoveryClient.for_config(config)


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


def test_redirects_without_end_are_an_error(server: DiscoveryServer) -> None:
    server.fail("/apis", _redirect("/apis"))
    with pytest.raises(RequestError, match="without end"):
        get(server.url)


def test_a_redirect_to_a_file_is_an_error(server: DiscoveryServer) -> None:
    server.fail("/apis", _redirect("file:///etc/passwd"))
    with pytest.raises(RequestError, match="not HTTP"):
        get(server.url)


# --- TLS


def test_the_configured_authority_is_trusted(tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> None:
    with DiscoveryServer(tls=tls) as server:
        authority.cert_pem.write_to_path(tmp_path / "ca.crt")
        assert _client(server, authority).server_groups().groups
        assert _client(server, authority, ca_data=b"", ca_file=str(tmp_path / "ca.crt")).server_groups().groups


def test_a_bundle_of_authorities_may_have_comments_in_any_language(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    bundle = "# Főtanúsítvány\n".encode() + authority.cert_pem.bytes()
    with DiscoveryServer(tls=tls) as server:
        assert _client(server, authority, ca_data=bundle).server_groups().groups


def test_a_scheme_in_capitals_is_tls_as_well_and_without_tls_no_token_is_sent(
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


def test_new_credentials_after_all_the_retries_are_still_tried(
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
        assert Transport.for_config(config).get("/apis").body


def test_no_other_authority_is_trusted(
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


def test_a_certificate_for_another_name_is_refused_unless_that_is_the_configured_name(
    authority: trustme.CA,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.test").configure_cert(context)
    with DiscoveryServer(tls=context) as server:
        with pytest.raises(CertificateError, match="another name.*tls-server-name"):
            _client(server, authority).server_groups()
        assert _client(server, authority, tls_server_name="api.test").server_groups().groups


def test_insecure_asks_for_no_certificate_and_says_nothing(
    tls: ssl.SSLContext, recwarn: pytest.WarningsRecorder
) -> None:
    with DiscoveryServer(tls=tls) as server:
        config = ClientConfig(server.url, insecure_skip_tls_verify=True)
        assert DiscoveryClient.for_config(config).server_groups().groups
    assert not recwarn.list


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_wrong_scheme_is_named(tls: ssl.SSLContext, server: DiscoveryServer, scheme: str) -> None:
    with DiscoveryServer(tls=tls) as secure:
        url = (server if scheme == "https" else secure).url.partition("://")[2]
        with pytest.raises(RequestError) as caught:
            get(f"{scheme}://{url}")
        if scheme == "https":
            assert "does not speak TLS" in str(caught.value)


def test_a_client_certificate_is_shown_and_its_key_leaves_no_file(
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
def test_key_material_that_cannot_be_used_is_named(
    tls: ssl.SSLContext, authority: trustme.CA, change: dict[str, object], error: type[Exception], message: str
) -> None:
    with DiscoveryServer(tls=tls) as server, pytest.raises(error, match=message):
        _client(server, authority, **change).server_groups()


# --- identity


def test_every_impersonated_group_is_a_header_line_of_its_own(server: DiscoveryServer) -> None:
    impersonation = Impersonation("jane", "42", ("a", "b"), (("Scopes/x", "1"), ("Scopes/x", "2")))
    DiscoveryClient.for_config(ClientConfig(server.url, impersonation=impersonation)).server_groups()
    sent = [(name, value) for name, value in server.requests[0].headers if name.startswith("Impersonate-")]
    assert sent == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes%2Fx", "1"),
        ("Impersonate-Extra-scopes%2Fx", "2"),
    ]


def test_netrc_is_not_read(server: DiscoveryServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login jane password secret\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    get(server.url)
    assert not server.requests[0].header("Authorization")


def test_no_secret_reaches_a_message_or_a_log(server: DiscoveryServer, caplog: pytest.LogCaptureFixture) -> None:
    server.fail("/apis", Failure(503))
    url = server.url.replace("://", "://jane:secret@")
    with caplog.at_level(logging.DEBUG, "cachediscovery"), pytest.raises(StatusError) as caught:
        get(url)
    assert "secret" not in str(caught.value) + caught.value.url + caplog.text


# --- proxies


def test_a_kubeconfigs_proxy_is_used_even_for_the_loopback_interface(server: DiscoveryServer) -> None:
    """The proxy here is a discovery server, which answers whatever the host is."""
    server.fail("http://127.0.0.1:1/apis", Failure(200, body=b"{}"))
    transport = Transport.for_config(ClientConfig("http://127.0.0.1:1", proxy_url=server.url))
    assert transport.get("/apis").body == b"{}"


def test_the_environments_proxy_is_not_used_for_the_loopback_interface(
    server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(server.url)


def test_a_proxy_that_fails_is_named_as_such(server: DiscoveryServer) -> None:
    config = ClientConfig("https://127.0.0.1:1", proxy_url="http://127.0.0.1:1")
    with pytest.raises(RequestError, match="proxy"):
        Transport.for_config(config).get("/apis")
