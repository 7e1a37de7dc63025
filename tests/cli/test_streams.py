"""Every command with a standard output or standard error that is full or closed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cachediscovery.cli.command_table import COMMANDS
from cachediscovery.testing import DiscoveryServer

from ..conftest import kubeconfig_of

ARGUMENTS = {"resolve": "resolve pods deploy", "completion": "completion bash", "explain": "explain pods"}
LINES = [ARGUMENTS.get(command.name, command.name) for command in COMMANDS]
LINES += [
    "--help",
    "api-resources --help",
    "--version",
    "__complete bash cachediscovery",
    "api-resources --cached -o json",
]
OUTPUT = "error: standard output cannot be written"


def shell(line: str, redirection: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = f"exec '{sys.executable}' -m cachediscovery {line} {redirection}"
    return subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def with_server(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environ, "KUBECONFIG": str(kubeconfig_of(server, tmp_path))}


@pytest.mark.parametrize("line", LINES)
def test_a_failed_write_to_standard_output_is_one_error(with_server: dict[str, str], line: str) -> None:
    ran = shell(line, ">/dev/full", with_server)
    assert (ran.returncode, ran.stderr) == (1, f"{OUTPUT}: No space left on device\n")
    ran = shell(line, ">&-", with_server)
    assert (ran.returncode, ran.stderr) == (1, f"{OUTPUT}: it is closed\n")


@pytest.mark.parametrize("line", LINES)
def test_output_is_the_same_with_standard_error_closed(with_server: dict[str, str], line: str) -> None:
    if line in ("cache info", "cache verify"):
        shell("api-resources", "", with_server)
    expected, ran = shell(line, "", with_server), shell(line, "2>&-", with_server)
    assert ran.returncode == expected.returncode == 0
    # The demo's server has a different port in each run.
    if line not in ("demo", "cache warm"):
        # Ages differ between the two runs as well.
        assert re.sub(r"\b\d+s +", "0s ", ran.stdout) == re.sub(r"\b\d+s +", "0s ", expected.stdout)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&- <&-", "-v 2>&-", "-v 2>/dev/full"])
def test_lost_warnings_and_log_lines_do_not_fail_the_command(with_server: dict[str, str], redirection: str) -> None:
    for line in ("api-resources", "api-resources --cached --cache-ttl=0s --stale-while-revalidate=1h", "cache prune"):
        ran = shell(line, redirection, with_server)
        assert (ran.returncode, bool(ran.stdout), ran.stderr) == (0, True, "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_an_error_that_cannot_be_printed_still_exits_with_1(with_server: dict[str, str], redirection: str) -> None:
    for line in ("api-resources --context nope", "nope", "api-resources --nope", "resolve nope"):
        ran = shell(line, redirection, with_server)
        assert (ran.returncode, ran.stdout.count("Traceback"), ran.stderr) == (1, 0, "")


@pytest.mark.parametrize("line", ["api-resources", "completion bash"])
def test_a_closed_pipe_exits_with_1_and_prints_no_error(with_server: dict[str, str], line: str) -> None:
    command = [sys.executable, "-m", "cachediscovery", *line.split()]
    ran = subprocess.Popen(command, env=with_server, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ran.stdout is not None
    ran.stdout.close()
    assert ran.stderr is not None
    with ran.stderr:
        assert ran.stderr.read() == b""
    assert ran.wait() == 1
