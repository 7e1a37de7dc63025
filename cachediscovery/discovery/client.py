"""`DiscoveryClient`: sends every request to the API server. client-go's `discovery.DiscoveryClient`."""

from __future__ import annotations

from functools import partial

from .. import _log as log
from .._concurrency import begin_in_thread
from ..config import arguments
from ..model.aggregated import ACCEPT, ACCEPT_NO_PEER, is_aggregated, split_groups_and_resources
from ..model.discovery_result import DiscoveryResult
from ..model.documents import core_group_from, group_list_from, parse_object, resource_list_from, version_from
from ..model.errors import DiscoveryError, GroupDiscoveryFailed, InvalidDocument, NotFound, StatusError
from ..model.fields import MalformedDocument, get_objects
from ..model.listing import (
    ALL_GROUPS,
    CORE_GROUP,
    MAX_WORKERS,
    all_groups,
    fetch_missing,
    groups_and_resources,
    merged,
    namespaced_only,
    preferred_resources,
)
from ..model.name_filter import drop_invalid_groups, is_valid_group_version
from ..model.names import parse_group_version, path_of
from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
from ..transport.server_identity import uid_of
from .interfaces import AggregatedDiscoveryInterface, ClusterUIDInterface, ConnectedDiscoveryInterface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    import requests
    from typing_extensions import Self, Unpack

    from ..config.client_config import ClientConfig
    from ..openapi.documents import OpenAPIV3
    from ..transport.base import DocumentResponse, DocumentTransport
    from ..transport.http_store import HTTPStore
    from ..transport.options import TransportKeywords, TransportOptions

    T = TypeVar("T")

_JSON = "application/json"
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_PRIORITY_LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
# A group version removed during a listing makes it fail; the second try no longer lists it.
_TRIES = 2


