"""The resources that the dynamic clients of `kubernetes` and `kubernetes_asyncio` search."""

from __future__ import annotations

import inspect
from typing import Any

from ..model.errors import DiscoveryError, GroupDiscoveryFailed, NotFound, StaleGroupVersionError, StatusError
from ..model.group_version import GroupVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..cache.cached_client import CachedDiscoveryClient
    from ..model.types import APIResource, APIResourceList

    Kinds = dict[str, list[Any]]

_ANY = "*"
_UNAVAILABLE = 503


class ResourceTree:
    """The resources of a cluster as a dynamic client's own objects, created on demand."""

    def __init__(
        self,
        discovery: CachedDiscoveryClient,
        client: Any,
        resource: type,
        resource_list: type,
        list_of_any: type | None = None,
    ) -> None:
        """`resource` and `resource_list` are the client's classes. Their objects send requests with `client`.

        `list_of_any` is the class of the kind `List`, if it is another than that of lists of one kind.
        """
        self._discovery = discovery
        self._client = client
        self._resource = resource
        self._resource_list = resource_list
        self._list_of_any = list_of_any or resource_list
        # A list has the attributes of its base resource. In asyncio's client only a coroutine can get them.
        self._lists_tell = not inspect.iscoroutinefunction(getattr(resource_list, "base_resource", None))
        # The objects created from a resource list, with that list: a changed document is another list.
        self._made: dict[tuple[str, str, str], tuple[APIResourceList, Kinds]] = {}

    def group_names(self) -> list[str]:
        """The groups under `/apis`, and "" for the kind `List`."""
        return ["", *(group.name for group in self._discovery.server_groups().groups if group.name)]

    def search(
        self,
        prefix: str | None = None,
        group: str | None = None,
        api_version: str | None = None,
        kind: str | None = None,
        *,
        asks_again: bool = True,
        **attributes: Any,
    ) -> list[Any]:
        """Return all resources that match. With `attributes`: of each kind, the first resource that has any of them.

        If nothing matches and the cache is not fresh, invalidate it and search again, unless `asks_again` is false.
        """
        if not group and api_version and "/" in api_version:
            group, _, api_version = api_version.partition("/")
        wanted = (prefix or _ANY, group or _ANY, api_version or _ANY, kind or _ANY)
        found = self._search(wanted, attributes)
        if not found and asks_again and not self._discovery.fresh:
            self._discovery.invalidate()
            found = self._search(wanted, attributes)
        return found

    def kinds(self) -> Iterator[list[Any]]:
        """Yield the resources of each kind in each group version."""
        self._load_all()
        for where in self._places():
            yield from self._kinds(where).values()

    def kinds_of(self, prefix: str, group: str, version: str) -> Kinds:
        """The resources of one group version, by kind. Raises `DiscoveryError`."""
        return self._kinds((prefix, group, version))

    def _search(self, wanted: tuple[str, str, str, str], attributes: dict[str, Any]) -> list[Any]:
        _, group, version, kind = wanted
        if _ANY in (group, version):
            self._load_all()
        found: list[Any] = []
        for where in self._places():
            if not all(part in (_ANY, actual) for part, actual in zip(wanted, where, strict=False)):
                continue
            kinds = self._kinds_or_none(where)
            for resources in kinds.values() if kind == _ANY else [kinds.get(kind, [])]:
                found += self._with_attributes(resources, attributes) if attributes else resources
        return found

    def _places(self) -> Iterator[tuple[str, str, str]]:
        yield "api", "", "v1"
        yield "apis", "", "v1"
        for group in self._discovery.server_groups().groups:
            for version in group.versions:
                if group.name:
                    yield "apis", group.name, version.version

    def _load_all(self) -> None:
        """Fetch all documents in as few requests as possible, not one for each group version."""
        try:
            self._discovery.server_groups_and_resources()
        except GroupDiscoveryFailed:
            pass

    def _kinds_or_none(self, where: tuple[str, str, str]) -> Kinds:
        """Like `_kinds`, but empty for a group version that is gone or unavailable, as in the dynamic clients."""
        try:
            return self._kinds(where)
        except (NotFound, StaleGroupVersionError):
            return {}
        except StatusError as error:
            if error.code != _UNAVAILABLE:
                raise
            return {}

    def _kinds(self, where: tuple[str, str, str]) -> Kinds:
        prefix, group, version = where
        if where == ("apis", "", "v1"):
            return {"List": [self._list_of_any(self._client)]}
        resource_list = self._discovery.server_resources_for_group_version(str(GroupVersion(group, version)))
        made = self._made.get(where)
        if made is None or made[0] is not resource_list:
            made = self._made[where] = (resource_list, self._make(prefix, group, version, resource_list))
        return made[1]

    def _make(self, prefix: str, group: str, version: str, resource_list: APIResourceList) -> Kinds:
        preferred = self._is_preferred(group, version)
        subresources: dict[str, dict[str, dict[str, Any]]] = {}
        for item in resource_list.resources:
            parent, slash, name = item.name.partition("/")
            if slash:
                subresources.setdefault(parent, {})[name] = _raw(item)
        kinds: Kinds = {}
        for item in resource_list.resources:
            if "/" in item.name:
                continue
            raw = {key: value for key, value in _raw(item).items() if key not in ("group", "version")}
            made = self._resource(
                prefix=prefix, group=group, api_version=version, client=self._client, preferred=preferred,
                subresources=subresources.get(item.name), **raw,
            )  # fmt: skip
            kinds.setdefault(item.kind, []).append(made)
            lookup = {"prefix": prefix, "group": group, "api_version": version, "kind": item.kind, "name": item.name}
            of_list = self._resource_list(
                self._client, group=group, api_version=version, base_kind=item.kind, base_resource_lookup=lookup
            )
            kinds.setdefault(of_list.kind, []).append(of_list)
        return kinds

    def _with_attributes(self, resources: list[Any], attributes: dict[str, Any]) -> list[Any]:
        for resource in resources:
            if isinstance(resource, self._resource_list) and not self._lists_tell:
                continue
            if any(getattr(resource, name, None) == value for name, value in attributes.items()):
                return [resource]
        return []

    def _is_preferred(self, group: str, version: str) -> bool:
        if not group:
            return True
        try:
            groups = self._discovery.server_groups().groups
        except DiscoveryError:
            return False
        return any(item.name == group and item.preferred_version.version == version for item in groups)


def _raw(resource: APIResource) -> dict[str, Any]:
    """Return a resource's JSON with all keys, as the dynamic clients expect it."""
    from ..model.documents import resource_to

    return resource_to(resource)
