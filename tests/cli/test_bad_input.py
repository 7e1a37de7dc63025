"""Bad input to the command line: one error line that names the URL or file, exit code 1, an unchanged cache."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from cachediscovery.disk.document_store import LOCK_FILE
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran

Run = Callable[..., Ran]

ANSWERS = {
    "401": (Failure(401, "Unauthorized"), "log in again"),
    "403": (Failure(403, "forbidden: no"), "forbidden: no"),
    "429": (Failure(429, "slow", headers=(("Retry-After", "600"),)), "try again in 600 s"),
    "503": (Failure(503), "unable to handle the request"),
    "HTML": (Failure(200, body=b"<!DOCTYPE html><p>log in", content_type="text/html"), "HTML, not JSON"),
    "another kind": (Failure(200, body=b'{"kind":"PodList","items":[]}'), "PodList"),
    "truncated": (Failure(200, body=b'{"kind":"APIGroupList","groups":[{'), "not JSON"),
    "empty": (Failure(200, body=b""), "empty body"),
    "deep": (Failure(200, body=b"[" * 100_000), "not JSON"),
}


def is_one_line(ran: Ran) -> bool:
    return ran.code == 1 and ran.out == "" and ran.err.startswith("error: ") and ran.err.count("\n") == 1


def contents(home: Path) -> dict[Path, bytes]:
    """All files in a home except the lock, whose content changes with each holder."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != LOCK_FILE}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_bad_response_names_its_url_and_leaves_the_cache_unchanged(
    server: DiscoveryServer, cli: Run, home: Path, name: str
) -> None:
    cli("api-resources", server=server)
    before = contents(home)
    failure, message = ANSWERS[name]
    for path in ("/api", "/apis"):
        server.fail(path, failure)
    ran = cli("api-resources", server=server)
    assert is_one_line(ran), ran
    assert message in ran.err
    assert f"{server.url}/api" in ran.err
    assert contents(home) == before
    assert cli("api-resources", "--cached", server=server).code == 0


def test_a_response_over_the_size_limit_is_one_error(server: DiscoveryServer, cli: Run) -> None:
    ran = cli("api-resources", "--max-document-bytes=1000", server=server)
    assert is_one_line(ran), ran
    assert "larger than 1000 bytes" in ran.err


def test_a_request_timeout_is_one_error(server: DiscoveryServer, cli: Run) -> None:
    server.delay = 5
    ran = cli("api-resources", "--request-timeout=300ms", server=server)
    assert is_one_line(ran), ran
    assert "did not answer within 0.3 s" in ran.err


def test_a_refused_connection_is_one_error(cli: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ran = cli("api-resources", "--server", f"http://127.0.0.1:{port}")
    assert is_one_line(ran), ran
    assert f"http://127.0.0.1:{port}/api" in ran.err
    assert "refused" in ran.err


def test_an_untrusted_certificate_is_one_error(tls: ssl.SSLContext, cli: Run, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.crt")
    with DiscoveryServer(tls=tls) as server:
        ran = cli("api-resources", "--server", server.url, "--certificate-authority", str(tmp_path / "other.crt"))
        assert is_one_line(ran), ran
        assert server.url in ran.err
        assert "not trusted" in ran.err


@pytest.mark.parametrize("command", ["api-resources", "api-versions", "server-version", "invalidate", "cache path"])
def test_an_invalid_kubeconfig_is_one_error_that_names_the_file(cli: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "bad").write_text("{ this is not: [yaml")
    ran = cli(*command.split(), KUBECONFIG=str(tmp_path / "bad"))
    assert is_one_line(ran), ran
    assert str(tmp_path / "bad") in ran.err


def test_a_missing_context_is_one_error_that_lists_the_others(
    server: DiscoveryServer, cli: Run, tmp_path: Path
) -> None:
    ran = cli("api-resources", "--context", "nope", server=server)
    assert is_one_line(ran), ran
    assert str(tmp_path / "kubeconfig") in ran.err
    assert "choose one of local" in ran.err


def test_a_missing_configuration_is_one_error(cli: Run) -> None:
    ran = cli("api-resources")
    assert is_one_line(ran), ran
    assert "KUBECONFIG" in ran.err


@pytest.mark.parametrize(
    "line",
    ["nope", "api-resources extra", "api-resources --nope", "api-resources -o xml", "api-resources --sort-by age"]
    + ["api-resources --cache-ttl soon", "api-resources --request-timeout=-1s", "server-version -o name"]
    + ["invalidate a/b/c", "invalidate v1 v2", "api-resources --max-document-bytes=0", "cache", "cache nope"],
)
def test_a_wrong_command_line_is_one_error_and_sends_no_request(server: DiscoveryServer, cli: Run, line: str) -> None:
    ran = cli(*line.split(), server=server)
    assert is_one_line(ran), ran
    assert server.request_count == 0


def test_a_kubeconfig_variable_that_is_not_utf_8_is_one_error(cli: Run) -> None:
    ran = cli("api-resources", KUBECONFIG="/\udcff/config")
    assert is_one_line(ran), ran
