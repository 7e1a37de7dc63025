"""The tools that people run, with their own discovery and with ours, on the real API server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.apiserver.harness import APIServer
from tests.crds import CRD

from ..environment import PEERS, environ_for
from .goals import Goal, Result

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tests" / "integrations" / "tools"
CRDS = [CRD("kopf.test", ("v1",), "robots", "Robot"), CRD("play.test", ("v1",), "acts", "Act")]
_PACKAGE = "cachediscovery.integrations"


class Tool(NamedTuple):
    """A tool: the environment it is installed in ("": this one), and what switches our discovery on."""

    name: str
    package: str
    environment: str
    first: str
    line: str
    client: str = ""
    what: str = "finds `Deployment` by its kind"
    # Rounds are at most this many.
    rounds: int = 9
    # The requests of a warm start: kopf asks whether anything has changed.
    warm: int = 0
    # What its peer is told when it is to use our discovery.
    mode: str = "ours"

    @property
    def python(self) -> Path:
        return ROOT / f".venv-{self.environment}" / "bin" / "python" if self.environment else Path(sys.executable)


def _dynamic(module: str) -> tuple[str, str]:
    wait = "await " if module.startswith("kubernetes_a") else ""
    return (
        f"from {_PACKAGE}.{module} import CachedDiscoverer",
        f"{wait}DynamicClient(api_client, discoverer=CachedDiscoverer)",
    )


_INSTALL = (f"from {_PACKAGE}.kubernetes import install", "install()")
_ALL = [
    Tool("`kubernetes`", "kubernetes", "", *_dynamic("kubernetes"), "kubernetes"),
    Tool(
        "`kubernetes`, installed", "kubernetes", "", *_INSTALL, "create_from_yaml",
        "`create_from_yaml(apply=True)` of two objects",
    ),
    Tool("`kubernetes.aio`", "kubernetes", "", *_dynamic("kubernetes_aio"), "kubernetes_aio"),
    Tool("`kubernetes_asyncio`", "kubernetes_asyncio", "", *_dynamic("kubernetes_asyncio"), "kubernetes_asyncio"),
    Tool("`kr8s`", "kr8s", "", f"from {_PACKAGE}.kr8s import use_cache", "use_cache(kr8s.api())", "kr8s"),
    Tool(
        "`lightkube`",
        "lightkube",
        "",
        f"from {_PACKAGE}.lightkube import discovery_for, generic_resource",
        'generic_resource(discovery_for(client), "cert-manager.io/v1", "Certificate")',
        "lightkube",
        "makes a class of a CRD",
    ),
    Tool(
        "`openshift-python-wrapper`", "openshift-python-wrapper", "openshift-python-wrapper", *_INSTALL, "openshift",
        "lists namespaces", 5,
    ),
    Tool(
        "`kopf`", "kopf", "kopf", f"from {_PACKAGE}.kopf import install", "install()",
        what="an operator starts, and asks for changes", rounds=3, warm=2,
    ),
    Tool(
        "`kopf`, within the TTL", "kopf", "kopf", f"from {_PACKAGE}.kopf import install", "install(ask_at_start=False)",
        what="an operator starts", rounds=3, mode="trusting",
    ),
    Tool(
        "Ansible, `kubernetes.core`", "ansible", "ansible", "in the inventory",
        "ansible_python_interpreter: …/cachediscovery-python", what="a play of ten tasks", rounds=2,
    ),
]  # fmt: skip


def tools(folder: Path, runs: int) -> Result:
    """The discovery requests and the seconds of each tool: its own discovery, ours cold, ours warm."""
    (folder / "server").mkdir(parents=True)
    with APIServer(folder / "server") as server:
        server.install(CRDS)
        robot = {"apiVersion": "kopf.test/v1", "kind": "Robot", "metadata": {"name": "one"}}
        server.request("POST", "/apis/kopf.test/v1/namespaces/default/robots", robot)
        details = {tool.name: _measured(tool, server, folder / str(i), runs) for i, tool in enumerate(_ALL)}
    goals = [
        Goal(f"discovery requests of {tool.name}, warm", tool.warm, max(details[tool.name]["warm"]["requests"]), "")
        for tool in _ALL
    ]
    return Result(goals, details)


def _measured(tool: Tool, server: APIServer, folder: Path, runs: int) -> dict[str, Any]:
    rounds = [_round(tool, server, folder / str(number)) for number in range(min(runs, tool.rounds))]
    code = f"import importlib.metadata; print(importlib.metadata.version({tool.package!r}))"
    version = subprocess.run([tool.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    found: dict[str, Any] = {**tool._asdict(), "version": version}
    for mode in ("own", "cold", "warm"):
        of_mode = [each[mode] for each in rounds]
        found[mode] = {
            "requests": sorted({requests for requests, _ in of_mode}),
            # The least: what else the machine does only adds to it.
            "seconds": round(min(seconds for _, seconds in of_mode), 3),
        }
        print(f"  {tool.name} {mode}: {found[mode]}")
    return found


def _round(tool: Tool, server: APIServer, folder: Path) -> dict[str, tuple[int, float]]:
    """The discovery requests and the seconds of each mode, in a home and a temporary folder of its own."""
    environ = environ_for(folder, server.kubeconfig)
    (folder / "tmp").mkdir()
    # Ours comes first, so that nothing can be taken from the file of their own discoverer.
    environ.update(TMPDIR=str(folder / "tmp"), LC_ALL="C.UTF-8", RESULTS=str(folder / "results.json"))
    found = {}
    for mode in ("cold", "warm", "own"):
        start = len(server.answers_of(""))
        seconds = _run(tool, "own" if mode == "own" else tool.mode, environ)
        found[mode] = (sum(_is_discovery(tool, path) for path in server.requests_of("")[start:]), seconds)
    return found


def _is_discovery(tool: Tool, path: str) -> bool:
    if tool.package == "lightkube" and path.partition("?")[0].endswith("/customresourcedefinitions"):
        # Its own way to discover.
        return True
    return re.fullmatch(r"/api(/v1)?|/apis(/[^/]+){0,2}", path) is not None


def _run(tool: Tool, mode: str, environ: dict[str, str]) -> float:
    if tool.package == "kopf":
        return _start_of_operator(tool, {**environ, "MODE": mode})
    if tool.package == "ansible":
        chosen = tool.python if mode == "own" else tool.python.with_name("cachediscovery-python")
        ansible = tool.python.with_name("ansible-playbook")
        play = ["-i", "target,", "-c", "local", "-e", f"ansible_python_interpreter={chosen}", TOOLS / "play.yml"]
        start = time.perf_counter()
        subprocess.run([ansible, *play], env=environ, capture_output=True, check=True)
        return time.perf_counter() - start
    command = [tool.python, PEERS / "tools.py", tool.client, mode]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return float(re.findall(r"^seconds (\S+)$", ran.stdout, re.MULTILINE)[0])


def _start_of_operator(tool: Tool, environ: dict[str, str]) -> float:
    command = [tool.python.with_name("kopf"), "run", "-A", "--standalone", "--quiet", TOOLS / "operator.py"]
    # kopf takes the relative path of the CA from the working directory, not from the kubeconfig's folder.
    folder = Path(environ["KUBECONFIG"]).parent
    start = time.perf_counter()
    with _terminated(subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True)) as operator:
        assert operator.stdout is not None
        for line in operator.stdout:
            if line == "seen Robot one\n":
                return time.perf_counter() - start
    raise RuntimeError("the operator ended")


@contextmanager
def _terminated(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        with process:
            yield process
            process.terminate()
    finally:
        if process.poll() is None:
            os.kill(process.pid, 9)
