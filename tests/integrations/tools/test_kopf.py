"""A real operator of kopf on the real API server, with its own discovery and with ours."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ...apiserver.harness import APIServer
from ...conftest import eventually
from ...crds import CRD

AGENT = "kopf/"
OPERATOR = Path(__file__).parent / "operator.py"
ROBOTS = CRD("kopf.test", ("v1",), "robots", "Robot")
THINGS = CRD("late.kopf.test", ("v2", "v1"), "things", "Thing")


class Operator:
    """A running operator, and the lines that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())

    def said(self, line: str) -> bool:
        return eventually(lambda: line in self.lines or self._process.poll() is not None, 60) and line in self.lines

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._reader.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def start(
    apiserver: APIServer, programs: Callable[[str], Path], environ: dict[str, str]
) -> Iterator[Callable[[str], object]]:
    kopf = programs("kopf") / "kopf"

    @contextmanager
    def run(mode: str) -> Iterator[Operator]:
        command = [kopf, "run", "--all-namespaces", "--standalone", "--quiet", OPERATOR]
        variables = {**environ, "MODE": mode, "KUBECONFIG": str(apiserver.kubeconfig)}
        # kopf takes the relative path of the CA from the working directory, not from the kubeconfig's folder.
        process = subprocess.Popen(
            command,
            env=variables,
            cwd=apiserver.kubeconfig.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        operator = Operator(process)
        try:
            assert operator.said("seen Robot one"), operator.lines
            yield operator
        finally:
            operator.end()

    apiserver.install([ROBOTS])
    create(apiserver, ROBOTS, "one")
    yield run
    apiserver.uninstall([ROBOTS])


def create(apiserver: APIServer, crd: CRD, name: str) -> None:
    version = f"{crd.group}/{crd.versions[0]}"
    body = {"apiVersion": version, "kind": crd.kind, "metadata": {"name": name}}
    apiserver.request("POST", f"/apis/{version}/namespaces/default/{crd.plural}", body)


def discovered(apiserver: APIServer, start: int = 0) -> list[tuple[str, int]]:
    """The discovery requests since then: /api, /apis and one part more, or two."""
    answers = apiserver.answers_of(AGENT)[start:]
    return sorted(item for item in answers if item[0].count("/") <= (2 if item[0].startswith("/api/") else 3))


@pytest.mark.apiserver
@pytest.mark.xdist_group("apiserver")
def test_a_start_makes_two_requests_instead_of_one_for_each_group_version(
    apiserver: APIServer, start: Callable[[str], contextmanager[Operator]]
) -> None:
    def requests(mode: str) -> list[tuple[str, int]]:
        before = len(apiserver.answers_of(AGENT))
        with start(mode):
            return discovered(apiserver, before)

    own = requests("own")
    assert len(own) > 20
    assert requests("ours") == [("/api", 200), ("/apis", 200)]
    assert requests("ours") == [("/api", 304), ("/apis", 304)]
    assert requests("trusting") == []


@pytest.mark.apiserver
@pytest.mark.xdist_group("apiserver")
def test_a_new_crd_is_seen_with_two_requests_for_each_change(
    apiserver: APIServer, start: Callable[[str], contextmanager[Operator]]
) -> None:
    with start("ours") as operator:
        before = len(apiserver.answers_of(AGENT))
        apiserver.install([THINGS])
        try:
            create(apiserver, THINGS, "new")
            assert operator.said("seen Thing new"), operator.lines
            assert {path for path, _ in discovered(apiserver, before)} == {"/api", "/apis"}
        finally:
            apiserver.uninstall([THINGS])


@pytest.mark.apiserver
@pytest.mark.xdist_group("apiserver")
def test_an_operator_finds_the_same_resources_as_with_its_own_discovery(
    start: Callable[[str], contextmanager[Operator]],
) -> None:
    with start("compared") as operator:
        compared = [line.split()[0] for line in operator.lines if line.startswith(("same", "different"))]
        assert compared == ["same"] * 4, operator.lines


UNDONE = """
from kopf._cogs.clients import scanning
original = scanning.scan_resources
from cachediscovery.integrations.kopf import install, installed, uninstall
install(ttl="10m")
install()
assert scanning.scan_resources is not original
with installed():
    uninstall()
    assert scanning.scan_resources is not original
assert scanning.scan_resources is original
try:
    install(ttl=-1)
except ValueError as error:
    print(error)
"""


def test_it_is_undone_without_a_trace(programs: Callable[[str], Path], environ: dict[str, str]) -> None:
    command = [programs("kopf") / "python", "-c", UNDONE]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == "ttl must be 0 or more seconds, not -1\n"


@pytest.mark.parametrize(("kopf", "lack"), [("", "No module named 'kopf"), ("scanning = None", "scan_resources")])
def test_a_kopf_without_what_is_needed_is_one_clear_error(
    kopf: str, lack: str, environ: dict[str, str], tmp_path: Path
) -> None:
    if kopf:
        folder = tmp_path / "kopf" / "_cogs" / "clients"
        for name in ("structs", "clients"):
            (folder.parent / name).mkdir(parents=True)
        (folder / "__init__.py").write_text(kopf)
        (folder / "api.py").write_text("request = None")
        (folder / "auth.py").write_text("authenticated = None")
        (folder.parent / "structs" / "references.py").write_text("Resource = None")
    command = [sys.executable, "-c", "import cachediscovery.integrations.kopf"]
    ran = subprocess.run(
        command, env={**environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("ImportError: cachediscovery.integrations.kopf does not know this kopf (")
    assert lack in last
