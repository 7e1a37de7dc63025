from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer, Failure

from ...cache.test_stale_if_error import expire
from ...conftest import Ran

Run = Callable[..., Ran]

FORMATS = [
    "",
    "-o wide",
    "-o name",
    "-o json",
    "-o yaml",
    "--no-headers",
    "--no-headers -o wide",
    "--sort-by name",
    "--sort-by=kind -o wide",
    "--namespaced",
    "--namespaced=false -o name",
    "--namespaced=true --api-group apps",
    "--api-group= -o wide",
    "--api-group cert-manager.io -o yaml",
    "--verbs get,list --verbs watch",
    "--verbs nothing",
    "--categories all -o name",
    "--categories all,nothing -o json",
    "--categories cert-manager -o yaml",
    "--api-group nope",
    "--api-group nope -o json",
    "--api-group nope -o yaml",
    "--api-group nope -o name",
]


@pytest.fixture(params=[True, False], ids=["aggregated", "legacy"])
def either(request: pytest.FixtureRequest) -> Iterator[DiscoveryServer]:
    with DiscoveryServer(aggregated=request.param) as running:
        yield running


def test_every_output_format_equals_kubectls_byte_for_byte(either: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    cli("api-resources", server=either)
    either.forget_requests()
    for flags in FORMATS:
        mine = cli("api-resources", "--cached", *flags.split(), server=either)
        theirs = kubectl("api-resources", "--cached", *flags.split(), server=either)
        assert (mine.out, mine.code, mine.err) == (theirs.out, theirs.code, theirs.err), flags
        assert mine.out or "-o name" in flags
    assert either.request_count == 0, "neither asks the server: kubectl reads what we wrote"


def test_a_cache_written_by_kubectl_is_read(either: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    theirs = kubectl("api-resources", server=either)
    either.forget_requests()
    mine = cli("api-resources", "--cached", server=either)
    assert mine == theirs
    assert either.request_count == 0


def test_our_files_are_kubectls_byte_for_byte(
    either: DiscoveryServer, cli: Run, kubectl: Run, home: Path, tmp_path: Path
) -> None:
    cli("api-resources", server=either)
    kubectl("api-resources", "--cache-dir", str(tmp_path / "theirs"), server=either)
    (mine,), (theirs,) = (home / ".kube/cache/discovery").iterdir(), (tmp_path / "theirs/discovery").iterdir()
    documents = sorted(path.relative_to(theirs) for path in theirs.rglob("*.json"))
    assert sorted(path.relative_to(mine) for path in mine.rglob("*.json")) == documents
    assert len(documents) == 40
    for document in documents:
        assert (mine / document).read_bytes() == (theirs / document).read_bytes(), document


def test_without_the_cached_flag_every_run_sends_requests(server: DiscoveryServer, cli: Run) -> None:
    for _ in range(2):
        server.forget_requests()
        assert cli("api-resources", server=server).code == 0
        assert sorted(server.paths()) == ["/api", "/apis"]


def test_api_versions_equals_kubectls_output(either: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    assert cli("api-versions", server=either) == kubectl("api-versions", server=either)


def test_api_versions_omits_a_stale_group_version_as_kubectl_does(
    server: DiscoveryServer, cli: Run, kubectl: Run
) -> None:
    server.recording.mark_stale("batch/v1")
    mine = cli("api-versions", server=server)
    assert mine == kubectl("api-versions", server=server)
    assert "batch/v1" not in mine.out
    assert "apps/v1" in mine.out


def test_a_stale_group_version_is_reported_though_kubectl_is_silent(
    server: DiscoveryServer, cli: Run, kubectl: Run
) -> None:
    server.recording.mark_stale("batch/v1")
    theirs = kubectl("api-resources", server=server)
    assert (theirs.code, theirs.err) == (0, "")
    for flags in ([], ["--cached"]):
        mine = cli("api-resources", *flags, server=server, KUBECACHEDIR="")
        assert mine.code == 1
        assert mine.out == theirs.out
    err = (
        "error: unable to retrieve the complete list of server APIs: batch/v1: stale GroupVersion discovery: batch/v1\n"
    )
    assert cli("api-resources", server=server).err == err


def test_a_failed_group_version_prints_the_others_and_exits_with_1(
    legacy_server: DiscoveryServer, cli: Run, kubectl: Run
) -> None:
    legacy_server.fail("/apis/batch/v1", Failure(503))
    mine, theirs = cli("api-resources", server=legacy_server), kubectl("api-resources", server=legacy_server)
    assert (mine.code, mine.out) == (theirs.code, theirs.out) == (1, mine.out)
    assert "deployments" in mine.out
    assert "batch/v1" in mine.err


def test_groups_with_unsafe_names_are_ignored_with_a_warning(server: DiscoveryServer, cli: Run, home: Path) -> None:
    honest = cli("api-resources", server=server).out
    resources = [{"name": "xs", "singularName": "x", "namespaced": True, "kind": "X", "verbs": ["get"]}]
    for name in ("../../x", "/etc/x", "a/b/c", "bell\x07"):
        server.recording.add_group(name, {"v1": resources})
    before = {path for path in home.rglob("*") if path.is_file()}
    mine = cli("api-resources", server=server)
    assert (mine.code, mine.out) == (0, honest)
    assert mine.err.count("Warning: ignoring the API group") == 4
    assert "\x07" not in mine.err
    assert {path for path in home.rglob("*") if path.is_file()} == before
    assert cli("api-resources", "--cached", server=server) == (0, honest, "")


def test_verbose_shows_requests_misses_and_hits(server: DiscoveryServer, cli: Run, home: Path) -> None:
    cold = cli("api-resources", "--cached", "-v", server=server)
    assert f"GET {server.url}/apis 200" in cold.err
    warm = cli("api-resources", "--cached", "-v", "2", server=server)
    assert warm.err.count("cache hit: the index of ") == 1
    assert "GET" not in warm.err
    for index in home.rglob(".cachediscovery.index"):
        index.unlink()
    assert cli("api-resources", "--cached", "-v2", server=server).err.count("cache hit: ") == 40
    assert "cache miss" in cli("api-resources", "--cached", "-v=2", "--cache-ttl=0s", server=server).err


def test_the_ttl_can_be_set_by_flag_and_environment(server: DiscoveryServer, cli: Run, home: Path) -> None:
    cli("api-resources", "--cached", server=server)
    expire(home, 1)
    server.forget_requests()
    cli("api-resources", "--cached", server=server, CACHEDISCOVERY_TTL="50ms")
    assert server.request_count == 2
    cli("api-resources", "--cached", "--cache-ttl=1h", server=server, CACHEDISCOVERY_TTL="0")
    assert server.request_count == 2
    cli("api-resources", "--cached", "--cache-ttl=0", server=server)
    assert server.request_count == 4
    bad = cli("api-resources", "--cached", server=server, CACHEDISCOVERY_TTL="soon")
    assert bad.code == 1
    assert "$CACHEDISCOVERY_TTL: 'soon' is not a duration" in bad.err


def test_a_terminal_sees_progress_and_a_pipe_does_not(environ: dict[str, str], tmp_path: Path) -> None:
    with DiscoveryServer(delay=1.2) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        command = [sys.executable, "-m", "cachediscovery", "api-resources", "--kubeconfig", str(kubeconfig)]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
        shown = os.read(ours, 1 << 16).decode()
        os.close(ours)
        assert f"Asking {server.url} what it serves" in shown
        assert shown.endswith("\r\x1b[K")
        assert out.startswith(b"NAME")
        piped = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
        assert piped.stderr == b""


def test_a_closed_pipe_causes_no_traceback(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> None:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    command = f"{sys.executable} -m cachediscovery api-resources -o json --kubeconfig {kubeconfig} | true"
    ran = subprocess.run(command, shell=True, env=environ, capture_output=True, timeout=60, check=True)
    assert ran.stderr == b""


def test_an_interrupt_exits_at_once_without_a_traceback(environ: dict[str, str], tmp_path: Path) -> None:
    with DiscoveryServer() as server:
        begun, over = threading.Event(), threading.Event()
        server.on_request = lambda _: (begun.set(), over.wait(120), None)[2]
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        command = [sys.executable, "-m", "cachediscovery", "api-resources", "--kubeconfig", str(kubeconfig)]
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert begun.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
        over.set()
    assert process.returncode == 130
    assert err == b""
