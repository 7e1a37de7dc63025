"""`SharedDiscoveryClient`: a discovery client that shares its answers with other machines, by Redis or Valkey."""

from __future__ import annotations

from ..config import arguments
from ..discovery.interfaces import (
    AggregatedDiscoveryInterface,
    ClusterUIDInterface,
    ConnectedDiscoveryInterface,
    DiscoveryInterface,
    SharedAnswers,
    SharedDiscoveryInterface,
)
from ..model.discovery_result import DiscoveryResult
from ..model.listing import all_groups, fetch_missing, groups_and_resources, namespaced_only, preferred_resources
from ..model.names import parse_group_version
from ..model.types import APIResourceList
from ..openapi.documents import OpenAPIDocument, OpenAPIIndex
from ..transport.server_identity import gathered_identities, note_identity
from .engine import EngineUnavailable
from .news import News
from .openapi import SharedOpenAPIV3
from .record_store import Dated
from .records import GROUPS_RECORD, Record, one_cluster
from .single_flight import SingleFlight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ..model.types import APIGroup, APIGroupList, VersionInfo
    from ..openapi.documents import OpenAPIV3
    from ..transport.base import DocumentTransport
    from ..transport.server_identity import ServerIdentity
    from .record_store import RecordStore
    from .records import Answer

    T = TypeVar("T")


