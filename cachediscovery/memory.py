"""The memory layer's entry: a parsed document of this process, with what is needed to know whether it still holds."""

from __future__ import annotations

import time

from .disk.store import GROUPS
from .records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from .disk.files import Signature
    from .errors import DiscoveryError
    from .schema import GroupVersion
    from .types import APIGroupList, APIResourceList

    Document: TypeAlias = "Groups | APIResourceList"

# Seconds by which a file may seem to come from the future: network file systems have clocks of their own.
FUTURE = 5.0


class Groups(NamedTuple):
    """The groups, and the group versions that failed when they were fetched: those the disk never holds.

    `resources` are those that came along, for whoever has just fetched them; an entry in memory has none.
    """

    groups: APIGroupList
    failed: dict[GroupVersion, DiscoveryError]
    resources: dict[GroupVersion, APIResourceList] | None = None


class Entry:
    """One parsed document: `Groups`, or the resources of a group version."""

    __slots__ = ("checked_at", "expires_at", "fetched_at", "ours", "signature", "usable_until", "value")

    def __init__(
        self,
        value: Groups | APIResourceList,
        *,
        fetched_at: float,
        expires_at: float,
        usable_until: float,
        signature: Signature | None,
        checked_at: float,
        ours: bool,
    ) -> None:
        self.value = value
        # When the server was asked, when to ask it again, and until when not to wait for what it says:
        # seconds since the epoch.
        self.fetched_at = fetched_at
        self.expires_at = expires_at
        self.usable_until = usable_until
        # The state of the file that holds the same document; None: there is no such file.
        self.signature = signature
        # When the file was last known to be in that state: seconds on the monotonic clock.
        self.checked_at = checked_at
        # Fetched by this client, and not read from a file that another wrote.
        self.ours = ours

    def is_current(self) -> bool:
        return self.fetched_at - FUTURE <= time.time() < self.expires_at

    def is_usable(self) -> bool:
        return self.fetched_at - FUTURE <= time.time() < self.usable_until


def document_from(key: str, data: bytes) -> Document:
    """Parse the file of the document `key`. Raises `fields.MalformedDocument`."""
    from .documents import group_list_from, parse_object, resource_list_from

    parsed = parse_object(data)
    if key == GROUPS:
        return Groups(group_list_from(parsed, strict=True), {})
    return resource_list_from(parsed, key, strict=True)
