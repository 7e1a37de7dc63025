"""`Baseline`: the documents that a program knows, to detect changes on the server."""

from __future__ import annotations

from .._concurrency import Lock
from ..model.listing import ALL_GROUPS, CORE_GROUP, result_of
from .change import GROUPS, Failed, change_between, differs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..model.discovery_result import DiscoveryResult
    from .change import DiscoveryChange
    from .refreshable import Refreshable


class Baseline:
    """Starts with the documents a client holds. Other documents enter when they are first seen."""

    def __init__(self, groups: object, resources: Mapping[str, object]) -> None:
        """`groups` is an `APIGroupList` or None. `resources` maps group versions to `APIResourceList`s."""
        self._lock = Lock()
        self._known: dict[str, object] = {**resources, **({} if groups is None else {GROUPS: groups})}
        # The same, as of the last `take`.
        self._taken = self._known

    def has_changed(self, client: Refreshable) -> bool:
        """Return whether `client`'s listing differs from that of the previous call. Raises `DiscoveryError`."""
        found = result_of(client.server_groups_and_resources)
        with self._lock:
            known, self._known = self._known, _documents(found, self._known)
            self._taken = {**_first_seen(self._taken, self._known), **self._taken}
            return differs(known, self._known)

    def take(self) -> DiscoveryChange | None:
        """The change since the last call; None if there is none."""
        with self._lock:
            before, self._taken = self._taken, self._known
        return change_between(before, self._taken) if differs(before, self._taken) else None


def _documents(found: DiscoveryResult, known: Mapping[str, object]) -> dict[str, object]:
    now: dict[str, object] = {GROUPS: found.groups, **{item.group_version: item for item in found.lists}}
    failed = set(map(str, found.failed))
    for key, value in known.items():
        # Without the list that would name them, the groups are not known to be gone.
        is_unlisted = (ALL_GROUPS if "/" in key else CORE_GROUP) in found.failed
        if key != GROUPS and (key in failed or (is_unlisted and key not in now)):
            now[key] = value if isinstance(value, Failed) else Failed(value)
    return now


def _first_seen(before: Mapping[str, object], now: Mapping[str, object]) -> dict[str, object]:
    """The documents that `before` lacks although the group versions may have been served."""
    groups: Any = before.get(GROUPS)
    served = set(map(str, groups.group_versions)) if groups is not None else now.keys()
    return {key: value for key, value in now.items() if key not in before and (key in served or key == GROUPS)}
