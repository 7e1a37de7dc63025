"""`RESTMapping`: one resource in one version, with all that is needed to address it."""

from __future__ import annotations

from ..records import NamedTuple
from ..schema import GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource

NAMESPACED = "Namespaced"
CLUSTER = "Cluster"


class RESTMapping(NamedTuple):
    """A resource, its kind and how it is reached. `singular` is the server's word, or the kind in lower case."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def resource(self) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, self.plural)

    @property
    def group_version_kind(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @property
    def scope(self) -> str:
        """`Namespaced` or `Cluster`."""
        return NAMESPACED if self.namespaced else CLUSTER

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection, or of one object.

        Without a `namespace` that of all namespaces; a cluster-scoped resource pays no heed to it.
        Raises `ValueError` for a namespaced object's `name` without `namespace`.
        """
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self.group_resource} are namespaced: a name needs a namespace")
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if namespace and self.namespaced:
            parts += ["namespaces", _quoted(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_quoted(name))
        return "/".join(parts)


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
