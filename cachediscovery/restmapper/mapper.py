"""`RESTMapper`: lookups in a `ResourceTable`, by the rules by which kubectl understands `kubectl get NAME`.

| | kubectl | here |
|---|---|---|
| resource, singular, kind | in any letter case | the same |
| short name | as the server spells it | the same |
| group | in full, or how it begins | the same |
| the kind of a list (`podlist`) | leads to a path that no server serves | no match |
"""

from __future__ import annotations

from .. import log
from ..errors import AmbiguousResourceError, GroupUnavailableError, NoKindMatchError, NoMatchError, NoResourceMatchError
from ..schema import GroupKind, GroupResource, GroupVersionKind, GroupVersionResource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .mapping import RESTMapping
    from .table import ResourceTable


class RESTMapper:
    """Lookups in what a cluster was seen to serve. Makes no request and reads no file.

    A partial `GroupVersionResource` has an empty group or version where any will do. All methods raise
    `NoMatchError` where nothing matches, or `GroupUnavailableError` where a group version that could
    hold it was not seen.
    """

    def __init__(self, table: ResourceTable) -> None:
        self._table = table

    def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        """The kind of the best match. Raises `AmbiguousResourceError` where one group version has two."""
        return self._best(resource).group_version_kind

    def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        """The kinds of all matches, best first."""
        return list(dict.fromkeys(mapping.group_version_kind for mapping in self._matches(resource)))

    def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        """The full name of the best match. Raises `AmbiguousResourceError` where one group version has two."""
        return self._best(resource).resource

    def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """The full names of all matches, best first."""
        return [mapping.resource for mapping in self._matches(resource)]

    def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """The mapping of a kind, in the first of `versions` that has it, or without any in the preferred one."""
        mappings = self.rest_mappings(group_kind, *versions)
        for version in versions:
            for mapping in mappings:
                if mapping.version == version:
                    return mapping
        return mappings[0]

    def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """The mappings of a kind, best first: in all versions, or in those of `versions` that have it."""
        wanted = frozenset(filter(None, versions))
        mappings = [
            mapping
            for mapping in self._table.by_kind.get(group_kind.kind, ())
            if mapping.group == group_kind.group and (not wanted or mapping.version in wanted)
        ]
        if not mappings:
            of = f" in version {' or '.join(sorted(wanted))}" if wanted else ""
            raise self._no_match(NoKindMatchError, f"no kind {group_kind}{of}", group_kind.group)
        return mappings

    def resource_singularizer(self, resource: str) -> str:
        """The singular of a resource's name, short or not."""
        return self._best(GroupVersionResource("", "", resource)).singular

    def mapping_for(self, argument: str) -> RESTMapping:
        """What `kubectl get ARGUMENT` would get: `deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps` …"""
        resource, _, rest = argument.partition(".")
        version, dot, group = rest.partition(".")
        # With two dots the middle part may be a version, or the beginning of the group.
        partial = [GroupVersionResource(group, version, resource)] if dot else []
        for candidate in [*partial, GroupVersionResource(rest, "", resource)]:
            try:
                kind = self.kind_for(candidate)
            except (NoMatchError, AmbiguousResourceError):
                continue
            return self.rest_mapping(kind.group_kind, kind.version)
        by_kind = [(GroupKind(group, resource), version)] if dot else []
        for group_kind, kind_version in [*by_kind, (GroupKind(rest, resource), "")]:
            try:
                return self.rest_mapping(group_kind, kind_version)
            except NoMatchError:
                continue
        raise self._no_match(NoResourceMatchError, f"the server doesn't have a resource type {argument!r}", rest)

    def expand_category(self, category: str) -> list[GroupResource]:
        """The resources of a category such as `all`, each once; none for a category that no resource is in."""
        return list(dict.fromkeys(mapping.group_resource for mapping in self._table.by_category.get(category, ())))

    def nearest_names(self, argument: str, count: int = 3) -> list[str]:
        """Names of resources that look like `argument`, for a hint."""
        from difflib import get_close_matches

        table = self._table
        names = [*table.by_name, *table.by_short_name, *table.by_category]
        return get_close_matches(argument.partition(".")[0].lower(), dict.fromkeys(names), count)

    def _best(self, resource: GroupVersionResource) -> RESTMapping:
        matches = self._matches(resource)
        first = matches[0]
        rivals = [mapping for mapping in matches if mapping.group_version == first.group_version]
        if len(rivals) > 1:
            candidates = tuple(mapping.resource for mapping in matches)
            raise AmbiguousResourceError(
                f"{_shown(resource)} could be any of {', '.join(map(str, candidates))}", candidates
            )
        return first

    def _matches(self, resource: GroupVersionResource) -> Sequence[RESTMapping]:
        """All mappings that a partial name stands for, best first, none of them twice."""
        if not resource.resource:
            raise NoResourceMatchError("an empty name is no resource")
        group, version, name = self._expanded(resource)
        found = [
            mapping
            for mapping in self._table.by_name.get(name.lower(), ())
            if (not version or mapping.version == version)
            # With a version a group has to be the whole one.
            and (mapping.group == group if version and group else mapping.group.startswith(group))
        ]
        if not found:
            raise self._no_match(NoResourceMatchError, f"no resource {_shown(resource)}", group)
        return found

    def _expanded(self, resource: GroupVersionResource) -> GroupVersionResource:
        """A short name's resource; any other name as it is (client-go's `shortcutExpander`)."""
        group, _, name = resource
        for mapping in self._table.by_name.get(name, ()):
            if not group or mapping.group == group:
                return resource
        candidates = self._table.by_short_name.get(name, ())
        exact = list(dict.fromkeys(item.group_resource for item in candidates if not group or item.group == group))
        if exact:
            for other in exact[1:]:
                log.warning('short name "%s" could also match lower priority resource %s', name, other)
            # The version is forgotten, as by client-go.
            return GroupVersionResource(exact[0].group, "", exact[0].resource)
        for mapping in candidates:
            if mapping.group.startswith(group):
                return resource._replace(group=mapping.group, resource=mapping.plural)
        return resource

    def _no_match(self, error: type[NoMatchError], message: str, group: str) -> NoMatchError | GroupUnavailableError:
        failed = {key: value for key, value in self._table.failed.items() if key.group.startswith(group)}
        if failed:
            names = ", ".join(map(str, failed))
            return GroupUnavailableError(f"{message} was seen, but {names} could not be discovered: try again", failed)
        return error(message)


def _shown(resource: GroupVersionResource) -> str:
    """A partial name as one would type it."""
    return repr(".".join(filter(None, (resource.resource, resource.version, resource.group))))
