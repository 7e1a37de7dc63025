"""`DocumentFetcher`: fetches on a miss, once for concurrent callers, and puts the documents into the cache."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from .._concurrency import Lock, run_together
from ..discovery.interfaces import ConnectedDiscoveryInterface, SharedDiscoveryInterface
from ..disk.document_store import GROUPS
from ..disk.lock import FetchLock
from ..model.discovery_result import DiscoveryResult
from ..model.documents import encode_group_list, encode_resource_list
from ..model.errors import DiscoveryError, NotFound
from ..model.group_version import GroupVersion
from ..model.listing import ALL_GROUPS, CORE_GROUP, fetch_missing
from ..model.names import path_of
from ..model.types import APIResourceList
from .asker import TRIES, Asker
from .stale_if_error import StaleIfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    from ..discovery.interfaces import DiscoveryInterface
    from .document_cache import DocumentCache
    from .entry import Asked

    T = TypeVar("T")

# TTL, in seconds, of a listing with failed group versions: extension API servers recover.
_FAILED_TTL = 10.0
# If more documents than this are missing, fetch the aggregated documents, which hold them all.
_FEW = 2
# Two threads write files, since a network file system makes each wait. More would wait for each other on a local disk.
_WRITERS = 2
# Before every invalidation.
_ANY_TIME = float("-inf")


class DocumentFetcher:
    """Fetches from `delegate` what `cache` lacks, and puts it there. Safe for use by several threads.

    All methods raise `DiscoveryError`.
    """

    def __init__(self, delegate: DiscoveryInterface, cache: DocumentCache, stale_if_error: float) -> None:
        """Make a fetcher that, for `stale_if_error` seconds, uses an expired document if it cannot be fetched."""
        self._delegate = delegate
        self._cache = cache
        self.asker: Asker = Asker(delegate, cache)
        self._identity = self.asker.identity
        cache.current_epoch = lambda: self._identity.epoch
        self._stale_if_error = StaleIfError(cache, stale_if_error)
        # `_lock` is between processes; `_fetching` has a lock for each document between the threads of this one.
        # `_lock` is acquired first: a thread that waits for it holds up no other.
        self._lock = FetchLock(cache.store.lock_path if cache.store is not None else str)
        self._mutex = Lock()
        self._fetching: dict[str, Lock] = {}
        # Whether the server sends all resources at once; None while unknown.
        self._aggregates: bool | None = None
        # When the last `refresh` ended, on the monotonic clock.
        self.refreshed_at: float = _ANY_TIME

    def everything(self) -> DiscoveryResult:
        """Groups and resources, fetched if one of them is missing."""
        # Lock the whole listing, so that no other process starts the same one between two of its requests.
        return self._in_one_cluster(
            lambda: self._run_locked(self._fetch_everything, lambda: self._cache.get_all(recheck=True))
        )

    def refresh(self, since: float, *, wait: bool) -> None:
        """Fetch everything, unless all of it was requested at or after `since` (on the monotonic clock)."""

        def is_newer() -> Literal[True] | None:
            found = self._cache.get_all(recheck=True)
            if found is None:
                return None
            keys = (GROUPS, *map(str, found.groups.group_versions))
            return True if all(self._cache.was_asked_since(key, since) for key in keys) else None

        def fetch() -> Literal[True]:
            self._in_one_cluster(lambda: self._fetch_anew(since))
            return True

        run = self._lock.run if wait else self._lock.run_if_free
        self._with_credentials(lambda: run(fetch, is_newer))
        self.refreshed_at = time.monotonic()

    def _fetch_everything(self, *, again: bool = True) -> DiscoveryResult:
        found = self.groups()
        if found.missing:
            cached = self._cache.with_resources(found)
            if len(cached.missing) <= _FEW or self._aggregates is False:
                return self._fetch_missing(cached, again=again)
            with self._fetching_lock(GROUPS):
                found = self._fetch_groups_or_expired()
        # Do not read them from the cache: with a short TTL they may have expired already.
        return found if not found.missing else self._fetch_missing(self._cache.with_resources(found), again=again)

    def _fetch_missing(self, cached: DiscoveryResult, *, again: bool) -> DiscoveryResult:
        found = fetch_missing(cached, self.resources)
        if again and any(isinstance(found.failed.get(key), NotFound) for key in cached.missing):
            # A group version was removed after the groups were listed: list them again, once.
            self._cache.invalidate(GROUPS)
            return self._fetch_everything(again=False)
        return found

    def groups(self) -> DiscoveryResult:
        """The groups, with their resources if these were just fetched too."""
        found = self._cache.groups()
        if found is not None:
            return found
        return self.once(GROUPS, self._fetch_groups_or_expired, lambda: self._cache.groups(recheck=True))

    def _fetch_groups_or_expired(self) -> DiscoveryResult:
        return self._stale_if_error.fetch(GROUPS, self._fetch_groups)

    def _fetch_anew(self, since: float) -> None:
        """Fetch everything, even what is cached. A shared cache may have what was requested at or after `since`."""
        with self._fetching_lock(GROUPS):
            found = self._fetch_groups(since)
        fetch_missing(found, partial(self._resources_since, time.monotonic()))

    def _in_one_cluster(self, call: Callable[[], T]) -> T:
        """Return the result of `call`; call it again if another cluster took over meanwhile."""
        for _ in range(TRIES):
            changes, epoch = (self._identity.changes, self._cache.clusters), self._identity.epoch
            found = call()
            if changes == (self._identity.changes, self._cache.clusters) and epoch in ("", self._identity.epoch):
                return found
        raise self.asker.mismatch()

    def resources(self, key: str) -> APIResourceList:
        """The resources of one group version. Makes no request for one that the server does not list."""
        known = self._cache.groups()
        if known is not None and not _is_listed(key, known):
            if not self._cache.is_ours(GROUPS):
                known = self._groups_since(time.monotonic())
            if not _is_listed(key, known):
                raise self._not_listed(key)
        found = self._cache.resources(key)
        if found is not None:
            return found
        try:
            return self.once(
                key,
                lambda: self._stale_if_error.fetch(key, lambda: self._fetch_resources(key)),
                lambda: self._cache.resources(key, recheck=True),
            )
        except NotFound:
            if known is None:
                # The next call then sees in the group list that it is not served.
                with suppress(DiscoveryError):
                    self._groups_since(time.monotonic())
            raise

    def _groups_since(self, since: float) -> DiscoveryResult:
        """The groups, fetched unless they were requested at or after `since` (on the monotonic clock)."""

        def look() -> DiscoveryResult | None:
            found = self._cache.groups(recheck=True)
            return found if self._cache.was_asked_since(GROUPS, since) else None

        return self.once(GROUPS, lambda: self._fetch_groups(since), look)

    def _not_listed(self, key: str) -> NotFound:
        url = f"{self._delegate.server.rstrip('/')}{path_of(key)}"
        return NotFound(url, f"the server does not list the group version {key}", 404, "NotFound")

    def _resources_since(self, since: float, key: str) -> APIResourceList:
        """The resources of one group version, fetched unless they were requested at or after `since`."""
        with self._fetching_lock(key):
            found = self._cache.resources(key) if self._cache.was_asked_since(key, since) else None
            return self._fetch_resources(key, since) if found is None else found

    def _fetch_resources(self, key: str, since: float = _ANY_TIME) -> APIResourceList:
        try:
            fetched, asked = self.asker.resources(key, since)
        except NotFound:
            self._cache.remove_file(key)
            raise
        return self._keep_resources(key, fetched, asked)

    def once(self, key: str, fetch: Callable[[], T], look: Callable[[], T | None]) -> T:
        """Return what `look` finds, else the result of `fetch`, called by one thread of one process at a time."""

        def fetch_unless_found() -> T:
            with self._fetching_lock(key):
                found = look()
                return fetch() if found is None else found

        return self._run_locked(fetch_unless_found, look)

    def _run_locked(self, fetch: Callable[[], T], look: Callable[[], T | None]) -> T:
        return self._with_credentials(lambda: self._lock.run(fetch, look))

    def _with_credentials(self, call: Callable[[], T]) -> T:
        """Call it with no exec plugin running in it, so that a plugin that hangs blocks no other process or thread."""
        delegate = self._delegate
        if not isinstance(delegate, ConnectedDiscoveryInterface):
            return call()
        if isinstance(delegate, SharedDiscoveryInterface):
            from ..transport.credentials import without_plugins

            # What is shared needs neither credentials nor a connection to the server.
            return without_plugins(call, lambda: delegate.transport.run_with_credentials(call))
        return delegate.transport.run_with_credentials(call)

    def _fetching_lock(self, key: str) -> Lock:
        with self._mutex:
            return self._fetching.setdefault(key, Lock())

    def _fetch_groups(self, since: float = _ANY_TIME) -> DiscoveryResult:
        return self._keep_groups(*self.asker.groups(since))

    def _keep_groups(self, found: DiscoveryResult, asked: Asked) -> DiscoveryResult:
        self._aggregates = not found.missing
        if ALL_GROUPS in found.failed or CORE_GROUP in found.failed or self._lacks_core(found):
            return self._keep_part(found, asked)
        # Write the groups last, so that a reader who finds them on disk finds their resources too.
        keep = [partial(self._keep_resources, str(key), value, asked) for key, value in found.resources.items()]
        if keep:
            run_together(keep, _WRITERS)
        groups = found._replace(resources={})
        if not found.failed and groups.groups.groups:
            self._cache.put(GROUPS, groups, encode_group_list(groups.groups), asked)
        else:
            # Never write an incomplete group list. The one on disk is outdated.
            if found.failed:
                self._cache.remove_file(GROUPS)
            self._cache.put(GROUPS, groups, None, asked, _FAILED_TTL)
        # Evict what is no longer served, unless only the core group is listed: a proxy may hide the others.
        if any(group.name for group in groups.groups.groups):
            self._cache.evict_except({GROUPS, *map(str, groups.groups.group_versions), *map(str, found.failed)})
        return found

    def _lacks_core(self, found: DiscoveryResult) -> bool:
        """Whether the core group is missing although there was one; an extension API server never has one."""
        return all(group.name for group in found.groups.groups) and self._cache.knows_core_group()

    def _keep_part(self, found: DiscoveryResult, asked: Asked) -> DiscoveryResult:
        """Keep a partial listing in memory for a short time. The documents on disk may be complete."""
        if ALL_GROUPS not in found.failed and CORE_GROUP not in found.failed:
            url = f"{self._delegate.server.rstrip('/')}/api"
            message = f"{url} answered 404, but this cluster had a core group: clear its cache if it has none any more"
            found = found._replace(failed={CORE_GROUP: NotFound(url, message, 404), **found.failed})
        for key, value in found.resources.items():
            self._cache.put(str(key), value, None, asked, _FAILED_TTL)
        self._cache.put(GROUPS, found._replace(resources={}), None, asked, _FAILED_TTL)
        return found

    def _keep_resources(self, key: str, resource_list: APIResourceList, asked: Asked) -> APIResourceList:
        # Never write an empty list: kubectl would use it.
        data = encode_resource_list(resource_list) if resource_list.resources else None
        if data is None:
            self._cache.remove_file(key)
        self._cache.put(key, resource_list, data, asked)
        return resource_list


def _is_listed(key: str, known: DiscoveryResult) -> bool:
    """Whether the server may serve a group version. Every server serves v1, which may be empty."""
    group_version = GroupVersion.parse(key)
    if key == "v1" or group_version in known.failed or ALL_GROUPS in known.failed:
        return True
    return group_version in known.groups.group_versions
