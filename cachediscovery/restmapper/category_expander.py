"""Category expanders: which resources a category such as `all` stands for. client-go's `restmapper` has the same."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..model.group_version import GroupResource, GroupVersion
from .shortcut_expander import listing_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..discovery.interfaces import DiscoveryInterface


class CategoryExpander(ABC):
    """Knows categories. client-go's `CategoryExpander`."""

    @abstractmethod
    def expand(self, category: str) -> list[GroupResource] | None:
        """The resources of a category, each once; None if it is unknown (client-go's `false`)."""


class SimpleCategoryExpander(CategoryExpander):
    """Knows the categories that it was given. client-go's `SimpleCategoryExpander`."""

    def __init__(self, expansions: Mapping[str, Iterable[GroupResource]]) -> None:
        """`expansions` are the resources of each category."""
        self._expansions = {category: list(dict.fromkeys(found)) for category, found in expansions.items()}

    def expand(self, category: str) -> list[GroupResource] | None:
        """The resources of a category, each once; None if it is unknown."""
        found = self._expansions.get(category)
        return None if found is None else list(found)


class DiscoveryCategoryExpander(CategoryExpander):
    """Knows the categories that a cluster's resources name. client-go's `NewDiscoveryCategoryExpander`.

    It lists the resources on every call: give it a cached client. As in client-go, group versions that fail are left
    out, and a cluster that cannot be listed has no categories; a warning is logged.
    """

    def __init__(self, client: DiscoveryInterface) -> None:
        self._client = client

    def expand(self, category: str) -> list[GroupResource] | None:
        """The resources of a category, each once, in the order of the listing; None if no resource names it."""
        found = [
            GroupResource(GroupVersion.parse(resource_list.group_version).group, resource.name)
            for resource_list in listing_of(self._client).lists
            for resource in resource_list.resources
            if category in resource.categories
        ]
        return list(dict.fromkeys(found)) or None


class UnionCategoryExpander(CategoryExpander):
    """Knows what any of several expanders knows. client-go's `UnionCategoryExpander`."""

    def __init__(self, expanders: Iterable[CategoryExpander]) -> None:
        self._expanders = tuple(expanders)

    def expand(self, category: str) -> list[GroupResource] | None:
        """The resources of a category in all expanders, each once, in their order; None if none of them knows it."""
        expansions = [found for expander in self._expanders if (found := expander.expand(category)) is not None]
        if not expansions:
            return None
        return list(dict.fromkeys(resource for found in expansions for resource in found))
