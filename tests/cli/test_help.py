"""Help for the program, for groups of commands and for commands; suggestions for what is mistyped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.cli.command_table import COMMANDS, GLOBAL_FLAGS, Command, find_command
from cachediscovery.cli.flags import parse
from cachediscovery.cli.help_texts import EXAMPLES
from cachediscovery.cli.nearest import nearest
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran

Here = Callable[..., Ran]

LINES = sorted(line for examples in EXAMPLES.values() for _, line in examples)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_of_a_command_shows_its_examples_and_flags_but_no_global_flags(here: Here, command: Command) -> None:
    ran = here(f"{command.name} --help")
    assert ran == here(f"help {command.name}") == here(f"--help {command.name}")
    assert ran.code == 0
    for _, line in EXAMPLES[command.name]:
        assert f"  cachediscovery {line}\n" in ran.out
    for flag in command.flags:
        assert f"--{flag.name}" in ran.out
    assert "--certificate-authority" not in ran.out
    assert ran.out.endswith('Use "cachediscovery options" for a list of global command-line options.\n')


@pytest.mark.parametrize("line", LINES)
def test_every_example_is_a_valid_line_of_its_command(line: str) -> None:
    command, length = find_command(line.split())
    assert command is not None
    assert line in [example for _, example in EXAMPLES[command.name]]
    parsed = parse(line.split()[length:], (*command.flags, *GLOBAL_FLAGS))
    assert all(command.accepts(flag) for flag in GLOBAL_FLAGS if parsed.given(flag.name))
    assert command.arguments or not parsed.arguments


# The demo starts processes of its own, and has its own test.
@pytest.mark.parametrize("line", [line for line in LINES if line != "demo"])
def test_every_example_runs(
    here: Here, server: DiscoveryServer, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("manifests.yaml").write_text("apiVersion: v1\nkind: Pod\n")
    here("api-resources", server)
    ran = here(line)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out


@pytest.mark.parametrize("line", ["cache --help", "cache -h", "help cache", "--help cache"])
def test_help_of_a_group_lists_its_commands(here: Here, line: str) -> None:
    ran = here(line)
    assert ran.code == 0
    for name in ("clear [CONTEXT...]", "info", "path", "prune", "size", "verify", "warm [CONTEXT...]"):
        assert f"\n  {name} " in ran.out
    assert "resolve" not in ran.out


def test_a_group_without_a_command_is_an_error_that_names_its_commands(here: Here) -> None:
    ran = here("cache")
    assert (ran.code, ran.out) == (1, "")
    assert "clear, dir, info, path, prune, size, verify, warm" in ran.err


def test_options_lists_the_global_flags_and_no_help_does(here: Here) -> None:
    options = here("options").out
    for flag in GLOBAL_FLAGS:
        assert f"--{flag.name}" in options
    assert "No output has colours" in options
    assert "--kubeconfig" not in here("--help").out


@pytest.mark.parametrize("line", ["resolv", "help resolv", "RESOLVE", "resolv deploy -o name", "resolv --help"])
def test_a_mistyped_command_is_answered_as_by_kubectl(here: Here, line: str) -> None:
    typed = line.split()[line.startswith("help")]
    expected = f'error: unknown command "{typed}" for "cachediscovery"\n\nDid you mean this?\n\tresolve\n'
    assert here(line) == (1, "", expected)


def test_the_words_of_an_unknown_command_are_those_of_kubectl(
    here: Here, kubectl: Callable[..., Ran], tmp_path: Path
) -> None:
    theirs = kubectl("api-resource")
    mine = here("api-resource")
    assert (mine.code, mine.err) == (theirs.code, theirs.err.replace("kubectl", "cachediscovery"))


@pytest.mark.parametrize("line", ["cache infoo", "cache inf", "help cache infoo", "cache infoo --help"])
def test_a_mistyped_command_of_a_group_is_answered_with_the_nearest(here: Here, line: str) -> None:
    ran = here(line)
    assert ran.code == 1
    assert ran.err.endswith(' for "cachediscovery cache"\n\nDid you mean this?\n\tinfo\n')


@pytest.mark.parametrize("line", ["nonsense", "help nonsense", "cache nonsense", "help cache nonsense"])
def test_a_command_like_no_other_is_one_error(here: Here, line: str) -> None:
    ran = here(line)
    parent = "cachediscovery cache" if "cache" in line else "cachediscovery"
    assert ran == (1, "", f'error: unknown command "nonsense" for "{parent}" (see \'{parent} --help\')\n')


def test_a_mistyped_flag_is_answered_with_the_nearest(here: Here) -> None:
    ran = here("api-resources --cachd")
    assert ran.err == (
        "error: unknown flag: --cachd (see 'cachediscovery api-resources --help')\n\nDid you mean this?\n\t--cached\n"
    )
    assert here("cache info --contxt=x").err.endswith("\n\t--context\n")
    assert here("api-resources --zzzzzz").err.count("\n") == 1


def test_a_word_of_which_half_is_wrong_is_near_to_nothing() -> None:
    assert nearest("1", ["v", "as"]) == nearest("", ["v"]) == nearest("ax", ["xa", "b"]) == []
    assert nearest("A", ["as", "b"]) == nearest("xs", ["as"]) == ["as"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hel", ["help"]),
        ("help ca", ["cache"]),
        ("help cache cl", ["clear"]),
        ("cache clear ", ["local"]),
        ("cache warm lo", ["local"]),
        ("cache clear --", ["--cache-dir", "--context", "--dry-run", "--help", "--kubeconfig", "--verbose", "--yes"]),
        ("version --", ["--help", "--verbose"]),
    ],
)
def test_completion_offers_help_contexts_and_only_flags_with_an_effect(
    here: Here, server: DiscoveryServer, line: str, expected: list[str]
) -> None:
    from cachediscovery.cli.completion_words import candidates

    here("version", server)
    found = candidates("zsh", f"cachediscovery {line}")
    assert [candidate.partition("\t")[0] for candidate in found] == expected
