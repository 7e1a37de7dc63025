"""`cache clear` of clusters and contexts, its question on a terminal; `cache size`; what `cache info` names."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran, eventually

Run = Callable[..., Ran]


def document_count(home: Path) -> int:
    return len(list((home / ".kube/cache").rglob("server*.json")))


@pytest.fixture
def contexts(server: DiscoveryServer, legacy_server: DiscoveryServer, here: Run, tmp_path: Path, home: Path) -> Path:
    """The kubeconfig of three contexts of two clusters with warm caches."""
    kubeconfig = tmp_path / "kubeconfig"
    server.write_kubeconfig(kubeconfig)
    document = yaml.safe_load(kubeconfig.read_text())
    document["clusters"].append({"name": "other", "cluster": {"server": legacy_server.url}})
    for name, cluster in (("twin", document["clusters"][0]["name"]), ("other", "other")):
        document["contexts"].append({"name": name, "context": {"cluster": cluster}})
    kubeconfig.write_text(yaml.safe_dump(document))
    assert here("cache warm").code == 0
    assert document_count(home) == 80
    return kubeconfig


@pytest.mark.parametrize("line", ["cache clear other", "cache clear --context other", "cache clear other other"])
def test_clear_of_a_context_removes_the_documents_of_its_cluster_alone(
    contexts: Path, here: Run, home: Path, server: DiscoveryServer, legacy_server: DiscoveryServer, line: str
) -> None:
    folder = Path(here("cache dir --context other").out.strip())
    ran = here(line)
    assert ran.code == 0
    assert ran.out.endswith(" files of 1 cluster\n")
    assert not folder.exists()
    assert document_count(home) == 40
    server.forget_requests()
    legacy_server.forget_requests()
    assert here("api-versions --cached").code == here("api-versions --cached --context other").code == 0
    assert server.request_count == 0
    assert legacy_server.request_count > 0


def test_clear_of_contexts_that_share_a_cluster_counts_it_once(contexts: Path, here: Run, home: Path) -> None:
    assert here("cache clear local twin").out.endswith(" of 1 cluster\n")
    assert here("cache clear local").out == "removed 0 files of 0 clusters\n"
    assert document_count(home) == 40


def test_clear_of_an_unknown_context_removes_nothing(contexts: Path, here: Run, home: Path) -> None:
    ran = here("cache clear other nope")
    assert (ran.code, ran.out) == (1, "")
    assert "context 'nope' does not exist" in ran.err
    assert "local, other, twin" in ran.err
    assert document_count(home) == 80


@pytest.mark.parametrize("line", ["cache clear", "cache clear twin"])
def test_a_dry_run_names_what_clear_would_remove_and_removes_nothing(
    contexts: Path, here: Run, home: Path, line: str
) -> None:
    *paths, total = here(f"{line} --dry-run").out.splitlines()
    assert document_count(home) == 80
    named = {Path(path.removeprefix("would remove ")) for path in paths}
    assert all(path.is_file() for path in named)
    assert total == f"would remove {len(named)} files of {1 if 'twin' in line else 2} clusters".replace(
        "1 clusters", "1 cluster"
    )
    assert here(line).out == total.replace("would remove", "removed") + "\n"
    assert not any(path.exists() for path in named)


@pytest.mark.parametrize(
    ("arguments", "answer", "is_removed"),
    [([], "y\n", True), ([], "Yes\n", True), ([], "\n", False), ([], "n\n", False), ([], "\x04", False)]
    + [(["--yes"], "", True), (["-y"], "", True)],
)  # fmt: skip
def test_clear_asks_on_a_terminal_unless_told_yes(
    contexts: Path, environ: dict[str, str], home: Path, arguments: list[str], answer: str, is_removed: bool
) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cachediscovery", "cache", "clear", *arguments]
    environ["KUBECONFIG"] = str(contexts)
    process = subprocess.Popen(
        command, env=environ, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = ""
    if answer:
        while not shown.endswith("(y/N): "):
            shown += os.read(ours, 4096).decode()
        assert document_count(home) == 80
        assert f"below {home}/.kube/cache" in shown
        os.write(ours, answer.encode())
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == (0 if is_removed else 1)
    assert document_count(home) == (0 if is_removed else 80)
    assert out.startswith(b"removed ") == is_removed


def test_clear_of_an_empty_cache_does_not_ask(environ: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cachediscovery", "cache", "clear"]
    ran = subprocess.run(
        command, env=environ, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True
    )
    os.close(theirs)
    os.close(ours)
    assert ran.stdout == b"removed 0 files of 0 clusters\n"


def test_size_counts_every_file_of_the_cache(contexts: Path, here: Run, home: Path) -> None:
    files = [path for path in (home / ".kube/cache").rglob("*") if path.is_file()]
    (found,) = json.loads(here("cache size -o json").out)
    size = sum(path.stat().st_size for path in files)
    assert found == {"root": f"{home}/.kube/cache", "files": len(files), "bytes": size}
    assert here("cache size").out == f"{size / 1024:.1f} KiB in {len(files)} files below {home}/.kube/cache\n"
    assert here("cache clear").code == 0
    assert here("cache size").out == f"0 B in 0 files below {home}/.kube/cache\n"


def test_dir_is_path(contexts: Path, here: Run) -> None:
    assert here("cache dir") == here("cache path")
    assert here("cache dir --help") == here("cache path --help")


def test_info_names_the_url_and_the_contexts_of_each_folder(
    contexts: Path, here: Run, server: DiscoveryServer, legacy_server: DiscoveryServer
) -> None:
    used = {
        cluster["server"]: cluster["contexts"] for cluster in json.loads(here("cache info -o json").out)["clusters"]
    }
    assert used == {server.url: ["local", "twin"], legacy_server.url: ["other"]}
    assert any(line.endswith(f"{server.url}   local, twin") for line in here("cache info").out.splitlines())
    contexts.write_text("{}")
    assert [line.split()[-2:] for line in here("cache info").out.splitlines()[3:5]] == [
        [url, "<none>"] for url in sorted((server.url, legacy_server.url))
    ]


def test_info_names_the_url_of_documents_that_kubectl_wrote(
    server: DiscoveryServer, here: Run, kubectl: Run, home: Path
) -> None:
    kubectl("api-resources", server=server)
    assert here("cache info").out.splitlines()[3].split()[-2:] == [server.url, "local"]
    (cluster,) = json.loads(here("cache info -o json").out)["clusters"]
    assert (cluster["server"], cluster["contexts"]) == (server.url, ["local"])


def test_info_names_no_context_for_a_folder_of_another_scheme(
    server: DiscoveryServer, here: Run, tmp_path: Path
) -> None:
    here("api-resources", server)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace("http://", "https://"))
    assert here("cache info").out.splitlines()[3].split()[-2:] == [server.url, "<none>"]


def test_info_of_a_broken_kubeconfig_warns_and_shows_the_cache(
    server: DiscoveryServer, here: Run, tmp_path: Path
) -> None:
    here("api-resources", server)
    (tmp_path / "kubeconfig").write_text("{ this is not: [yaml")
    ran = here("cache info")
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert ran.err.startswith("Warning: no contexts are shown: kubeconfig ")
    assert server.url in ran.out


def test_progress_of_a_slow_server_is_shown_on_a_terminal_for_every_command_that_asks(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with DiscoveryServer(delay=1.1) as server:
        environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
        for terminal, is_shown in (("xterm", True), ("dumb", False)):
            ours, theirs = pty.openpty()
            command = [sys.executable, "-m", "cachediscovery", "server-version"]
            variables = {**environ, "TERM": terminal, "NO_COLOR": "1"}
            subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
            os.write(theirs, b"end\n")
            os.close(theirs)
            shown = bytearray()
            assert eventually(lambda: (shown.extend(os.read(ours, 1 << 16)), b"end" in shown)[1])  # noqa: B023
            os.close(ours)
            assert (f"Asking {server.url} what it serves".encode() in shown) == is_shown
            # No colours: what is written erases the line, and no more.
            assert shown.count(b"\x1b[") == shown.count(b"\x1b[K")
