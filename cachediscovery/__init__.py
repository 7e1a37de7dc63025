"""Kubernetes API discovery with kubectl's cache.

Everything public is importable from here. Nothing is imported before it is used: start-up is a feature.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .async_client import AsyncCachedDiscoveryClient as AsyncCachedDiscoveryClient
    from .cached_client import CachedDiscoveryClient as CachedDiscoveryClient
    from .client import DiscoveryClient as DiscoveryClient
    from .config.authority import cluster_of as cluster_of
    from .config.client_config import ClientConfig as ClientConfig
    from .config.client_config import ExecConfig as ExecConfig
    from .config.client_config import Impersonation as Impersonation
    from .config.cluster import Cluster as Cluster
    from .config.in_cluster import in_cluster_config as in_cluster_config
    from .config.loading import load_config as load_config
    from .config.overrides import ConfigOverrides as ConfigOverrides
    from .disk.store import DocumentStore as DocumentStore
    from .disk.store import open_store as open_store
    from .errors import AmbiguousResourceError as AmbiguousResourceError
    from .errors import CertificateError as CertificateError
    from .errors import ClusterMismatchError as ClusterMismatchError
    from .errors import ConfigChanged as ConfigChanged
    from .errors import ConfigError as ConfigError
    from .errors import CredentialsError as CredentialsError
    from .errors import DiscoveryError as DiscoveryError
    from .errors import GroupDiscoveryFailed as GroupDiscoveryFailed
    from .errors import GroupUnavailableError as GroupUnavailableError
    from .errors import InvalidDocument as InvalidDocument
    from .errors import InvalidGroupVersion as InvalidGroupVersion
    from .errors import NoConfigError as NoConfigError
    from .errors import NoKindMatchError as NoKindMatchError
    from .errors import NoMatchError as NoMatchError
    from .errors import NoResourceMatchError as NoResourceMatchError
    from .errors import NotFound as NotFound
    from .errors import RequestError as RequestError
    from .errors import RequestTimeout as RequestTimeout
    from .errors import StaleGroupVersionError as StaleGroupVersionError
    from .errors import StatusError as StatusError
    from .helpers import group_version_resources as group_version_resources
    from .helpers import is_resource_enabled as is_resource_enabled
    from .helpers import server_supports_version as server_supports_version
    from .interface import AggregatedDiscoveryInterface as AggregatedDiscoveryInterface
    from .interface import CachedDiscoveryInterface as CachedDiscoveryInterface
    from .interface import DiscoveryInterface as DiscoveryInterface
    from .listing import filtered_by as filtered_by
    from .listing import supports_all_verbs as supports_all_verbs
    from .openapi import OpenAPIV3 as OpenAPIV3
    from .restmapper.deferred import DeferredDiscoveryRESTMapper as DeferredDiscoveryRESTMapper
    from .restmapper.mapper import RESTMapper as RESTMapper
    from .restmapper.mapping import RESTMapping as RESTMapping
    from .restmapper.table import ResourceTable as ResourceTable
    from .schema import GroupKind as GroupKind
    from .schema import GroupResource as GroupResource
    from .schema import GroupVersion as GroupVersion
    from .schema import GroupVersionKind as GroupVersionKind
    from .schema import GroupVersionResource as GroupVersionResource
    from .transport.options import TransportOptions as TransportOptions
    from .types import APIGroup as APIGroup
    from .types import APIGroupList as APIGroupList
    from .types import APIResource as APIResource
    from .types import APIResourceList as APIResourceList
    from .types import GroupsAndMaybeResources as GroupsAndMaybeResources
    from .types import GroupVersionForDiscovery as GroupVersionForDiscovery
    from .types import VersionInfo as VersionInfo
    from .watching.watch import DiscoveryWatch as DiscoveryWatch

# Where each public name lives: what the imports above tell type checkers, for __getattr__.
_NAMES = {
    ".async_client": "AsyncCachedDiscoveryClient",
    ".cached_client": "CachedDiscoveryClient",
    ".client": "DiscoveryClient",
    ".config.authority": "cluster_of",
    ".config.client_config": "ClientConfig ExecConfig Impersonation",
    ".config.cluster": "Cluster",
    ".config.in_cluster": "in_cluster_config",
    ".config.loading": "load_config",
    ".config.overrides": "ConfigOverrides",
    ".disk.store": "DocumentStore open_store",
    ".errors": (
        "AmbiguousResourceError CertificateError ClusterMismatchError ConfigChanged ConfigError CredentialsError "
        "DiscoveryError "
        "GroupDiscoveryFailed GroupUnavailableError InvalidDocument InvalidGroupVersion NoConfigError "
        "NoKindMatchError NoMatchError NoResourceMatchError NotFound RequestError RequestTimeout "
        "StaleGroupVersionError StatusError"
    ),
    ".helpers": "group_version_resources is_resource_enabled server_supports_version",
    ".interface": "AggregatedDiscoveryInterface CachedDiscoveryInterface DiscoveryInterface",
    ".listing": "filtered_by supports_all_verbs",
    ".openapi": "OpenAPIV3",
    ".restmapper.deferred": "DeferredDiscoveryRESTMapper",
    ".restmapper.mapper": "RESTMapper",
    ".restmapper.mapping": "RESTMapping",
    ".restmapper.table": "ResourceTable",
    ".schema": "GroupKind GroupResource GroupVersion GroupVersionKind GroupVersionResource",
    ".transport.options": "TransportOptions",
    ".types": (
        "APIGroup APIGroupList APIResource APIResourceList GroupVersionForDiscovery GroupsAndMaybeResources VersionInfo"
    ),
    ".watching.watch": "DiscoveryWatch",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = [*_MODULES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """PEP 562: import a public name's module when the name is first used."""
    # `from .. import log` asks for a module's name here first.
    module = ".version" if name == "__version__" else _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # What importlib.import_module does; importing importlib takes as long as five modules of ours.
    import sys

    __import__(f"{__name__}{module}")
    source = sys.modules[f"{__name__}{module}"]
    value: object = getattr(source, "VERSION" if name == "__version__" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
