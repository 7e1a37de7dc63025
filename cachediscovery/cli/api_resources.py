"""`api-resources`: the same bytes on standard output as kubectl's."""

from __future__ import annotations

from ..errors import GroupDiscoveryFailed
from ..schema import GroupVersion
from .flags import Parsed, UsageError
from .output import fail
from .progress import progress
from .session import Session
from .stdout import write
from .table import format_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..types import APIResource, APIResourceList

_FORMATS = ("", "json", "name", "wide", "yaml")


def run(parsed: Parsed) -> int:
    output = parsed.text("output")
    if output not in _FORMATS:
        raise UsageError(
            f'unable to match a printer suitable for the output format "{output}", '
            "allowed formats are: json,name,wide,yaml"
        )
    if parsed.text("sort-by") not in ("", "name", "kind"):
        raise UsageError("--sort-by accepts only name or kind")
    session = Session(parsed)
    client = session.client()
    if parsed.flag("refresh") or not parsed.flag("cached"):
        client.invalidate()
    failure = ""
    try:
        with progress(session.server):
            lists: list[APIResourceList] = client.server_preferred_resources()
    except GroupDiscoveryFailed as error:
        lists, failure = error.result, str(error)
    if any(resource_list.resources for resource_list in lists):
        resources = _sorted(_selected(lists, parsed), parsed.text("sort-by"))
        write(_formatted(resources, output, headers=not parsed.flag("no-headers")))
    if failure:
        fail(failure)
        return 1
    session.finish(client)
    return 0


def _selected(lists: list[APIResourceList], parsed: Parsed) -> list[APIResource]:
    """The resources that the flags ask for, each with its list's group and version, as kubectl shows them."""
    by_group, group = parsed.given("api-group"), parsed.text("api-group")
    by_scope, namespaced = parsed.given("namespaced"), parsed.flag("namespaced")
    verbs, categories = frozenset(parsed.texts("verbs")), frozenset(parsed.texts("categories"))
    selected = []
    for resource_list in lists:
        group_version = GroupVersion.parse(resource_list.group_version)
        if by_group and group_version.group != group:
            continue
        for resource in resource_list.resources:
            if (
                resource.verbs
                and not (by_scope and resource.namespaced != namespaced)
                and verbs.issubset(resource.verbs)
                and categories.issubset(resource.categories)
            ):
                selected.append(resource._replace(group=group_version.group, version=group_version.version))
    return selected


def _sorted(resources: list[APIResource], sort_by: str) -> list[APIResource]:
    if sort_by == "name":
        return sorted(resources, key=lambda resource: resource.name)
    if sort_by == "kind":
        return sorted(resources, key=lambda resource: (resource.kind, resource.name))
    return sorted(resources, key=lambda resource: (resource.group, resource.name))


def _formatted(resources: list[APIResource], output: str, *, headers: bool) -> str:
    if output in ("json", "yaml"):
        return _document(resources, output)
    rows = (
        (
            resource.group,
            resource.version,
            resource.name,
            ",".join(resource.short_names),
            "true" if resource.namespaced else "false",
            resource.kind,
            ",".join(resource.verbs),
            ",".join(resource.categories),
        )
        for resource in resources
    )
    return format_resources(rows, output, headers=headers)


def _document(resources: list[APIResource], output: str) -> str:
    from ..documents import RESOURCE_LIST_KIND, go_json, resource_to

    document = {
        "kind": RESOURCE_LIST_KIND,
        "apiVersion": "v1",
        "groupVersion": "",
        # An empty list is a nil slice to kubectl.
        "resources": [resource_to(resource) for resource in resources] or None,
    }
    if output == "json":
        return go_json(document, indent=4) + "\n"
    from .go_yaml import go_yaml

    return go_yaml(document)
