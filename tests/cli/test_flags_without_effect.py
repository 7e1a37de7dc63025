"""A flag that would change nothing is refused, and so is a cache folder that is a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.cli.command_table import COMMANDS
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran

Here = Callable[..., Ran]

ARGUMENTS = {"resolve": "resolve pods", "completion": "completion bash"}
# Commands that use no cluster, and their lines.
LOCAL = ("completion bash", "demo", "options", "version")


def refused(ran: Ran, flag: str) -> bool:
    return ran.code == 1 and ran.out == "" and ran.err.startswith(f"error: --{flag} has no effect ")


@pytest.mark.parametrize("line", LOCAL)
@pytest.mark.parametrize("flag", ["context=x", "server=http://x", "token=x", "cache-dir=/x", "cache-ttl=1h"])
def test_a_command_without_a_cluster_refuses_the_flags_of_one(here: Here, line: str, flag: str) -> None:
    assert refused(here(f"{line} --{flag}"), flag.partition("=")[0])


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("server-version --stale-if-error=1h", "stale-if-error"),
        ("server-version --cache-ttl=1h", "cache-ttl"),
        ("cache verify --cache-ttl=1h", "cache-ttl"),
        ("invalidate --stale-while-revalidate=1h", "stale-while-revalidate"),
        ("invalidate --token=x", "token"),
        ("cache path --request-timeout=1s", "request-timeout"),
        ("cache info --context=local", "context"),
        ("cache size --kubeconfig=x", "kubeconfig"),
        ("cache prune --server=http://x", "server"),
        ("cache clear --server=http://x", "server"),
        ("cache clear --cache-ttl=1h", "cache-ttl"),
        ("cache clear --kubeconfig=x", "kubeconfig"),
        ("cache clear local --context=local", "context"),
        ("cache clear --yes --dry-run", "yes"),
        ("cache warm local --context=local", "context"),
        ("cache warm --refresh --stale-if-error=1h", "stale-if-error"),
        ("api-resources --cached --refresh", "cached"),
        ("api-resources --stale-if-error=1h", "stale-if-error"),
        ("api-resources --cached=false --stale-if-error=1h", "stale-if-error"),
        ("api-versions --stale-while-revalidate=1h", "stale-while-revalidate"),
        ("api-versions --cache-ttl=1h", "cache-ttl"),
        ("resolve pods --refresh --stale-if-error=1h", "stale-if-error"),
        ("resolve pods --refresh --cache-ttl=1h", "cache-ttl"),
    ],
)
def test_a_flag_without_effect_is_refused_and_nothing_is_asked_or_removed(
    here: Here, server: DiscoveryServer, home: Path, line: str, flag: str
) -> None:
    here("api-resources", server)
    server.forget_requests()
    before = sorted(home.rglob("*"))
    assert refused(here(line), flag)
    assert server.request_count == 0
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("command", [command for command in COMMANDS if "root" in command.scopes], ids=lambda c: c.name)
@pytest.mark.parametrize("below", ["", "/below"])
def test_a_cache_dir_that_is_a_file_is_an_error_for_every_command(
    here: Here, server: DiscoveryServer, tmp_path: Path, command: object, below: str
) -> None:
    name = str(getattr(command, "name", ""))
    (tmp_path / "file").write_text("mine")
    ran = here(f"{ARGUMENTS.get(name, name)} --cache-dir {tmp_path}/file{below}", server)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: --cache-dir {tmp_path}/file{below} is not a folder (see ")
    assert server.request_count == 0
    assert (tmp_path / "file").read_text() == "mine"
