"""kubectl's cache under `kubernetes.core`, Ansible's collection: its modules `k8s`, `k8s_info` and the others.

Each task of a play is a new Python process. It is switched on from outside, for a host or a group of the inventory:

    ansible_python_interpreter: /path/to/cachediscovery-python

A program that uses the collection in its own process calls `install()` here. The connection, the credentials and the
errors are those of the collection.
"""

from __future__ import annotations

import sys
from typing import Any

from kubernetes.dynamic.resource import ResourceList

from ..cache.options import CacheOptions
from .kubernetes import CONSTRUCTOR, CachedDiscoverer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from typing_extensions import Unpack

    from ..cache.options import CacheKeywords

# The discoverer that the collection gives to every client.
_THEIRS = "ansible_collections.kubernetes.core.plugins.module_utils.client.discovery.LazyDiscoverer"


class KubernetesCoreDiscoverer(CachedDiscoverer):
    """Finds what the discoverer of `kubernetes.core` finds: of several resources of one kind, that with most verbs."""

    def search(
        self,
        prefix: str | None = None,
        group: str | None = None,
        api_version: str | None = None,
        kind: str | None = None,
        **keywords: Any,
    ) -> list[Any]:
        """Return the resources that match, as the base class does. The modules look for a word as a kind, then as a
        name, and so on: the server is asked about one only if it is none of these."""
        found = self._search(prefix, group, api_version, kind, asks_again=False, **keywords)
        word = kind or keywords.get("name") or keywords.get("singular_name") or keywords.get("short_names")
        if found or not word or self._is_known(group, api_version, word):
            return found
        return self._search(prefix, group, api_version, kind, **keywords)

    def _is_known(self, group: str | None, api_version: str | None, word: Any) -> bool:
        # With any prefix: for a kind without a group, the modules look among the core resources first.
        where = (None, group, api_version)
        word = word[0] if isinstance(word, list) else word
        meanings: list[dict[str, Any]] = [{"name": word}, {"singular_name": word}, {"short_names": [word]}]
        return bool(self._search(*where, word, asks_again=False)) or any(
            self._search(*where, None, asks_again=False, **meaning) for meaning in meanings
        )

    def choose(self, matches: list[Any]) -> list[Any]:
        """The resource with the most verbs, if all are of one kind in one group version and there is such a one."""
        if len({(item.group_version, item.kind) for item in matches}) > 1:
            return matches
        if len({len(item.verbs) for item in matches}) == 1:
            return matches
        return [max(matches, key=lambda item: len(item.verbs))]


def install(cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]) -> None:
    """From now on the clients that `kubernetes.core` makes in this process use the cache.

    Each field of `CacheOptions` may be given as a keyword: `install(ttl="10m")`. A second call replaces the options of
    the first.
    """
    CONSTRUCTOR.install(_THEIRS, _discoverer(cache, keywords))


def uninstall() -> None:
    """Undo `install`: clients made from now on use the discoverer of `kubernetes.core` again."""
    CONSTRUCTOR.install(_THEIRS, None)


def installed(cache: CacheOptions | None = None, **keywords: Unpack[CacheKeywords]) -> AbstractContextManager[None]:
    """`install` for the length of a `with` block."""
    return CONSTRUCTOR.during(_THEIRS, _discoverer(cache, keywords))


def _discoverer(cache: CacheOptions | None, keywords: Mapping[str, object]) -> Callable[[type], Callable[..., Any]]:
    options = CacheOptions.merged(cache, keywords)

    def instead_of(theirs: type) -> Callable[..., Any]:
        list_class = getattr(sys.modules[theirs.__module__], "ResourceList", ResourceList)
        ours = type(theirs.__name__, (KubernetesCoreDiscoverer,), {"resource_list_class": list_class})
        return lambda client, cache_file: ours(client, cache_file, options)

    return instead_of
