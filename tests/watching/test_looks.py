"""The cost of watching for the server, in requests. A look is one refresh."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.watching.schedule import LOOKS_AFTER_CHANGE, MAX_LOOKS_IN_A_ROW, SECONDS_PER_LOOK

from ..conftest import WIDGETS, eventually, remains
from .conftest import CRDS, Fixture, settle

pytestmark = pytest.mark.long

# A look requests two documents.
PER_LOOK = 2
# The longest possible pause between two looks after one change.
LONGEST_PAUSE = LOOKS_AFTER_CHANGE[-1][1] - LOOKS_AFTER_CHANGE[-2][0] + 1


def requests_until_quiet(watched: Fixture) -> int:
    """Wait until no more discovery requests are made and return their number."""
    while True:
        before = watched.discovery_requests()
        if remains(lambda before=before: watched.discovery_requests() == before, LONGEST_PAUSE):  # type: ignore[misc]
            return before


def tell(watched: Fixture, count: int, pause: float) -> None:
    for number in range(count):
        watched.crds.tell("MODIFIED", "widgets.new.test", version=str(number + 10))
        if pause:
            time.sleep(pause)


def test_one_change_on_a_quiet_server_costs_fewer_than_eight_refreshes(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    before = watched.discovery_requests()
    tell(watched, 1, 0)
    asked = requests_until_quiet(watched) - before
    assert PER_LOOK <= asked <= PER_LOOK * len(LOOKS_AFTER_CHANGE) < PER_LOOK * 8


def test_a_new_kind_is_found_by_the_first_refreshes(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    before = watched.discovery_requests()
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    tell(watched, 1, 0)
    assert eventually(lambda: "new.test" in watched.groups())
    assert watched.discovery_requests() - before <= PER_LOOK * 3


def test_a_burst_of_changes_costs_as_much_as_one_change(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    before = watched.discovery_requests()
    tell(watched, 300, 0)
    asked = requests_until_quiet(watched) - before
    # On a slow machine some looks happen during the burst.
    assert PER_LOOK <= asked <= PER_LOOK * (len(LOOKS_AFTER_CHANGE) + 3)


@pytest.mark.parametrize(("count", "pause", "short"), [(11, 1.0, 0.4), (300, 0.2, 0.02)])
def test_steady_changes_stay_below_the_ceiling_and_the_last_is_seen(
    watched: Fixture, request: pytest.FixtureRequest, count: int, pause: float, short: float
) -> None:
    pause = pause if request.config.getoption("--whole") else short
    watched.begin()
    settle(watched)
    before, started = watched.discovery_requests(), time.monotonic()
    tell(watched, count, pause)
    assert watched.discovery_requests() - before <= PER_LOOK * _ceiling(time.monotonic() - started)
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    tell(watched, 1, 0)
    assert eventually(lambda: "new.test" in watched.groups())
    asked = requests_until_quiet(watched) - before
    assert asked <= PER_LOOK * _ceiling(time.monotonic() - started)


def _ceiling(seconds: float) -> int:
    return MAX_LOOKS_IN_A_ROW + int(seconds / SECONDS_PER_LOOK[0])


def test_watchers_that_share_a_cache_share_their_refreshes(watched: Fixture, tmp_path: Path) -> None:
    watched.begin()
    others = [
        CachedDiscoveryClient.for_config(ClientConfig(watched.server.url), cache_dir=str(tmp_path / "cache"))
        for _ in range(5)
    ]
    watches = [client.watch() for client in others]
    try:
        assert all(watch.wait_until_watching(20) for watch in watches)
        settle(watched)
        before = watched.discovery_requests()
        watched.server.recording.add_group("new.test", {"v1": WIDGETS})
        for events in watched.crds.watches:
            events.put({"type": "ADDED", "object": {"metadata": {"name": "widgets.new.test", "resourceVersion": "8"}}})
        assert eventually(
            lambda: all("new.test" in [group.name for group in client.server_groups().groups] for client in others)
        )
        asked = requests_until_quiet(watched) - before
        assert asked <= PER_LOOK * len(LOOKS_AFTER_CHANGE) * 3, "of six watchers, what three would ask"
    finally:
        for watch in watches:
            watch.close()


def test_a_failed_refresh_is_retried(watched: Fixture) -> None:
    failed: list[str] = []

    def fail(path: str) -> None:
        if path == "/apis" and broken():
            failed.append(path)
            raise ConnectionResetError

    broken: Callable[[], bool] = lambda: False  # noqa: E731
    watched.server.on_request = fail
    watched.begin(interval=0.2)
    settle(watched)
    broken = lambda: True  # noqa: E731
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    tell(watched, 1, 0)
    assert eventually(lambda: len(failed) > len(LOOKS_AFTER_CHANGE) + 2, 40)
    broken = lambda: False  # noqa: E731
    assert eventually(lambda: "new.test" in watched.groups())
    assert watched.watch is not None
    assert watched.watch.is_watching
    assert CRDS not in failed
