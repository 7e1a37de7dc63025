"""`CachedDiscoverer`: kubectl's cache under the dynamic client of `kubernetes_asyncio`.

    from kubernetes_asyncio.dynamic import DynamicClient
    from cachediscovery.integrations.kubernetes_asyncio import CachedDiscoverer

    async with DynamicClient(api_client, discoverer=CachedDiscoverer) as client:
        ...

`discoverer=CachedDiscoverer.with_options(ttl="10m", stale_if_error="24h")` sets options of the cache.

One argument changes; the client's own connection and credentials are used, on its own event loop, which never waits for
the cache. Errors are those of `kubernetes_asyncio`.
"""

from __future__ import annotations

from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.dynamic.discovery import Discoverer
from kubernetes_asyncio.dynamic.exceptions import api_exception
from kubernetes_asyncio.dynamic.resource import Resource, ResourceList

from .async_discoverer import AsyncDiscoverer


class CachedDiscoverer(AsyncDiscoverer, Discoverer):
    """Implements the interface of `LazyDiscoverer` and `EagerDiscoverer`, with coroutines.

    It makes no request and reads nothing before the first call. `cache_file` is ignored: the cache is kubectl's.
    """

    _resource = Resource
    _resource_list = ResourceList
    _api_exception = ApiException
    _exception_of_status = staticmethod(api_exception)
