"""A cache that is kept up to date by watching, on a server whose events the test controls."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig, DeferredDiscoveryRESTMapper
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import WIDGETS, eventually, remains
from .conftest import CRDS, SERVICES, Fixture, Watched, settle


def test_a_watch_finds_a_new_crd_and_calls_on_change(watched: Fixture) -> None:
    mapper = DeferredDiscoveryRESTMapper(watched.client)
    watched.begin()
    settle(watched)
    assert "new.test" not in watched.groups()
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    watched.crds.tell("ADDED", "widgets.new.test")
    assert eventually(lambda: "new.test" in watched.groups())
    assert mapper.mapping_for("widgets").group == "new.test"
    assert eventually(lambda: watched.changes == 1)


def test_a_group_published_some_time_after_its_event_is_found(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    before = watched.discovery_requests()
    watched.services.tell("MODIFIED", "v1.new.test")
    assert eventually(lambda: watched.discovery_requests() >= before + 2)
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    assert eventually(lambda: "new.test" in watched.groups())


def test_no_request_is_made_while_nothing_changes(watched: Fixture) -> None:
    watched.begin(interval=0.05)
    settle(watched)
    before = watched.server.request_count
    watched.crds.tell("BOOKMARK", version="9")
    assert remains(lambda: watched.server.request_count == before, 1)
    assert watched.changes == 0, "what was fetched first is no change"


def test_a_watch_ended_by_the_server_resumes_at_its_resource_version(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    watched.crds.tell("BOOKMARK", version="12")
    before = watched.discovery_requests()
    watched.crds.put(None)
    assert eventually(lambda: len(watched.crds.queries) == 2)
    assert watched.crds.versions() == ["7", "12"]
    assert "allowWatchBookmarks=true" in watched.crds.queries[1]
    assert watched.discovery_requests() == before


def test_a_410_event_causes_a_new_list_and_no_change_is_missed(watched: Fixture) -> None:
    watched.begin()
    settle(watched)
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    watched.server.recording.unaggregated[CRDS]["metadata"]["resourceVersion"] = "40"
    watched.crds.put({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})
    assert eventually(lambda: "new.test" in watched.groups())
    assert eventually(lambda: watched.crds.versions() == ["7", "40"])


def test_a_watch_answered_with_410_is_restarted(watched: Fixture) -> None:
    asked = []

    def gone_once(path: str) -> None:
        if path == CRDS:
            asked.append(path)
            if len(asked) == 2:
                watched.server.fail(CRDS, Failure(410, "too old", times=1))

    watched.server.on_request = gone_once
    watch = watched.begin()
    assert watch.wait_until_watching(20)
    assert len(asked) == 4


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_denied_watch_falls_back_to_polling_with_a_warning(
    watched: Fixture, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    watched.server.fail(SERVICES, Failure(code, "no way"))
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        watch = watched.begin(interval=0.1)
        assert eventually(lambda: watched.discovery_requests() > 6)
        watched.server.recording.add_group("new.test", {"v1": WIDGETS})
        assert eventually(lambda: "new.test" in watched.groups())
    assert not watch.is_watching
    (record,) = caplog.records
    assert "apiservices cannot be watched, the server is asked every 0.1 s instead" in record.getMessage()
    assert "no way" in record.getMessage()


@pytest.mark.parametrize("path", [CRDS, SERVICES])
def test_a_forbidden_watch_names_the_missing_rights_and_none_of_discovery(
    watched: Fixture, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    watched.server.fail(path, Failure(403, "no way"))
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        watched.begin(interval=0.1)
        assert eventually(lambda: bool(caplog.records))
    (record,) = caplog.records
    assert record.getMessage().endswith(
        "no way (a watch needs the rights list and watch for customresourcedefinitions.apiextensions.k8s.io and "
        "apiservices.apiregistration.k8s.io)"
    )
    assert "system:discovery" not in record.getMessage()


def test_a_server_that_ends_every_watch_gets_few_requests(watched: Fixture) -> None:
    for collection in (watched.crds, watched.services):
        collection.ends_at_once = True
    watched.begin()
    assert eventually(lambda: len(watched.crds.queries) >= 2)
    assert remains(lambda: len(watched.crds.queries) <= 5, 1.5)


def test_a_restarted_server_is_watched_again(tmp_path: Path) -> None:
    server = DiscoveryServer()
    first = Watched(server, CRDS), Watched(server, SERVICES)
    server.start()
    port = int(server.url.rpartition(":")[2])
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
    with client.watch() as watch:
        assert watch.wait_until_watching(20)
        server.stop()
        for collection in first:
            collection.end_all()
        assert eventually(lambda: not watch.is_watching)
        again = DiscoveryServer(port=port)
        crds, services = Watched(again, CRDS), Watched(again, SERVICES)
        with again:
            assert eventually(lambda: bool(crds.watches and services.watches))
            assert watch.wait_until_watching(20)
            again.recording.add_group("new.test", {"v1": WIDGETS})
            crds.tell("ADDED", "widgets.new.test")
            assert eventually(lambda: "new.test" in [group.name for group in client.server_groups().groups])
            crds.end_all()
            services.end_all()


@pytest.mark.parametrize(
    "event", [{}, {"type": 3}, {"type": "ADDED"}, {"type": "ADDED", "object": {"metadata": []}}, {"type": "ERROR"}]
)
def test_an_invalid_event_restarts_the_watch(watched: Fixture, event: dict[str, Any]) -> None:
    watched.begin()
    settle(watched)
    before = len(watched.crds.queries)
    watched.crds.put(event)
    if event != {"type": "ADDED"}:
        assert eventually(lambda: len(watched.crds.queries) > before)
    watched.server.recording.add_group("new.test", {"v1": WIDGETS})
    watched.crds.tell("ADDED", "widgets.new.test")
    assert eventually(lambda: "new.test" in watched.groups())


def test_a_borrowed_connection_cannot_be_watched_and_is_polled(
    server: DiscoveryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import requests

    from cachediscovery.integrations.borrowed_transport import BorrowedTransport, discovery_by

    def ask(path: str, headers: Any) -> tuple[int, Any, bytes]:
        answer = requests.get(server.url + path, headers=headers, timeout=10)
        return answer.status_code, answer.headers, answer.content

    client = discovery_by(BorrowedTransport(server.url, ask), server.url)
    with caplog.at_level(logging.WARNING, "cachediscovery"), client.watch(interval=0.1):
        assert eventually(lambda: server.request_count > 6)
    assert "cannot be watched over this connection" in caplog.text


def test_a_server_that_answers_every_watch_with_410_gets_few_requests(watched: Fixture) -> None:
    asked = []
    watched.server.on_request = lambda path: asked.append(path) if path == CRDS else None
    watched.crds.events_at_once = [{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}]
    watched.begin()
    assert eventually(lambda: len(asked) >= 4)
    assert remains(lambda: len(asked) <= 10, 1.5)
