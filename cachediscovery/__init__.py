"""Kubernetes API discovery with kubectl's cache.

Everything public is importable from here. Nothing is imported until it is used: start-up is a feature.
"""

from __future__ import annotations

from .version import VERSION as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .client import DiscoveryClient as DiscoveryClient
    from .config.client_config import ClientConfig as ClientConfig
    from .config.client_config import ExecConfig as ExecConfig
    from .config.client_config import Impersonation as Impersonation
    from .config.in_cluster import in_cluster_config as in_cluster_config
    from .config.loading import load_config as load_config
    from .config.overrides import ConfigOverrides as ConfigOverrides
    from .errors import CertificateError as CertificateError
    from .errors import ConfigError as ConfigError
    from .errors import CredentialsError as CredentialsError
    from .errors import DiscoveryError as DiscoveryError
    from .errors import GroupDiscoveryFailed as GroupDiscoveryFailed
    from .errors import InvalidDocument as InvalidDocument
    from .errors import InvalidGroupVersion as InvalidGroupVersion
    from .errors import NoConfigError as NoConfigError
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
    from .interface import GroupsAndMaybeResources as GroupsAndMaybeResources
    from .listing import filtered_by as filtered_by
    from .listing import supports_all_verbs as supports_all_verbs
    from .schema import GroupKind as GroupKind
    from .schema import GroupResource as GroupResource
    from .schema import GroupVersion as GroupVersion
    from .schema import GroupVersionKind as GroupVersionKind
    from .schema import GroupVersionResource as GroupVersionResource
    from .transport.transport import TransportOptions as TransportOptions
    from .types import APIGroup as APIGroup
    from .types import APIGroupList as APIGroupList
    from .types import APIResource as APIResource
    from .types import APIResourceList as APIResourceList
    from .types import GroupVersionForDiscovery as GroupVersionForDiscovery
    from .types import VersionInfo as VersionInfo
