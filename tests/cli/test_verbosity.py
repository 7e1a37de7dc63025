"""`-v`: its spellings, its levels, and the summary."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran, free_port

Here = Callable[..., Ran]


@pytest.mark.parametrize(
    "line",
    ["-v api-versions", "api-versions -v", "-v 1 api-versions", "api-versions -v 1", "-v=1 api-versions"]
    + ["--v=1 api-versions", "api-versions --v 1", "api-versions -v1", "--verbose api-versions", "--v api-versions"],
)
def test_level_one_shows_requests_and_a_summary_in_every_spelling(
    here: Here, server: DiscoveryServer, line: str
) -> None:
    ran = here(line, server)
    assert (ran.code, "apps/v1\n" in ran.out) == (0, True)
    *requests, summary = ran.err.splitlines()
    assert sorted(re.sub(r"\d+ ms, \d+ bytes$", "", request) for request in requests) == [
        f"GET {server.url}/api 200 in ",
        f"GET {server.url}/apis 200 in ",
    ]
    assert re.fullmatch(r"0 documents from the cache, 2 requests, \d+ ms", summary)


def test_the_summary_counts_documents_of_the_index_and_of_files(
    here: Here, server: DiscoveryServer, home: Path
) -> None:
    here("api-resources", server)
    summary = r"40 documents from the cache, 0 requests, \d+ ms\n"
    assert re.fullmatch(summary, here("api-resources --cached -v").err)
    for path in home.rglob(".cachediscovery.index"):
        path.unlink()
    assert re.fullmatch(summary, here("api-resources --cached -v").err)
    refreshed = here("api-resources -v").err.splitlines()[-1]
    assert refreshed.startswith("0 documents from the cache, 2 requests (2 answered 304: unchanged), ")


def test_level_two_shows_each_path_once(here: Here, server: DiscoveryServer, home: Path) -> None:
    here("api-resources", server)
    for path in home.rglob(".cachediscovery.index"):
        path.unlink()
    ran = here("api-resources --cached -v 2")
    hits = [line for line in ran.err.splitlines() if line.startswith("cache hit: ")]
    assert len(hits) == len({*hits}) == 40
    missed = here("api-resources -v 2").err.splitlines()
    assert sum("older than the last invalidation" in line for line in missed) == 1


@pytest.mark.parametrize("spelled", ["-v 6", "-v=6", "--v=6", "-v6", "-v 9"])
def test_level_six_shows_requests_as_kubectl_does(
    here: Here, kubectl: Callable[..., Ran], server: DiscoveryServer, spelled: str
) -> None:
    shown = re.compile(
        r'I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.(?:go|py):\d+\] "Response" '
        r'verb="GET" url="([^"?]+)[^"]*" status="200 OK" milliseconds=\d+'
    )
    mine = here(f"{spelled} api-versions", server).err
    assert sorted(shown.findall(mine)) == [f"{server.url}/api", f"{server.url}/apis"]
    if spelled == "-v 6":
        theirs = kubectl("api-versions", "-v", "6", server=server).err
        assert sorted(shown.findall(theirs)) == sorted(shown.findall(mine))


def test_level_zero_shows_nothing(here: Here, server: DiscoveryServer) -> None:
    assert here("api-versions -v 0", server).err == ""


def test_a_failed_request_is_shown_and_counted(here: Here) -> None:
    port = free_port()
    ran = here(f"server-version --server http://127.0.0.1:{port} -v")
    request, error, summary = ran.err.splitlines()
    assert re.fullmatch(rf"GET http://127\.0\.0\.1:{port}/version failed after \d+ ms", request)
    assert error.startswith("error: the connection to ")
    assert summary.startswith("0 documents from the cache, 1 request, ")
    assert 'status="" milliseconds=' in here(f"server-version --server http://127.0.0.1:{port} -v 6").err


def test_a_refused_request_is_counted_with_its_status(here: Here, server: DiscoveryServer) -> None:
    server.fail("/version", Failure(403))
    ran = here("server-version -v 6", server)
    assert f'url="{server.url}/version" status="403 Forbidden"' in ran.err
    assert "0 documents from the cache, 1 request, " in ran.err
