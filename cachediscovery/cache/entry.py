"""The memory layer's entry: a parsed document of this process, with what is needed to know whether it still holds."""

from __future__ import annotations

import time

from ..disk.document_store import GROUPS
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ..disk.files import Signature
    from ..model.errors import DiscoveryError
    from ..model.group_version import GroupVersion
    from ..model.types import APIGroupList, APIResourceList

    Document: TypeAlias = "Groups | APIResourceList"

# Seconds by which a file may seem to come from the future: network file systems have clocks of their own.
FUTURE = 5.0
# Before every moment of the monotonic clock.
NEVER = float("-inf")


class Groups(NamedTuple):
    """The groups, and the group versions that failed when they were fetched: those the disk never holds.

    `resources` are those that came along, for whoever has just fetched them; an entry in memory has none.
    """

    groups: APIGroupList
    failed: dict[GroupVersion, DiscoveryError]
    resources: dict[GroupVersion, APIResourceList] | None = None


class Asked(NamedTuple):
    """When the server was asked for a document: seconds since the epoch, and on the monotonic clock.

    `epoch` is that of the cluster which answered (`ClusterIdentity`), "" where that is not known.
    """

    at: float
    moment: float
    epoch: str = ""

    @classmethod
    def now(cls) -> Asked:
        return cls(time.time(), time.monotonic())


class Entry:
    """One parsed document: `Groups`, or the resources of a group version."""

    __slots__ = ("asked", "checked_at", "grace", "ours", "signature", "ttl", "value")

    def __init__(
        self,
        value: Groups | APIResourceList,
        asked: Asked,
        *,
        ttl: float,
        grace: float,
        signature: Signature | None,
        ours: bool,
    ) -> None:
        self.value = value
        self.asked = asked
        # For how many seconds it holds, and for how many more whoever would rather not wait may use it.
        self.ttl = ttl
        self.grace = grace
        # The state of the file that holds the same document; None: there is no such file.
        self.signature = signature
        # When the file was last known to be in that state: seconds on the monotonic clock.
        self.checked_at = time.monotonic()
        # Fetched by this client, and not read from a file that another wrote.
        self.ours = ours

    def is_current(self) -> bool:
        return self._is_within(self.ttl)

    def is_usable(self) -> bool:
        return self._is_within(self.ttl + self.grace)

    def _is_within(self, seconds: float) -> bool:
        # A clock that is set back does not make it younger, and while a machine sleeps the other clock may stand.
        return time.monotonic() - self.asked.moment < seconds and time.time() - self.asked.at < seconds


def document_from(key: str, data: bytes) -> Document:
    """Parse the file of the document `key`. Raises `fields.MalformedDocument`."""
    from ..model.documents import group_list_from, parse_object, resource_list_from

    parsed = parse_object(data)
    if key == GROUPS:
        return Groups(group_list_from(parsed, strict=True), {})
    return resource_list_from(parsed, key, strict=True)
