"""`DeferredDiscoveryRESTMapper`: a `RESTMapper` that reads nothing before its first lookup, and keeps up."""

from __future__ import annotations

from .._concurrency import Lock
from ..model.errors import (
    AmbiguousResourceError,
    DiscoveryError,
    GroupDiscoveryFailed,
    GroupUnavailableError,
    NoMatchError,
)
from .mapper import RESTMapper
from .table import ResourceTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ..discovery.interfaces import DiscoveryInterface
    from ..index.search import IndexSearch
    from ..model.group_version import GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource
    from ..model.types import APIResourceList
    from .mapping import RESTMapping

    T = TypeVar("T")


_TRIES = 3


class DeferredDiscoveryRESTMapper:
    """The lookups of `RESTMapper` on a discovery client, cached or not. Safe for use by several threads.

    Where nothing matches, or too much, or a part could not be seen, a client whose cache is not fresh is invalidated
    and asked once more; a fresh one is not, so that a loop over wrong names makes no loop of requests.
    All methods raise `DiscoveryError`.
    """

    def __init__(self, client: DiscoveryInterface) -> None:
        self._client = client
        self._lock = Lock()
        self._revision: object = None
        self._index_written = False
        # Tables by the one group that they are of; that of all groups under None.
        self._tables: dict[str | None, ResourceTable] = {}

    def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        return self._find(None, RESTMapper.kind_for, resource)

    def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        return list(self._find(None, RESTMapper.kinds_for, resource))

    def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        return self._find(None, RESTMapper.resource_for, resource)

    def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        return list(self._find(None, RESTMapper.resources_for, resource))

    def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """Reads the index, or the documents of that one group."""
        return self._find(group_kind.group, RESTMapper.rest_mapping, group_kind, *versions)

    def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """Reads the index, or the documents of that one group."""
        return list(self._find(group_kind.group, RESTMapper.rest_mappings, group_kind, *versions))

    def resource_singularizer(self, resource: str) -> str:
        return self._find(None, RESTMapper.resource_singularizer, resource)

    def mapping_for(self, argument: str) -> RESTMapping:
        return self._find(None, RESTMapper.mapping_for, argument)

    def expand_category(self, category: str) -> list[GroupResource]:
        return list(self._find(None, RESTMapper.expand_category, category))

    def nearest_names(self, argument: str, count: int = 3) -> list[str]:
        return list(self._find(None, RESTMapper.nearest_names, argument, count))

    def mapper(self, group: str | None = None) -> RESTMapper:
        """A mapper for all that is served now; it need not know more than a `group`, if one is named."""
        return RESTMapper(self._table(group))

    def reset(self) -> None:
        """Forget everything; the next lookup discovers anew."""
        invalidate = getattr(self._client, "invalidate", None)
        if invalidate is not None:
            invalidate()
        with self._lock:
            self._tables.clear()

    def _find(self, group: str | None, lookup: Callable[..., T], *arguments: Any) -> T:
        """`lookup` in all groups, or in one; after a miss in a cache that is not fresh once more."""
        table = self._table(group)
        key = (lookup, arguments)
        if key in table.answers:
            known: T = table.answers[key]
            return known
        try:
            answer = lookup(RESTMapper(table), *arguments)
        except (NoMatchError, GroupUnavailableError, AmbiguousResourceError):
            # Of a group that does not answer only the whole listing tells that it is there.
            if getattr(self._client, "fresh", True) and group is None:
                raise
            if not getattr(self._client, "fresh", True):
                self.reset()
            table = self._table(None)
            answer = lookup(RESTMapper(table), *arguments)
        table.remember(key, answer)
        return answer

    def _table(self, group: str | None) -> ResourceTable:
        revision = getattr(self._client, "revision", None)
        current = revision() if revision is not None else 0
        if current == self._revision:
            table = self._tables.get(None) or self._tables.get(group)
            if table is not None:
                return table
        for _ in range(_TRIES):
            search = self._index_search()
            # The index has all groups, and costs no more than the documents of one.
            loaded = None if search is not None else group
            made = ResourceTable.of_index(search) if search is not None else self._load(group)
            # Documents from before and after a change make no table.
            before, current = current, revision() if revision is not None else 0
            if before == current:
                break
        with self._lock:
            if current != self._revision:
                self._tables = {}
                self._revision = current
            self._tables[loaded] = made
        return made

    def _index_search(self) -> IndexSearch | None:
        """The index of a client that has one, and may use it; else None."""
        index_search = getattr(self._client, "index_search", None)
        return index_search() if index_search is not None else None

    def _load(self, group: str | None) -> ResourceTable:

        if group is None:
            return self._load_all()
        try:
            groups = [item for item in self._client.server_groups().groups if item.name == group]
        except GroupDiscoveryFailed:
            return self._load_all()
        lists: list[APIResourceList] = []
        failed: dict[GroupVersion, DiscoveryError] = {}
        for group_version in (version for item in groups for version in item.group_versions):
            try:
                lists.append(self._client.server_resources_for_group_version(str(group_version)))
            except DiscoveryError as error:
                failed[group_version] = error
        if not groups:
            # The group may be there and not answer at all: only the whole listing tells.
            return self._load_all()
        return ResourceTable(groups, lists, failed)

    def _load_all(self) -> ResourceTable:
        from ..model.listing import with_failed

        (groups, lists), failed = with_failed(self._client.server_groups_and_resources)
        write_index = getattr(self._client, "write_index", None)
        if write_index is not None and not self._index_written:
            # For the next process that looks something up. After each further change it is up to that one.
            self._index_written = True
            write_index()
        return ResourceTable(groups, lists, failed)
