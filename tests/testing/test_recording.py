"""Recordings: saved and loaded, copied, and changed alike in their aggregated and unaggregated documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cachediscovery import DiscoveryClient
from cachediscovery.testing import DiscoveryServer, Recording, load_recording

from ..conftest import WIDGETS

GADGETS = [{**WIDGETS[0], "name": "gadgets", "singularName": "gadget", "kind": "Gadget"}]


@pytest.fixture
def recording() -> Recording:
    made = load_recording()
    made.add_group("first.test", {"v1": WIDGETS, "v1beta1": [*WIDGETS, *GADGETS]})
    return made


def listed(recording: Recording, *, aggregated: bool) -> dict[str, list[str]]:
    """The kinds by group version of a group whose name ends in `.test`, as a client lists them."""
    with (
        DiscoveryServer(recording, aggregated=aggregated) as server,
        DiscoveryClient.for_config(server.config) as client,
    ):
        _, lists = client.server_groups_and_resources()
    return {
        each.group_version: [item.kind for item in each.resources] for each in lists if ".test/" in each.group_version
    }


def test_a_saved_recording_is_loaded_unchanged(recording: Recording, tmp_path: Path) -> None:
    recording.save(tmp_path / "saved.json")
    assert Recording(**json.loads((tmp_path / "saved.json").read_text())) == recording


def test_the_file_does_not_depend_on_the_order_of_keys(recording: Recording, tmp_path: Path) -> None:
    other = Recording(recording.api, recording.apis, dict(reversed(recording.unaggregated.items())))
    for name, each in (("a", recording), ("b", other)):
        each.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_copy_is_changed_alone(recording: Recording) -> None:
    before = recording.copy()
    changed = recording.copy()
    changed.remove_group("first.test")
    changed.mark_stale("apps/v1")
    assert recording == before != changed


@pytest.mark.parametrize("aggregated", [True, False])
def test_a_removed_version_is_no_longer_listed_nor_preferred(recording: Recording, aggregated: bool) -> None:
    assert listed(recording, aggregated=aggregated) == {
        "first.test/v1": ["Widget"],
        "first.test/v1beta1": ["Widget", "Gadget"],
    }
    recording.remove_version("first.test", "v1")
    assert listed(recording, aggregated=aggregated) == {"first.test/v1beta1": ["Widget", "Gadget"]}
    (group,) = (group for group in recording.unaggregated["/apis"]["groups"] if group["name"] == "first.test")
    assert group["preferredVersion"] == {"groupVersion": "first.test/v1beta1", "version": "v1beta1"}


@pytest.mark.parametrize("aggregated", [True, False])
def test_the_last_version_takes_the_group_with_it(recording: Recording, aggregated: bool) -> None:
    assert recording.remove_resource("first.test", "gadgets") == []
    assert recording.remove_resource("first.test", "widgets") == ["v1", "v1beta1"]
    assert listed(recording, aggregated=aggregated) == {}
    recording.add_resources("first.test/v2", GADGETS)
    assert listed(recording, aggregated=aggregated) == {"first.test/v2": ["Gadget"]}
