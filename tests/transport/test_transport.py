from __future__ import annotations

import gzip
import logging
import socket
import time

import pytest

from cachediscovery import (
    ClientConfig,
    DiscoveryClient,
    Impersonation,
    InvalidDocument,
    RequestError,
    RequestTimeout,
    StatusError,
)
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.transport import Transport

from .servers import OK, get, raw_server


def test_a_complete_response_is_returned() -> None:
    with raw_server(lambda connection: connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")) as url:
        assert get(url) == b"{}"


def test_a_refused_connection_names_the_url_and_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        RequestError, match=rf"http://127.0.0.1:{port}/apis was refused: is this the right host and port"
    ):
        get(f"http://127.0.0.1:{port}")


def test_an_unknown_host_has_its_own_error_message() -> None:
    with pytest.raises(RequestError, match="no address found"):
        get("http://nothing.invalid:6443")


def test_a_server_that_never_answers_times_out() -> None:
    with raw_server(lambda connection: time.sleep(5)) as url, pytest.raises(RequestTimeout, match=r"within 0\.3 s"):
        get(url, read_timeout=0.3)


def test_a_slow_response_times_out_as_a_whole() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    started = time.monotonic()
    with raw_server(drip) as url, pytest.raises(RequestTimeout):
        get(url, read_timeout=0.4)
    assert time.monotonic() - started < 5


def test_a_connection_attempt_times_out() -> None:
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
def test_a_connection_dropped_at_any_byte_is_an_error(answer: bytes) -> None:
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


def test_a_response_that_is_not_http_is_an_error() -> None:
    with (
        raw_server(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")) as url,
        pytest.raises(RequestError),
    ):
        get(url)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_document_larger_than_the_limit_is_refused(compressed: bool) -> None:
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


# --- identity


def test_each_impersonated_group_is_sent_as_a_separate_header(server: DiscoveryServer) -> None:
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


def test_no_secret_reaches_a_message_or_a_log(server: DiscoveryServer, caplog: pytest.LogCaptureFixture) -> None:
    server.fail("/apis", Failure(503))
    url = server.url.replace("://", "://jane:secret@")
    with caplog.at_level(logging.DEBUG, "cachediscovery"), pytest.raises(StatusError) as caught:
        get(url)
    assert "secret" not in str(caught.value) + caught.value.url + caplog.text


# --- proxies


def test_a_kubeconfigs_proxy_is_used_even_for_the_loopback_interface(server: DiscoveryServer) -> None:
    """The proxy is a discovery server, which answers for any host."""
    server.fail("http://127.0.0.1:1/apis", Failure(200, body=b"{}"))
    url = "http://127.0.0.1:1"
    transport = Transport(url, config=ClientConfig(url, proxy_url=server.url))
    assert transport.get("/apis").body == b"{}"


def test_a_failing_proxy_is_named_in_the_error(server: DiscoveryServer) -> None:
    config = ClientConfig("https://127.0.0.1:1", proxy_url="http://127.0.0.1:1")
    with pytest.raises(RequestError, match="proxy"):
        Transport(config.server, config=config).get("/apis")
