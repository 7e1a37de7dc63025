"""Completion in real shells in a terminal: candidates, quoting, and positions in a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cachediscovery.cli.commands.completion import SCRIPTS
from cachediscovery.cli.completion_words import candidates, split_line
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran
from .terminal import SHELLS, Terminal, install

Run = Callable[..., Ran]


@pytest.fixture(params=SHELLS)
def terminal(
    request: pytest.FixtureRequest, server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path
) -> object:
    cli("api-resources", server=server)
    kubeconfig = tmp_path / "kubeconfig"
    document = yaml.safe_load(kubeconfig.read_text())
    (context,) = document["contexts"]
    for name in CONTEXTS:
        document["contexts"].append({"name": name, "context": context["context"]})
    kubeconfig.write_text(yaml.safe_dump(document))
    where = tmp_path / "where"
    where.mkdir()
    (where / "a-file").touch()
    environ.update(PATH=install(tmp_path / "bin", environ["PATH"]), KUBECONFIG=str(kubeconfig))
    running = Terminal(request.param, environ, where)
    yield running
    running.close()


# Names that a shell would run, expand or split unless they are quoted. No two share their first three characters.
CONTEXTS = [
    "run$(touch harm)", "tick`touch harm`", "semi;touch harm", "star*", "pipe|touch harm", "out>harm", "two words",
    "quote'touch harm'", 'double"x"', "hash #x", "back\\slash", "tilde~", "var$HOME", "brace{a,b}", "amp&touch harm",
    "arn:aws:eks:eu:1:cluster/x", "user@home", "equals=x", "größe",
]  # fmt: skip


def test_a_completed_context_is_quoted(terminal: Terminal) -> None:
    for name in CONTEXTS:
        beginning = name[:3]
        assert terminal.completed(f"cachediscovery --context {beginning}\t") == ["--context", name]
        assert terminal.completed(f"cachediscovery --context={beginning}\t") == [f"--context={name}"]
    assert sorted(os.listdir(terminal.record.parent)) == ["a-file", "ready", "record"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r"--context two\ w", ["--context", "two words"]),
        (r"--context arn:", ["--context", "arn:aws:eks:eu:1:cluster/x"]),
        (r"--context arn:aws:e", ["--context", "arn:aws:eks:eu:1:cluster/x"]),
        (r"--context user@", ["--context", "user@home"]),
        (r"--context user@h", ["--context", "user@home"]),
        (r"--context equals=", ["--context", "equals=x"]),
        (r"--context 'user@h", ["--context", "user@home"]),
        (r'--context "arn:aws:e', ["--context", "arn:aws:eks:eu:1:cluster/x"]),
        (r"api-resources --sort-by=k", ["api-resources", "--sort-by=kind"]),
        (r"api-resources --sort-by=kind --no-h", ["api-resources", "--sort-by=kind", "--no-headers"]),
    ],
)
def test_a_word_is_completed_after_special_characters_and_open_quotes(
    terminal: Terminal, line: str, expected: list[str]
) -> None:
    assert terminal.completed(f"cachediscovery {line}\t") == expected


def test_a_context_completed_inside_quotes_runs_no_command(terminal: Terminal) -> None:
    for name in CONTEXTS:
        # In bash, a name that contains the quote leaves it open, and the shell waits for more input.
        for quote in (quote for quote in "'\"" if quote not in name or terminal.shell != "bash"):
            flag, completed = terminal.completed(f"cachediscovery --context {quote}{name[:3]}\t")
            # bash inserts one backslash too many here; it does so for kubectl too.
            assert flag == "--context"
            assert completed == name or terminal.shell == "bash"
    assert sorted(os.listdir(terminal.record.parent)) == ["a-file", "ready", "record"]


# Text before and after the program. After the texts in IN_ZSH, bash takes the program for an argument; see `sudo` in
# the package bash-completion. fish has another syntax for some of them.
ANYWHERE = [("true && ", ""), ("true; ", ""), ("X=1 ", ""), ("X=1 Y='a b' ", ""), ("true | ", ""), ("{ ", "; }")]
IN_ZSH = [("sudo ", ""), ("! ", ""), ("echo $(", ")"), ('echo "$(', ')"'), ("if ", "; then :; fi")]
NOT_IN = {"bash": IN_ZSH, "fish": [("{ ", "; }"), ("sudo ", ""), ("! ", ""), ("if ", "; then :; fi")]}


@pytest.mark.parametrize(("before", "after"), ANYWHERE + IN_ZSH)
def test_completion_works_wherever_a_command_can_appear(terminal: Terminal, before: str, after: str) -> None:
    if (before, after) in NOT_IN.get(terminal.shell, ()):
        return
    line = f"{before}cachediscovery resolve virtualmachinepools.\t{after}"
    assert terminal.completed(line) == ["resolve", "virtualmachinepools.pool.kubevirt.io"]


# --- candidates


ODD_NAMES = [
    "zz$(touch-x)",
    "zz*",
    "zz`x`",
    "zz;x",
    "zz|x",
    "zz&x",
    "zz'x",
    'zz"x',
    "zz\\x",
    "zz<x",
    "zz{a}",
    "zz~",
    "zzü",
    "-zz",
]


@pytest.mark.parametrize("shell", SCRIPTS)
@pytest.mark.parametrize("has_index", [True, False])
def test_invalid_resource_names_are_not_offered(
    server: DiscoveryServer, cli: Run, shell: str, has_index: bool, home: Path
) -> None:
    resources = [
        {"name": name, "singularName": name, "namespaced": True, "kind": "Odd", "verbs": ["list"], "shortNames": [name]}
        for name in [*ODD_NAMES, "zzgood", "zz.good:x@y"]
    ]
    server.recording.add_group("odd.example.com", {"v1": [{**each, "categories": ODD_NAMES} for each in resources]})
    cli("api-resources", server=server)
    if not has_index:
        for path in home.rglob(".cachediscovery.index"):
            path.unlink()
    for beginning, words in (("resolve zz", ""), ("resolve po,zz", "po,")):
        ran = cli("__complete", shell, f"cachediscovery {beginning}", server=server)
        names = ["zz.good:x@y", "zz.good:x@y.odd.example.com", "zzgood", "zzgood.odd.example.com"]
        assert (ran.out.splitlines(), ran.err) == ([words + name for name in names], "")


@pytest.mark.parametrize("has_index", [True, False])
def test_groups_and_versions_of_flags_come_from_the_cache(
    server: DiscoveryServer, cli: Run, has_index: bool, home: Path
) -> None:
    cli("api-resources", server=server)
    if not has_index:
        for path in home.rglob(".cachediscovery.index"):
            path.unlink()
    server.forget_requests()
    for line, expected in (
        ("api-resources --api-group ap", ["apiextensions.k8s.io", "apiregistration.k8s.io", "apps"]),
        ("explain pods --api-version=batch", ["--api-version=batch/v1"]),
    ):
        ran = cli("__complete", "zsh", f"cachediscovery {line}", server=server)
        assert (sorted(ran.out.splitlines()), ran.err) == (expected, "")
    assert server.request_count == 0


@pytest.mark.parametrize("flag", ["context", "cluster", "user"])
def test_kubeconfig_names_with_control_characters_are_not_offered(
    server: DiscoveryServer, cli: Run, tmp_path: Path, flag: str
) -> None:
    path = server.write_kubeconfig(tmp_path / "kubeconfig")
    document = yaml.safe_load(path.read_text())
    kind = f"{flag}s"
    (entry,) = document[kind]
    names = ["two\nlines", "\x1b[2J", "good one", "a\tb", "\x9b2J", "back\u202ewards"]
    document[kind] = [{**entry, "name": name} for name in names]
    path.write_text(yaml.safe_dump(document))
    for shell in SCRIPTS:
        assert cli("__complete", shell, f"cachediscovery --{flag} ", server=server) == (0, "good one\n", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a ", ["a", ""]),
        ("  a  b", ["a", "b"]),
        (r"a b\ c", ["a", "b c"]),
        ("a 'b \\", ["a", "b \\"]),
        ('a "b \\"c\\d', ["a", 'b "c\\d']),
        ("a ''b'' ''", ["a", "b", ""]),
        ("a '' ", ["a", "", ""]),
        ("a b\\", ["a", "b"]),
        ("a\nb", ["a", "b"]),
    ],
)
def test_a_line_is_split_into_words_as_a_shell_does(line: str, words: list[str]) -> None:
    assert split_line(line) == words


def test_bash_candidates_omit_the_text_before_a_word_break() -> None:
    line = "cachediscovery api-resources --sort-by="
    assert candidates("bash", f"{line}k", "k") == candidates("bash", f"{line}k") == ["kind"]
    assert candidates("bash", f"{line}k", "--sort-by=k") == ["--sort-by=kind"]
    assert candidates("bash", line, "=") == candidates("bash", line, "") == ["kind", "name"]
