"""`RESTMapper`: lookups in a `ResourceTable`, by the rules of `name_rules.py`."""

from __future__ import annotations

from .. import _log as log
from ..model.errors import (
    AmbiguousResourceError,
    GroupUnavailableError,
    NoKindMatchError,
    NoMatchError,
    NoResourceMatchError,
)
from ..model.group_version import GroupKind, GroupResource, GroupVersionKind, GroupVersionResource
from . import name_rules as rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .mapping import RESTMapping
    from .table import ResourceTable


class RESTMapper:
    """Looks up names among the resources of a cluster. Makes no request and reads no file.

    In a partial `GroupVersionResource`, an empty group or version matches any. All methods raise `NoMatchError` if
    nothing matches, or `GroupUnavailableError` if a group version that could hold a match was not discovered.
    """

    def __init__(self, table: ResourceTable) -> None:
        self._table = table

    def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        """The kind of the best match. Raises `AmbiguousResourceError` if one group version has two matches."""
        return self._best(resource).group_version_kind

    def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        """The kinds of all matches, best first."""
        return list(dict.fromkeys(mapping.group_version_kind for mapping in self._matches(resource)))

    def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        """The full name of the best match. Raises `AmbiguousResourceError` if one group version has two matches."""
        return self._best(resource).resource

    def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """The full names of all matches, best first."""
        return [mapping.resource for mapping in self._matches(resource)]

    def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """The mapping of a kind in the first of `versions` that has it; without any, in the preferred version."""
        return self.rest_mappings(group_kind, *versions)[0]

    def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """The mappings of a kind, best first: in all versions, or only in `versions`."""
        mappings = rules.of_kind(self._table, group_kind.kind, group_kind.group, versions)
        if not mappings:
            wanted = " or ".join(sorted(filter(None, versions)))
            of = f" in version {wanted}" if wanted else ""
            elsewhere = rules.of_kind(self._table, group_kind.kind, group_kind.group)
            raise self._no_match(
                NoKindMatchError,
                f"no kind {group_kind}{of}",
                group_kind.group,
                elsewhere,
                lambda: self._nearest_kinds(group_kind.kind),
            )
        return mappings

    def resource_singularizer(self, resource: str) -> str:
        """The singular name of a resource, given any of its names."""
        return self._best(GroupVersionResource("", "", resource)).singular

    def mapping_for(self, argument: str) -> RESTMapping:
        """The mapping for `kubectl get ARGUMENT`: `deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps`…"""
        found = rules.mapping_for(self._table, argument, _warn)
        if found is None:
            rest = argument.partition(".")[2]
            _, dot, group = rest.partition(".")
            elsewhere = self._in_any_group(argument.partition(".")[0], group) if rest else ()
            message = f"the server doesn't have a resource type {argument!r}"
            groups = (rest, group) if dot else rest
            raise self._no_match(NoResourceMatchError, message, groups, elsewhere, lambda: self.nearest_names(argument))
        return found

    def mapping_for_object(self, manifest: Mapping[str, Any]) -> RESTMapping:
        """The mapping of an object, by the `apiVersion` and the `kind` of its manifest.

        Its `group`, `version`, `plural` and `namespaced` are what clients for custom objects ask for, and
        `object_path(manifest)` is the object's path. Raises `InvalidManifest` if `manifest` is none.
        """
        from .manifest import kind_of

        kind = kind_of(manifest)
        return self.rest_mapping(kind.group_kind, kind.version)

    def expand_category(self, category: str) -> list[GroupResource]:
        """The resources of a category such as `all`, each once; none for an unknown category."""
        return list(dict.fromkeys(mapping.group_resource for mapping in self._table.by_category(category)))

    def nearest_names(self, argument: str, count: int = 3) -> list[str]:
        """Names of resources similar to `argument`, for a hint; none if only its group or version is unknown."""
        from difflib import get_close_matches

        name, names = argument.partition(".")[0].lower(), self._table.names()
        return [] if name in names else get_close_matches(name, names, count)

    def _nearest_kinds(self, kind: str) -> list[str]:
        from difflib import get_close_matches

        kinds = self._table.kinds()
        return [] if kind in kinds else get_close_matches(kind, kinds, 3)

    def _best(self, resource: GroupVersionResource) -> RESTMapping:
        found = self._matches(resource)
        if len(rules.rivals_of_best(found)) > 1:
            candidates = tuple(mapping.resource for mapping in found)
            raise AmbiguousResourceError(
                f"{_shown(resource)} could be any of {', '.join(map(str, candidates))}", candidates
            )
        return found[0]

    def _matches(self, resource: GroupVersionResource) -> list[RESTMapping]:
        """All mappings that match a partial name, best first, each once."""
        if not resource.resource:
            raise NoResourceMatchError("an empty name is not a resource")
        group, version, name = resource
        found = rules.matches(self._table, name, group, version, _warn)
        if not found:
            elsewhere = self._in_any_group(name, group) if group or version else ()
            message = f"no resource {_shown(resource)}"
            raise self._no_match(NoResourceMatchError, message, group, elsewhere, lambda: self.nearest_names(name))
        return found

    def _in_any_group(self, name: str, group: str) -> Sequence[RESTMapping]:
        """The mappings of a name in `group`, if it has any; else in all groups."""
        found = rules.in_any_group(self._table, name)
        return [mapping for mapping in found if mapping.group_resource.group == group] or found

    def _no_match(
        self,
        error: type[NoMatchError],
        message: str,
        group: str | tuple[str, str],
        elsewhere: Sequence[RESTMapping],
        nearest: Callable[[], list[str]],
    ) -> NoMatchError | GroupUnavailableError:
        """The error for a lookup without a match; `group` is the prefix of its group, or two possible prefixes.

        `elsewhere` are matches in other groups and versions. `nearest()` returns similar names.
        """
        from ..model.listing import ALL_GROUPS

        failed = {
            key: value for key, value in self._table.failed.items() if key == ALL_GROUPS or key.group.startswith(group)
        }
        if failed:
            names = ", ".join(map(str, failed))
            return GroupUnavailableError(f"{message}, but {names} could not be discovered: try again", failed)
        found = dict.fromkeys(str(mapping.resource.group_version) for mapping in elsewhere)
        where = f": it is in {', '.join(found)}" if found else ""
        return error(message + where, nearest, self._table.server)


def _warn(message: str) -> None:
    log.warning("%s", message)


def _shown(resource: GroupVersionResource) -> str:
    """A partial name as a user would type it."""
    return repr(".".join(filter(None, (resource.resource, resource.version, resource.group))))
