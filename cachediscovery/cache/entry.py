"""`Entry`: a parsed document in memory, with what decides whether it may still be used."""

from __future__ import annotations

import time

from ..disk.document_store import GROUPS
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from ..disk.files import Signature
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIResourceList
    from ..openapi.documents import OpenAPIDocument, OpenAPIIndex

    # The groups, without resources; the resources of one group version; an OpenAPI index or document.
    Document: TypeAlias = DiscoveryResult | APIResourceList | OpenAPIIndex | OpenAPIDocument


class Asked(NamedTuple):
    """When a document was requested: in seconds since the epoch, and on the monotonic clock.

    `epoch` is that of the cluster which answered (`ClusterIdentity`); "" if unknown. `is_shared` is true if another
    machine may have requested it.
    """

    at: float
    moment: float
    epoch: str = ""
    is_shared: bool = False

    @classmethod
    def now(cls) -> Asked:
        """This moment."""
        return cls(time.time(), time.monotonic())


class Entry:
    """One parsed document. All times are in seconds."""

    __slots__ = ("asked", "checked_at", "grace", "ours", "signature", "ttl", "value")

    def __init__(
        self,
        value: Document,
        asked: Asked,
        *,
        ttl: float,
        grace: float,
        signature: Signature | None,
        ours: bool,
    ) -> None:
        self.value: Document = value
        self.asked: Asked = asked
        # It is fresh for `ttl` seconds. For `grace` seconds more it may be served while it is revalidated.
        self.ttl: float = ttl
        self.grace: float = grace
        # The state of the file that holds the same document; None if there is no such file.
        self.signature: Signature | None = signature
        # When the file was last known to be in that state, on the monotonic clock.
        self.checked_at: float = time.monotonic()
        # Whether this client fetched it, perhaps from a shared cache, rather than read it from a file.
        self.ours: bool = ours

    @classmethod
    def of_file(cls, value: Document, signature: Signature, epoch: str, ttl: float, grace: float) -> Entry:
        """Make the entry of a document that was just read from its file, or from the index."""
        age = max(0.0, time.time() - signature.mtime)
        asked = Asked(signature.mtime, time.monotonic() - age, epoch)
        return cls(value, asked, ttl=ttl, grace=grace, signature=signature, ours=False)

    @property
    def asked_here(self) -> bool:
        """Whether this client requested the document itself."""
        return self.ours and not self.asked.is_shared

    def is_fresh(self) -> bool:
        """Whether the document is younger than its TTL."""
        return self._is_within(self.ttl)

    def is_usable(self) -> bool:
        """Whether the document is younger than its TTL and its grace together."""
        return self._is_within(self.ttl + self.grace)

    def _is_within(self, seconds: float) -> bool:
        # Check both clocks: one may be set back, and the monotonic one may stop while the machine sleeps.
        return time.monotonic() - self.asked.moment < seconds and time.time() - self.asked.at < seconds


def document_from(key: str, data: bytes) -> Document:
    """Parse the file of the document `key`. Raises `fields.MalformedDocument`."""
    from ..model.discovery_result import DiscoveryResult
    from ..model.documents import group_list_from, parse_object, resource_list_from

    parsed = parse_object(data)
    if key == GROUPS:
        return DiscoveryResult(group_list_from(parsed, strict=True))
    return resource_list_from(parsed, key, strict=True)
