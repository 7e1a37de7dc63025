"""`CachedDiscoverer`: kubectl's cache under the dynamic client of `kubernetes.aio`.

    from kubernetes.aio.dynamic import DynamicClient
    from cachediscovery.integrations.kubernetes_aio import CachedDiscoverer

    async with DynamicClient(api_client, discoverer=CachedDiscoverer) as client:
        ...

`discoverer=CachedDiscoverer.with_options(ttl="10m", stale_if_error="24h")` sets options of the cache.

One argument changes; the client's own connection and credentials are used, on its own event loop, which never waits for
the cache. Errors are those of `kubernetes.aio`, which is part of the official package from version 37 on.
"""

from __future__ import annotations

try:
    from kubernetes.aio.client.exceptions import ApiException
    from kubernetes.aio.dynamic.discovery import Discoverer
    from kubernetes.aio.dynamic.exceptions import api_exception
    from kubernetes.aio.dynamic.resource import Resource, ResourceList
except ModuleNotFoundError as _missing:
    raise ImportError(
        f"kubernetes.aio cannot be imported ({_missing}): it is part of kubernetes 37 and later, "
        "pip install 'cachediscovery[kubernetes-aio]'"
    ) from _missing

from .async_discoverer import AsyncDiscoverer


class CachedDiscoverer(AsyncDiscoverer, Discoverer):
    """Implements the interface of `LazyDiscoverer` and `EagerDiscoverer`, with coroutines.

    It makes no request and reads nothing before the first call. `cache_file` is ignored: the cache is kubectl's.
    """

    _resource = Resource
    _resource_list = ResourceList
    _api_exception = ApiException
    _exception_of_status = staticmethod(api_exception)
