"""`RESTMapping`: one resource in one version, with what is needed to address it."""

from __future__ import annotations

from ..index.search import CATEGORIES, GROUP, KIND, NAMESPACED, PLURAL, SHORT_NAMES, SINGULAR, TRUE, VERBS, VERSION
from ..model.group_version import GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..index.search import Row


class RESTMapping(NamedTuple):
    """A resource, its kind and its scope. `singular` is the server's name, or else the kind in lower case."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Row) -> RESTMapping:
        """Make the mapping from a row of the index's table."""
        words = (_words(row[VERBS]), _words(row[SHORT_NAMES]), _words(row[CATEGORIES]))
        # Servers before 1.27 do not send the singular of built-in resources.
        singular = row[SINGULAR] or row[KIND].lower()
        return cls(row[GROUP], row[VERSION], row[PLURAL], singular, row[KIND], row[NAMESPACED] == TRUE, *words)

    @property
    def resource(self) -> GroupVersionResource:
        """The full name of the resource."""
        return GroupVersionResource(self.group, self.version, self.plural)

    @property
    def group_version_kind(self) -> GroupVersionKind:
        """The full name of the kind."""
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def group_version(self) -> GroupVersion:
        """The group and the version."""
        return GroupVersion(self.group, self.version)

    @property
    def group_resource(self) -> GroupResource:
        """The resource in any version."""
        return GroupResource(self.group, self.plural)

    @property
    def group_kind(self) -> GroupKind:
        """The kind in any version."""
        return GroupKind(self.group, self.kind)

    @property
    def scope(self) -> str:
        """`Namespaced` or `Cluster`."""
        return "Namespaced" if self.namespaced else "Cluster"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection, or of the object `name`.

        Without a `namespace` it is the path for all namespaces. A cluster-scoped resource ignores `namespace`.
        Raises `ValueError` for a namespaced object's `name` without `namespace`.
        """
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self.group_resource} are namespaced: a name needs a namespace")
        from .paths import object_path

        return object_path(self.group, self.version, self.plural, namespace if self.namespaced else "", name)

    def object_path(self, manifest: Mapping[str, Any], namespace: str = "default") -> str:
        """The URL path of the object that `manifest` describes; of its collection, if its metadata has no name.

        `namespace` is for a namespaced object whose metadata has none. Raises `InvalidManifest`.
        """
        from .manifest import address_of

        own, name = address_of(manifest)
        return self.path(own or namespace, name)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
