from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from cachediscovery import (
    DiscoveryClient,
    DiscoveryError,
    GroupDiscoveryFailed,
    GroupVersion,
    InvalidDocument,
    InvalidGroupVersion,
    NotFound,
    StaleGroupVersionError,
    StatusError,
)
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import WIDGETS

Make = Callable[..., DiscoveryClient]


def listing(client: DiscoveryClient) -> list[tuple[str, str, tuple[str, ...]]]:
    _, lists = client.server_groups_and_resources()
    return [(item.group_version, resource.name, resource.verbs) for item in lists for resource in item.resources]


def test_an_aggregated_server_gets_two_requests(server: DiscoveryServer, base_client: Make) -> None:
    listing(base_client(server))
    assert sorted(server.paths()) == ["/api", "/apis"]


def test_both_documents_are_fetched_at_the_same_time(server: DiscoveryServer, base_client: Make) -> None:
    both = threading.Barrier(2, timeout=10)
    answer = server._answer

    def answer_together(*arguments: str) -> Any:
        both.wait()
        return answer(*arguments)

    server._answer = answer_together  # type: ignore[method-assign]
    assert base_client(server).server_groups().groups


@pytest.mark.parametrize("versions", [("v2",), ("v2beta1",), ("v2", "v2beta1")])
def test_every_version_of_aggregated_discovery_gives_the_same_listing(
    versions: tuple[str, ...], base_client: Make
) -> None:
    with DiscoveryServer(aggregated=versions) as server, DiscoveryServer(aggregated=False) as legacy:
        client = base_client(server)
        # Real servers order CRDs differently in aggregated and unaggregated discovery.
        assert sorted(listing(client)) == sorted(listing(base_client(legacy)))
        assert server.request_count == 2


def test_without_aggregation_every_group_version_is_fetched(legacy_server: DiscoveryServer, base_client: Make) -> None:
    listing(base_client(legacy_server))
    documents = set(legacy_server.recording.unaggregated) - {"/version"}
    assert sorted(legacy_server.paths()) == sorted(documents)


def test_a_legacy_client_requests_only_unaggregated_documents(server: DiscoveryServer, base_client: Make) -> None:
    client = base_client(server).with_legacy()
    client.server_groups()
    assert {request.header("Accept") for request in server.requests} == {"application/json"}


def test_resources_are_not_used_if_only_one_document_is_aggregated(server: DiscoveryServer, base_client: Make) -> None:
    body = b'{"kind":"APIVersions","versions":["v1"]}'
    server.fail("/api", Failure(200, body=body))
    found = base_client(server).groups_and_maybe_resources()
    assert found.resources == {}
    assert found.missing == list(found.groups.group_versions)
    assert found.groups.groups[0].name == ""


def test_the_core_group_comes_first_and_the_servers_order_is_kept(server: DiscoveryServer, base_client: Make) -> None:
    names = [group.name for group in base_client(server).server_groups().groups]
    assert names == ["", *(item["metadata"]["name"] for item in server.recording.apis["items"])]


def test_a_stale_group_version_is_a_partial_failure(server: DiscoveryServer, base_client: Make) -> None:
    server.recording.mark_stale("batch/v1")
    client = base_client(server)
    with pytest.raises(GroupDiscoveryFailed, match="batch/v1: stale") as caught:
        client.server_groups_and_resources()
    failed = caught.value.failed
    assert isinstance(failed[GroupVersion("batch", "v1")], StaleGroupVersionError)
    _, lists = caught.value.result
    assert "apps/v1" in [item.group_version for item in lists]
    assert "batch/v1" not in [item.group_version for item in lists]
    assert server.request_count == 4, "the listing as a whole is tried twice"


def test_a_failed_group_version_leaves_the_others_in_the_result(
    legacy_server: DiscoveryServer, base_client: Make
) -> None:
    legacy_server.fail("/apis/batch/v1", Failure(503))
    with pytest.raises(GroupDiscoveryFailed) as caught:
        base_client(legacy_server).server_preferred_resources()
    assert list(caught.value.failed) == [GroupVersion("batch", "v1")]
    assert "deployments" in [resource.name for item in caught.value.result for resource in item.resources]


def test_a_group_version_with_one_404_is_found_on_retry(legacy_server: DiscoveryServer, base_client: Make) -> None:
    legacy_server.fail("/apis/batch/v1", Failure(404, times=1))
    assert "batch/v1" in [name for name, _, _ in listing(base_client(legacy_server))]


