"""`CachedDiscoverer`: kubectl's cache under the dynamic client of the official `kubernetes` package.

    from kubernetes.dynamic import DynamicClient
    from cachediscovery.integrations.kubernetes import CachedDiscoverer

    client = DynamicClient(api_client, discoverer=CachedDiscoverer)

`discoverer=CachedDiscoverer.with_options(ttl="10m", stale_if_error="24h")` sets options of the cache.

One argument changes; the client's own connection and credentials are used. Errors are those of the
`kubernetes` package.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import kubernetes.dynamic.resource as theirs
from kubernetes.dynamic.discovery import Discoverer

from ..cache.cached_client import CachedDiscoveryClient
from ..cache.options import CacheOptions
from ..model.errors import DiscoveryError
from ..transport.base import NOT_MODIFIED
from .borrowed_transport import BorrowedTransport, discovery_for_configuration, original_error
from .resource_tree import ResourceTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, KeysView, Mapping

    from typing_extensions import Self, Unpack

    from ..cache.options import CacheKeywords


class _Equal:
    """Equal by content, even across clients: the package's own tests require this."""

    to_dict: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Equal) and bool(self.to_dict() == other.to_dict())

    def __hash__(self) -> int:
        return hash(repr(self))


class Subresource(_Equal, theirs.Subresource):
    """The package's `Subresource`, made comparable."""


class Resource(_Equal, theirs.Resource):
    """The package's `Resource`, made comparable, with its subresources."""

    def __init__(self, *, subresources: dict[str, dict[str, Any]] | None = None, **fields: Any) -> None:
        super().__init__(**fields)  # type: ignore[no-untyped-call,unused-ignore]
        made: Any = Subresource
        self.subresources: dict[str, Any] = {
            name: made(self, **source) for name, source in (subresources or {}).items()
        }


class CachedDiscoverer(Discoverer):
    """Implements the interface of `LazyDiscoverer` and `EagerDiscoverer`: `get`, `search`, `api_groups`, `version`,
    `invalidate_cache` and iteration.

    It makes no request and reads nothing before the first call. `cache_file` is ignored: the cache is kubectl's.
    """

    def __init__(
        self,
        client: Any,
        cache_file: str | None = None,
        cache: CacheOptions | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> None:
        self.client = client
        self._transport = BorrowedTransport(client.configuration.host, self._ask)
        self._discovery = discovery_for_configuration(
            self._transport, client.configuration, CacheOptions.merged(cache, keywords)
        )
        self._tree = ResourceTree(self._discovery, client, Resource, theirs.ResourceList)
        self._version: dict[str, Any] | None = None
        # The package's discoverers keep one cache file, and some callers check its date: give them the group list.
        self._Discoverer__cache_file = self._discovery.path() or cache_file

    @classmethod
    def with_options(cls, **keywords: Unpack[CacheKeywords]) -> Callable[..., Self]:
        """The discoverer for `discoverer=`, with the fields of `CacheOptions` given as keywords."""
        return partial(cls, cache=CacheOptions.merged(None, keywords))

    @property
    def discovery(self) -> CachedDiscoveryClient:
        """The underlying cached discovery client."""
        return self._discovery

    @property
    def version(self) -> dict[str, Any]:
        """`{"kubernetes": …}` with the response of `/version`, fetched once."""
        if self._version is None:
            try:
                self._version = {"kubernetes": json.loads(self._transport.get("/version").body)}
            except DiscoveryError as error:
                raise original_error(error) from None
        return self._version

    @property
    def api_groups(self) -> KeysView[str]:
        """The names of the API groups, fetched from the server."""
        self._discovery.invalidate_locally()
        try:
            return dict.fromkeys(self._tree.group_names()).keys()
        except DiscoveryError as error:
            raise original_error(error) from None

    def search(
        self,
        prefix: str | None = None,
        group: str | None = None,
        api_version: str | None = None,
        kind: str | None = None,
        **keywords: Any,
    ) -> list[Any]:
        """Return the resources that match. `keywords` may name any attribute of a resource."""
        try:
            return self._tree.search(prefix, group, api_version, kind, **keywords)
        except DiscoveryError as error:
            raise original_error(error) from None

    def discover(self) -> None:
        """Do nothing: discovery is lazy."""

    def invalidate_cache(self) -> None:
        """Use no document fetched before now. Makes no request."""
        self._discovery.invalidate()
        self._version = None

    def get_resources_for_api_version(
        self, prefix: str, group: str, version: str, preferred: bool
    ) -> dict[str, list[Any]]:
        """The resources of one group version, by kind. `preferred` is ignored: the server decides."""
        try:
            return self._tree.kinds_of(prefix, group or "", version)
        except DiscoveryError as error:
            raise original_error(error) from None

    def __iter__(self) -> Iterator[list[Any]]:
        try:
            yield from self._tree.kinds()
        except DiscoveryError as error:
            raise original_error(error) from None

    def _ask(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        from kubernetes.client.exceptions import ApiException

        try:
            answer = self.client.request("GET", path, header_params=dict(headers), serialize=False)
        except ApiException as error:
            if error.status != NOT_MODIFIED:
                raise
            return NOT_MODIFIED, error.headers or {}, b""
        return answer.status, answer.headers, answer.data
