"""The start-up budget, measured by the modules that a warm run imports rather than by time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran

Run = Callable[..., Ran]

HEAVY = {"requests", "urllib3", "yaml", "filelock", "platformdirs", "asyncio", "argparse", "dataclasses"}
HEAVY |= {"http.client", "urllib.request", "logging", "pathlib", "concurrent.futures", "ssl", "email", "subprocess"}
SHOW = """
import sys
from cachediscovery.cli.main import main
code = main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def imported(environ: dict[str, str], *arguments: str) -> set[str]:
    command = [sys.executable, "-S", "-c", SHOW, *arguments]
    # Skip the site module, which imports modules of its own, and set the paths that it would add.
    paths = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(yaml.__file__).parents[1])])
    ran = subprocess.run(command, env={**environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


@pytest.mark.parametrize(
    "line", ["api-resources --cached", "api-resources --cached -o wide", "api-versions --cached", "cache path"]
)
def test_a_warm_run_imports_no_heavy_module(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path, line: str
) -> None:
    cli("api-resources", "--cached", server=server)
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    assert sorted(imported(environ, *line.split()) & HEAVY) == []


def test_a_fetch_imports_neither_requests_nor_unused_modules(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    for line in ("api-resources", "api-resources --refresh"):
        found = imported(environ, *line.split())
        assert {"yaml", "filelock", "http.client"} <= found
        assert not found & {"requests", "urllib3", "platformdirs", "argparse"}
    assert server.request_count == 4


# Our modules that every warm command imports. Each module added here makes every start slower.
ALWAYS = """
cli cli.main cli.flags cli.command_table cli.commands cli.session cli.output _log
config config.cluster config.locations disk disk.remembered disk.layout disk.trust index index.index_file index.search
"""
OWN = {
    "api-resources": "cli.commands.api_resources",
    "api-versions": "cli.commands.api_versions",
    "resolve": "cli.commands.resolve restmapper restmapper.name_rules restmapper.paths",
    "explain": """
        cli.commands.explain cli.openapi_documents restmapper restmapper.name_rules restmapper.explain_rules
        model model.fields model.json_scanner disk.response_file openapi openapi.server_relative_url openapi.stored
        openapi.explain openapi.explain.document openapi.explain.errors openapi.explain.field_path
        openapi.explain.go_text openapi.explain.indexed_document openapi.explain.nodes openapi.explain.schema
        openapi.explain.stored_document openapi.explain.tables openapi.explain.text openapi.explain.walk
        openapi.explain.word_wrap
    """,
}
COMPLETION = "cli.completion_words cli.field_candidates cli.commands.completion"
UNUSED_IN_COMPLETION = {"cli.commands.explain", "openapi.explain.text", "openapi.explain.word_wrap"}


@pytest.mark.parametrize(
    "line",
    [
        "api-resources --cached",
        "api-resources --cached -o wide --context local --api-group apps --verbs list",
        "api-resources --cached -o name --namespaced --categories all --no-headers --sort-by=kind",
        "api-resources --cached -o json",
        "api-versions --cached",
        "resolve deploy vm",
        "resolve deploy,po -n shop --context local --no-headers",
        "resolve deploy -o name",
        "resolve deploy -o json",
        "explain pods.spec",
        "explain deployments.apps.spec.strategy --recursive",
    ],
)
def test_a_warm_command_imports_only_the_listed_modules(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path, line: str
) -> None:
    for command in ("api-resources", line):
        # Each named context has its own remembered cluster.
        cli(*command.split(), server=server)
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    found = imported(environ, *line.split())
    ours = {name.removeprefix("cachediscovery.") for name in found if name.startswith("cachediscovery.")}
    expected = {*ALWAYS.split(), *OWN[line.split(maxsplit=1)[0]].split()} | (
        {"cli.json_text"} if line.endswith("json") else set()
    )
    assert ours == expected
    assert not found & {"json", "re", "typing", "collections", "functools", "enum", "threading", "contextlib", "zlib"}


@pytest.mark.parametrize("line", ["resolve depl", "invalidate apps", "api-resources --api-group app"])
def test_completion_reads_the_index_of_expired_documents(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], home: Path, tmp_path: Path, line: str
) -> None:
    cli("api-resources", server=server)
    for path in home.rglob("server*.json"):
        os.utime(path, (1e9, 1e9))
    cli("api-resources", "--cached", "--cache-ttl=1000000h", server=server)
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    found = imported(environ, "__complete", "zsh", f"cachediscovery {line}")
    assert "cachediscovery.index.search" in found
    assert not found & {*HEAVY, "json", "re", "cachediscovery.model.documents", "cachediscovery.cache.cached_client"}


def test_completion_of_a_field_path_imports_only_the_listed_modules(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    cli("explain", "pods", server=server)
    environ["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    found = imported(environ, "__complete", "zsh", "cachediscovery explain pods.spec.con")
    ours = {name.removeprefix("cachediscovery.") for name in found if name.startswith("cachediscovery.")}
    of_explain = {*OWN["explain"].split()} - UNUSED_IN_COMPLETION
    assert ours == {*ALWAYS.split(), *of_explain, *COMPLETION.split()}
    assert not found & {"json", "re", "typing", "collections", "functools", "enum", "threading", "contextlib", "zlib"}


def test_importing_the_package_imports_no_other_module() -> None:
    code = "import sys; before = set(sys.modules); import cachediscovery; print(*set(sys.modules) - before)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {"cachediscovery", "__future__"}