def test_a_partial_failure_keeps_its_namespaced_resources_and_failures(
    server: DiscoveryServer, base_client: Make
) -> None:
    server.recording.mark_stale("batch/v1")
    with pytest.raises(GroupDiscoveryFailed) as caught:
        base_client(server).server_preferred_namespaced_resources()
    resources = [resource for item in caught.value.result for resource in item.resources]
    assert resources
    assert all(resource.namespaced for resource in resources)
    assert caught.value.failed


def test_a_server_without_a_core_group_is_not_a_failure(server: DiscoveryServer, base_client: Make) -> None:
    server.fail("/api", Failure(404))
    found = base_client(server).groups_and_maybe_resources()
    assert found.groups.groups[0].name == "apiregistration.k8s.io"
    assert found.resources is not None
    assert not found.failed


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize("status", [404, 403])
def test_a_404_or_403_for_apis_is_a_partial_failure(base_client: Make, status: int, aggregated: bool) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        server.fail("/apis", Failure(status))
        client = base_client(server)
        with pytest.raises(GroupDiscoveryFailed, match=r"\*/\*: .*/apis") as caught:
            client.server_groups()
        assert [group.name for group in caught.value.result.groups] == [""]
        with pytest.raises(GroupDiscoveryFailed) as caught:
            client.server_groups_and_resources()
        assert [found.group_version for found in caught.value.result[1]] == ["v1"]
        (error,) = caught.value.failed.values()
        assert isinstance(error, StatusError)
        assert error.code == status


def test_a_forbidden_core_group_is_a_partial_failure(server: DiscoveryServer, base_client: Make) -> None:
    server.fail("/api", Failure(403))
    with pytest.raises(GroupDiscoveryFailed, match=r" \*: .*/api: ") as caught:
        base_client(server).server_groups()
    assert caught.value.failed.keys() == {GroupVersion("", "*")}
    assert "apps" in [group.name for group in caught.value.result.groups]


def test_a_404_for_both_api_and_apis_is_not_found(server: DiscoveryServer, base_client: Make) -> None:
    server.fail("/api", Failure(404))
    server.fail("/apis", Failure(404))
    with pytest.raises(NotFound, match="/apis"):
        base_client(server).server_groups()


def test_a_missing_core_version_is_an_empty_list(server: DiscoveryServer, base_client: Make) -> None:
    server.fail("/api/v1", Failure(404))
    assert base_client(server).server_resources_for_group_version("v1").resources == ()


def test_a_missing_group_version_is_not_found(server: DiscoveryServer, base_client: Make) -> None:
    with pytest.raises(NotFound):
        base_client(server).server_resources_for_group_version("nope.example/v1")


@pytest.mark.parametrize("name", ["", "/", "a/b/c", "apps/", "/v1", "../v1", "apps/v1\n"])
def test_an_invalid_group_version_raises_without_a_request(
    server: DiscoveryServer, base_client: Make, name: str
) -> None:
    with pytest.raises(InvalidGroupVersion):
        base_client(server).server_resources_for_group_version(name)
    assert server.request_count == 0


HOSTILE = ["../../x", "/etc/x", "a/b/c", "", ".", "bell\x07", "nul\x00", "new\nline", "\u202e", "servergroups.json/x"]