class DiscoveryClient(AggregatedDiscoveryInterface, ConnectedDiscoveryInterface, ClusterUIDInterface):
    """The base client: parses HTTP documents into typed lists. It caches nothing.

    Safe for use by several threads. All methods raise `DiscoveryError`.
    """

    def __init__(
        self,
        transport: DocumentTransport,
        server: str,
        *,
        legacy: bool = False,
        legacy_prefix: str = "/api",
        no_peer: bool = False,
        max_workers: int = MAX_WORKERS,
    ) -> None:
        """`legacy` requests only unaggregated documents. `max_workers` is the maximum of concurrent requests.

        `legacy_prefix` is the path above the core group's versions (client-go's `LegacyPrefix`); "" stands for `/apis`.
        With `no_peer` an API server is asked for what it serves itself, without its peers (`NoPeerDiscovery`); such
        responses are never stored.
        """
        self._transport = transport
        self._server = server
        self._accept = _JSON if legacy else f"{ACCEPT_NO_PEER},{_JSON}" if no_peer else f"{ACCEPT},{_JSON}"
        self._legacy_prefix = legacy_prefix
        self._no_peer = no_peer
        self._max_workers = max_workers

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        options: TransportOptions | None = None,
        *,
        responses: HTTPStore | None = None,
        **keywords: Unpack[TransportKeywords],
    ) -> Self:
        """Create a client for a configuration from `load_config`. `responses` enables conditional requests.

        Each field of `TransportOptions` may be given as a keyword.
        """
        from ..config.client_config import ClientConfig
        from ..transport.options import TransportOptions
        from ..transport.transport import Transport

        arguments.instance("config", config, ClientConfig, "from load_config")
        options = arguments.merged("options", TransportOptions, options, keywords)
        transport = Transport(config.server, options, config=config)
        transport.responses = responses
        return cls(transport, config.server, no_peer=options.no_peer)

    @classmethod
    def from_session(
        cls,
        session: requests.Session,
        base_url: str,
        options: TransportOptions | None = None,
        **keywords: Unpack[TransportKeywords],
    ) -> Self:
        """Create a client that uses the caller's session with its credentials, TLS, proxies and adapters.

        `base_url` is the API server's URL, for example `https://127.0.0.1:6443`. Each field of `TransportOptions` may
        be given as a keyword.
        """
        import requests

        from ..transport.options import TransportOptions
        from ..transport.transport import Transport

        arguments.instance("session", session, requests.Session)
        base_url = arguments.text("base_url", base_url)
        options = arguments.merged("options", TransportOptions, options, keywords)
        return cls(Transport(base_url, options, session=session), base_url, no_peer=options.no_peer)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._server

    @property
    def transport(self) -> DocumentTransport:
        """The transport that sends the requests."""
        return self._transport

    @property
    def legacy_prefix(self) -> str:
        """The path above the versions of the core group: client-go's `LegacyPrefix`."""
        return self._legacy_prefix

    @property
    def no_peer(self) -> bool:
        """Whether it lists only what the one API server that it asks serves itself: client-go's `NoPeerDiscovery`."""
        return self._no_peer

    def with_legacy(self) -> DiscoveryClient:
        """A copy of this client that requests only unaggregated documents: client-go's `WithLegacy`."""
        return DiscoveryClient(
            self._transport,
            self._server,
            legacy=True,
            legacy_prefix=self._legacy_prefix,
            no_peer=self._no_peer,
            max_workers=self._max_workers,
        )

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        self._transport.close()

    def connect_ahead(self) -> None:
        """Start connecting, in threads. The request that needs the connection raises the error, if any."""
        self._transport.connect_ahead()

    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """Fetch `/api` and `/apis` concurrently.

        If one of them returns 403 or 404 and the other lists groups, the result is partial: `failed` holds the error as
        `*/*` for `/apis` or `*` for `/api`. A 404 for `/api` is no failure: an extension API server has no core group.
        """
        legacy, other = (begin_in_thread(partial(self._groups, path)) for path in ("/api", "/apis"))
        # Parsing needs it: import it during the requests.
        import json  # noqa: F401

        api, apis = legacy(), other()
        if isinstance(apis, StatusError):
            if isinstance(api, StatusError) or not api.groups.groups:
                raise apis
            return api._replace(failed={**api.failed, ALL_GROUPS: apis})
        if isinstance(api, NotFound):
            return apis
        if isinstance(api, StatusError):
            return apis._replace(failed={CORE_GROUP: api, **apis.failed})
        return merged(api, apis)

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if some could not be listed."""
        return all_groups(self.groups_and_maybe_resources())

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        parsed = parse_group_version(group_version)
        path = path_of(str(parsed)) if parsed.group else f"{self._legacy_prefix or '/apis'}/{parsed.version}"
        try:
            return self._document(path, _JSON, lambda _, source: resource_list_from(source, str(parsed)))
        except NotFound:
            if str(parsed) == "v1":
                return APIResourceList("v1", ())
            raise

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        return self._twice(lambda: groups_and_resources(self._everything()))

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        return self._twice(lambda: preferred_resources(self._everything()))

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        """The server's version."""
        return self._document("/version", _JSON, lambda _, source: version_from(source))

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""
        from ..openapi.client import OpenAPIV3Client

        return OpenAPIV3Client(self._transport)

    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system; "" if it cannot be read."""
        return uid_of(self._object(_KUBE_SYSTEM, connection))

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); empty if they cannot be read."""
        try:
            levels = get_objects(self._object(_PRIORITY_LEVELS, connection), "items")
        except MalformedDocument:
            return frozenset()
        return frozenset(filter(None, map(uid_of, levels)))

    def _object(self, path: str, connection: int | None) -> dict[str, Any]:
        """GET the object at `path`; empty if it cannot be read."""
        try:
            body = self._transport.get_on(connection, path) if connection is not None else None
            return parse_object(self._transport.get(path, accept=_JSON).body if body is None else body)
        except (DiscoveryError, MalformedDocument):
            return {}

    def _everything(self) -> DiscoveryResult:
        return fetch_missing(
            self.groups_and_maybe_resources(), self.server_resources_for_group_version, self._max_workers
        )

    @staticmethod
    def _twice(listing: Callable[[], T]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return listing()
            except GroupDiscoveryFailed as error:
                log.info("retrying once: %s", error)
        return listing()

    def _groups(self, path: str) -> DiscoveryResult | StatusError:
        """Fetch the groups under `/api` or `/apis`. Return a 403 or 404, so that the other half can be used."""
        try:
            return self._document(path, self._accept, self._groups_from)
        except StatusError as error:
            if error.code in (403, 404):
                return error
            raise

    def _groups_from(self, response: DocumentResponse, source: dict[str, Any]) -> DiscoveryResult:
        is_core = not response.url.endswith("/apis")
        if is_aggregated(response.content_type):
            found = split_groups_and_resources(source)
        else:
            found = DiscoveryResult(core_group_from(source) if is_core else group_list_from(source))
        groups = APIGroupList(tuple(drop_invalid_groups(found.groups, response.url, core=is_core)))
        listed = set(groups.group_versions)
        resources = {key: value for key, value in found.resources.items() if key in listed}
        failed = {key: value for key, value in found.failed.items() if is_valid_group_version(key, core=is_core)}
        return DiscoveryResult(groups, resources, failed)

    def _document(self, path: str, accept: str, read: Callable[[DocumentResponse, dict[str, Any]], T]) -> T:
        response = self._transport.get(path, accept=accept)
        try:
            return self._read(response, read)
        except InvalidDocument:
            if not response.stored:
                raise
        log.debug("the stored response of %s cannot be parsed", response.url)
        return self._read(self._transport.get(path, accept=accept, conditional=False), read)

    @staticmethod
    def _read(response: DocumentResponse, read: Callable[[DocumentResponse, dict[str, Any]], T]) -> T:
        try:
            return read(response, parse_object(response.body))
        except MalformedDocument as error:
            from ..transport.error_mapping import invalid_document

            raise invalid_document(*response[:3], error, "a discovery document") from error
