"""`AsyncDiscoverer`: the discoverer of both asyncio clients, `kubernetes.aio` and `kubernetes_asyncio`."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from ..aio.event_loop import call_on_loop, run_in_thread
from ..cache.cached_client import CachedDiscoveryClient
from ..cache.options import CacheOptions
from ..model.errors import DiscoveryError
from ..transport.base import NOT_MODIFIED
from .borrowed_transport import BorrowedTransport, discovery_for_configuration, original_error
from .resource_tree import ResourceTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, KeysView, Mapping
    from typing import ParamSpec, TypeVar

    from typing_extensions import Self, Unpack

    from ..cache.options import CacheKeywords

    P = ParamSpec("P")
    T = TypeVar("T")

_FIRST_ERROR = 400


class AsyncDiscoverer:
    """Implements the interface of `LazyDiscoverer` and `EagerDiscoverer`, with coroutines.

    It makes no request and reads nothing before the first call. `cache_file` is ignored: the cache is kubectl's.
    A subclass names the classes of its client, and derives from that client's `Discoverer`, whose `get` it uses.
    """

    _resource: type
    _resource_list: type
    # Its constructor takes `status` and `reason`.
    _api_exception: type[Any]
    # Turns an `_api_exception` into that of its status.
    _exception_of_status: Callable[[Any], BaseException]

    def __init__(
        self,
        client: Any,
        cache_file: str | None = None,
        cache: CacheOptions | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> None:
        self.client = client
        self._loop = asyncio.get_running_loop()
        self._transport = BorrowedTransport(client.configuration.host, self._ask)
        self._discovery = discovery_for_configuration(
            self._transport, client.configuration, CacheOptions.merged(cache, keywords)
        )
        self._tree = ResourceTree(self._discovery, client, self._resource, self._resource_list)
        self._version: dict[str, Any] | None = None

    def __await__(self) -> Generator[Any, None, Self]:
        async def ready() -> Self:
            # The package's clients expect the version from the start, without a coroutine.
            if self._version is None:
                response = await self._run(self._transport.get, "/version")
                self._version = {"kubernetes": json.loads(response.body)}
            return self

        return ready().__await__()

    async def __aenter__(self) -> Self:
        return await self

    @classmethod
    def with_options(cls, **keywords: Unpack[CacheKeywords]) -> Callable[..., Self]:
        """The discoverer for `discoverer=`, with the fields of `CacheOptions` given as keywords."""
        return partial(cls, cache=CacheOptions.merged(None, keywords))

    @property
    def discovery(self) -> CachedDiscoveryClient:
        """The underlying cached discovery client, for threads other than the event loop's."""
        return self._discovery

    @property
    def version(self) -> dict[str, Any]:
        """`{"kubernetes": …}` with the response of `/version`; empty if it was not fetched."""
        return self._version or {}

    @property
    async def api_groups(self) -> KeysView[str]:
        """The names of the API groups, fetched from the server."""
        self._discovery.invalidate_locally()
        return dict.fromkeys(await self._run(self._tree.group_names)).keys()

    async def search(
        self,
        prefix: str | None = None,
        group: str | None = None,
        api_version: str | None = None,
        kind: str | None = None,
        **keywords: Any,
    ) -> list[Any]:
        """Return the resources that match. `keywords` may name any attribute of a resource."""
        return await self._run(self._tree.search, prefix, group, api_version, kind, **keywords)

    async def discover(self) -> None:
        """Do nothing: discovery is lazy."""

    async def invalidate_cache(self) -> None:
        """Use no document fetched before now. Makes no request."""
        self._discovery.invalidate()

    async def get_resources_for_api_version(
        self, prefix: str | None, group: str | None, version: str | None, preferred: bool
    ) -> dict[str, list[Any]]:
        """The resources of one group version, by kind. `preferred` is ignored: the server decides."""
        return await self._run(self._tree.kinds_of, prefix or "apis", group or "", version or "v1")

    async def __aiter__(self) -> AsyncIterator[list[Any]]:
        for resources in await self._run(lambda: list(self._tree.kinds())):
            yield resources

    async def _run(self, call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            return await run_in_thread(call, *arguments, **keywords)
        except DiscoveryError as error:
            raise original_error(error) from None

    def _ask(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """GET `path` on the client's event loop. Called in another thread."""
        return call_on_loop(self._loop, self._ask_on_loop(path, headers))

    async def _ask_on_loop(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        try:
            answer = await self.client.request("GET", path, header_params=dict(headers), serialize=False)
        except self._api_exception as error:
            if error.status != NOT_MODIFIED:
                raise
            return NOT_MODIFIED, error.headers or {}, b""
        try:
            body = await answer.read()
        finally:
            answer.release()
        if answer.status >= _FIRST_ERROR:
            refused = self._api_exception(status=answer.status, reason=answer.reason)
            refused.body, refused.headers = body, answer.headers
            raise self._exception_of_status(refused)
        return answer.status, answer.headers, body
