"""`invalidate` of a group version that the cached group list lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran

Run = Callable[..., Ran]


@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize(
    ("argument", "there"),
    [
        ("apps", "the group apps has apps/v1"),
        ("apps/v9", "the group apps has apps/v1"),
        ("autoscaling", "the group autoscaling has autoscaling/v2, autoscaling/v1"),
        ("nope/v1", "and 34 more, see 'api-versions --cached'"),
        ("v2", "and 34 more, see 'api-versions --cached'"),
        ("cert-manger.io/v1", "they have cert-manager.io/v1, "),
    ],
)
def test_a_group_version_that_the_cached_groups_lack_is_an_error_that_says_what_there_is(
    server: DiscoveryServer, here: Run, home: Path, argument: str, there: str, has_index: bool
) -> None:
    here("api-resources", server)
    if not has_index:
        for path in home.rglob(".cachediscovery.index"):
            path.unlink()
    server.forget_requests()
    ran = here(f"invalidate {argument}")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(f"error: the cached groups of {server.url} lack {argument!r}: ")
    assert there in ran.err
    assert server.request_count == 0


@pytest.mark.parametrize("argument", ["apps", "nope/v1", "apps/v1"])
def test_a_cold_cache_has_nothing_to_invalidate_and_that_is_no_error(
    server: DiscoveryServer, here: Run, argument: str
) -> None:
    expected = f"invalidated 0 documents of {server.url}\n"
    assert here(f"invalidate {argument}", server) == (0, expected, "")


def test_a_group_version_without_a_document_is_no_error(server: DiscoveryServer, here: Run) -> None:
    here("api-resources", server)
    assert here("invalidate apps/v1").out == f"invalidated 1 document of {server.url}\n"
    assert here("invalidate apps/v1") == (0, f"invalidated 0 documents of {server.url}\n", "")


def test_a_document_that_the_cached_groups_lack_is_removed(server: DiscoveryServer, here: Run, home: Path) -> None:
    here("api-resources", server)
    (apps,) = home.rglob("apps/v1/serverresources.json")
    gone = apps.parents[2] / "gone.test/v1/serverresources.json"
    gone.parent.mkdir(parents=True)
    gone.write_bytes(apps.read_bytes())
    assert here("invalidate gone.test/v1").out == f"invalidated 1 document of {server.url}\n"
    assert not gone.exists()


def test_a_folder_that_is_not_trusted_is_told_and_the_other_is_invalidated(
    server: DiscoveryServer, here: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    here("api-resources", server)
    ((apps,), written) = home.rglob("apps/v1/serverresources.json"), len(list(home.rglob("server*.json")))
    apps.parents[2].chmod(0o777)
    assert here("api-resources").code == 0
    ran = here("invalidate")
    assert (ran.code, ran.out) == (1, f"invalidated {written} documents of {server.url}\n")
    assert "can be written by everybody: the files there are left alone" in ran.err
    assert apps.exists()
    assert not list((tmp_path / "xdg").rglob("server*.json"))
