"""kubectl's cache under `kr8s`: its `api_resources`, `api_versions` and `lookup_kind`.

    import kr8s
    from cachediscovery.integrations.kr8s import use_cache

    api = use_cache(kr8s.api())            # or: use_cache(await kr8s.asyncio.api())

`stop_using_cache(api)` undoes it. The connection and the credentials are those of `api`; its errors are kr8s's.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, TypeVar

import anyio.from_thread
import anyio.to_thread

from .. import _log as log
from .._cancellation import Cancellation, current
from ..cache.options import CacheOptions
from ..model.documents import resource_to
from ..model.errors import DiscoveryError
from ..model.listing import result_of
from .borrowed_transport import BorrowedTransport, discovery_by, original_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from typing_extensions import Unpack

    from ..cache.options import CacheKeywords
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup

T = TypeVar("T")
# Runs coroutines on the event loop of the call that this thread serves.
_portal: ContextVar[anyio.from_thread.BlockingPortal] = ContextVar("portal")


def use_cache(api: T, cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]) -> T:
    """Make `api`, a sync or async `kr8s.Api`, use the cache. Return the same object.

    Each field of `CacheOptions` may be given as a keyword: `use_cache(kr8s.api(), ttl="10m")`. On an event loop other
    than asyncio's, `stale_while_revalidate` refreshes before the call returns.
    """
    _check(api)
    cached = _CachedApi(api, CacheOptions.merged(cache, keywords))
    replacements = (cached.api_resources, cached.api_resources_uncached, cached.api_versions)
    vars(api).update(zip(_REPLACED, replacements, strict=True))
    return api


def stop_using_cache(api: T) -> T:
    """Undo `use_cache`: `api` discovers as kr8s does. Return the same object."""
    for name in _REPLACED:
        vars(api).pop(name, None)
    return api


# The methods through which kr8s discovers, in all versions seen, and what its requests are sent with.
_REPLACED = ("async_api_resources", "async_api_resources_uncached", "async_api_versions")
_USED = ("call_api", "auth")


def _check(api: object) -> None:
    missing = [name for name in (*_REPLACED, *_USED) if not hasattr(api, name)]
    if missing:
        raise TypeError(
            f"use_cache needs a kr8s.Api that has {', '.join(missing)}, and this {type(api).__name__} has not: "
            "install kr8s 0.20, or report the version of kr8s"
        )


class _CachedApi:
    def __init__(self, api: Any, cache: CacheOptions) -> None:
        self._api = api
        # Whether an expired document was used since the last refresh; and the refresh that runs.
        self._is_expired = False
        self._refreshing: asyncio.Task[None] | None = None
        server: str = api.auth.server
        self._discovery = discovery_by(
            BorrowedTransport(server, self._ask),
            server,
            cache,
            revalidate=self._note_expired,
            ca_file=getattr(api.auth, "server_ca_file", ""),
            tls_server_name=getattr(api.auth, "tls_server_name", ""),
        )

    async def api_resources(self) -> list[dict[str, Any]]:
        """Return kr8s's list: a dict for each resource, with the group version as `version`."""
        listing: DiscoveryResult = await self._run(self._listing)
        by_group_version = {item.group_version: item for item in listing.lists}
        found = []
        for name in _in_order(listing.groups.groups):
            resource_list = by_group_version.get(name)
            for resource in resource_list.resources if resource_list is not None else ():
                if "/" not in resource.name:
                    found.append({**resource_to(resource._replace(group="", version="")), "version": name})
        return found

    async def api_resources_uncached(self) -> list[dict[str, Any]]:
        """kr8s calls this after a miss. Invalidate, unless the documents are fresh: fetching again would not help."""
        if not self._discovery.fresh:
            self._discovery.invalidate()
        return await self.api_resources()

    async def api_versions(self) -> AsyncIterator[str]:
        for group in (await self._run(self._discovery.server_groups)).groups:
            for version in group.versions:
                yield version.group_version

    def _listing(self) -> DiscoveryResult:
        return result_of(self._discovery.server_groups_and_resources)

    def _note_expired(self) -> None:
        self._is_expired = True

    async def _run(self, call: Callable[[], Any]) -> Any:
        """Run `call`, and refresh in the background what it served expired."""
        found = await self._run_once(call)
        if self._is_expired and (self._refreshing is None or self._refreshing.done()):
            self._is_expired = False
            try:
                self._refreshing = asyncio.get_running_loop().create_task(self._refresh())
            except RuntimeError:
                # Another kind of event loop.
                await self._refresh()
        return found

    async def _refresh(self) -> None:
        try:
            await self._run_once(lambda: self._discovery.refresh(0, wait=False))
        except Exception as error:
            log.warning("the discovery cache cannot be refreshed, using expired documents: %s", error)

    async def _run_once(self, call: Callable[[], Any]) -> Any:
        """Run `call` in a thread. Its requests run on this event loop, of any kind that kr8s supports."""
        cancellation = Cancellation()

        def run() -> Any:
            _portal.set(portal)
            with cancellation:
                return call()

        async with anyio.from_thread.BlockingPortal() as portal:
            try:
                return await anyio.to_thread.run_sync(run, abandon_on_cancel=True)
            except DiscoveryError as error:
                raise original_error(error) from None
            except anyio.get_cancelled_exc_class():
                cancellation.cancel("the call was cancelled")
                raise

    def _ask(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        asking = _portal.get().start_task_soon(self._ask_on_loop, path, headers)
        with current().ending(asking.cancel):
            return asking.result()

    async def _ask_on_loop(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        # kr8s joins `base` and `url` with a slash, which after /apis would request another document.
        where = {"version": "", "base": "/api", "url": f"..{path}"}
        async with self._api.call_api("GET", **where, headers=dict(headers), raise_for_status=False) as answer:
            if answer.status_code not in (401, 403):
                return answer.status_code, answer.headers, answer.content
        # kr8s renews its credentials only when it raises for these statuses itself.
        async with self._api.call_api("GET", **where, headers=dict(headers)) as answer:
            return answer.status_code, answer.headers, answer.content


def _in_order(groups: Iterable[APIGroup]) -> list[str]:
    """The group versions in kr8s's order, which decides the match for a kind: it is alphabetical in each group."""
    return [
        name
        for group in sorted(groups, key=lambda group: group.name)
        for name in sorted(version.group_version for version in group.versions)
    ]
