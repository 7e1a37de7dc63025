"""A watch is an iterator of changes: what they tell, and how they are put together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import APIResource, APIResourceList, CachedDiscoveryClient, DiscoveryChange, DiscoveryError
from cachediscovery import GroupVersion as Version
from cachediscovery import GroupVersionResource as Name
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient
from cachediscovery.watching.baseline import Baseline

from ..conftest import eventually
from .test_callbacks import in_child

Make = Callable[..., CachedDiscoveryClient]


def resource(name: str, **more: object) -> APIResource:
    return APIResource(name, name[:-1], True, name.title(), ("get",))._replace(**more)  # type: ignore[arg-type]


class Listing(FakeDiscoveryClient):
    """Something that a baseline can look at."""

    def refresh(self, since: float) -> None:
        """Do nothing."""


@pytest.fixture
def client() -> Listing:
    return Listing([APIResourceList("v1", (resource("pods"),)), APIResourceList("a.test/v1", (resource("as"),))])


@pytest.fixture
def baseline(client: Listing) -> Baseline:
    made = Baseline(None, {})
    assert not made.has_changed(client), "what is seen first is no change"
    return made


def look(baseline: Baseline, client: Listing) -> DiscoveryChange | None:
    baseline.has_changed(client)
    return baseline.take()


def test_a_new_resource_and_a_new_group_are_added(baseline: Baseline, client: Listing) -> None:
    client.resources[1] = APIResourceList("a.test/v1", (resource("as"), resource("bs"), resource("bs/status")))
    client.resources.append(APIResourceList("b.test/v1", (resource("cs"),)))
    assert look(baseline, client) == DiscoveryChange(
        ("b.test",), added=(Name("a.test", "v1", "bs"), Name("b.test", "v1", "cs"))
    )
    assert look(baseline, client) is None


@pytest.mark.parametrize(
    "now",
    [
        (resource("as", short_names=("a",)),),
        (resource("as", verbs=("get", "list")),),
        (resource("as", namespaced=False),),
        (resource("as"), resource("as/status")),
    ],
)
def test_a_resource_is_modified_with_its_subresources(
    baseline: Baseline, client: Listing, now: tuple[APIResource, ...]
) -> None:
    client.resources[1] = APIResourceList("a.test/v1", now)
    assert look(baseline, client) == DiscoveryChange(modified=(Name("a.test", "v1", "as"),))


def test_the_same_resource_from_aggregated_discovery_is_not_modified(baseline: Baseline, client: Listing) -> None:
    now = resource("as", group="a.test", version="v1", storage_version_hash="x")
    client.resources[1] = APIResourceList("a.test/v1", (now,))
    assert look(baseline, client) == DiscoveryChange()


def test_resources_of_a_failed_group_version_are_not_removed(baseline: Baseline, client: Listing) -> None:
    client.fail("a.test/v1")
    assert look(baseline, client) == DiscoveryChange(failed=(Version("a.test", "v1"),))
    assert look(baseline, client) is None
    client.recover("a.test/v1")
    assert look(baseline, client) == DiscoveryChange()


def test_what_changed_during_a_failure_is_told_after_it(baseline: Baseline, client: Listing) -> None:
    client.fail("a.test/v1")
    baseline.has_changed(client)
    client.recover("a.test/v1")
    client.resources[1] = APIResourceList("a.test/v1", (resource("bs"),))
    assert look(baseline, client) == DiscoveryChange(
        added=(Name("a.test", "v1", "bs"),), removed=(Name("a.test", "v1", "as"),)
    )


def test_changes_that_nobody_waited_for_are_one(baseline: Baseline, client: Listing) -> None:
    for name in ("b", "c"):
        client.resources.append(APIResourceList(f"{name}.test/v1", (resource("cs"),)))
        assert baseline.has_changed(client)
    del client.resources[2]
    assert look(baseline, client) == DiscoveryChange(("c.test",), added=(Name("c.test", "v1", "cs"),))
    client.resources.pop()
    baseline.has_changed(client)
    client.resources.append(APIResourceList("c.test/v1", (resource("cs"),)))
    assert look(baseline, client) is None, "it came back before anybody asked"


def test_a_list_that_is_denied_removes_nothing(server: DiscoveryServer, cached_client: Make) -> None:
    from cachediscovery.testing import Failure

    client = cached_client(server)
    baseline = Baseline(None, {})
    baseline.has_changed(client)
    server.fail("/apis", Failure(403))
    client.invalidate()
    change = look(baseline, client)  # type: ignore[arg-type]
    assert change is not None
    assert (change.added, change.modified, change.removed) == ((), (), ())
    assert Version("apps", "v1") in change.failed
    server.failures.clear()
    client.invalidate()
    back = look(baseline, client)  # type: ignore[arg-type]
    assert back is not None
    assert (back.added, back.modified, back.removed, back.failed) == ((), (), (), ())


def test_an_error_of_the_listing_is_no_change(baseline: Baseline, client: Listing) -> None:
    client.fail("server_groups_and_resources", DiscoveryError("no connection"))
    with pytest.raises(DiscoveryError):
        baseline.has_changed(client)
    assert baseline.take() is None


def test_a_sync_program_iterates_over_a_watch(server: DiscoveryServer, cached_client: Make) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    found: list[DiscoveryChange] = []
    with client.watch() as watch:
        assert watch.wait_until_watching(20)
        following = threading.Thread(target=lambda: found.extend(watch))
        following.start()
        server.install_crd("new.test/v1", "Widget")
        assert eventually(lambda: [change.added for change in found] == [(Name("new.test", "v1", "widgets"),)])
        assert watch.next_change(0.1) is None
        assert in_child(lambda: watch.next_change(5) is None and list(watch) == [])
    following.join(20)
    assert not following.is_alive(), "closing the watch ends the iteration"
    assert watch.next_change() is None


def test_a_change_is_told_once_and_in_both_ways(server: DiscoveryServer, cached_client: Make, tmp_path: Path) -> None:
    client = cached_client(server)
    client.server_groups_and_resources()
    calls: list[int] = []
    with client.watch(on_change=lambda: calls.append(1)) as watch:
        assert watch.wait_until_watching(20)
        server.install_crd("new.test/v1", "Widget")
        assert watch.next_change(20) is not None
        assert eventually(lambda: calls == [1])
        assert watch.next_change(0.1) is None
