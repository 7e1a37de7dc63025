"""`CachedDiscoverer`: kubectl's cache under the dynamic client of the official `kubernetes` package.

    from kubernetes.dynamic import DynamicClient
    from cachediscovery.integrations.kubernetes import CachedDiscoverer

    client = DynamicClient(api_client, discoverer=CachedDiscoverer)

`discoverer=CachedDiscoverer.with_options(ttl="10m", stale_if_error="24h")` sets options of the cache.

For programs and libraries that name no discoverer, one line switches it on for all their clients:

    cachediscovery.integrations.kubernetes.install()

The client's own connection and credentials are used. Errors are those of the `kubernetes` package.
"""

from __future__ import annotations

import json
from functools import partial, wraps
from typing import Any

import kubernetes.dynamic.resource as theirs
from kubernetes.dynamic.client import DynamicClient
from kubernetes.dynamic.discovery import Discoverer
from kubernetes.dynamic.exceptions import ResourceNotFoundError, ResourceNotUniqueError

from ..cache.cached_client import CachedDiscoveryClient
from ..cache.options import CacheOptions
from ..model.errors import DiscoveryError
from ..transport.base import NOT_MODIFIED
from .borrowed_transport import BorrowedTransport, discovery_for_configuration, original_error
from .patch import Patch
from .resource_tree import ResourceTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, KeysView, Mapping
    from contextlib import AbstractContextManager

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

    It makes no request and reads nothing before the first call. Its cache is kubectl's.

    A subclass may override `resource_list_class`, `choose` and `cache_options`.
    """

    #: The class of lists, but for the kind `List`, as in subclasses of the package's discoverers. It is created as
    #: `kubernetes.dynamic.ResourceList` is, always with a `base_resource_lookup`.
    resource_list_class: type[Any] = theirs.ResourceList

    def __init__(
        self,
        client: Any,
        cache_file: str | None = None,
        cache: CacheOptions | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> None:
        self.client = client
        self._transport = BorrowedTransport(client.configuration.host, self._ask)
        options = self.cache_options(cache_file, CacheOptions.merged(cache, keywords))
        self._discovery = discovery_for_configuration(self._transport, client.configuration, options)
        self._tree = ResourceTree(self._discovery, client, Resource, self.resource_list_class, theirs.ResourceList)
        self._version: dict[str, Any] | None = None
        # The package's discoverers keep one cache file, and some callers check its date: give them the group list.
        self._Discoverer__cache_file = self._discovery.path() or cache_file

    @classmethod
    def with_options(cls, **keywords: Unpack[CacheKeywords]) -> Callable[..., Self]:
        """The discoverer for `discoverer=`, with the fields of `CacheOptions` given as keywords."""
        return partial(cls, cache=CacheOptions.merged(None, keywords))

    def cache_options(self, cache_file: str | None, options: CacheOptions) -> CacheOptions:
        """The options of the cache. A subclass may override it, for example to make something of `cache_file`, which
        is ignored here."""
        return options

    def choose(self, matches: list[Any]) -> list[Any]:
        """The resources to keep where `get` found several. A subclass may override it; if it leaves more than one,
        `get` raises `ResourceNotUniqueError`."""
        return matches

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
        self._discovery.invalidate()
        try:
            return dict.fromkeys(self._tree.group_names()).keys()
        except DiscoveryError as error:
            raise original_error(error) from None

    def get(self, **keywords: Any) -> Any:
        """Return the resource that matches. Raises `ResourceNotFoundError`, `ResourceNotUniqueError`.

        Of several, those with exactly this `api_version` come first, then those that are no lists, then `choose`.
        """
        found = self.search(**keywords)
        if len(found) > 1 and keywords.get("api_version"):
            found = [item for item in found if item.group_version == keywords["api_version"]]
        if len(found) > 1:
            found = [item for item in found if not isinstance(item, self.resource_list_class)] or found
        if len(found) > 1:
            found = self.choose(found)
        if not found:
            raise ResourceNotFoundError(f"No matches found for {keywords}")
        if len(found) > 1:
            raise ResourceNotUniqueError(f"Multiple matches found for {keywords}: {found}")
        return found[0]

    def search(
        self,
        prefix: str | None = None,
        group: str | None = None,
        api_version: str | None = None,
        kind: str | None = None,
        **keywords: Any,
    ) -> list[Any]:
        """Return the resources that match. `keywords` may name any attribute of a resource."""
        return self._search(prefix, group, api_version, kind, **keywords)

    def _search(self, *wanted: str | None, **keywords: Any) -> list[Any]:
        try:
            return self._tree.search(*wanted, **keywords)
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


# `install` is for the clients to which no discoverer is given, so for the name of none.
_NO_DISCOVERER = ""


def install(cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]) -> None:
    """From now on every `DynamicClient` of this process that is given no discoverer uses the cache.

    Each field of `CacheOptions` may be given as a keyword: `install(ttl="10m")`. A second call replaces the options of
    the first. Clients that exist already, and those that are given a discoverer, are left alone.
    """
    CONSTRUCTOR.install(_NO_DISCOVERER, _discoverer(cache, keywords))


def uninstall() -> None:
    """Undo `install`: clients made from now on use the discoverer of their package again."""
    CONSTRUCTOR.install(_NO_DISCOVERER, None)


def installed(cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]) -> AbstractContextManager[None]:
    """`install` for the length of a `with` block, in all threads: `with installed(ttl="10m"): …`."""
    return CONSTRUCTOR.during(_NO_DISCOVERER, _discoverer(cache, keywords))


def _discoverer(cache: CacheOptions | None, keywords: Mapping[str, object]) -> Callable[[Any], Callable[..., Any]]:
    made = partial(CachedDiscoverer, cache=CacheOptions.merged(cache, keywords))
    return lambda _: made


def name_of(discoverer: Any) -> str:
    """The full name of a discoverer's class, "" for none."""
    return f"{getattr(discoverer, '__module__', '')}.{getattr(discoverer, '__qualname__', '')}" if discoverer else ""


def _with_ours(original: Callable[..., None], installed: Callable[[str], Any]) -> Callable[..., None]:
    @wraps(original)
    def __init__(  # noqa: N807 - it replaces the class's own
        self: Any, client: Any, cache_file: Any = None, discoverer: Any = None, *more: Any, **keywords: Any
    ) -> None:
        instead = installed(name_of(discoverer))
        original(self, client, cache_file, instead(discoverer) if instead else discoverer, *more, **keywords)

    return __init__


# What is installed here, by the name of a discoverer's class, is a function that returns the discoverer to use instead.
CONSTRUCTOR = Patch(DynamicClient, "__init__", _with_ours)
