"""What an OpenAPI document has, and where, derived from its bytes: so `explain` parses few of its schemas."""

from __future__ import annotations

from ...model.fields import MalformedDocument
from ...model.json_scanner import scan, scan_members, skip_spaces
from .document import kind_in_paths, kinds_of, name_of_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Tables: TypeAlias = dict[str, list[str]]

# The group and the version that the document is of.
GROUP_VERSION = "group-version"
# One resource on each line: plural, the group, version and name of its kind, the name of the kind's schema.
RESOURCES = "resources"
# One schema on each line: its name, and its offset and length in bytes.
NAMES, PLACES = "names", "places"
TABLES = (GROUP_VERSION, RESOURCES, NAMES, PLACES)


def tables_of(body: bytes, group: str, version: str) -> Tables | None:
    """The tables of the document of a group version; None if its names are too odd for them.

    Raises `MalformedDocument` if it is not JSON.
    """
    # One character for each byte: places in the text are places in the body. Keys that this garbles are refused below.
    text = body.decode("latin-1")
    paths: dict[str, Any] = {}
    places: dict[str, str] = {}
    kinds: dict[str, list[Any]] = {}

    def visit_schema(name: str, at: int) -> int:
        schema, end = scan(text, at)
        places[name], kinds[name] = f"{at} {end - at}", kinds_of(schema)
        return end

    def visit_components(key: str, at: int) -> int:
        if key != "schemas":
            return scan(text, at)[1]
        places.clear()
        kinds.clear()
        return scan_members(text, at, visit_schema) if text[at] == "{" else scan(text, at)[1]

    def visit_root(key: str, at: int) -> int:
        if key == "components" and text[at : at + 1] == "{":
            return scan_members(text, at, visit_components)
        value, end = scan(text, at)
        if key == "paths":
            paths.clear()
            paths.update(value if isinstance(value, dict) else {})
        return end

    try:
        end = scan_members(text, skip_spaces(text, 0), visit_root)
        end = skip_spaces(text, end)
        if end != len(text):
            raise ValueError("something follows the document")
    except (ValueError, RecursionError) as error:
        raise MalformedDocument(f"not JSON ({str(error).partition(chr(10))[0]})") from error
    resources = [
        _line(plural, kind_in_paths(paths, group, version, plural), kinds) for plural in _plurals(paths, group, version)
    ]
    names = [*places]
    if None in resources or not all(map(_is_plain, names)):
        return None
    return {
        GROUP_VERSION: [group, version],
        RESOURCES: [line for line in resources if line],
        NAMES: names,
        PLACES: [*places.values()],
    }


def _plurals(paths: dict[str, Any], group: str, version: str) -> list[str]:
    """What may be the plural of a resource in the paths of a group version."""
    prefix = f"/apis/{group}/{version}/" if group else f"/api/{version}/"
    parts = [path[len(prefix) :].split("/") for path in paths if path.startswith(prefix)]
    below = [each[2] for each in parts if len(each) > 2 and each[:2] == ["namespaces", "{namespace}"]]
    return sorted({*below, *(each[0] for each in parts)})


def _line(plural: str, kind: dict[str, Any], kinds: dict[str, list[Any]]) -> str | None:
    """The line of a resource; "" if the document has no kind of it, None if it cannot be written so."""
    if not kind:
        return ""
    if kind.keys() != {"group", "version", "kind"}:
        return None
    name = name_of_kind(kinds.items(), kind)
    fields = [plural, kind["group"], kind["version"], kind["kind"], name or ""]
    return "\t".join(fields) if name != "" and all(map(_is_plain, fields)) else None


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()
