"""`DeferredDiscoveryRESTMapper`: a `RESTMapper` that loads on its first lookup, and reloads after changes."""

from __future__ import annotations

from .._concurrency import Lock
from ..discovery.interfaces import CachedDiscoveryInterface, DiscoveryInterface, IndexedDiscoveryInterface
from ..model.errors import (
    AmbiguousResourceError,
    GroupDiscoveryFailed,
    GroupUnavailableError,
    NoMatchError,
)
from .mapper import RESTMapper
from .table import ResourceTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from ..model.group_version import GroupKind, GroupResource, GroupVersionKind, GroupVersionResource
    from .mapping import RESTMapping

    T = TypeVar("T")


_TRIES = 3


class DeferredDiscoveryRESTMapper:
    """The lookups of `RESTMapper` on a discovery client, cached or not. Safe for use by several threads.

    If nothing matches, the match is ambiguous, or a part could not be discovered, and the client's cache is not fresh,
    invalidate it and retry once. A fresh cache is not invalidated, so that a loop over wrong names makes no requests.
    All methods raise `DiscoveryError`.
    """

    def __init__(self, client: DiscoveryInterface) -> None:
        # Any object with the methods of the interface will do.
        if not hasattr(client, "server_groups"):
            from ..config.arguments import instance

            instance("client", client, DiscoveryInterface, "such as a CachedDiscoveryClient")
        self._client = client
        self._lock = Lock()
        self._revision: object = None
        self._index = client.resource_index if isinstance(client, IndexedDiscoveryInterface) else None
        self._index_written = False
        # Tables by group; the key None is for the table of all groups.
        self._tables: dict[str | None, ResourceTable] = {}

    def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        """See `RESTMapper.kind_for`."""
        return self._find(None, RESTMapper.kind_for, resource)

    def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        """See `RESTMapper.kinds_for`."""
        return list(self._find(None, RESTMapper.kinds_for, resource))

    def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        """See `RESTMapper.resource_for`."""
        return self._find(None, RESTMapper.resource_for, resource)

    def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """See `RESTMapper.resources_for`."""
        return list(self._find(None, RESTMapper.resources_for, resource))

    def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """See `RESTMapper.rest_mapping`. Reads the index, or only the documents of the group."""
        return self._find(group_kind.group, RESTMapper.rest_mapping, group_kind, *versions)

    def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """See `RESTMapper.rest_mappings`. Reads the index, or only the documents of the group."""
        return list(self._find(group_kind.group, RESTMapper.rest_mappings, group_kind, *versions))

    def resource_singularizer(self, resource: str) -> str:
        """See `RESTMapper.resource_singularizer`."""
        return self._find(None, RESTMapper.resource_singularizer, resource)

    def mapping_for(self, argument: str) -> RESTMapping:
        """See `RESTMapper.mapping_for`."""
        return self._find(None, RESTMapper.mapping_for, argument)

    def mapping_for_object(self, manifest: Mapping[str, Any]) -> RESTMapping:
        """See `RESTMapper.mapping_for_object`. Reads the index, or only the documents of the group."""
        from .manifest import kind_of

        kind = kind_of(manifest)
        return self.rest_mapping(kind.group_kind, kind.version)

    def expand_category(self, category: str) -> list[GroupResource]:
        """See `RESTMapper.expand_category`."""
        return list(self._find(None, RESTMapper.expand_category, category))

    def nearest_names(self, argument: str, count: int = 3) -> list[str]:
        """See `RESTMapper.nearest_names`."""
        return list(self._find(None, RESTMapper.nearest_names, argument, count))

    def mapper(self, group: str | None = None) -> RESTMapper:
        """A mapper for everything served now. With `group`, it may know only that group."""
        return RESTMapper(self._table(group))

    def reset(self) -> None:
        """Forget everything; the next lookup runs discovery again."""
        if isinstance(self._client, CachedDiscoveryInterface):
            self._client.invalidate()
        with self._lock:
            self._tables.clear()

    def remembered(self, lookup: str, *arguments: Any) -> Any:
        """The answer that this method gave before to these arguments, if it still holds; else None. Does no I/O."""
        revision = self._index.checked_revision() if self._index is not None else 0
        group = arguments[0].group if lookup in ("rest_mapping", "rest_mappings") else None
        table = self._tables.get(None) or self._tables.get(group)
        if table is None or revision is None or revision != self._revision:
            return None
        return table.answers.get((getattr(RESTMapper, lookup), arguments))

    def _find(self, group: str | None, lookup: Callable[..., T], *arguments: Any) -> T:
        """Run `lookup` in all groups (None), or in one. After a miss in a cache that is not fresh, retry once."""
        table = self._table(group)
        key = (lookup, arguments)
        if key in table.answers:
            known: T = table.answers[key]
            return known
        try:
            answer = lookup(RESTMapper(table), *arguments)
        except (NoMatchError, GroupUnavailableError, AmbiguousResourceError):
            is_fresh = not isinstance(self._client, CachedDiscoveryInterface) or self._client.fresh
            # A group that is down appears only in the full listing.
            if is_fresh and group is None:
                raise
            if not is_fresh:
                self.reset()
            table = self._table(None)
            answer = lookup(RESTMapper(table), *arguments)
        table.remember(key, answer)
        return answer

    def _table(self, group: str | None) -> ResourceTable:
        current = self._current_revision()
        if current == self._revision:
            table = self._tables.get(None) or self._tables.get(group)
            if table is not None:
                return table
        for _ in range(_TRIES):
            search = self._index.search() if self._index is not None else None
            # The index has all groups, and reading it costs no more than the documents of one.
            loaded = None if search is not None else group
            made = ResourceTable.of_index(search) if search is not None else self._load(group)
            # Never build a table from documents before and after a change.
            before, current = current, self._current_revision()
            if before == current:
                break
        made.server = self._client.server
        with self._lock:
            if current != self._revision:
                self._tables = {}
                self._revision = current
            self._tables[loaded] = made
        return made

    def _current_revision(self) -> int:
        return self._index.revision() if self._index is not None else 0

    def _load(self, group: str | None) -> ResourceTable:
        from ..model.discovery_result import DiscoveryResult
        from ..model.listing import fetch_missing
        from ..model.types import APIGroupList

        if group is None:
            return self._load_all()
        try:
            groups = tuple([item for item in self._client.server_groups().groups if item.name == group])
        except GroupDiscoveryFailed:
            return self._load_all()
        if not groups:
            # A group that is down appears only in the full listing.
            return self._load_all()
        found = DiscoveryResult(APIGroupList(groups))
        return ResourceTable(fetch_missing(found, self._client.server_resources_for_group_version))

    def _load_all(self) -> ResourceTable:
        from ..model.listing import result_of

        found = result_of(self._client.server_groups_and_resources)
        if self._index is not None and not self._index_written:
            # Written once, for the next process that makes a lookup. After later changes, that process writes it.
            self._index_written = True
            self._index.write()
        return ResourceTable(found)
