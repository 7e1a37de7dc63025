"""kubectl's cache under `kopf`: an operator discovers with two requests, not with one for each group version.

    import cachediscovery.integrations.kopf

    cachediscovery.integrations.kopf.install()     # in the operator's file, or before kopf.run()

The connection, the credentials, the retries and the errors are those of kopf. At its start, and at each change of a
CRD, the operator asks whether the cache is still right, in conditional requests: it never misses a resource.
"""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import Any

try:
    from kopf._cogs.clients import scanning
    from kopf._cogs.clients.api import request
    from kopf._cogs.clients.auth import authenticated
    from kopf._cogs.structs.references import Resource

    scanning.scan_resources  # noqa: B018 - it has to be there
except (ImportError, AttributeError) as _missing:
    # kopf has no public name for its discovery.
    raise ImportError(
        f"cachediscovery.integrations.kopf does not know this kopf ({_missing}): "
        "install kopf 1.36 or later (pip install 'cachediscovery[kopf]'), or report its version"
    ) from _missing

from ..aio.event_loop import call_on_loop, run_in_thread
from ..cache.options import CacheOptions
from ..model.errors import DiscoveryError, GroupDiscoveryFailed, NotFound
from ..model.listing import ALL_GROUPS, CORE_GROUP
from .borrowed_transport import BorrowedTransport, discovery_by, original_error
from .patch import Patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

    from typing_extensions import Unpack

    from ..cache.cached_client import CachedDiscoveryClient
    from ..cache.options import CacheKeywords
    from ..model.types import APIGroup, APIResourceList

_SCANS = "scans"
_CORE = ""


def install(cache: CacheOptions | None = None, *, ask_at_start: bool = True, **keywords: Unpack[CacheKeywords]) -> None:
    """From now on the operators of this process discover through the cache.

    Each field of `CacheOptions` may be given as a keyword: `install(ttl="10m")`. With `ask_at_start=False` a start uses
    what is cached, without a request, for the length of the TTL; a CRD that was created meanwhile, not by this
    operator, is then seen only after it changes. A second call replaces the options of the first.
    """
    _PATCH.install(_SCANS, (CacheOptions.merged(cache, keywords), ask_at_start))


def uninstall() -> None:
    """Undo `install`: operators discover as kopf does."""
    _PATCH.install(_SCANS, None)


def installed(
    cache: CacheOptions | None = None, *, ask_at_start: bool = True, **keywords: Unpack[CacheKeywords]
) -> AbstractContextManager[None]:
    """`install` for the length of a `with` block: `with installed(): kopf.run(…)`."""
    return _PATCH.during(_SCANS, (CacheOptions.merged(cache, keywords), ask_at_start))


def _with_ours(original: Callable[..., Any], installed: Callable[[str], Any]) -> Callable[..., Any]:
    @wraps(original)
    async def scan_resources(
        *, settings: Any, logger: Any, groups: Collection[str] | None = None
    ) -> Collection[Resource]:
        options = installed(_SCANS)
        if options is None:
            found: Collection[Resource] = await original(settings=settings, logger=logger, groups=groups)
            return found
        cache, asks_at_start = options
        return await _scan(cache, asks_at_start, settings, logger, groups)

    return scan_resources


_PATCH = Patch(scanning, "scan_resources", _with_ours)


async def _scan(
    cache: CacheOptions, asks_at_start: bool, settings: Any, logger: Any, groups: Collection[str] | None
) -> set[Resource]:
    loop = asyncio.get_running_loop()

    async def ask_on_loop(path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        answer = await request("get", path, settings=settings, logger=logger, headers=dict(headers))
        async with answer:
            return answer.status, answer.headers, await answer.read()

    server = await _server()
    transport = BorrowedTransport(server, lambda path, headers: call_on_loop(loop, ask_on_loop(path, headers)))
    discovery = discovery_by(transport, server, cache)
    # A start asks for the core group as well, a change of a CRD for its group alone.
    is_start = groups is None or _CORE in groups
    if asks_at_start or not is_start:
        discovery.invalidate()
    try:
        return await run_in_thread(lambda: set(_resources(discovery, logger, groups)))
    except DiscoveryError as error:
        raise original_error(error) from None


async def _server_of(*, context: Any = None) -> str:
    """The URL of the API server. kopf passes `context`, with credentials that are valid now."""
    server: str = context.server
    return server.rstrip("/")


_server: Callable[[], Awaitable[str]] = authenticated(_server_of)


def _resources(discovery: CachedDiscoveryClient, logger: Any, groups: Collection[str] | None) -> Iterator[Resource]:
    """The resources of `groups`, or of all. Raises `DiscoveryError` if one of `groups`, or the listing, failed."""
    try:
        discovery.server_groups_and_resources() if groups is None else discovery.server_groups()
    except GroupDiscoveryFailed as error:
        if groups is not None or not error.failed.keys().isdisjoint((ALL_GROUPS, CORE_GROUP)):
            raise
        names = ", ".join(map(str, error.failed))
        logger.warning(f"Resources of unavailable group versions will not be served: {names}")
        failed = error.failed
    else:
        failed = {}
    for group in discovery.server_groups().groups:
        for version in group.versions if groups is None or group.name in groups else ():
            if version.group_version not in map(str, failed):
                yield from _of_version(discovery, group, version.group_version)


def _of_version(discovery: CachedDiscoveryClient, group: APIGroup, group_version: str) -> Iterator[Resource]:
    try:
        found = discovery.server_resources_for_group_version(group_version)
    except NotFound:
        # The last CRD of the group version was deleted meanwhile.
        return
    version = group_version.rpartition("/")[2]
    is_preferred = version == group.preferred_version.version
    for item in found.resources:
        if "/" not in item.name:
            yield Resource(
                group=group.name,
                version=version,
                plural=item.name,
                kind=item.kind,
                # Some servers name no singular of their own resources.
                singular=item.singular_name or item.kind.lower(),
                shortcuts=frozenset(item.short_names),
                categories=frozenset(item.categories),
                subresources=_subresources(found, item.name),
                namespaced=item.namespaced,
                preferred=is_preferred,
                verbs=frozenset(item.verbs),
            )


def _subresources(found: APIResourceList, name: str) -> frozenset[str]:
    prefix = f"{name}/"
    return frozenset(item.name.removeprefix(prefix) for item in found.resources if item.name.startswith(prefix))
