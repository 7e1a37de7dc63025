"""The index behind the command line: with any flags, the output is the same as from the documents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.index.index_file import INDEX_FILE
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, Ran

Run = Callable[..., Ran]
LISTINGS = [
    "api-resources --cached",
    "api-resources --cached -o wide",
    "api-resources --cached -o name",
    "api-resources --cached -o json",
    "api-resources --cached -o yaml",
    "api-resources --cached --sort-by=kind",
    "api-resources --cached --sort-by=name -o wide",
    "api-resources --cached --context local",
    "api-resources --cached --api-group apps -o json",
    "api-resources --cached --api-group= --no-headers",
    "api-resources --cached --namespaced=false --no-headers",
    "api-resources --cached --verbs list,watch -o name",
    "api-resources --cached --categories all",
    "api-resources --cached --verbs=nothing",
]
LOOKUPS = [
    "api-versions --cached",
    "resolve deploy",
    "resolve deploy -o json -n shop",
    "resolve deploy,po --context local --no-headers",
    "resolve pods Deployment certificates.cert-manager vm.v1alpha3.kubevirt.io hpa -o name",
    "resolve all",
    "resolve all -o json",
]
MISSES = ["resolve HPA -o name", "resolve nothing", "resolve deploymnet deploy", "resolve pods/log"]
COUNT = """
import sys
opened = []
def hook(event, arguments):
    if event == "open" and ".kube" in str(arguments[0]):
        opened.append(str(arguments[0]))
sys.addaudithook(hook)
from cachediscovery.cli.main import main
code = main(sys.argv[1:])
print(*opened, sep="\\n", file=sys.stderr)
sys.exit(code)
"""


def index_of(home: Path) -> Path:
    (found,) = (home / ".kube" / "cache").rglob(INDEX_FILE)
    return found


@pytest.fixture
def warm(server: DiscoveryServer, cli: Run) -> DiscoveryServer:
    cli("api-resources", server=server)
    server.forget_requests()
    return server


@pytest.mark.parametrize("line", [*LISTINGS, *LOOKUPS, *MISSES])
def test_output_is_the_same_with_and_without_the_index(warm: DiscoveryServer, cli: Run, home: Path, line: str) -> None:
    with_index = cli(*line.split(), server=warm)
    assert with_index.out or with_index.err
    index_of(home).unlink()
    assert cli(*line.split(), server=warm) == with_index


@pytest.mark.parametrize("line", LISTINGS)
def test_a_listing_equals_kubectls_byte_for_byte(warm: DiscoveryServer, cli: Run, kubectl: Run, line: str) -> None:
    assert cli(*line.split(), server=warm) == kubectl(*line.split(), server=warm)


@pytest.mark.parametrize("line", [*LISTINGS, *LOOKUPS])
def test_a_warm_command_opens_two_files(
    warm: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path, line: str
) -> None:
    # Each named context has its own remembered cluster.
    cli(*line.split(), server=warm)
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    command = [sys.executable, "-c", COUNT, *line.split()]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    opened = [os.path.basename(path) for path in ran.stderr.split()]
    assert len(opened) == 2
    assert opened[0].startswith("server-")
    assert opened[1] == INDEX_FILE
    assert warm.request_count == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="counts system calls: install strace to run it")
def test_a_warm_command_makes_few_system_calls(
    warm: DiscoveryServer, cli: Run, environ: dict[str, str], home: Path, tmp_path: Path
) -> None:
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")

    def calls(*command: str) -> int:
        counts = tmp_path / "counts"
        traced = ["strace", "-f", "-c", "-o", str(counts), sys.executable, *command]
        subprocess.run(traced, env=environ, check=True, stdout=subprocess.DEVNULL)
        return int(re.findall(r"(\d+)(?:\s+\d+)? total$", counts.read_text(), re.MULTILINE)[0])

    plain = "import sys; from cachediscovery.cli.main import main; sys.exit(main(sys.argv[1:]))"
    # The first run compiles the modules, as an installation does.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    calls("-c", plain, "resolve", "deploy")
    # One stat for each of the 40 documents; the rest is the import of about fifteen modules.
    assert calls("-c", plain, "resolve", "deploy") - calls("-c", "pass") < 40 + 450


def test_a_document_rewritten_by_kubectl_invalidates_the_index(warm: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    assert "widgets" not in cli("api-resources", "--cached", server=warm).out
    kubectl("api-resources", server=warm)
    warm.forget_requests()
    assert "widgets" in cli("api-resources", "--cached", server=warm).out
    assert cli("resolve", "widget", server=warm).code == 0
    assert cli("api-resources", "--cached", server=warm) == kubectl("api-resources", "--cached", server=warm)
    assert warm.request_count == 0


def test_a_removed_document_invalidates_the_index(warm: DiscoveryServer, cli: Run) -> None:
    cli("invalidate", "apps/v1", server=warm)
    cli("resolve", "deploy", server=warm)
    assert warm.paths() == ["/apis/apps/v1"]
    cli("resolve", "deploy", server=warm)
    assert warm.paths() == ["/apis/apps/v1"], "there is an index again"


def test_expired_documents_are_not_read_from_the_index(warm: DiscoveryServer, cli: Run, home: Path) -> None:
    for path in index_of(home).parent.rglob("server*.json"):
        os.utime(path, (time.time() - 6 * 3600 - 60,) * 2)
    # With a longer TTL these documents are fresh, and an index is written for them.
    assert "deployments" in cli("api-resources", "--cached", "--cache-ttl=100h", server=warm).out
    warm.forget_requests()
    cli("api-resources", "--cached", server=warm)
    assert sorted(warm.paths()) == ["/api", "/apis"]


def test_a_document_edited_in_place_invalidates_the_index(warm: DiscoveryServer, cli: Run, home: Path) -> None:
    (document,) = index_of(home).parent.glob("apps/v1/*.json")
    before = document.stat()
    document.write_bytes(document.read_bytes().replace(b"deployments", b"deploymentz"))
    os.utime(document, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert document.stat().st_size == before.st_size
    assert "deploymentz" in cli("api-resources", "--cached", server=warm).out


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"deployments", b"deploymentz"),
        lambda data: b"cachediscovery index 2" + data[22:],
        lambda data: bytes(range(256)),
    ],
)
def test_a_truncated_or_changed_index_is_not_used(
    warm: DiscoveryServer, cli: Run, home: Path, damage: Callable[[bytes], bytes]
) -> None:
    expected = cli("api-resources", "--cached", server=warm)
    index_of(home).write_bytes(damage(index_of(home).read_bytes()))
    assert cli("api-resources", "--cached", server=warm) == expected
    assert warm.request_count == 0


def test_an_index_in_a_world_writable_folder_is_not_used(warm: DiscoveryServer, cli: Run, home: Path) -> None:
    index_of(home).parent.chmod(0o777)
    ran = cli("api-resources", "--cached", server=warm)
    assert "can be written by everybody" in ran.err
    assert sorted(warm.paths()) == ["/api", "/apis"]


def test_a_changed_kubeconfig_resolves_names_in_its_own_cluster(warm: DiscoveryServer, cli: Run) -> None:
    cli("resolve", "vm", server=warm)
    with DiscoveryServer() as other:
        other.recording.remove_group("kubevirt.io")
        assert cli("resolve", "virtualmachine", server=other).code == 1


def test_the_ttl_environment_variable_applies_to_the_index(warm: DiscoveryServer, cli: Run) -> None:
    cli("api-resources", "--cached", server=warm, CACHEDISCOVERY_TTL="0")
    assert warm.request_count == 2
