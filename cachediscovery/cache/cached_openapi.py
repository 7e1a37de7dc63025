"""`CachedOpenAPIV3`: the OpenAPI documents of a cached client.

The index is used for the TTL, and then revalidated. A document is found by the hash in its URL, which changes with it:
it is never asked for again while the index names that hash. Both are shared with kubectl.
"""

from __future__ import annotations

import math
import time

from ..discovery.interfaces import CachedDiscoveryInterface
from ..model.errors import NotFound
from ..openapi.documents import OpenAPIDocument, OpenAPIIndex, OpenAPIV3
from ..openapi.server_relative_url import hash_of
from .openapi_cache import OpenAPICache
from .stale_if_error import StaleIfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..discovery.interfaces import DiscoveryInterface
    from .document_cache import DocumentCache
    from .document_fetcher import DocumentFetcher
    from .entry import Asked
    from .stale_while_revalidate import BackgroundRevalidation

# In seconds. For some time after a CRD was changed, the API server's index names the old hash: an index requested so
# soon after a refresh is kept for as long, in memory alone.
_UNSETTLED = 5.0


class CachedOpenAPIV3(OpenAPIV3):
    """Wraps another client's documents. Safe for use by several threads, and by any number of processes."""

    def __init__(
        self,
        delegate: DiscoveryInterface,
        fetcher: Callable[[], DocumentFetcher],
        discovery: DocumentCache,
        ttl: float,
        recheck_interval: float,
        stale_if_error: float,
        stale_while_revalidate: float,
    ) -> None:
        """Wrap the documents of `delegate`. Call `fetcher` on a miss. `discovery` has its discovery documents.

        The times are those of `CacheOptions`.
        """
        self._delegate = delegate
        self._fetcher = fetcher
        # Documents without a hash in their URL are kept with the index.
        store = discovery.store
        server = (store.server if store is not None else "") or delegate.server.rstrip("/")
        self._cache = OpenAPICache(store, server, ttl, recheck_interval, stale_while_revalidate)
        self._by_hash = OpenAPICache(store, server, math.inf, recheck_interval)
        self._stale_if_error = StaleIfError(self._cache, stale_if_error)
        # The URLs of the index fetched before.
        self._named: set[str] = set()
        for cache in (self._cache, self._by_hash):
            # Looked up at each call: the fetcher replaces it.
            cache.current_epoch = lambda: discovery.current_epoch()  # noqa: PLW0108
        discovery.on_invalidated = self._invalidate
        self._revalidation: BackgroundRevalidation | None = None
        if stale_while_revalidate:
            from .stale_while_revalidate import BackgroundRevalidation

            self._revalidation = BackgroundRevalidation(self._revalidate)
            self._cache.on_expired = self._revalidation.start

    def close(self) -> None:
        """End the refresh in the background."""
        if self._revalidation is not None:
            self._revalidation.close()

    @property
    def fresh(self) -> bool:
        """Whether the index used last was requested by this client. If not, the server may have what it lacks."""
        return self._cache.fresh

    def index(self, etag: str = "") -> OpenAPIIndex | None:
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""
        found = self._cache.index(allow_expired=True)
        if found is None:
            key = self._cache.index_key
            found = self._fetcher().once(
                key,
                lambda: self._stale_if_error.fetch(key, self._fetch_index),
                lambda: self._cache.index(recheck=True),
            )
        return None if etag and found.etag == etag else found

    def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index."""
        cache = self._by_hash if hash_of(server_relative_url) else self._cache
        found = cache.document(server_relative_url)
        if found is not None:
            return found
        return self._fetcher().once(
            server_relative_url,
            lambda: self._fetch_document(server_relative_url),
            lambda: cache.document(server_relative_url, recheck=True),
        )

    def invalidate(self) -> None:
        """Use no index requested before now. Makes no request. Documents are kept: their hashes never change."""
        self._invalidate()
        if isinstance(self._delegate, CachedDiscoveryInterface):
            self._delegate.openapi_v3().invalidate()

    def note_refresh(self) -> None:
        """The discovery documents were refreshed: the index may have changed with them, or will in a moment."""
        self._invalidate()

    def _invalidate(self) -> None:
        self._cache.invalidate(None)

    def _revalidate(self) -> None:
        self._fetcher().once(self._cache.index_key, self._fetch_index, self._cache.index)

    def _fetch_index(self) -> OpenAPIIndex:
        known = self._cache.known_index()
        etag = known.etag if known is not None else ""
        try:
            found, asked = self._ask_index(etag)
        except NotFound:
            self._cache.remove_file(self._cache.index_key)
            raise
        if found is None:
            assert known is not None
            found = known
        if asked.moment - self._fetcher().refreshed_at < _UNSETTLED:
            self._cache.put_index(found, asked, _UNSETTLED)
            return found
        self._cache.put_index(found, asked)
        named = set(found.urls.values())
        for url in (self._named | set(known.urls.values() if known is not None else ())) - named:
            self._by_hash.evict(url)
        self._named = named
        return found

    def _ask_index(self, etag: str) -> tuple[OpenAPIIndex | None, Asked]:
        cache, since = self._cache, self._cache.files.invalidated_at(self._cache.index_key)
        if time.monotonic() - self._fetcher().refreshed_at < _UNSETTLED:
            # Not for other machines either.
            since = math.inf
        return self._fetcher().asker.openapi(lambda documents: documents.index(etag), since, cache)

    def _fetch_document(self, url: str) -> OpenAPIDocument:
        cache = self._by_hash if hash_of(url) else self._cache
        document, asked = self._fetcher().asker.openapi(lambda documents: documents.document(url), -math.inf, cache)
        found = document.server_relative_url
        if found != url and hash_of(found):
            self._note_moved(url, found)
        if found:
            (self._by_hash if hash_of(found) else self._cache).put_document(document, asked)
        return document

    def _note_moved(self, url: str, found: str) -> None:
        """Name the URL that the server has redirected to in the index, so that it redirects no more."""
        index = self._cache.index()
        if index is not None and url in index.urls.values():
            urls = {path: found if known == url else known for path, known in index.urls.items()}
            self._cache.replace_index(OpenAPIIndex(urls))
