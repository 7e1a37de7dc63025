"""Exceptions in `on_change`, forks and closing: a watch never ends silently or only appears to run."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

import pytest

from cachediscovery.testing import Failure

from ..conftest import WIDGETS, eventually, remains, threads_of_ours
from .conftest import CRDS, SERVICES, Fixture, settle


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ZeroDivisionError("oops")])
def test_an_exception_in_on_change_is_logged_and_the_watch_continues(
    watched: Fixture, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(len(calls))
        raise error

    watched.client.server_groups_and_resources()
    watched.watch = watched.client.watch(on_change=fail)
    settle(watched)
    for count, name in enumerate(("one", "two"), 1):
        watched.server.recording.add_group(f"{name}.test", {"v1": WIDGETS})
        watched.crds.tell("ADDED", f"widgets.{name}.test")
        message = f"on_change raised {type(error).__name__}: {error}"
        assert eventually(lambda message=message, count=count: caplog.text.count(message) == count)  # type: ignore[misc]
        assert calls == list(range(count))
        assert watched.watch.is_watching


def test_on_change_may_close_the_watch(watched: Fixture) -> None:
    def exit_after_closing() -> None:
        assert watched.watch is not None
        watched.watch.close()
        sys.exit()

    watched.client.server_groups_and_resources()
    watched.watch = watched.client.watch(on_change=exit_after_closing)
    settle(watched)
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    watched.crds.tell("ADDED", "widgets.new.test")
    assert eventually(lambda: not threads_of_ours())
    assert not watched.watch.is_watching


def in_child(check: Callable[[], bool]) -> bool:
    """Run `check` in a forked child and return its result."""
    child = os.fork()
    if child == 0:
        passed = False
        try:
            passed = check()
        finally:
            os._exit(0 if passed else 1)
    return os.waitpid(child, 0)[1] == 0


def test_a_forked_child_has_no_watch_and_does_not_close_its_parents(watched: Fixture) -> None:
    watch = watched.begin()
    settle(watched)

    def check() -> bool:
        was_watching = watch.is_watching or watch.wait_until_watching(5)
        watch.close()
        return not was_watching

    assert in_child(check)
    assert watch.is_watching
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    watched.crds.tell("ADDED", "widgets.new.test")
    assert eventually(lambda: "new.test" in watched.groups())


def test_each_outage_logs_one_warning(watched: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[str] = []
    watched.server.on_request = lambda path: looks.append(path) if path == "/apis" else None
    for path in (CRDS, SERVICES):
        watched.server.fail(path, Failure(403))
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        watched.begin(interval=0.05)
        for outage in (1, 2):
            watched.server.fail("/apis", Failure(500))
            watched.server.fail("/api", Failure(500))
            before = len(looks)
            assert eventually(lambda before=before: len(looks) > before + 3)  # type: ignore[misc]
            warnings = [record for record in caplog.records if "cannot be refreshed" in record.getMessage()]
            assert len(warnings) == outage
            watched.server.failures.pop("/apis")
            watched.server.failures.pop("/api")
            before = len(looks)
            assert eventually(lambda before=before: len(looks) > before + 3)  # type: ignore[misc]


def are_requests_over(watched: Fixture) -> bool:
    before = watched.server.request_count
    return remains(lambda: watched.server.request_count == before, 1)


def test_polling_stops_once_both_collections_are_watched(watched: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from cachediscovery.watching import watch

    monkeypatch.setattr(watch, "_DENIED_SECONDS", 0.5)
    watched.server.fail(SERVICES, Failure(403))
    made = watched.begin(interval=0.05)
    assert eventually(lambda: watched.discovery_requests() > 6)
    watched.server.failures.pop(SERVICES)
    assert made.wait_until_watching(20)
    assert eventually(lambda: are_requests_over(watched), 60)


def test_a_watch_closed_while_connecting_never_opens(watched: Fixture) -> None:
    begun: list[str] = []
    # The requests may come before `begin` has returned.
    made = threading.Event()

    def close_meanwhile(path: str) -> None:
        if path == CRDS:
            begun.append(path)
            if len(begun) == 2:
                made.wait(20)
                watch.close()

    watched.server.on_request = close_meanwhile
    watch = watched.begin()
    made.set()
    assert eventually(lambda: len(begun) == 2)
    assert eventually(lambda: not threads_of_ours())
    assert not watch.is_watching
    assert not watch.wait_until_watching(5)
    assert len(begun) == 2
