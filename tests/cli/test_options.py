"""The options that the command line shares with the library: retries, and the variables of the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran

Run = Callable[..., Ran]


def test_retries_are_shown_by_v(server: DiscoveryServer, cli: Run) -> None:
    server.fail("/version", Failure(503, times=1))
    ran = cli("server-version", "--retries=2", "-v", server=server)
    assert ran.code == 0
    assert ", retrying after 0." in ran.err
    assert "(1 of at most 2)" in ran.err
    server.fail("/version", Failure(503, times=1))
    assert cli("server-version", server=server).code == 1
    assert cli("server-version", "--retries=-1", server=server).err.startswith("error: --retries '-1' is not a number")


@pytest.mark.parametrize("option", ["STALE_IF_ERROR", "STALE_WHILE_REVALIDATE"])
def test_a_variable_lets_expired_documents_be_used(server: DiscoveryServer, cli: Run, home: Path, option: str) -> None:
    cli("api-resources", "--cached", server=server)
    for path in home.rglob("server*.json"):
        os.utime(path, (path.stat().st_mtime - 7 * 3600,) * 2)
    server.fail("/api")
    server.fail("/apis")
    assert cli("api-versions", "--cached", server=server).code == 1
    assert cli("api-versions", "--cached", server=server, **{f"CACHEDISCOVERY_{option}": "2h"}).code == 0
    ran = cli("api-versions", "--cached", server=server, **{f"CACHEDISCOVERY_{option}": "soon"})
    assert ran.code == 1
    assert ran.err.startswith(f"error: $CACHEDISCOVERY_{option}: 'soon' is not a duration")
