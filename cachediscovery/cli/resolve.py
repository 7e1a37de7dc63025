"""`resolve`: what a name stands for, as `kubectl get NAME` would understand it."""

from __future__ import annotations

from ..errors import GroupUnavailableError, NoMatchError
from .flags import Parsed, UsageError
from .output import fail
from .progress import progress
from .session import Session
from .stdout import write
from .table import MAPPING_HEADERS, format_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..restmapper.deferred import DeferredDiscoveryRESTMapper
    from ..restmapper.mapping import RESTMapping

_FORMATS = ("", "json", "name")


def run(parsed: Parsed) -> int:
    from ..restmapper.deferred import DeferredDiscoveryRESTMapper

    output = parsed.text("output")
    if output not in _FORMATS:
        raise UsageError(f"--output must be json or name, not {output!r}")
    # kubectl takes several names with commas between them.
    names = [name for argument in parsed.arguments for name in argument.split(",")]
    if not names:
        raise UsageError("give at least one name of a resource, a kind, a short name or a category")
    session = Session(parsed)
    client = session.client()
    if parsed.flag("refresh"):
        client.invalidate()
    mapper = DeferredDiscoveryRESTMapper(client)
    found: list[tuple[str, RESTMapping]] = []
    problems = []
    for name in names:
        try:
            with progress(session.server):
                found += [(name, mapping) for mapping in _mappings(mapper, name)]
        except NoMatchError as error:
            problems.append(f"{error}{_hint(mapper, name)}")
        except GroupUnavailableError as error:
            problems.append(str(error))
    write(_formatted(found, output, parsed.text("namespace"), headers=not parsed.flag("no-headers")))
    for problem in problems:
        fail(problem)
    session.finish(client)
    return 1 if problems else 0


def _mappings(mapper: DeferredDiscoveryRESTMapper, name: str) -> list[RESTMapping]:
    """A category's resources, or the one that the name stands for."""
    resources = mapper.expand_category(name) if name else []
    if resources:
        return [mapper.mapping_for(str(resource)) for resource in resources]
    return [mapper.mapping_for(name)]


def _hint(mapper: DeferredDiscoveryRESTMapper, name: str) -> str:
    nearest = mapper.nearest_names(name)
    return f" (did you mean {', '.join(nearest)}?)" if nearest else ""


def _formatted(found: list[tuple[str, RESTMapping]], output: str, namespace: str, *, headers: bool) -> str:
    if output == "name":
        return "".join(f"{mapping.group_resource}\n" for _, mapping in found)
    if output == "json":
        import json

        objects = [
            {
                "name": name,
                "group": mapping.group,
                "version": mapping.version,
                "resource": mapping.plural,
                "kind": mapping.kind,
                "scope": mapping.scope,
                "path": mapping.path(namespace),
                "verbs": list(mapping.verbs),
            }
            for name, mapping in found
        ]
        return json.dumps(objects, indent=2, ensure_ascii=False) + "\n"
    rows = [
        (name, mapping.group, mapping.version, mapping.plural, mapping.kind, mapping.scope, mapping.path(namespace))
        for name, mapping in found
    ]
    return format_table([MAPPING_HEADERS, *rows] if headers and rows else rows)
