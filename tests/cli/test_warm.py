"""The index: the same answers as without it, and never one that the documents do not give."""

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
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.disk.index import INDEX_FILE, encode_index, read_index
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, Ran

Run = Callable[..., Ran]
PLAIN = [
    "api-resources --cached",
    "api-resources --cached -o wide",
    "api-resources -o name --cached",
    "resolve deploy",
    "resolve pods Deployment certificates.cert-manager vm.v1alpha3.kubevirt.io HPA -o name",
    "resolve nothing",
    "resolve all",
    "resolve deploymnet deploy",
    "resolve pods/log",
]
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


@pytest.mark.parametrize("line", PLAIN)
def test_with_and_without_the_index_the_answer_is_the_same(
    warm: DiscoveryServer, cli: Run, home: Path, line: str
) -> None:
    with_index = cli(*line.split(), server=warm)
    assert with_index.out or with_index.err
    # A flag that changes nothing, and that the plain cases do not know.
    assert cli(*line.split(), "--cache-ttl=6h", server=warm) == with_index
    index_of(home).unlink()
    assert cli(*line.split(), "--cache-ttl=6h", server=warm) == with_index


@pytest.mark.parametrize("line", ["api-resources --cached", "resolve deploy", "resolve pods vm ns"])
def test_a_plain_case_opens_two_files(
    warm: DiscoveryServer, environ: dict[str, str], home: Path, tmp_path: Path, line: str
) -> None:
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    command = [sys.executable, "-c", COUNT, *line.split()]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    opened = [os.path.basename(path) for path in ran.stderr.split()]
    assert len(opened) == 2
    assert opened[0].startswith("server-")
    assert opened[1] == INDEX_FILE
    assert warm.request_count == 0
    read = sum(os.path.getsize(path) for path in ran.stderr.split())
    documents = sum(path.stat().st_size for path in (home / ".kube").rglob("server*.json"))
    assert read < documents / 2, "the index leaves out what no plain case needs"


@pytest.mark.skipif(shutil.which("strace") is None, reason="counts system calls: install strace to run it")
def test_a_plain_case_makes_few_system_calls(
    warm: DiscoveryServer, cli: Run, environ: dict[str, str], home: Path, tmp_path: Path
) -> None:
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")

    def calls(*command: str) -> int:
        counts = tmp_path / "counts"
        traced = ["strace", "-f", "-c", "-o", str(counts), sys.executable, *command]
        subprocess.run(traced, env=environ, check=True, stdout=subprocess.DEVNULL)
        return int(re.findall(r"(\d+)(?:\s+\d+)? total$", counts.read_text(), re.MULTILINE)[0])

    plain = "import sys; from cachediscovery.cli.main import main; sys.exit(main(sys.argv[1:]))"
    # One look at each of the 40 documents; the rest is the import of some fifteen modules.
    assert calls("-c", plain, "resolve", "deploy") - calls("-c", "pass") < 40 + 450


def test_a_document_that_kubectl_rewrote_voids_the_index(warm: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    warm.recording.add_group("new.example", {"v1": WIDGETS})
    assert "widgets" not in cli("api-resources", "--cached", server=warm).out
    kubectl("api-resources", server=warm)
    warm.forget_requests()
    assert "widgets" in cli("api-resources", "--cached", server=warm).out
    assert cli("resolve", "widget", server=warm).code == 0
    assert cli("api-resources", "--cached", server=warm) == kubectl("api-resources", "--cached", server=warm)
    assert warm.request_count == 0


def test_a_removed_document_voids_the_index(warm: DiscoveryServer, cli: Run) -> None:
    cli("invalidate", "apps/v1", server=warm)
    cli("resolve", "deploy", server=warm)
    assert warm.paths() == ["/apis/apps/v1"]
    cli("resolve", "deploy", server=warm)
    assert warm.paths() == ["/apis/apps/v1"], "there is an index again"


@pytest.mark.parametrize("age", [6 * 3600 + 60, -3600])
def test_a_document_that_is_expired_or_of_the_future_voids_the_index(
    warm: DiscoveryServer, cli: Run, home: Path, age: float
) -> None:
    folder = index_of(home).parent
    data = index_of(home).read_bytes()
    for path in folder.rglob("server*.json"):
        os.utime(path, (time.time() - age,) * 2)
    states = [(str(path.relative_to(folder)), path.stat()) for path in folder.rglob("server*.json")]
    assert len(states) == 40
    rows = [line.split("\t") for line in data.decode().partition("\n\n")[2].splitlines()]
    made = encode_index([(name, _signature(found)) for name, found in states], rows)
    assert made is not None
    index_of(home).write_bytes(made)
    cli("api-resources", "--cached", server=warm)
    assert sorted(warm.paths()) == ["/api", "/apis"]


def _signature(found: os.stat_result):  # type: ignore[no-untyped-def]
    from cachediscovery.disk.files import Signature

    return Signature(found.st_mtime_ns, found.st_size, found.st_ino)


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
def test_a_torn_or_changed_index_is_not_used(
    warm: DiscoveryServer, cli: Run, home: Path, damage: Callable[[bytes], bytes]
) -> None:
    expected = cli("api-resources", "--cached", server=warm)
    index_of(home).write_bytes(damage(index_of(home).read_bytes()))
    assert cli("api-resources", "--cached", server=warm) == expected
    assert warm.request_count == 0


def test_an_index_of_a_folder_that_others_can_write_is_not_used(warm: DiscoveryServer, cli: Run, home: Path) -> None:
    index_of(home).parent.chmod(0o777)
    ran = cli("api-resources", "--cached", server=warm)
    assert "can be written by everybody" in ran.err
    assert sorted(warm.paths()) == ["/api", "/apis"]


def test_a_changed_kubeconfig_leads_to_its_own_cluster(warm: DiscoveryServer, cli: Run) -> None:
    cli("resolve", "vm", server=warm)
    with DiscoveryServer() as other:
        other.recording.remove_group("kubevirt.io")
        assert cli("resolve", "virtualmachine", server=other).code == 1


def test_the_environments_ttl_counts(warm: DiscoveryServer, cli: Run) -> None:
    cli("api-resources", "--cached", server=warm, CACHEDISCOVERY_TTL="0")
    assert warm.request_count == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_an_index_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("index")
    (folder / INDEX_FILE).write_bytes(data)
    assert read_index(str(folder), str(folder), 3600) is None


@pytest.mark.parametrize("field", ["a\tb", "a\nb", "a\x1bb"])
def test_a_name_that_would_break_the_lines_makes_no_index(field: str) -> None:
    assert encode_index([], [["", "v1", field, *[""] * 7]]) is None