class SharedDiscoveryClient(SharedDiscoveryInterface, ConnectedDiscoveryInterface, ClusterUIDInterface):
    """Wraps a client that is connected to a server, such as `DiscoveryClient`.

    An answer comes from the engine if a machine has put it there within the TTL, else from the server, which only one
    machine asks. An engine that fails costs requests and a bounded time. Safe for use by several threads.
    """

    def __init__(self, delegate: DiscoveryInterface, records: RecordStore, ttl: float, stale: float = 0.0) -> None:
        """Share the answers of `delegate` in `records` for `ttl` seconds; they stay for `stale` seconds more."""
        if not can_share(delegate):
            arguments.instance("delegate", delegate, AggregatedDiscoveryInterface, "such as a DiscoveryClient")
            arguments.instance("delegate", delegate, ConnectedDiscoveryInterface, "such as a DiscoveryClient")
        self._delegate = delegate
        self.records: RecordStore = records
        self._ttl = ttl
        self._expiry = ttl + stale
        self.news: News = News(records)
        self._flight = SingleFlight(records, self.news)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._delegate.server

    @property
    def delegate(self) -> DiscoveryInterface:
        """The client that asks the server."""
        return self._delegate

    @property
    def transport(self) -> DocumentTransport:
        """The transport of the delegate."""
        return _connected(self._delegate).transport

    def connect_ahead(self) -> None:
        """Do nothing: what is shared needs no connection, and none of the credentials that an exec plugin gives."""

    def close(self) -> None:
        """Close all connections, and end the thread that listens."""
        self.news.close()
        self.records.engine.close()
        self._delegate.close()

    def answering(self, since: float, accepts: Callable[[Sequence[ServerIdentity]], bool]) -> SharedAnswers:
        """What this client answers, but nothing requested before `since` (on the monotonic clock).

        If `since` is inf, nothing is shared.
        """
        return _Answers(self, since, accepts)

    def invalidate(self, moment: float) -> None:
        """Share nothing requested before now, and tell the others; this client itself has invalidated at `moment`."""
        try:
            self.records.invalidate(moment)
        except EngineUnavailable:
            # Made up for as soon as the engine is there again.
            pass

    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """The groups, and all resources if the server supports aggregated discovery."""
        return self.answering(float("-inf"), _anybody).groups_and_maybe_resources()

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if some could not be listed."""
        return all_groups(self.groups_and_maybe_resources())

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        return self.answering(float("-inf"), _anybody).server_resources_for_group_version(group_version)

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        return groups_and_resources(self._everything())

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        return preferred_resources(self._everything())

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        """The server's version. Never shared."""
        return self._delegate.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents of the server."""
        return self.answering(float("-inf"), _anybody).openapi_v3()

    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system; "" if it cannot be read."""
        return self._delegate.cluster_uid(connection) if isinstance(self._delegate, ClusterUIDInterface) else ""

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); empty if they cannot be read."""
        delegate = self._delegate
        return delegate.priority_level_uids(connection) if isinstance(delegate, ClusterUIDInterface) else frozenset()

    def _everything(self) -> DiscoveryResult:
        return fetch_missing(self.groups_and_maybe_resources(), self.server_resources_for_group_version)

    def _fetch(self, name: str, fetch: Callable[[], T]) -> T:
        """Fetch from the server, and put a whole answer into the engine."""
        try:
            began = self.records.see(begin=True)
        except EngineUnavailable:
            return fetch()
        answered: list[ServerIdentity] = []
        try:
            with gathered_identities() as answered:
                found = fetch()
        finally:
            # Whoever asked this client gathers them too.
            for identity in answered:
                note_identity(identity)
        identities = one_cluster(answered)
        answer = _whole(name, found)
        if identities is not None and answer is not None:
            try:
                self.records.put(name, Record(answer, identities), began, self._expiry)
            except EngineUnavailable:
                pass
        return found


class _Answers(SharedAnswers):
    """The answers to one question."""

    def __init__(
        self, client: SharedDiscoveryClient, since: float, accepts: Callable[[Sequence[ServerIdentity]], bool]
    ) -> None:
        self._client = client
        self._since = since
        self._accepts = accepts

    def groups_and_maybe_resources(self) -> DiscoveryResult:
        delegate = self._client.delegate
        assert isinstance(delegate, AggregatedDiscoveryInterface)
        return self._answer(GROUPS_RECORD, delegate.groups_and_maybe_resources)

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        name = str(parse_group_version(group_version))
        return self._answer(name, lambda: self._client.delegate.server_resources_for_group_version(name))

    def openapi_v3(self) -> OpenAPIV3:
        return SharedOpenAPIV3(self._client.delegate.openapi_v3, self._answer)

    def _answer(self, name: str, fetch: Callable[[], T]) -> T:
        client = self._client
        if client._ttl <= 0 or self._since == float("inf"):
            return fetch()
        try:
            found: Dated | T | None = self._look(name)
        except EngineUnavailable:
            return fetch()
        if found is None:
            found = client._flight.run(name, lambda: self._look(name), lambda: client._fetch(name, fetch))
        if not isinstance(found, Dated):
            return found
        self.asked = found.at, found.moment
        for identity in found.record.identities:
            note_identity(identity)
        answer: T = found.record.answer  # type: ignore[assignment]
        return answer

    def _look(self, name: str) -> Dated | None:
        records = self._client.records
        seen = records.see(name)
        found = records.usable(seen, name, self._client._ttl, self._since)
        return found if found is not None and self._accepts(found.record.identities) else None


def can_share(delegate: object) -> bool:
    """Whether a client can be wrapped: it aggregates, and is connected to a server."""
    return isinstance(delegate, AggregatedDiscoveryInterface) and isinstance(delegate, ConnectedDiscoveryInterface)


def _connected(delegate: DiscoveryInterface) -> ConnectedDiscoveryInterface:
    assert isinstance(delegate, ConnectedDiscoveryInterface)
    return delegate


def _anybody(_: Sequence[ServerIdentity]) -> bool:
    return True


def _whole(name: str, found: object) -> Answer | None:
    """An answer, if it may be shared: nothing failed, and no half of it can have been hidden by a proxy."""
    if isinstance(found, OpenAPIDocument):
        # A server redirects to the document that has replaced it.
        return found if found.server_relative_url == name else None
    if isinstance(found, (APIResourceList, OpenAPIIndex)):
        return found
    if not isinstance(found, DiscoveryResult):
        # The index has not changed.
        return None
    names = {group.name for group in found.groups.groups}
    is_whole = not found.failed and "" in names and len(names) > 1 and (not found.resources or not found.missing)
    return found if is_whole else None