@pytest.mark.parametrize("aggregated", [True, False])
def test_groups_with_unsafe_names_are_dropped_and_the_others_kept(
    base_client: Make, caplog: pytest.LogCaptureFixture, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        client = base_client(server)
        honest = listing(client)
        resources = [{"name": "xs", "singularName": "x", "namespaced": True, "kind": "X", "verbs": ["get"]}]
        for name in HOSTILE:
            server.recording.add_group(name, {"v1": resources})
        server.recording.add_group("mixed.example", {"../v1": resources, "v1": resources})
        with caplog.at_level(logging.WARNING, "cachediscovery"):
            found = listing(client)
        assert found == [*honest, ("mixed.example/v1", "xs", ("get",))]
        for name in HOSTILE:
            assert ascii(name) in caplog.text
        assert not set(caplog.text) & {"\x07", "\x00", "\u202e"}


def test_a_preferred_resource_comes_from_the_preferred_version_that_has_it(
    server: DiscoveryServer, base_client: Make
) -> None:
    resource = {"singularName": "", "namespaced": True, "kind": "X", "verbs": ["get"]}
    named = {name: {"name": name, **resource} for name in ("both", "old", "both/status")}
    server.recording.add_group(
        "versions.example", {"v2": [named["both"]], "v1": [named["both"], named["both/status"], named["old"]]}
    )
    lists = {item.group_version: item.resources for item in base_client(server).server_preferred_resources()}
    assert [item.name for item in lists["versions.example/v2"]] == ["both"]
    assert [item.name for item in lists["versions.example/v1"]] == ["old"]


def test_server_version_returns_the_servers_version(server: DiscoveryServer, base_client: Make) -> None:
    version = base_client(server).server_version()
    assert version.git_version == server.recording.unaggregated["/version"]["gitVersion"]
    assert version.min_compatibility_minor == server.recording.unaggregated["/version"]["minCompatibilityMinor"]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure(200, body=b"<html>log in</html>", content_type="text/html"), "HTML, not JSON"),
        (Failure(200, body=b""), "empty body"),
        (Failure(200, body=b'{"kind":"APIGroupList","groups":['), "not JSON"),
        (Failure(200, body=b'{"kind":"PodList","items":[]}'), "PodList"),
        (Failure(200, body=b'{"kind":"APIGroupList","groups":{}}'), "not a list"),
        (Failure(200, body=b"[" * 200_000), "not JSON"),
        (Failure(200, body=b"\x00\x01\x02"), "not JSON"),
    ],
)
def test_the_error_for_an_invalid_document_names_its_url(
    server: DiscoveryServer, base_client: Make, failure: Failure, message: str
) -> None:
    server.fail("/apis", failure)
    with pytest.raises(InvalidDocument, match=message) as caught:
        base_client(server).server_groups()
    assert caught.value.url == f"{server.url}/apis"
    assert f"{server.url}/apis" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_resource_list_of_another_group_version_is_refused(server: DiscoveryServer, base_client: Make) -> None:
    server.recording.unaggregated["/apis/apps/v1"]["groupVersion"] = "batch/v1"
    with pytest.raises(InvalidDocument, match="batch/v1"):
        base_client(server).server_resources_for_group_version("apps/v1")


def test_a_failure_of_both_api_and_apis_is_one_error(server: DiscoveryServer, base_client: Make) -> None:
    for path in ("/api", "/apis"):
        server.fail(path, Failure(500, "boom"))
    with pytest.raises(StatusError, match="boom"):
        base_client(server).server_groups()


def test_a_callers_session_is_used_unchanged(server: DiscoveryServer) -> None:
    server.token = "secret"
    session = requests.Session()
    session.headers["Authorization"] = "Bearer secret"
    session.headers["X-Mine"] = "1"
    client = DiscoveryClient.from_session(session, f"{server.url}/")
    assert client.server_groups().groups
    assert {request.header("X-Mine") for request in server.requests} == {"1"}


def test_openapi_urls_of_other_hosts_are_dropped(server: DiscoveryServer, base_client: Make) -> None:
    index = {"paths": {"apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=1"}}}
    index["paths"]["evil"] = {"serverRelativeURL": "//evil.example/x"}
    index["paths"]["worse"] = {"serverRelativeURL": "https://evil.example/x"}
    server.recording.unaggregated["/openapi/v3"] = index
    server.recording.unaggregated["/openapi/v3/apis/apps/v1"] = {"openapi": "3.0.0"}
    paths = base_client(server).openapi_v3().paths()
    assert list(paths) == ["apis/apps/v1"]
    assert paths["apis/apps/v1"].schema() == {"openapi": "3.0.0"}


def test_a_server_without_openapi_v3_has_no_openapi_paths(server: DiscoveryServer, base_client: Make) -> None:
    server.openapi.documents = {}
    assert base_client(server).openapi_v3().paths() == {}


def test_every_error_is_a_discovery_error() -> None:
    from cachediscovery.model import errors

    raised = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(error, DiscoveryError) for error in raised)


@pytest.mark.parametrize("name", ["../x", "x\nforged", "\x1b[2J", ""])
def test_a_stale_group_version_with_an_invalid_name_is_not_reported(
    server: DiscoveryServer, base_client: Make, name: str
) -> None:
    server.recording.add_group(name, {"v1": WIDGETS})
    server.recording.add_group("honest.example", {"../v1": WIDGETS, "v1": WIDGETS})
    for item in server.recording.apis["items"][-2:]:
        for version in item["versions"]:
            version["freshness"] = "Stale"
    with pytest.raises(GroupDiscoveryFailed) as caught:
        base_client(server).server_groups_and_resources()
    assert [*caught.value.failed] == [GroupVersion("honest.example", "v1")]
    assert str(caught.value).isprintable()
