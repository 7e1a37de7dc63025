"""`Baseline`: the documents that a program knows, to detect changes on the server."""

from __future__ import annotations

from ..model.listing import result_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .refreshable import Refreshable

# The key of the group list; every other key is a group version.
_GROUPS = ""


class Baseline:
    """Starts with the documents a client holds. Other documents enter when they are first seen."""

    def __init__(self, groups: object, resources: Mapping[str, object]) -> None:
        """`groups` is an `APIGroupList` or None. `resources` maps group versions to `APIResourceList`s."""
        # None for a group version that fails but worked before.
        self._known: dict[str, object] = {**resources, **({} if groups is None else {_GROUPS: groups})}

    def has_changed(self, client: Refreshable) -> bool:
        """Return whether `client`'s listing differs from that of the previous call. Raises `DiscoveryError`."""
        found = result_of(client.server_groups_and_resources)
        now: dict[str, object] = {_GROUPS: found.groups, **{item.group_version: item for item in found.lists}}
        now.update((str(key), None) for key in found.failed if str(key) in self._known)
        changed = any(now.get(key) != value for key, value in self._known.items())
        self._known = now
        return changed
