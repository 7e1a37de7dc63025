"""`OpenAPIRoot`: the OpenAPI documents by group version, and the JSON Schema of a kind. client-go's `openapi3.Root`."""

from __future__ import annotations

# Not for type checkers alone: the types of a public record can be resolved. No warm start imports this module.
from typing import Any

from ..model.errors import GroupVersionNotFoundError, InvalidDocument, NoKindMatchError
from ..model.fields import MalformedDocument, get_object, get_str
from ..model.group_version import GroupVersion
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.group_version import GroupVersionKind
    from .documents import OpenAPIV3, OpenAPIV3GroupVersion

# The documents parsed for `schema_for` that are kept: a program asks for many kinds of few group versions.
_MAX_PARSED = 4


class OpenAPISpec(NamedTuple):
    """The parts of an OpenAPI v3 document that Kubernetes uses, checked to be there; in them is plain JSON.

    `openapi` is the version of OpenAPI. `schemas` are the schemas by name, from `components`.
    """

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    schemas: dict[str, Any]


class OpenAPIRoot:
    """Finds documents by group version. Safe for use by several threads. All methods raise `DiscoveryError`.

    It asks `client` on each call, which costs nothing with that of a `CachedDiscoveryClient`.
    """

    def __init__(self, client: OpenAPIV3) -> None:
        """Use the documents that a discovery client's `openapi_v3()` returned."""
        self._client = client
        self._parsed: dict[str, OpenAPISpec] = {}

    def group_versions(self) -> list[GroupVersion]:
        """The group versions that have a document, sorted by their text, such as `apps/v1` and `v1`."""
        index = self._client.index()
        found = [_group_version_of(path) for path in (index.urls if index is not None else ())]
        return sorted((item for item in found if item is not None), key=_text)

    def gv_spec(self, group_version: GroupVersion | str) -> OpenAPISpec:
        """The document of a group version. Raises `GroupVersionNotFoundError`."""
        found = self._find(group_version)
        return _spec_from(found.schema(), found.server_relative_url)

    def gv_spec_as_map(self, group_version: GroupVersion | str) -> dict[str, Any]:
        """The document of a group version as plain JSON. Raises `GroupVersionNotFoundError`."""
        return self._find(group_version).schema()

    def schema_for(self, kind: GroupVersionKind, *, inline: bool = False, strict: bool = False) -> dict[str, Any]:
        """The JSON Schema of a kind, in the 2020-12 dialect, as the package `jsonschema` takes it.

        Other schemas are in `$defs`, and found by `$ref`; with `inline` only those are that refer to themselves.
        Kubernetes' schemas allow unknown fields, which the API server drops: `strict` allows them only under
        `x-kubernetes-preserve-unknown-fields`, and in objects whose fields are not listed. Raises
        `GroupVersionNotFoundError`, or `NoKindMatchError`.
        """
        from .json_schema import JSONSchemas

        found = self._find(GroupVersion(kind.group, kind.version))
        url = found.server_relative_url
        spec = self._parsed.get(url)
        if spec is None:
            spec = _spec_from(found.schema(), url)
            kept = list(self._parsed.items())[1 - _MAX_PARSED :]
            self._parsed = {**dict(kept), url: spec}
        name = _schema_of(spec, kind)
        if not name:
            raise NoKindMatchError(f"no schema of the kind {kind.kind!r} in the OpenAPI document of {found.path}")
        try:
            return JSONSchemas(spec.schemas, strict=strict).schema(name, inline=inline)
        except MalformedDocument as error:
            raise InvalidDocument(url, f"{url} has no usable schema of {kind.kind!r}: {error}") from error

    def _find(self, group_version: GroupVersion | str) -> OpenAPIV3GroupVersion:
        wanted = GroupVersion.parse(group_version) if isinstance(group_version, str) else GroupVersion(*group_version)
        path = f"apis/{wanted.group}/{wanted.version}" if wanted.group else f"api/{wanted.version}"
        found = self._client.paths().get(path)
        if found is None and not self._client.fresh:
            # The index may be older than the group version.
            self._client.invalidate()
            found = self._client.paths().get(path)
        if found is None:
            raise GroupVersionNotFoundError(wanted)
        return found


def _group_version_of(path: str) -> GroupVersion | None:
    """The group version of a path of the index, by client-go's rules: parts after the version are ignored."""
    parts = path.split("/")
    if parts[0] == "apis" and len(parts) > 2:
        return GroupVersion(parts[1], parts[2])
    return GroupVersion("", parts[1]) if parts[0] == "api" and len(parts) > 1 else None


def _text(group_version: GroupVersion) -> bytes:
    group, version = group_version
    return (f"{group}/{version}" if group else version).encode("utf-8", "surrogatepass")


def _spec_from(document: dict[str, Any], url: str) -> OpenAPISpec:
    try:
        schemas = get_object(get_object(document, "components"), "schemas")
        return OpenAPISpec(
            get_str(document, "openapi"), get_object(document, "info"), get_object(document, "paths"), schemas
        )
    except MalformedDocument as error:
        raise InvalidDocument(url, f"{url} is not an OpenAPI document: {error}") from error


def _schema_of(spec: OpenAPISpec, kind: GroupVersionKind) -> str:
    """The name of the first schema, by name, that says it is of `kind`; "" if there is none."""
    wanted = kind._asdict()
    for name in sorted(spec.schemas):
        schema = spec.schemas[name]
        said = schema.get("x-kubernetes-group-version-kind") if isinstance(schema, dict) else None
        if isinstance(said, list) and wanted in said:
            return name
    return ""
