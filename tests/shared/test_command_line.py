"""The command line and the shared cache: flags, the variable, and the commands of upkeep."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from cachediscovery import CacheOptions, InvalidOption, _log
from cachediscovery.cli.main import main
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran
from ..other_clusters import tls_of, write_kubeconfig
from .conftest import RedisServer, aged

Here = Callable[..., Ran]
VARIABLE = "CACHEDISCOVERY_SHARED_CACHE"


@pytest.fixture
def tls_server(authority: trustme.CA, tmp_path: Path, port: int) -> Iterator[DiscoveryServer]:
    """A server whose CA is in the kubeconfig, so that its cluster is known from others."""
    write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(tls=tls_of(authority), port=port) as running:
        yield running


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, redis_server: RedisServer
) -> Here:
    """Runs a line on a machine in this process: `here("a", "api-resources")`."""
    monkeypatch.setattr(_log, "_warn_with", None)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv(VARIABLE, redis_server.url)

    def call(machine: str, line: str) -> Ran:
        monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / f"machine-{machine}"))
        capsys.readouterr()
        code = main(line.split())
        return Ran(code, *capsys.readouterr())

    return call


def test_a_cluster_with_a_ca_is_shared_without_a_name(here: Here, tls_server: DiscoveryServer) -> None:
    first = here("a", "api-resources --cached")
    assert first.code == 0
    assert here("b", "api-resources --cached") == first
    assert tls_server.request_count == 2


def test_the_flag_names_the_engine(
    here: Here, tls_server: DiscoveryServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    for machine in ("a", "b"):
        assert here(machine, f"api-resources --cached --shared-cache={redis_server.url}").code == 0
    assert tls_server.request_count == 2
    here("c", "api-resources --cached")
    assert tls_server.request_count == 4


def test_a_listing_that_asks_the_server_asks_it_and_tells_the_others(here: Here, tls_server: DiscoveryServer) -> None:
    here("a", "api-resources")
    tls_server.install_crd("example.com/v1", "Widget")
    assert "widgets" in here("b", "api-resources").out
    assert tls_server.request_count == 4
    assert "widgets" in here("c", "api-resources --cached").out
    assert tls_server.request_count == 4


def test_invalidate_reaches_the_fleet(here: Here, tls_server: DiscoveryServer) -> None:
    here("a", "api-resources --cached")
    tls_server.install_crd("example.com/v1", "Widget")
    # On a machine that has nothing.
    assert here("b", "invalidate").code == 0
    assert "widgets" in here("c", "api-resources --cached").out
    # A warm start asks nobody.
    assert "widgets" not in here("a", "api-resources --cached").out


def test_invalidate_says_if_the_fleet_could_not_be_told(
    here: Here, tls_server: DiscoveryServer, redis_server: RedisServer
) -> None:
    here("a", "api-resources --cached")
    redis_server.kill()
    ran = here("a", "invalidate")
    assert ran.code == 1
    assert "other machines may still use what it holds" in ran.err


def test_info_shows_what_is_shared(here: Here, tls_server: DiscoveryServer, redis_server: RedisServer) -> None:
    assert "holds nothing" in here("a", "cache info").out
    here("a", "api-resources --cached")
    aged(redis_server, 3600)
    lines = here("b", "cache info").out.splitlines()
    assert lines[-4] == redis_server.url
    assert lines[-2].split() == ["SERVER", "RECORDS", "VOID", "SIZE", "OLDEST"]
    assert lines[-1].split()[:3] == [tls_server.url, "1", "0"]
    assert lines[-1].split()[-1] in ("60m", "1h")
    found = json.loads(here("b", "cache info -o json").out)["shared"]
    ((name, size, age, usable),) = [tuple(record.values()) for record in found["clusters"][0]["records"]]
    assert (name, usable) == ("groups", True)
    assert size > 1000
    assert 3599 < age < 3610


def test_verify_compares_the_records_too(here: Here, tls_server: DiscoveryServer) -> None:
    here("a", "api-resources --cached")
    assert here("b", "cache verify").code == 0
    tls_server.install_crd("example.com/v1", "Widget")
    ran = here("b", "cache verify")
    assert ran.code == 1
    assert "groups (shared)" in ran.out


def test_prune_removes_void_records(here: Here, tls_server: DiscoveryServer, redis_server: RedisServer) -> None:
    here("a", "api-resources --cached")
    assert "record" not in here("b", "cache prune").out
    here("b", "invalidate")
    assert "would remove the record groups of" in here("b", "cache prune --dry-run").out
    assert "and 1 record\n" in here("b", "cache prune").out
    assert redis_server.client().keys("*:record:*") == []


def test_clear_removes_records_only_with_its_flag(
    here: Here, tls_server: DiscoveryServer, redis_server: RedisServer
) -> None:
    here("a", "api-resources --cached")
    assert here("a", "cache clear --yes").code == 0
    assert redis_server.client().keys("*:record:*") != []
    assert "would remove the record groups" in here("a", "cache clear --shared --dry-run").out
    assert "and 1 record\n" in here("a", "cache clear local --shared --yes").out
    assert redis_server.client().keys() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("api-resources --cached --shared-cache=redis://:secret@h:1", "--shared-cache with a password is seen"),
        ("api-resources --cached --shared-cache=redis://h?password=secret", "--shared-cache with a password is seen"),
        ("cache info --shared-cache=http://h", "shared_cache is not the URL of a shared cache"),
        ("cache clear --yes --shared-cache=redis://h", "--shared-cache has no effect without --shared"),
        ("cache path --shared-cache=redis://h", "--shared-cache has no effect with 'cache path'"),
        ("server-version --shared-cache=redis://h", "--shared-cache has no effect with 'server-version'"),
    ],
)
def test_flags_that_make_no_sense_are_refused(here: Here, tls_server: DiscoveryServer, line: str, message: str) -> None:
    ran = here("a", line)
    assert ran.code == 1
    assert ran.err.startswith(f"error: {message}")
    assert "secret" not in ran.err


@pytest.mark.parametrize("line", ["api-resources --cached --shared-cluster=x", "cache clear --yes --shared"])
def test_flags_without_a_shared_cache_are_refused(
    here: Here, tls_server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.delenv(VARIABLE)
    assert "has no effect without --shared-cache" in here("a", line).err


@pytest.mark.parametrize("value", ["redis://", "host:6379", "http://h", "redis:/x", "http://user:secret@h"])
def test_a_wrong_url_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(InvalidOption, match="is not the URL of a shared cache: write redis://HOST:6379") as caught:
        CacheOptions(shared_cache=value)
    assert "secret" not in str(caught.value)


def test_an_object_that_is_no_client_is_refused(redis_server: RedisServer) -> None:
    import redis
    import redis.asyncio

    with pytest.raises(TypeError, match="shared_cache takes a URL or a client of redis-py or valkey-py, not int"):
        CacheOptions(shared_cache=3)
    with pytest.raises(TypeError, match="not for asyncio"):
        CacheOptions(shared_cache=redis.asyncio.Redis())
    with pytest.raises(InvalidOption, match="decode_responses"):
        CacheOptions(shared_cache=redis.Redis(decode_responses=True))


def test_options_show_no_password() -> None:
    assert "secret" not in repr(CacheOptions(shared_cache="redis://user:secret@h/0"))
    assert "redis://h/0" in repr(CacheOptions(shared_cache="redis://user:secret@h/0"))


def test_without_the_extra_one_line_says_what_to_install(
    here: Here, tls_server: DiscoveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ran = here("a", "api-resources --cached")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"error: ${VARIABLE} needs the package redis, which is not installed: pip install 'cachediscovery[redis]'\n"
    )


def test_a_warm_start_imports_nothing_of_it(
    here: Here, tls_server: DiscoveryServer, tmp_path: Path, environ: dict[str, str], redis_server: RedisServer
) -> None:
    here("a", "api-resources --cached")
    code = "import sys; from cachediscovery.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    variables = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "KUBECACHEDIR": str(tmp_path / "machine-a")}
    command = [sys.executable, "-c", code, "api-resources", "--cached", f"--shared-cache={redis_server.url}"]
    ran = subprocess.run(command, env={**environ, **variables}, capture_output=True, text=True, check=True)
    modules = ran.stdout.splitlines()[-1].split()
    assert not [name for name in modules if name.startswith(("redis", "cachediscovery.shared", "cachediscovery.cache"))]


def test_warm_fills_the_shared_cache(here: Here, tls_server: DiscoveryServer, redis_server: RedisServer) -> None:
    assert here("a", "cache warm").code == 0
    assert tls_server.request_count == 2
    ran = here("b", "cache warm")
    assert tls_server.request_count == 2
    assert ran.out.splitlines()[1].split()[-1] == "fresh"
    assert here("c", "cache warm --refresh").code == 0
    assert tls_server.request_count == 4
