"""`ResourceTable`: all resources of a cluster, in the order of their priority."""

from __future__ import annotations

from .mapping import RESTMapping
from .mapping_lookup import MappingLookup
from .rows import rows_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..errors import DiscoveryError
    from ..schema import GroupVersion
    from ..types import APIGroup, APIResourceList


class ResourceTable(MappingLookup):
    """The resources (no subresources) of some groups, best first: the order of client-go's discovery REST mapper."""

    def __init__(
        self,
        groups: Iterable[APIGroup],
        lists: Iterable[APIResourceList],
        failed: Mapping[GroupVersion, DiscoveryError],
    ) -> None:
        """`failed` are the group versions that could not be discovered: nothing is said of what they hold."""
        super().__init__(map(RESTMapping.from_row, rows_of(groups, lists)))
        self.failed = failed
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}
