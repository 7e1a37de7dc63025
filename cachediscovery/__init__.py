"""Kubernetes API discovery with kubectl's cache.

Everything public is importable from here. Modules are imported on first use, to keep start-up fast.

The logger is `cachediscovery`: hits and misses are DEBUG, requests and retries INFO, what the user should know WARNING.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .aio.client import AsyncCachedDiscoveryClient as AsyncCachedDiscoveryClient
    from .aio.mapper import AsyncDeferredDiscoveryRESTMapper as AsyncDeferredDiscoveryRESTMapper
    from .aio.openapi import AsyncOpenAPIV3 as AsyncOpenAPIV3
    from .aio.resource_index import AsyncResourceIndex as AsyncResourceIndex
    from .aio.watch import AsyncDiscoveryWatch as AsyncDiscoveryWatch
    from .cache.cached_client import CachedDiscoveryClient as CachedDiscoveryClient
    from .cache.options import CacheOptions as CacheOptions
    from .config.client_config import ClientConfig as ClientConfig
    from .config.client_config import ExecConfig as ExecConfig
    from .config.client_config import Impersonation as Impersonation
    from .config.cluster import Cluster as Cluster
    from .config.in_cluster import in_cluster_config as in_cluster_config
    from .config.loading import load_config as load_config
    from .config.overrides import ConfigOverrides as ConfigOverrides
    from .config.trust_fingerprint import cluster_of as cluster_of
    from .discovery.client import DiscoveryClient as DiscoveryClient
    from .discovery.interfaces import AggregatedDiscoveryInterface as AggregatedDiscoveryInterface
    from .discovery.interfaces import CachedDiscoveryInterface as CachedDiscoveryInterface
    from .discovery.interfaces import ClusterUIDInterface as ClusterUIDInterface
    from .discovery.interfaces import ConnectedDiscoveryInterface as ConnectedDiscoveryInterface
    from .discovery.interfaces import DiscoveryInterface as DiscoveryInterface
    from .discovery.interfaces import IndexedDiscoveryInterface as IndexedDiscoveryInterface
    from .discovery.interfaces import ResourceIndex as ResourceIndex
    from .discovery.queries import group_version_resources as group_version_resources
    from .discovery.queries import is_resource_enabled as is_resource_enabled
    from .discovery.queries import matches_server_version as matches_server_version
    from .discovery.queries import server_groups_and_resources as server_groups_and_resources
    from .discovery.queries import server_preferred_namespaced_resources as server_preferred_namespaced_resources
    from .discovery.queries import server_preferred_resources as server_preferred_resources
    from .discovery.queries import server_supports_version as server_supports_version
    from .disk.document_store import DocumentStore as DocumentStore
    from .disk.document_store import open_store as open_store
    from .model.discovery_result import DiscoveryResult as DiscoveryResult
    from .model.errors import AmbiguousResourceError as AmbiguousResourceError
    from .model.errors import CertificateError as CertificateError
    from .model.errors import ClusterMismatchError as ClusterMismatchError
    from .model.errors import ConfigChanged as ConfigChanged
    from .model.errors import ConfigError as ConfigError
    from .model.errors import CredentialsError as CredentialsError
    from .model.errors import DiscoveryError as DiscoveryError
    from .model.errors import GroupDiscoveryFailed as GroupDiscoveryFailed
    from .model.errors import GroupUnavailableError as GroupUnavailableError
    from .model.errors import GroupVersionNotFoundError as GroupVersionNotFoundError
    from .model.errors import InvalidDocument as InvalidDocument
    from .model.errors import InvalidGroupVersion as InvalidGroupVersion
    from .model.errors import InvalidManifest as InvalidManifest
    from .model.errors import InvalidOption as InvalidOption
    from .model.errors import NoConfigError as NoConfigError
    from .model.errors import NoKindMatchError as NoKindMatchError
    from .model.errors import NoMatchError as NoMatchError
    from .model.errors import NoResourceMatchError as NoResourceMatchError
    from .model.errors import NotFound as NotFound
    from .model.errors import RequestError as RequestError
    from .model.errors import RequestTimeout as RequestTimeout
    from .model.errors import StaleGroupVersionError as StaleGroupVersionError
    from .model.errors import StatusError as StatusError
    from .model.group_version import GroupKind as GroupKind
    from .model.group_version import GroupResource as GroupResource
    from .model.group_version import GroupVersion as GroupVersion
    from .model.group_version import GroupVersionKind as GroupVersionKind
    from .model.group_version import GroupVersionResource as GroupVersionResource
    from .model.listing import filtered_by as filtered_by
    from .model.listing import supports_all_verbs as supports_all_verbs
    from .model.types import APIGroup as APIGroup
    from .model.types import APIGroupList as APIGroupList
    from .model.types import APIResource as APIResource
    from .model.types import APIResourceList as APIResourceList
    from .model.types import GroupVersionForDiscovery as GroupVersionForDiscovery
    from .model.types import VersionInfo as VersionInfo
    from .openapi.documents import OpenAPIV3 as OpenAPIV3
    from .openapi.documents import OpenAPIV3GroupVersion as OpenAPIV3GroupVersion
    from .openapi.root import OpenAPIRoot as OpenAPIRoot
    from .openapi.root import OpenAPISpec as OpenAPISpec
    from .restmapper.category_expander import CategoryExpander as CategoryExpander
    from .restmapper.category_expander import DiscoveryCategoryExpander as DiscoveryCategoryExpander
    from .restmapper.category_expander import SimpleCategoryExpander as SimpleCategoryExpander
    from .restmapper.category_expander import UnionCategoryExpander as UnionCategoryExpander
    from .restmapper.deferred import DeferredDiscoveryRESTMapper as DeferredDiscoveryRESTMapper
    from .restmapper.mapper import RESTMapper as RESTMapper
    from .restmapper.mapping import RESTMapping as RESTMapping
    from .restmapper.shortcut_expander import ShortcutExpander as ShortcutExpander
    from .restmapper.table import ResourceTable as ResourceTable
    from .transport.options import TransportOptions as TransportOptions
    from .watching.change import DiscoveryChange as DiscoveryChange
    from .watching.watch import DiscoveryWatch as DiscoveryWatch

# The module of each public name, for __getattr__. It mirrors the imports above, which are for type checkers.
_NAMES = {
    ".aio.client": "AsyncCachedDiscoveryClient",
    ".aio.mapper": "AsyncDeferredDiscoveryRESTMapper",
    ".aio.openapi": "AsyncOpenAPIV3",
    ".aio.resource_index": "AsyncResourceIndex",
    ".aio.watch": "AsyncDiscoveryWatch",
    ".cache.cached_client": "CachedDiscoveryClient",
    ".cache.options": "CacheOptions",
    ".discovery.client": "DiscoveryClient",
    ".config.trust_fingerprint": "cluster_of",
    ".config.client_config": "ClientConfig ExecConfig Impersonation",
    ".config.cluster": "Cluster",
    ".config.in_cluster": "in_cluster_config",
    ".config.loading": "load_config",
    ".config.overrides": "ConfigOverrides",
    ".disk.document_store": "DocumentStore open_store",
    ".model.discovery_result": "DiscoveryResult",
    ".model.errors": (
        "AmbiguousResourceError CertificateError ClusterMismatchError ConfigChanged ConfigError CredentialsError "
        "DiscoveryError GroupDiscoveryFailed GroupUnavailableError GroupVersionNotFoundError InvalidDocument "
        "InvalidGroupVersion InvalidManifest InvalidOption NoConfigError NoKindMatchError NoMatchError "
        "NoResourceMatchError NotFound RequestError RequestTimeout StaleGroupVersionError StatusError"
    ),
    ".discovery.queries": (
        "group_version_resources is_resource_enabled matches_server_version server_groups_and_resources "
        "server_preferred_namespaced_resources server_preferred_resources server_supports_version"
    ),
    ".discovery.interfaces": (
        "AggregatedDiscoveryInterface CachedDiscoveryInterface ClusterUIDInterface ConnectedDiscoveryInterface "
        "DiscoveryInterface IndexedDiscoveryInterface ResourceIndex"
    ),
    ".model.listing": "filtered_by supports_all_verbs",
    ".openapi.documents": "OpenAPIV3 OpenAPIV3GroupVersion",
    ".openapi.root": "OpenAPIRoot OpenAPISpec",
    ".restmapper.category_expander": (
        "CategoryExpander DiscoveryCategoryExpander SimpleCategoryExpander UnionCategoryExpander"
    ),
    ".restmapper.deferred": "DeferredDiscoveryRESTMapper",
    ".restmapper.mapper": "RESTMapper",
    ".restmapper.mapping": "RESTMapping",
    ".restmapper.shortcut_expander": "ShortcutExpander",
    ".restmapper.table": "ResourceTable",
    ".model.group_version": "GroupKind GroupResource GroupVersion GroupVersionKind GroupVersionResource",
    ".transport.options": "TransportOptions",
    ".model.types": ("APIGroup APIGroupList APIResource APIResourceList GroupVersionForDiscovery VersionInfo"),
    ".watching.change": "DiscoveryChange",
    ".watching.watch": "DiscoveryWatch",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = [*_MODULES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """PEP 562: import a public name's module when the name is first used."""
    # `from .. import log` calls this with a module's name first.
    module = ".version" if name == "__version__" else _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # As importlib.import_module does; importing importlib takes as long as five of our modules.
    import sys

    __import__(f"{__name__}{module}")
    source = sys.modules[f"{__name__}{module}"]
    value: object = getattr(source, "VERSION" if name == "__version__" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
