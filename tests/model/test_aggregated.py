from __future__ import annotations

from typing import Any

import pytest

from cachediscovery import GroupVersion, StaleGroupVersionError
from cachediscovery.model.aggregated import is_aggregated, split_groups_and_resources
from cachediscovery.model.fields import MalformedDocument

KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}


def document(*versions: dict[str, Any], name: str = "apps") -> dict[str, Any]:
    return {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": name}, "versions": list(versions)}]}


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", True),
        ("application/json; as=APIGroupDiscoveryList; v=v2beta1; g=apidiscovery.k8s.io; charset=utf-8", True),
        ('Application/JSON;G="apidiscovery.k8s.io";v=v2;as=APIGroupDiscoveryList', True),
        ("application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList", False),
        ("application/json", False),
        ("text/html;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", False),
        (";;;", False),
        ("", False),
    ],
)
def test_the_content_type_identifies_aggregated_discovery_in_any_parameter_order(
    content_type: str, expected: bool
) -> None:
    assert is_aggregated(content_type) is expected


def test_a_stale_version_is_reported_as_failed_not_as_empty() -> None:
    split = split_groups_and_resources(
        document({"version": "v2", "freshness": "Stale"}, {"version": "v1", "resources": []})
    )
    assert [version.version for version in split.groups.groups[0].versions] == ["v1"]
    assert split.groups.groups[0].preferred_version.version == "v1"
    stale = GroupVersion("apps", "v2")
    assert list(split.failed) == [stale]
    assert isinstance(split.failed[stale], StaleGroupVersionError)
    assert stale not in split.resources


def test_a_group_with_only_stale_versions_has_no_preferred_version() -> None:
    group = split_groups_and_resources(document({"version": "v1", "freshness": "Stale"})).groups.groups[0]
    assert group.versions == ()
    assert group.preferred_version == ("", "")


def test_a_subresource_is_listed_after_its_parent() -> None:
    version = {
        "version": "v1",
        "resources": [
            {
                "resource": "deployments",
                "responseKind": KIND,
                "scope": "Namespaced",
                "singularResource": "deployment",
                "verbs": ["get", "list"],
                "shortNames": ["deploy"],
                "categories": ["all"],
                "subresources": [
                    {
                        "subresource": "scale",
                        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                        "acceptedTypes": [{"group": "autoscaling", "version": "v1", "kind": "Scale"}],
                        "verbs": ["get"],
                    }
                ],
            }
        ],
    }
    parent, scale = split_groups_and_resources(document(version)).resources[GroupVersion("apps", "v1")].resources
    assert (parent.name, parent.kind, parent.short_names, parent.categories) == (
        "deployments", "Deployment", ("deploy",), ("all",),
    )  # fmt: skip
    assert (scale.name, scale.singular_name, scale.namespaced) == ("deployments/scale", "deployment", True)
    assert (scale.group, scale.version, scale.kind, scale.verbs) == ("autoscaling", "v1", "Scale", ("get",))


@pytest.mark.parametrize(
    "missing", [{}, {"responseKind": None}, {"responseKind": {"group": "", "version": "", "kind": ""}}]
)
def test_an_entry_without_a_kind_is_dropped_but_its_subresources_stay(missing: dict[str, Any]) -> None:
    entry = {
        "resource": "pods",
        "scope": "Cluster",
        **missing,
        "subresources": [{"subresource": "exec", "responseKind": KIND}],
    }
    entry["subresources"].append({"subresource": "none", **missing})
    split = split_groups_and_resources(document({"version": "v1", "resources": [entry]}))
    assert [resource.name for resource in split.resources[GroupVersion("apps", "v1")].resources] == ["pods/exec"]


def test_an_empty_group_in_a_response_kind_is_kept() -> None:
    entry = {"resource": "deployments", "responseKind": {"group": "", "version": "", "kind": "Deployment"}}
    split = split_groups_and_resources(document({"version": "v1", "resources": [entry]}))
    assert split.resources[GroupVersion("apps", "v1")].resources[0][5:7] == ("", "")


def test_a_document_of_another_kind_is_malformed() -> None:
    with pytest.raises(MalformedDocument, match="Status"):
        split_groups_and_resources({"kind": "Status", "items": []})
