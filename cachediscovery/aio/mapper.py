"""`AsyncDeferredDiscoveryRESTMapper`: the lookups of a REST mapper for asyncio programs."""

from __future__ import annotations

from ..restmapper.deferred import DeferredDiscoveryRESTMapper
from ..restmapper.manifest import kind_of
from .client import AsyncCachedDiscoveryClient
from .event_loop import run_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Concatenate, ParamSpec, TypeVar

    from ..discovery.interfaces import DiscoveryInterface
    from ..model.group_version import GroupKind, GroupResource, GroupVersionKind, GroupVersionResource
    from ..restmapper.mapper import RESTMapper
    from ..restmapper.mapping import RESTMapping

    P = ParamSpec("P")
    T = TypeVar("T")

_Mapper = DeferredDiscoveryRESTMapper


class AsyncDeferredDiscoveryRESTMapper:
    """The lookups of `DeferredDiscoveryRESTMapper` as coroutines. A lookup that was made before starts no thread.

    All methods raise `DiscoveryError`.
    """

    def __init__(self, client: AsyncCachedDiscoveryClient | DiscoveryInterface) -> None:
        """`client` is an async client, or any sync one, which is then used in threads."""
        self._mapper = _Mapper(client.client if isinstance(client, AsyncCachedDiscoveryClient) else client)

    async def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        """See `RESTMapper.kind_for`."""
        return await self._find(_Mapper.kind_for, resource)

    async def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        """See `RESTMapper.kinds_for`."""
        return await self._find(_Mapper.kinds_for, resource)

    async def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        """See `RESTMapper.resource_for`."""
        return await self._find(_Mapper.resource_for, resource)

    async def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """See `RESTMapper.resources_for`."""
        return await self._find(_Mapper.resources_for, resource)

    async def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """See `RESTMapper.rest_mapping`. Reads the index, or only the documents of the group."""
        return await self._find(_Mapper.rest_mapping, group_kind, *versions)

    async def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """See `RESTMapper.rest_mappings`. Reads the index, or only the documents of the group."""
        return await self._find(_Mapper.rest_mappings, group_kind, *versions)

    async def resource_singularizer(self, resource: str) -> str:
        """See `RESTMapper.resource_singularizer`."""
        return await self._find(_Mapper.resource_singularizer, resource)

    async def mapping_for(self, argument: str) -> RESTMapping:
        """See `RESTMapper.mapping_for`."""
        return await self._find(_Mapper.mapping_for, argument)

    async def mapping_for_object(self, manifest: Mapping[str, Any]) -> RESTMapping:
        """See `RESTMapper.mapping_for_object`. Reads the index, or only the documents of the group."""
        kind = kind_of(manifest)
        return await self.rest_mapping(kind.group_kind, kind.version)

    async def expand_category(self, category: str) -> list[GroupResource]:
        """See `RESTMapper.expand_category`."""
        return await self._find(_Mapper.expand_category, category)

    async def nearest_names(self, argument: str, count: int = 3) -> list[str]:
        """See `RESTMapper.nearest_names`."""
        return await self._find(_Mapper.nearest_names, argument, count)

    async def mapper(self, group: str | None = None) -> RESTMapper:
        """A mapper for everything served now. With `group`, it may know only that group."""
        return await run_in_thread(self._mapper.mapper, group)

    def reset(self) -> None:
        """Forget everything; the next lookup runs discovery again. Makes no request."""
        self._mapper.reset()

    async def _find(self, lookup: Callable[Concatenate[_Mapper, P], T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run a lookup in a thread, unless its answer is remembered."""
        known: Any = self._mapper.remembered(lookup.__name__, *arguments)
        if known is not None:
            return list(known) if isinstance(known, list) else known  # type: ignore[return-value]
        return await run_in_thread(lookup, self._mapper, *arguments, **keywords)
