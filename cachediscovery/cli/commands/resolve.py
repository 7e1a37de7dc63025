"""`resolve`: prints what a name resolves to, as in `kubectl get NAME`."""

from __future__ import annotations

from ...index.search import (
    COLUMNS,
    FALSE,
    GROUP,
    KIND,
    LISTED,
    NAMESPACED,
    PLURAL,
    STORAGE_HASH,
    TRUE,
    VERBS,
    VERSION,
    IndexSearch,
)
from ...restmapper import name_rules as rules
from ...restmapper.paths import collection_path
from ..flags import Parsed, UsageError
from ..output import write
from ..session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...index.search import Row
    from ...model.group_version import GroupVersionKind
    from ...restmapper.deferred import DeferredDiscoveryRESTMapper
    from ...restmapper.mapping import RESTMapping

_FORMATS = ("", "json", "name", "yaml")
# Columns that no lookup uses.
_UNREAD = {LISTED, STORAGE_HASH}
_HEADERS = ("NAME", "GROUP", "VERSION", "RESOURCE", "KIND", "SCOPE", "PATH")


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in _FORMATS:
        raise UsageError(f"--output must be json, name or yaml, not {output!r}")
    # Like kubectl: one argument may hold several names separated by commas.
    names = [name for argument in parsed.arguments for name in argument.split(",")]
    files = parsed.texts("filename")
    if not names and not files:
        raise UsageError("give at least one name of a resource, a kind, a short name or a category, or -f FILE")
    if names and files:
        raise UsageError("give names or --filename, not both")
    session = Session(parsed, asks=parsed.flag("refresh"))
    unread = _UNREAD if output in ("json", "yaml") else {*_UNREAD, VERBS}
    columns = [name for position, name in enumerate(COLUMNS) if position not in unread]
    index = None if session.asks else session.index(columns)
    resolver = _Resolver(session, IndexSearch.of_index(index, unread) if index is not None else None)
    if session.asks:
        session.client.invalidate()
    if files:
        from ..resolved_objects import ResolvedObjects

        objects = ResolvedObjects(parsed, lambda: session.cluster.context, resolver.row_for_kind)
        resolver.problems = objects.problems
        found = objects.in_files(files)
    else:
        namespace = parsed.text("namespace")
        found = [(name, row, _path(row, namespace), "") for name in names for row in resolver.rows_for(name)]
    write(_formatted(found, parsed))
    if resolver.problems:
        from ..output import fail

        for problem in resolver.problems:
            fail(problem)
    session.finish()
    return 1 if resolver.problems else 0


class _Resolver:
    """Looks up names in the index. On a miss it asks the REST mapper, and so the server."""

    def __init__(self, session: Session, search: IndexSearch | None) -> None:
        self._session = session
        self._search = search
        self._mapper: DeferredDiscoveryRESTMapper | None = None
        # Error messages for names not found.
        self.problems: list[str] = []

    def rows_for(self, name: str) -> list[Row]:
        """Return the resources of a category, or the one resource `name` resolves to. On a miss, add to `problems`."""
        found = self._in_index(self._search, name) if self._search is not None else []
        return found or self._in_mapper(name)

    @staticmethod
    def _in_index(search: IndexSearch, name: str) -> list[Row]:
        category = dict.fromkeys((row[PLURAL], row[GROUP]) for row in search.by_category(name))
        names = [f"{plural}.{group}" if group else plural for plural, group in category] or [name]
        found = [rules.mapping_for(search, each, _warn) for each in names]
        return [row for row in found if row is not None]

    def _in_mapper(self, name: str) -> list[Row]:
        from ...model.errors import GroupUnavailableError, NoMatchError
        from ..progress import progress

        mapper = self._deferred()
        try:
            with progress(self._session.server):
                category = map(str, mapper.expand_category(name)) if name else ()
                return [_row_of(mapper.mapping_for(each)) for each in [*category] or [name]]
        except (NoMatchError, GroupUnavailableError) as error:
            self.problems.append(str(error))
        return []

    def row_for_kind(self, kind: GroupVersionKind) -> Row:
        """Return the resource of a kind. Raises `NoMatchError` or `GroupUnavailableError`."""
        search = self._search
        found = rules.of_kind(search, kind.kind, kind.group, [kind.version]) if search is not None else []
        if found:
            return found[0]
        from ..progress import progress

        with progress(self._session.server):
            return _row_of(self._deferred().rest_mapping(kind.group_kind, kind.version))

    def _deferred(self) -> DeferredDiscoveryRESTMapper:
        from ...restmapper.deferred import DeferredDiscoveryRESTMapper

        self._mapper = self._mapper or DeferredDiscoveryRESTMapper(self._session.client)
        return self._mapper


def _warn(message: str) -> None:
    from ..output import warn

    warn(message)


def _row_of(mapping: RESTMapping) -> Row:
    """The row of a mapping up to its verbs."""
    group, version, plural, singular, kind, namespaced, verbs, _, _ = mapping
    return group, version, plural, singular, kind, TRUE if namespaced else FALSE, ",".join(verbs)


def _formatted(found: list[tuple[str, Row, str, str]], parsed: Parsed) -> str:
    """The output for labels, rows, paths, and what follows the resource in `-o name`."""
    output = parsed.text("output")
    if output == "name":
        return "".join(
            [
                f"{row[PLURAL]}.{row[GROUP]}{end}\n" if row[GROUP] else f"{row[PLURAL]}{end}\n"
                for _, row, _, end in found
            ]
        )
    cells = [_cells(name, row, path) for name, row, path, _ in found]
    if output in ("json", "yaml"):
        keys = [header.lower() for header in _HEADERS]
        objects = [
            {**dict(zip(keys, row, strict=True)), "verbs": whole[VERBS].split(",") if whole[VERBS] else []}
            for row, (_, whole, _, _) in zip(cells, found, strict=True)
        ]
        if output == "yaml":
            from ..go_yaml import go_yaml_list

            return go_yaml_list(objects)
        from ..json_text import json_text

        return json_text(objects, 2) + "\n"
    from ..output import format_table

    return format_table(cells if parsed.flag("no-headers") or not cells else [_HEADERS, *cells])


def _path(row: Row, namespace: str) -> str:
    return collection_path(row[GROUP], row[VERSION], row[PLURAL], namespace if row[NAMESPACED] == TRUE else "")


def _cells(name: str, row: Row, path: str) -> tuple[str, ...]:
    scope = "Namespaced" if row[NAMESPACED] == TRUE else "Cluster"
    return name, row[GROUP], row[VERSION], row[PLURAL], row[KIND], scope, path
