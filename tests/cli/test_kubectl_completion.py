"""Completion of `kubectl discovery`, asked for by the real kubectl, and the script for PowerShell."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.cli.command_table import COMMANDS, GLOBAL_FLAGS, find_command
from cachediscovery.cli.commands.completion import SCRIPTS
from cachediscovery.cli.completion_words import candidates, candidates_for_cobra
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, kubeconfig_of

Run = Callable[..., Ran]
Complete = Callable[..., tuple[dict[str, str], str]]

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
# cobra's directives.
FILES, NO_FILES = ":0", ":4"


@pytest.fixture
def complete(server: DiscoveryServer, kubectl: Run, environ: dict[str, str], tmp_path: Path) -> Complete:
    """Asks kubectl for the candidates after `kubectl discovery`, with the plugin as an installation makes it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = re.findall(r'^(\S+) = "([\w.]+):(\w+)"$', PYPROJECT.read_text(), re.MULTILINE)
    for name, module, function in scripts:
        path = folder / name
        path.write_text(f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n")
        path.chmod(0o755)

    def ask(*words: str) -> tuple[dict[str, str], str]:
        path = os.pathsep.join([str(folder), environ["PATH"]])
        ran = kubectl("__complete", "discovery", *words, server=server, PATH=path)
        assert ran.code == 0, ran.err
        *lines, directive = ran.out.splitlines()
        return {name: text for name, _, text in (line.partition("\t") for line in lines)}, directive

    return ask


def test_kubectl_completes_commands_with_descriptions(complete: Complete) -> None:
    found, directive = complete("")
    assert directive == NO_FILES
    assert {*found} == {command.name.split()[0] for command in COMMANDS} | {"help"}
    resolve, _ = find_command(["resolve"])
    assert resolve is not None
    assert found["resolve"] == resolve.summary
    assert all(found.values())
    assert {*complete("cache", "")[0]} >= {"clear", "info", "warm"}
    assert [*complete("cache", "w")[0]] == ["warm"]


def test_kubectl_completes_flags_with_descriptions(complete: Complete) -> None:
    found, directive = complete("api-resources", "--")
    assert directive == NO_FILES
    described = {f"--{flag.name}": flag.help for flag in GLOBAL_FLAGS}
    assert found["--cached"]
    assert {name: text for name, text in found.items() if name in described} == described
    assert [*complete("api-resources", "--sort-by=")[0]] == ["--sort-by=kind", "--sort-by=name"]
    assert [*complete("api-resources", "-o", "w")[0]] == ["wide"]
    assert [*complete("--context", "")[0]] == ["local"]
    # The value of a flag is no command.
    assert "api-resources" in complete("--context", "local", "")[0]
    assert [*complete("--context", "local", "api-resources", "--sort-by=")[0]] == ["--sort-by=kind", "--sort-by=name"]


def test_kubectl_completes_names_from_the_cache(complete: Complete, server: DiscoveryServer, cli: Run) -> None:
    assert complete("resolve", "dep") == ({}, NO_FILES)
    cli("api-resources", server=server)
    server.forget_requests()
    assert [*complete("resolve", "deplo")[0]] == ["deploy", "deployment", "deployments", "deployments.apps"]
    assert "pods,virtualmachinepools" in complete("resolve", "pods,virtualmachinepoo")[0]
    assert "apps/v1" in complete("invalidate", "apps")[0]
    assert server.request_count == 0


def test_the_values_of_some_flags_are_files(complete: Complete) -> None:
    for flag in ("-f", "--filename", "--kubeconfig", "--cache-dir"):
        assert complete("resolve", flag, "") == ({}, FILES)
        assert complete("resolve", flag, "/tm") == ({}, FILES)
    assert complete("resolve", "-f", "x", "")[1] == complete("resolve", "-n", "")[1] == NO_FILES


def test_an_unusable_configuration_has_no_candidates_and_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert candidates_for_cobra(["resolve", ""]) == candidates_for_cobra(["--context", ""]) == [NO_FILES]
    assert candidates_for_cobra(["nothing", ""]) == [NO_FILES]
    assert candidates_for_cobra([])[0].startswith("api-resources\t")


def test_the_script_for_powershell_reads_what_the_program_prints(
    server: DiscoveryServer, cli: Run, tmp_path: Path
) -> None:
    script = cli("completion", "powershell").out
    assert script == SCRIPTS["powershell"]
    assert "Register-ArgumentCompleter -Native -CommandName cachediscovery" in script
    for opening, closing in ("{}", "()", "[]"):
        assert script.count(opening) == script.count(closing)
    kubeconfig_of(server, tmp_path)
    lines = cli("__complete", "powershell", "cachediscovery cache w", server=server).out
    command, _ = find_command(["cache", "warm"])
    assert command is not None
    assert lines == f"warm\t{command.summary}\n"
    # The script doubles backslashes, which are no escapes there, and turns double quotes into single ones.
    assert candidates("powershell", "cachediscovery --kubeconfig C:\\\\x api-resources --sort-by='k") == [
        "--sort-by=kind"
    ]
