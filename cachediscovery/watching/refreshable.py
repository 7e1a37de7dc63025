"""`Refreshable`: what a watch needs of a cached client."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.types import APIGroup, APIResourceList


class Refreshable(Protocol):
    """A client that can bring its cache up to date."""

    @property
    def server(self) -> str:
        """The URL of the API server."""

    def refresh(self, since: float) -> None:
        """Bring the cache up to date, unless that was done at `since` (monotonic clock) or later."""

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` where some group versions failed."""
