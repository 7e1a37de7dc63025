"""`DiscoveryClient`: asks the API server, each time. client-go's `discovery.DiscoveryClient`."""

from __future__ import annotations

from functools import partial

from . import log
from .aggregated import ACCEPT, is_aggregated, split_groups_and_resources
from .concurrency import begin_in_thread
from .documents import expect_kind, group_list_from, parse_object, resource_list_from
from .errors import DiscoveryError, GroupDiscoveryFailed, InvalidDocument, NotFound, StatusError
from .fields import MalformedDocument, mapping, mappings, text, texts
from .honest_names import honest_groups, is_honest
from .lines import one_line
from .listing import (
    ALL_GROUPS,
    CORE_GROUP,
    MAX_WORKERS,
    fetch_each,
    groups_and_resources,
    namespaced_only,
    preferred_resources,
    raise_if_partial,
)
from .names import parse_group_version, path_of
from .schema import GroupVersion
from .transport.server_identity import is_uid
from .types import (
    APIGroup,
    APIGroupList,
    APIResourceList,
    GroupsAndMaybeResources,
    GroupVersionForDiscovery,
    VersionInfo,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    import requests

    from .config.client_config import ClientConfig
    from .disk.http_store import HTTPStore
    from .openapi import OpenAPIV3
    from .transport.document_transport import DocumentTransport, Response
    from .transport.options import TransportOptions

    T = TypeVar("T")

_JSON = "application/json"
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_PRIORITY_LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
# A group version that disappears between two requests fails the listing; the second try no longer lists it.
_TRIES = 2


class DiscoveryClient:
    """The base client: HTTP documents become typed lists. It keeps nothing and knows no cache.

    Safe for use by several threads. All methods raise `DiscoveryError`.
    """

    def __init__(
        self, transport: DocumentTransport, server: str, *, legacy: bool = False, max_workers: int = MAX_WORKERS
    ) -> None:
        """`legacy` asks for unaggregated documents alone; `max_workers` bounds the requests under way at a time."""
        self._transport = transport
        self._server = server
        self._accept = _JSON if legacy else f"{ACCEPT},{_JSON}"
        self._max_workers = max_workers

    @classmethod
    def for_config(
        cls, config: ClientConfig, options: TransportOptions | None = None, *, responses: HTTPStore | None = None
    ) -> DiscoveryClient:
        """A client for what `load_config` returned; with `responses` it asks conditionally for what is there."""
        from .transport.options import TransportOptions
        from .transport.transport import Transport

        transport = Transport(config.server, options or TransportOptions(), config=config)
        transport.responses = responses
        return cls(transport, config.server)

    @classmethod
    def from_session(
        cls, session: requests.Session, base_url: str, options: TransportOptions | None = None
    ) -> DiscoveryClient:
        """A client on a session that the caller has set up: its credentials, TLS, proxies and adapters are used.

        `base_url` is the API server's URL, say `https://127.0.0.1:6443`.
        """
        from .transport.options import TransportOptions
        from .transport.transport import Transport

        return cls(Transport(base_url, options or TransportOptions(), session=session), base_url)

    @property
    def server(self) -> str:
        return self._server

    @property
    def transport(self) -> DocumentTransport:
        """The connection to the server, for other documents than those of discovery."""
        return self._transport

    def with_legacy(self) -> DiscoveryClient:
        """The same client, made to ask for unaggregated documents alone."""
        return DiscoveryClient(self._transport, self._server, legacy=True, max_workers=self._max_workers)

    def close(self) -> None:
        self._transport.close()

    def reconnect(self) -> None:
        """Make the requests that begin from now on on new connections; those under way are not disturbed."""
        self._transport.reconnect()

    def prepare(self) -> None:
        """Get the credentials that the next request needs, for which a plugin may have to run.

        Raises `CredentialsError` or `ConfigError`.
        """
        self._transport.prepare()

    def groups_and_maybe_resources(self) -> GroupsAndMaybeResources:
        """Ask for `/api` and `/apis` at the same time.

        Where one of the two answers 403 or 404 and the other lists something, the groups of the first are missing, and
        it is among the failed group versions: `*/*` for `/apis`, `*` for `/api`. Only a 404 for `/api` is none: an
        extension API server has no core group.
        """
        legacy, other = (begin_in_thread(partial(self._groups, path)) for path in ("/api", "/apis"))
        # Needed for the answers, and imported while they are waited for.
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
        return _merged(api, apis)

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups that were found, where a part could not be had."""
        found = self.groups_and_maybe_resources()
        raise_if_partial(found.groups, found.failed)
        return found.groups

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        parsed = parse_group_version(group_version)
        try:
            return self._document(
                path_of(str(parsed)), _JSON, lambda _, source: resource_list_from(source, str(parsed))
            )
        except NotFound:
            if str(parsed) == "v1":
                return APIResourceList("v1", ())
            raise

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        return self._twice(lambda: groups_and_resources(*self._everything()))

    def server_preferred_resources(self) -> list[APIResourceList]:
        return self._twice(lambda: preferred_resources(*self._everything()))

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        return self._document("/version", _JSON, lambda _, source: _version_from(source))

    def openapi_v3(self) -> OpenAPIV3:
        from .openapi import OpenAPIV3

        return OpenAPIV3(self._transport.get)

    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system, which is taken for the cluster's own; "" where it may not be seen.

        It is asked for on that `connection` (`ServerIdentity.connection`) where that is possible.
        """
        return _uid(self._object(_KUBE_SYSTEM, connection))

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040), one of which each answer names; none where they may not be seen.

        They are asked for as in `cluster_uid`.
        """
        try:
            levels = mappings(self._object(_PRIORITY_LEVELS, connection), "items")
        except MalformedDocument:
            return frozenset()
        return frozenset(filter(None, map(_uid, levels)))

    def _object(self, path: str, connection: int | None) -> dict[str, Any]:
        """What is at `path`; empty where it may not be seen."""
        try:
            body = self._transport.get_on(connection, path) if connection is not None else None
            return parse_object(self._transport.get(path, accept=_JSON).body if body is None else body)
        except (DiscoveryError, MalformedDocument):
            return {}

    def _everything(
        self,
    ) -> tuple[APIGroupList, dict[GroupVersion, APIResourceList], dict[GroupVersion, DiscoveryError]]:
        groups, resources, failed = self.groups_and_maybe_resources()
        if resources is None:
            resources, failures = fetch_each(
                self.server_resources_for_group_version, groups.group_versions, self._max_workers
            )
            failed = {**failed, **failures}
        return groups, resources, failed

    @staticmethod
    def _twice(listing: Callable[[], T]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return listing()
            except GroupDiscoveryFailed as error:
                log.info("trying once more: %s", error)
        return listing()

    def _groups(self, path: str) -> GroupsAndMaybeResources | StatusError:
        """The groups under `/api` or `/apis`, or why they cannot be had while the others can."""
        try:
            return self._document(path, self._accept, self._groups_from)
        except StatusError as error:
            if error.code in (403, 404):
                return error
            raise

    def _groups_from(self, response: Response, source: dict[str, Any]) -> GroupsAndMaybeResources:
        resources: dict[GroupVersion, APIResourceList] | None = None
        failed: dict[GroupVersion, DiscoveryError] = {}
        if is_aggregated(response.content_type):
            groups, resources, failed = split_groups_and_resources(source)
        elif response.url.endswith("/apis"):
            groups = group_list_from(source)
        else:
            groups = _core_group(source)
        core = not response.url.endswith("/apis")
        groups = APIGroupList(tuple(honest_groups(groups, response.url, core=core)))
        listed = set(groups.group_versions)
        if resources is not None:
            resources = {key: value for key, value in resources.items() if key in listed}
        failed = {key: value for key, value in failed.items() if is_honest(key, core=core)}
        return GroupsAndMaybeResources(groups, resources, failed)

    def _document(self, path: str, accept: str, read: Callable[[Response, dict[str, Any]], T]) -> T:
        response = self._transport.get(path, accept=accept)
        try:
            return self._read(response, read)
        except InvalidDocument:
            if not response.stored:
                raise
        log.debug("the stored response of %s cannot be used", response.url)
        return self._read(self._transport.get(path, accept=accept, conditional=False), read)

    @staticmethod
    def _read(response: Response, read: Callable[[Response, dict[str, Any]], T]) -> T:
        try:
            return read(response, parse_object(response.body))
        except MalformedDocument as error:
            raise InvalidDocument(response.url, _malformed(response, error)) from None


def _merged(api: GroupsAndMaybeResources, apis: GroupsAndMaybeResources) -> GroupsAndMaybeResources:
    """The core group first. Embedded resources count only where both halves have them."""
    resources = None
    if api.resources is not None and apis.resources is not None:
        resources = {**api.resources, **apis.resources}
    groups = APIGroupList(api.groups.groups + apis.groups.groups)
    return GroupsAndMaybeResources(groups, resources, {**api.failed, **apis.failed})


def _core_group(source: dict[str, Any]) -> APIGroupList:
    expect_kind(source, "APIVersions", "versions")
    versions = tuple(GroupVersionForDiscovery(version, version) for version in texts(source, "versions"))
    return APIGroupList((APIGroup("", versions, versions[0]),) if versions else ())


def _uid(source: dict[str, Any]) -> str:
    """The UID of an object; "" where it has none."""
    try:
        uid = text(mapping(source, "metadata"), "uid")
    except MalformedDocument:
        return ""
    return uid if is_uid(uid) else ""


def _malformed(response: Response, error: MalformedDocument) -> str:
    start = response.body[:256].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<")) or "html" in response.content_type:
        return f"{response.url} answered with HTML, not JSON: is this a login page? Check the server's URL"
    if not response.body:
        return f"{response.url} answered with an empty body: is this an API server?"
    return f"{response.url} answered with something that is no discovery document: {one_line(error)}"


def _version_from(source: dict[str, Any]) -> VersionInfo:
    if "gitVersion" not in source:
        raise MalformedDocument("no gitVersion")
    camel = {name: _camel(name) for name in VersionInfo._fields}
    return VersionInfo(**{name: text(source, key) for name, key in camel.items()})


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
