"""Aggregated discovery (KEP-3352): splits the document of all groups, versions and resources into separate lists."""

from __future__ import annotations

from .discovery_result import DiscoveryResult
from .documents import expect_kind
from .duplicates import each_group_once, each_resource_once
from .errors import DiscoveryError, StaleGroupVersionError
from .fields import get_object, get_objects, get_str, get_strs
from .group_version import GroupVersion
from .name_filter import drop_invalid_resources
from .types import APIGroup, APIGroupList, APIResource, APIResourceList, GroupVersionForDiscovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GROUP = "apidiscovery.k8s.io"
KIND = "APIGroupDiscoveryList"
# v2 is GA since Kubernetes 1.30; v2beta1 is served by 1.26 to 1.32. Servers require this order of the parameters.
VERSIONS = ("v2", "v2beta1")
ACCEPT = ",".join(f"application/json;g={GROUP};v={version};as={KIND}" for version in VERSIONS)
# Asks for what one API server serves itself, without its peers (KEP-4020). Others ignore the profile.
NO_PEER = "profile=nopeer"
ACCEPT_NO_PEER = f"application/json;g={GROUP};v={VERSIONS[0]};as={KIND};{NO_PEER},{ACCEPT}"


def is_aggregated(content_type: str) -> bool:
    """Whether a `Content-Type` is an aggregated document's, with its parameters in any order (RFC 9110, 8.3.1)."""
    media_type, *parameters = content_type.split(";")
    values = {}
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        values[key.strip().lower()] = value.strip().strip('"')
    return (
        media_type.strip().lower() == "application/json"
        and values.get("g") == GROUP
        and values.get("v") in VERSIONS
        and values.get("as") == KIND
    )


def split_groups_and_resources(parsed: dict[str, Any]) -> DiscoveryResult:
    """Split a parsed `APIGroupDiscoveryList`. Its `Stale` group versions count as failed.

    Raises `fields.MalformedDocument`.
    """
    expect_kind(parsed, KIND, "items")
    groups: list[APIGroup] = []
    resources: dict[GroupVersion, APIResourceList] = {}
    failed: dict[GroupVersion, DiscoveryError] = {}
    for item in get_objects(parsed, "items"):
        name = get_str(get_object(item, "metadata"), "name")
        versions = []
        for version in get_objects(item, "versions"):
            group_version = GroupVersion(name, get_str(version, "version"))
            if get_str(version, "freshness") == "Stale":
                failed[group_version] = StaleGroupVersionError(group_version)
                continue
            versions.append(GroupVersionForDiscovery(str(group_version), group_version.version))
            found = each_resource_once(
                drop_invalid_resources(_resources_of(version), str(group_version)), str(group_version)
            )
            resources.setdefault(group_version, APIResourceList(str(group_version), found))
        preferred = versions[0] if versions else GroupVersionForDiscovery("", "")
        groups.append(APIGroup(name, tuple(versions), preferred))
    failed = {key: error for key, error in failed.items() if key not in resources}
    return DiscoveryResult(APIGroupList(each_group_once(groups)), resources, failed)


def _resources_of(version: dict[str, Any]) -> list[APIResource]:
    """A version's resources, each followed by its subresources as separate resources.

    An entry without a kind is left out, but its subresources are kept.
    """
    resources = []
    for source in get_objects(version, "resources"):
        name = get_str(source, "resource")
        singular_name = get_str(source, "singularResource")
        namespaced = get_str(source, "scope") == "Namespaced"
        group, kind_version, kind = _response_kind(source)
        if group or kind_version or kind:
            resources.append(
                APIResource(
                    name,
                    singular_name,
                    namespaced,
                    kind,
                    get_strs(source, "verbs"),
                    group,
                    kind_version,
                    get_strs(source, "shortNames"),
                    get_strs(source, "categories"),
                )
            )
        for subresource in get_objects(source, "subresources"):
            group, kind_version, kind = _response_kind(subresource)
            if group or kind_version or kind:
                subname = f"{name}/{get_str(subresource, 'subresource')}"
                verbs = get_strs(subresource, "verbs")
                resources.append(APIResource(subname, singular_name, namespaced, kind, verbs, group, kind_version))
    return resources


def _response_kind(source: dict[str, Any]) -> tuple[str, str, str]:
    kind = get_object(source, "responseKind")
    return get_str(kind, "group"), get_str(kind, "version"), get_str(kind, "kind")
