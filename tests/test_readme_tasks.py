"""Five tasks of a newcomer, each done in `tests/readme/` by what the README tells."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from .conftest import eventually, run
from .test_readme import README, ROOT, blocks

TASKS = Path(__file__).parent / "readme"
REACTS = next(code for code in blocks("python") if "client.watch() as watch" in code)


@pytest.fixture
def variables(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.get("PYTHONPATH", "")])
    return environ


def output(name: str, variables: dict[str, str]) -> tuple[str, str]:
    ran = run([sys.executable, TASKS / f"{name}.py"], variables)
    assert ran.code == 0, ran.err
    return ran.out, ran.err


@contextmanager
def running(program: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, program], env=variables, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def run_pytest(path: Path, variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(path)]
    ran = run([*command, "--rootdir", str(path.parent)], variables)
    assert ran.code == 0, ran.out + ran.err
    assert "1 passed" in ran.out


def lines_of(path: Path) -> int:
    """The lines of code without the imports and the docstring."""
    body = [node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Import | ast.ImportFrom)][1:]
    source = path.read_text().splitlines()
    return sum(bool(line.strip()) for node in body for line in source[node.lineno - 1 : node.end_lineno])


@pytest.mark.parametrize("name", sorted(path.name for path in TASKS.glob("*.py")))
def test_each_task_takes_at_most_ten_lines(name: str) -> None:
    assert 0 < lines_of(TASKS / name) <= 10


def test_a_short_name_is_found(variables: dict[str, str]) -> None:
    assert output("find_a_short_name", variables) == (
        "Deployment /apis/apps/v1/namespaces/default/deployments/web\n",
        "",
    )


def test_a_dynamic_client_uses_the_cache(variables: dict[str, str], server: DiscoveryServer) -> None:
    assert output("cache_a_dynamic_client", variables) == ("deployments\n", "")
    server.forget_requests()
    assert output("cache_a_dynamic_client", variables) == ("deployments\n", "")
    assert "/apis" not in server.paths()


def is_followed(server: DiscoveryServer) -> bool:
    """Whether a program has looked at everything, and its watches are open."""
    paths = server.paths()
    return "/apis" in paths and sum("customresourcedefinitions" in path or "apiservices" in path for path in paths) >= 4


def test_a_program_reacts_to_a_new_crd(variables: dict[str, str], server: DiscoveryServer) -> None:
    output("find_a_short_name", variables)
    with running(TASKS / "react_to_a_new_crd.py", variables) as program:
        assert eventually(lambda: is_followed(server))
        server.install_crd("example.com/v1", "Widget")
        assert program.stdout is not None
        assert program.stdout.readline() == "widgets.example.com\n"


def test_that_program_is_tested(variables: dict[str, str]) -> None:
    run_pytest(TASKS / "testing_that_program.py", variables)


def test_the_cache_serves_for_a_day_without_the_server(variables: dict[str, str]) -> None:
    with DiscoveryServer() as server:
        server.write_kubeconfig(Path(variables["KUBECONFIG"]))
        online = output("work_offline_for_a_day", variables)
    assert "cert-manager.io\n" in online[0]
    for path in Path(variables["HOME"]).rglob("server*.json"):
        os.utime(path, (time.time(), time.time() - 23 * 3600))
    offline = output("work_offline_for_a_day", variables)
    assert offline[0] == online[0]
    assert offline[1].startswith("using documents from 23h ago: the connection to")


def test_the_program_of_the_readme_reacts_to_a_new_crd(
    variables: dict[str, str], server: DiscoveryServer, tmp_path: Path
) -> None:
    output("find_a_short_name", variables)
    program = tmp_path / "new_kinds.py"
    program.write_text(REACTS)
    with running(program, variables) as process:
        assert eventually(lambda: is_followed(server))
        server.install_crd("example.com/v1", "Widget")
        assert process.stdout is not None
        assert process.stdout.readline() == "example.com/v1, Kind=Widget\n"


def test_the_test_of_the_readme_passes(variables: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "test_new_kinds.py"
    program.write_text(REACTS)
    run_pytest(program, variables)
    (shown,) = [node for node in ast.parse(REACTS).body if isinstance(node, ast.FunctionDef)]
    assert (shown.end_lineno or 0) - shown.lineno < 10


def test_the_readme_names_every_row_of_the_table_and_the_changes() -> None:
    from cachediscovery.version import VERSION

    for topic in (
        "threads",
        "fork",
        "kubectl",
        "rights",
        "Kubernetes",
        "Python",
        "public",
        "files",
        "licence",
        "versions",
    ):
        assert topic in README[README.index("## Whether to depend on it") : README.index("## Performance")]
    changes = ROOT / "cachediscovery" / "CHANGES.md"
    assert "(cachediscovery/CHANGES.md)" in README
    assert f"\n## {VERSION}" in changes.read_text()
