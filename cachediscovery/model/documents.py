"""`APIGroupList` and `APIResourceList` as JSON: validated when parsed, and written byte for byte like kubectl's."""

from __future__ import annotations

from .duplicates import each_group_once, each_resource_once
from .fields import (
    MalformedDocument,
    get_bool,
    get_object,
    get_objects,
    get_str,
    get_strs,
    without_lone_surrogates,
)
from .name_filter import drop_invalid_resources
from .names import is_group_name, is_version_name
from .types import (
    APIGroup,
    APIGroupList,
    APIResource,
    APIResourceList,
    GroupVersionForDiscovery,
    ServerAddressByClientCIDR,
    VersionInfo,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json import JSONEncoder
    from typing import Any

# Shared, because there are as many documents as group versions.
_encoders: dict[int | None, JSONEncoder] = {}

GROUP_LIST_KIND = "APIGroupList"
RESOURCE_LIST_KIND = "APIResourceList"


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse one JSON object. Raises `MalformedDocument` for anything else."""
    try:
        # A RecursionError means deeper nesting than in any discovery document.
        import json

        # Like Go, read only UTF-8, with U+FFFD for invalid bytes. Given bytes, Python would detect other encodings.
        parsed = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise MalformedDocument(f"not JSON ({_first_line(error)})") from error
    if not isinstance(parsed, dict):
        raise MalformedDocument("not a JSON object")
    document: dict[str, Any] = without_lone_surrogates(parsed, data)
    return document


def expect_kind(parsed: dict[str, Any], kind: str, content: str, *, strict: bool = False) -> None:
    """Check that `parsed` is of the kind `kind`, with its entries under the key `content`.

    Servers may leave out `kind` if `content` is present. A cache file (`strict`) must have both `kind` and
    `apiVersion`, because kubectl reads no other.
    """
    found = get_str(parsed, "kind")
    if found != kind and (found or strict or content not in parsed):
        raise MalformedDocument(f"kind is {found!r}, expected {kind!r}")
    if strict and get_str(parsed, "apiVersion") != "v1":
        raise MalformedDocument("apiVersion is not 'v1'")


def group_list_from(parsed: dict[str, Any], *, strict: bool = False) -> APIGroupList:
    """An `APIGroupList` from parsed JSON. Raises `MalformedDocument`.

    A cache file (`strict`) without groups, or with an invalid name, is refused: neither we nor kubectl wrote it.
    """
    expect_kind(parsed, GROUP_LIST_KIND, "groups", strict=strict)
    groups = each_group_once([_group_from(group) for group in get_objects(parsed, "groups")])
    if strict:
        if not groups:
            raise MalformedDocument("no groups")
        for group_version in (version for group in groups for version in group.group_versions):
            name, version = group_version
            if not is_version_name(version) or (name and not is_group_name(name)):
                raise MalformedDocument(f"{str(group_version)!r} is not a group version")
    return APIGroupList(groups)


def core_group_from(parsed: dict[str, Any]) -> APIGroupList:
    """The core group of the unaggregated `/api`; no group without a version. Raises `MalformedDocument`."""
    expect_kind(parsed, "APIVersions", "versions")
    versions = tuple(GroupVersionForDiscovery(version, version) for version in get_strs(parsed, "versions"))
    return APIGroupList((APIGroup("", versions, versions[0]),) if versions else ())


def resource_list_from(parsed: dict[str, Any], group_version: str, *, strict: bool = False) -> APIResourceList:
    """The `APIResourceList` of `group_version` from parsed JSON. Raises `MalformedDocument`, also for another's."""
    expect_kind(parsed, RESOURCE_LIST_KIND, "resources", strict=strict)
    found = get_str(parsed, "groupVersion")
    if found != group_version and (found or strict):
        raise MalformedDocument(f"groupVersion is {found!r}, expected {group_version!r}")
    resources = [_resource_from(item) for item in get_objects(parsed, "resources")]
    honest = drop_invalid_resources(resources, group_version)
    return APIResourceList(group_version, each_resource_once(honest, group_version))


def encode_group_list(group_list: APIGroupList) -> bytes:
    """The bytes that kubectl would write for `group_list`."""
    return _encode({"kind": GROUP_LIST_KIND, "apiVersion": "v1", "groups": list(map(_group_to, group_list.groups))})


def encode_resource_list(resource_list: APIResourceList) -> bytes:
    """The bytes that kubectl would write for `resource_list`."""
    return _encode(
        {
            "kind": RESOURCE_LIST_KIND,
            "apiVersion": "v1",
            "groupVersion": resource_list.group_version,
            "resources": list(map(resource_to, resource_list.resources)),
        }
    )


def go_json(value: Any, *, indent: int | None = None) -> str:
    """Encode JSON as Go's `encoding/json` does: compact unless indented, and safe in HTML."""
    encoder = _encoders.get(indent)
    if encoder is None:
        import json

        separators = (",", ":") if indent is None else (",", ": ")
        encoder = json.JSONEncoder(ensure_ascii=False, separators=separators, indent=indent)
        _encoders[indent] = encoder
    encoded = encoder.encode(value)
    # These five occur only inside strings, so replace them in the whole text.
    for character in "&<>\u2028\u2029":
        if character in encoded:
            encoded = encoded.replace(character, f"\\u{ord(character):04x}")
    return encoded


def resource_to(resource: APIResource) -> dict[str, Any]:
    """The JSON object of one resource, its keys in Go's order."""
    out: dict[str, Any] = {
        "name": resource.name,
        "singularName": resource.singular_name,
        "namespaced": resource.namespaced,
    }
    if resource.group:
        out["group"] = resource.group
    if resource.version:
        out["version"] = resource.version
    out["kind"] = resource.kind
    out["verbs"] = list(resource.verbs)
    if resource.short_names:
        out["shortNames"] = list(resource.short_names)
    if resource.categories:
        out["categories"] = list(resource.categories)
    if resource.storage_version_hash:
        out["storageVersionHash"] = resource.storage_version_hash
    return out


def _group_from(source: dict[str, Any]) -> APIGroup:
    return APIGroup(
        name=get_str(source, "name"),
        versions=tuple(_version_from(version) for version in get_objects(source, "versions")),
        preferred_version=_version_from(get_object(source, "preferredVersion")),
        server_address_by_client_cidrs=tuple(
            ServerAddressByClientCIDR(get_str(address, "clientCIDR"), get_str(address, "serverAddress"))
            for address in get_objects(source, "serverAddressByClientCIDRs")
        ),
    )


def _version_from(source: dict[str, Any]) -> GroupVersionForDiscovery:
    return GroupVersionForDiscovery(get_str(source, "groupVersion"), get_str(source, "version"))


def _resource_from(source: dict[str, Any]) -> APIResource:
    return APIResource(
        get_str(source, "name"),
        get_str(source, "singularName"),
        get_bool(source, "namespaced"),
        get_str(source, "kind"),
        get_strs(source, "verbs"),
        get_str(source, "group"),
        get_str(source, "version"),
        get_strs(source, "shortNames"),
        get_strs(source, "categories"),
        get_str(source, "storageVersionHash"),
    )


def _group_to(group: APIGroup) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": group.name,
        "versions": [_version_to(version) for version in group.versions],
        "preferredVersion": _version_to(group.preferred_version),
    }
    if group.server_address_by_client_cidrs:
        out["serverAddressByClientCIDRs"] = [
            {"clientCIDR": address.client_cidr, "serverAddress": address.server_address}
            for address in group.server_address_by_client_cidrs
        ]
    return out


def _version_to(version: GroupVersionForDiscovery) -> dict[str, str]:
    return {"groupVersion": version.group_version, "version": version.version}


def _encode(value: dict[str, Any]) -> bytes:
    return (go_json(value) + "\n").encode()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def version_from(source: dict[str, Any]) -> VersionInfo:
    """The version in the response of `/version`. Raises `MalformedDocument`."""
    if "gitVersion" not in source:
        raise MalformedDocument("no gitVersion")
    camel = {name: _camel(name) for name in VersionInfo._fields}
    return VersionInfo(**{name: get_str(source, key) for name, key in camel.items()})


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
