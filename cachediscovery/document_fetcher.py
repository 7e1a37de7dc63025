"""`DocumentFetcher`: what happens on a miss. One fetch for all who miss together, and what of it is kept."""

from __future__ import annotations

import os
import threading
import time
from functools import partial

from .cluster_identity import ClusterIdentity
from .concurrency import run_together
from .disk.lock import FetchLock
from .disk.store import GROUPS
from .documents import encode_group_list, encode_resource_list
from .errors import DiscoveryError, NotFound
from .listing import fetch_each
from .memory import Groups
from .stale import StaleIfError
from .types import APIResourceList, GroupsAndMaybeResources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    from .document_cache import DocumentCache, Everything
    from .interface import DiscoveryInterface
    from .memory import Document

    T = TypeVar("T")

# Seconds for which a listing with failed group versions stands: extension servers come back.
_FAILED_TTL = 10.0
# With more documents missing, the aggregated ones are asked for, which hold them all.
_FEW = 2
# The file system is waited for by several threads together, above all one at the other end of a network.
_WRITERS = 4
# Of a listing during which another cluster took over, nothing is used.
_TRIES = 3


class DocumentFetcher:
    """Asks `delegate` for what `cache` does not hold, and puts it there. Safe for use by several threads.

    All methods raise `DiscoveryError`.
    """

    def __init__(self, delegate: DiscoveryInterface, cache: DocumentCache, stale_if_error: float) -> None:
        """For `stale_if_error` seconds an expired document stands in for one that cannot be fetched."""
        self._delegate = delegate
        self._cache = cache
        self._identity = ClusterIdentity(cache.store, delegate, lambda: cache.invalidate(None))
        self._stale_if_error = StaleIfError(cache, stale_if_error)
        # Between processes, and between the threads of this one for each document.
        self._lock = FetchLock(cache.store.lock_path if cache.store is not None else str)
        self._mutex = threading.Lock()
        self._pid = os.getpid()
        self._fetching: dict[str, threading.Lock] = {}
        # Whether the server sends all resources at once; None while that is not known.
        self._aggregates: bool | None = None

    def everything(self) -> Everything:
        """Groups and resources, fetched if one of them is missing."""
        # One lock for the whole listing: between two of its requests no other process starts the same.
        return self._in_one_cluster(
            lambda: self._lock.run(self._fetch_everything, lambda: self._cache.everything(look=True))
        )

    def refresh(self, since: float, *, wait: bool) -> None:
        """Fetch all that is served, unless that was asked for at `since` or later; see `CachedDiscoveryClient`."""

        def is_newer() -> Literal[True] | None:
            found = self._cache.everything(look=True)
            if found is None:
                return None
            keys = (GROUPS, *map(str, found[0].group_versions))
            return True if all(self._cache.was_asked_since(key, since) for key in keys) else None

        def fetch() -> Literal[True]:
            self._in_one_cluster(self._fetch_anew)
            return True

        if wait:
            self._lock.run(fetch, is_newer)
        else:
            self._lock.run_if_free(fetch, is_newer)

    def _fetch_everything(self, *, again: bool = True) -> Everything:
        found = self.groups()
        if found.resources is None:
            _, missing = self._cache.resources_of(found.groups)
            if len(missing) > _FEW and self._aggregates is not False:
                with self._fetching_lock(GROUPS):
                    anew = self._stale_if_error.fetch(GROUPS, self._fetch_groups)
                    assert isinstance(anew, Groups)
                    found = anew
        if found.resources is not None:
            # Not by way of the cache: with a short enough TTL it has forgotten them already.
            return found.groups, found.resources, found.failed
        resources, missing = self._cache.resources_of(found.groups)
        fetched, failures = fetch_each(self.resources, missing)
        if again and any(isinstance(error, NotFound) for error in failures.values()):
            # Gone since the groups were listed: they are listed anew, once.
            self._cache.invalidate(GROUPS)
            return self._fetch_everything(again=False)
        return found.groups, {**resources, **fetched}, {**found.failed, **failures}

    def groups(self) -> Groups:
        """The groups; their resources as well, if they have just been fetched."""
        found = self._once(GROUPS, self._fetch_groups)
        assert isinstance(found, Groups)
        return found

    def _fetch_anew(self) -> None:
        """Fetch all that is served, whatever is cached."""
        with self._fetching_lock(GROUPS):
            found = self._fetch_groups()
        if found.resources is None:
            fetch_each(partial(self._resources_since, time.time()), found.groups.group_versions)

    def _in_one_cluster(self, call: Callable[[], T]) -> T:
        """What `call` returns, called anew if another cluster took over in its course."""
        for _ in range(_TRIES):
            changes = self._identity.changes
            found = call()
            if changes == self._identity.changes:
                break
        return found

    def resources(self, key: str) -> APIResourceList:
        """The resources of one group version."""
        found = self._once(key, lambda: self._fetch_resources(key))
        assert isinstance(found, APIResourceList)
        return found

    def _resources_since(self, since: float, key: str) -> APIResourceList:
        """The resources of one group version, fetched unless another thread has asked for them since then."""
        with self._fetching_lock(key):
            found = self._cache.look_up(key) if self._cache.fetched_at(key) >= since else None
            return found if isinstance(found, APIResourceList) else self._fetch_resources(key)

    def _fetch_resources(self, key: str) -> APIResourceList:
        try:
            fetched, asked_at = self.ask(lambda: self._delegate.server_resources_for_group_version(key))
        except NotFound:
            self._cache.remove(key)
            raise
        return self._keep_resources(key, fetched, asked_at)

    def _once(self, key: str, fetch: Callable[[], Document]) -> Document:
        """The document of `key`: looked up, else fetched, by one thread of one process at a time."""
        found = self._cache.look_up(key)
        if found is not None:
            return found
        with self._fetching_lock(key):
            return self._lock.run(
                lambda: self._stale_if_error.fetch(key, fetch), lambda: self._cache.look_up(key, look=True)
            )

    def _fetching_lock(self, key: str) -> threading.Lock:
        with self._mutex:
            if self._pid != os.getpid():
                # Forked while a thread of the parent was fetching: that thread is not here to let go.
                self._pid, self._fetching = os.getpid(), {}
            return self._fetching.setdefault(key, threading.Lock())

    def _fetch_groups(self) -> Groups:
        aggregated: Callable[[], GroupsAndMaybeResources] | None = getattr(
            self._delegate, "groups_and_maybe_resources", None
        )
        if aggregated is None:
            groups, asked_at = self.ask(self._delegate.server_groups)
            return self._keep_groups(GroupsAndMaybeResources(groups, None, {}), asked_at)
        return self._keep_groups(*self.ask(aggregated))

    def ask(self, call: Callable[[], T]) -> tuple[T, float]:
        """What `call` gets from one and the same cluster, and when it was asked for."""
        tries = 0
        while True:
            tries += 1
            changes, asked_at = self._identity.changes, time.time()
            try:
                found = call()
            except DiscoveryError:
                # Who refused, or answered the other half of it, tells as much.
                self._identity.examine(again=tries > 1)
                if changes == self._identity.changes or tries == _TRIES:
                    raise
            else:
                self._identity.examine(again=tries > 1)
                if changes == self._identity.changes or tries == _TRIES:
                    return found, asked_at

    def _keep_groups(self, fetched: GroupsAndMaybeResources, asked_at: float) -> Groups:
        groups, resources, failed, complete = fetched
        self._aggregates = resources is not None
        # The groups last: whoever finds them on disk finds their resources as well.
        keep = [partial(self._keep_resources, str(key), found, asked_at) for key, found in (resources or {}).items()]
        if keep:
            run_together(keep, _WRITERS)
        if complete and not failed and groups.groups:
            self._cache.keep(GROUPS, Groups(groups, {}), encode_group_list(groups), asked_at)
        else:
            # Not a word on disk of what is not the whole; what was there is outdated as well.
            if failed or not complete:
                self._cache.remove(GROUPS)
            self._cache.keep(GROUPS, Groups(groups, failed), None, asked_at, _FAILED_TTL)
        # What is no longer served is not left behind for anybody to find. The core group alone may be all that
        # something in between lets through.
        if complete and any(group.name for group in groups.groups):
            self._cache.retain({GROUPS, *map(str, groups.group_versions), *map(str, failed)})
        return Groups(groups, failed, resources)

    def _keep_resources(self, key: str, resource_list: APIResourceList, asked_at: float) -> APIResourceList:
        # An empty list is never written: kubectl would believe it.
        data = encode_resource_list(resource_list) if resource_list.resources else None
        if data is None:
            self._cache.remove(key)
        self._cache.keep(key, resource_list, data, asked_at)
        return resource_list
