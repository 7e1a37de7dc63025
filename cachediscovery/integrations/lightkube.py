"""Generic `lightkube` resources made from discovery, for CRDs that lightkube has no model of.

from lightkube import Client
from cachediscovery.integrations.lightkube import discovery_for, generic_resource

client = Client()
Certificate = generic_resource(discovery_for(client), "cert-manager.io/v1", "Certificate")
for certificate in client.list(Certificate, namespace="*"):
    ...
"""

from __future__ import annotations

from typing import Any

from lightkube.core.resource import NamespacedResource, api_info
from lightkube.core.resource_registry import resource_registry
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

from .._concurrency import Lock
from ..cache.options import CacheOptions
from ..model.group_version import GroupKind
from ..model.names import parse_group_version
from ..restmapper.deferred import DeferredDiscoveryRESTMapper
from .borrowed_transport import BorrowedTransport, discovery_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from ..cache.cached_client import CachedDiscoveryClient
    from ..cache.options import CacheKeywords
    from ..discovery.interfaces import DiscoveryInterface
    from ..restmapper.mapping import RESTMapping

# lightkube checks for a class and registers one in two steps.
_registry_lock = Lock()


def discovery_for(
    client: Any, cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]
) -> CachedDiscoveryClient:
    """Create a cached discovery client that uses the connection and credentials of a `lightkube.Client`.

    Each field of `CacheOptions` may be given as a keyword: `discovery_for(client, ttl="10m")`.
    """
    connection = _connection_of(client)
    server = str(connection.base_url).rstrip("/")

    def ask(path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        answer = connection.get(path, headers=dict(headers))
        return answer.status_code, answer.headers, answer.content

    return discovery_by(BorrowedTransport(server, ask), server, CacheOptions.merged(cache, keywords))


def _connection_of(client: Any) -> Any:
    """The httpx client of a `lightkube.Client`, which has no public name. Another one would log in a second time."""
    connection = getattr(getattr(client, "_client", None), "_client", None)
    if not (hasattr(connection, "base_url") and hasattr(connection, "get")):
        raise TypeError(
            "discovery_for needs a lightkube.Client that keeps its httpx client in _client._client, "
            f"and this {type(client).__name__} does not: install lightkube 1.0, or report the version of lightkube"
        )
    return connection


def generic_resource(discovery: DiscoveryInterface, api_version: str, kind: str) -> Any:
    """Return lightkube's class for a kind, such as `("cert-manager.io/v1", "Certificate")`, with the server's scope
    and plural. Raises `DiscoveryError`, `NoKindMatchError` for a kind that is not served."""
    group, version = parse_group_version(api_version)
    mapping = DeferredDiscoveryRESTMapper(discovery).rest_mapping(GroupKind(group, kind), version)
    create = create_namespaced_resource if mapping.namespaced else create_global_resource
    with _registry_lock:
        # The class may have been registered by lightkube or the program, for example with other verbs.
        known = resource_registry.get(api_version, mapping.kind)
        if known is not None and _is_for(known, mapping):
            return known
        return create(group, version, mapping.kind, mapping.plural)


def _is_for(known: Any, mapping: RESTMapping) -> bool:
    """Return whether a class sends requests for the resource."""
    is_namespaced = issubclass(known, NamespacedResource)
    return bool(api_info(known).plural == mapping.plural and is_namespaced == mapping.namespaced)


def load_generic_resources(discovery: DiscoveryInterface) -> list[Any]:
    """Create classes for all resources outside the built-in groups, so that lightkube's YAML loader finds them.

    Raises `DiscoveryError`; `GroupDiscoveryFailed`, before any class is created, if discovery was incomplete.
    """
    made = []
    for resource_list in discovery.server_preferred_resources():
        group, _, _ = resource_list.group_version.rpartition("/")
        # Built-in groups have no dot or end in k8s.io; lightkube has models of them.
        if "." not in group or group.endswith(".k8s.io"):
            continue
        made += [
            generic_resource(discovery, resource_list.group_version, item.kind) for item in resource_list.resources
        ]
    return made
