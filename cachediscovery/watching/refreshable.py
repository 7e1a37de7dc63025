"""`Refreshable`: the part of a cached client that a watch uses."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.types import APIGroup, APIResourceList


class Refreshable(Protocol):
    """A client that can refresh its cache."""

    @property
    def server(self) -> str:
        """The URL of the API server."""

    def refresh(self, since: float) -> None:
        """Refresh the cache, unless it was refreshed at or after `since` (monotonic clock)."""

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
