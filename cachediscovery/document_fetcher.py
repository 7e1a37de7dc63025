"""`DocumentFetcher`: what happens on a miss. One fetch for all who miss together, and what of it is kept."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from .cluster_identity import ClusterIdentity
from .concurrency import Lock, run_together
from .disk.lock import FetchLock
from .disk.store import GROUPS
from .documents import encode_group_list, encode_resource_list
from .errors import ClusterMismatchError, DiscoveryError, NotFound
from .listing import ALL_GROUPS, CORE_GROUP, fetch_each
from .memory import Asked, Groups
from .names import path_of
from .schema import GroupVersion
from .stale import StaleIfError
from .transport.server_identity import gathered_identities
from .types import APIResourceList, GroupsAndMaybeResources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    from .document_cache import DocumentCache, Everything
    from .interface import DiscoveryInterface
    from .memory import Document
    from .types import APIGroupList

    T = TypeVar("T")

# Seconds for which a listing with failed group versions stands: extension servers come back.
_FAILED_TTL = 10.0
# With more documents missing, the aggregated ones are asked for, which hold them all.
_FEW = 2
# The file system is waited for by several threads together, above all one at the other end of a network.
_WRITERS = 4
# Of an answer during which another cluster took over, nothing is used.
_TRIES = 4


class DocumentFetcher:
    """Asks `delegate` for what `cache` does not hold, and puts it there. Safe for use by several threads.

    All methods raise `DiscoveryError`.
    """

    def __init__(self, delegate: DiscoveryInterface, cache: DocumentCache, stale_if_error: float) -> None:
        """For `stale_if_error` seconds an expired document stands in for one that cannot be fetched."""
        self._delegate = delegate
        self._cache = cache
        self._identity = ClusterIdentity(cache.store, delegate, cache.forget)
        cache.current_epoch = lambda: self._identity.epoch
        self._stale_if_error = StaleIfError(cache, stale_if_error)
        # Between processes, and between the threads of this one for each document.
        self._lock = FetchLock(cache.store.lock_path if cache.store is not None else str)
        self._mutex = Lock()
        self._fetching: dict[str, Lock] = {}
        # Whether the server sends all resources at once; None while that is not known.
        self._aggregates: bool | None = None

    def everything(self) -> Everything:
        """Groups and resources, fetched if one of them is missing."""
        # One lock for the whole listing: between two of its requests no other process starts the same.
        return self._in_one_cluster(
            lambda: self._run_locked(self._fetch_everything, lambda: self._cache.everything(look=True))
        )

    def refresh(self, since: float, *, wait: bool) -> None:
        """Fetch all that is served, unless that was asked for at `since` or later (on the monotonic clock)."""

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
            self._run_locked(fetch, is_newer)
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
            fetch_each(partial(self._resources_since, time.monotonic()), found.groups.group_versions)

    def _in_one_cluster(self, call: Callable[[], T]) -> T:
        """What `call` returns, called anew if another cluster took over in its course."""
        for _ in range(_TRIES):
            changes, epoch = (self._identity.changes, self._cache.clusters), self._identity.epoch
            found = call()
            if changes == (self._identity.changes, self._cache.clusters) and epoch in ("", self._identity.epoch):
                return found
        raise self._mismatch()

    def resources(self, key: str) -> APIResourceList:
        """The resources of one group version. One that the server does not list is not asked for."""
        known = self._cache.look_up(GROUPS)
        if isinstance(known, Groups) and not _is_listed(key, known):
            if not self._cache.is_ours(GROUPS):
                known = self._groups_since(time.monotonic())
            if not _is_listed(key, known):
                raise self._not_listed(key)
        try:
            found = self._once(key, lambda: self._fetch_resources(key))
        except NotFound:
            if known is None:
                # For whoever asks again.
                with suppress(DiscoveryError):
                    self._groups_since(time.monotonic())
            raise
        assert isinstance(found, APIResourceList)
        return found

    def _groups_since(self, since: float) -> Groups:
        """The groups, fetched unless somebody has asked for them since then (on the monotonic clock)."""

        def look() -> Groups | None:
            found = self._cache.look_up(GROUPS, look=True) if self._cache.was_asked_since(GROUPS, since) else None
            return found if isinstance(found, Groups) else None

        with self._fetching_lock(GROUPS):
            return self._run_locked(self._fetch_groups, look)

    def _not_listed(self, key: str) -> NotFound:
        url = f"{self._delegate.server.rstrip('/')}{path_of(key)}"
        return NotFound(url, f"the server does not list the group version {key}", 404, "NotFound")

    def _resources_since(self, since: float, key: str) -> APIResourceList:
        """The resources of one group version, fetched unless another thread has asked for them since then."""
        with self._fetching_lock(key):
            found = self._cache.look_up(key) if self._cache.was_asked_since(key, since) else None
            return found if isinstance(found, APIResourceList) else self._fetch_resources(key)

    def _fetch_resources(self, key: str) -> APIResourceList:
        try:
            fetched, asked = self.ask(lambda: self._delegate.server_resources_for_group_version(key))
        except NotFound:
            self._cache.remove(key)
            raise
        return self._keep_resources(key, fetched, asked)

    def _once(self, key: str, fetch: Callable[[], Document]) -> Document:
        """The document of `key`: looked up, else fetched, by one thread of one process at a time."""
        found = self._cache.look_up(key)
        if found is not None:
            return found
        with self._fetching_lock(key):
            return self._run_locked(
                lambda: self._stale_if_error.fetch(key, fetch), lambda: self._cache.look_up(key, look=True)
            )

    def _run_locked(self, fetch: Callable[[], T], look: Callable[[], T | None]) -> T:
        """`FetchLock.run`; the credentials are got before: a plugin that hangs holds up no other process."""
        prepare: Callable[[], None] | None = getattr(self._delegate, "prepare", None)
        if prepare is not None:
            prepare()
        return self._lock.run(fetch, look)

    def _fetching_lock(self, key: str) -> Lock:
        with self._mutex:
            return self._fetching.setdefault(key, Lock())

    def _fetch_groups(self) -> Groups:
        aggregated: Callable[[], GroupsAndMaybeResources] | None = getattr(
            self._delegate, "groups_and_maybe_resources", None
        )
        if aggregated is None:
            groups, asked = self.ask(self._delegate.server_groups)
            return self._keep_groups(GroupsAndMaybeResources(groups, None, {}), asked)
        return self._keep_groups(*self.ask(aggregated))

    def ask(self, call: Callable[[], T]) -> tuple[T, Asked]:
        """What `call` gets from one and the same cluster, and when it was asked for."""
        for _ in range(_TRIES):
            epoch, asked = self._identity.epoch, Asked.now()
            failure = None
            with gathered_identities() as answered:
                try:
                    found = call()
                except DiscoveryError as error:
                    failure = error
            # Who refused, or answered the other half of it, tells as much.
            admitted = self._identity.admit(answered, epoch)
            if admitted is not None:
                if failure is not None:
                    raise failure
                return found, asked._replace(epoch=admitted)
        raise self._mismatch()

    def _mismatch(self) -> ClusterMismatchError:
        """The error for a server that is several clusters, of which nothing is kept."""
        self._identity.give_up()
        server = self._delegate.server
        return ClusterMismatchError(
            f"several clusters answer at {server}, and nothing tells which is meant: check what this address leads to"
        )

    def _keep_groups(self, fetched: GroupsAndMaybeResources, asked: Asked) -> Groups:
        groups, resources, failed = fetched
        self._aggregates = resources is not None
        if ALL_GROUPS in failed or CORE_GROUP in failed or self._lacks_core(groups):
            return self._keep_part(groups, resources, failed, asked)
        # The groups last: whoever finds them on disk finds their resources as well.
        keep = [partial(self._keep_resources, str(key), found, asked) for key, found in (resources or {}).items()]
        if keep:
            run_together(keep, _WRITERS)
        if not failed and groups.groups:
            self._cache.keep(GROUPS, Groups(groups, {}), encode_group_list(groups), asked)
        else:
            # Not a word on disk of what is not the whole; what was there is outdated as well.
            if failed:
                self._cache.remove(GROUPS)
            self._cache.keep(GROUPS, Groups(groups, failed), None, asked, _FAILED_TTL)
        # What is no longer served is not left behind for anybody to find. The core group alone may be all that
        # something in between lets through.
        if any(group.name for group in groups.groups):
            self._cache.retain({GROUPS, *map(str, groups.group_versions), *map(str, failed)})
        return Groups(groups, failed, resources)

    def _lacks_core(self, groups: APIGroupList) -> bool:
        """Whether a core group that was there is missing; an extension API server never had one."""
        return all(group.name for group in groups.groups) and self._cache.knows_core_group()

    def _keep_part(
        self,
        groups: APIGroupList,
        resources: dict[GroupVersion, APIResourceList] | None,
        failed: dict[GroupVersion, DiscoveryError],
        asked: Asked,
    ) -> Groups:
        """Keep one half of the groups, in memory and for a moment: what is on disk may well be the whole."""
        if ALL_GROUPS not in failed and CORE_GROUP not in failed:
            url = f"{self._delegate.server.rstrip('/')}/api"
            message = f"{url} answered 404, but this cluster had a core group: clear its cache if it has none any more"
            failed = {CORE_GROUP: NotFound(url, message, 404), **failed}
        for key, found in (resources or {}).items():
            self._cache.keep(str(key), found, None, asked, _FAILED_TTL)
        self._cache.keep(GROUPS, Groups(groups, failed), None, asked, _FAILED_TTL)
        return Groups(groups, failed, resources)

    def _keep_resources(self, key: str, resource_list: APIResourceList, asked: Asked) -> APIResourceList:
        # An empty list is never written: kubectl would believe it.
        data = encode_resource_list(resource_list) if resource_list.resources else None
        if data is None:
            self._cache.remove(key)
        self._cache.keep(key, resource_list, data, asked)
        return resource_list


def _is_listed(key: str, known: Groups) -> bool:
    """Whether the server may serve a group version; v1 is there on every server, and empty on some."""
    group_version = GroupVersion.parse(key)
    if key == "v1" or group_version in known.failed or ALL_GROUPS in known.failed:
        return True
    return group_version in known.groups.group_versions
