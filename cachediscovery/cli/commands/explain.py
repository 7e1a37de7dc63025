"""`explain`: prints the same bytes as kubectl's, from cached documents."""

from __future__ import annotations

from ... import _log as log
from ...model.fields import MalformedDocument
from ...openapi.explain.errors import ExplainError, NotInDocument
from ...openapi.explain.field_path import parse_path
from ...openapi.explain.go_text import printed
from ...openapi.explain.nodes import first_name
from ...openapi.explain.text import explanation, header
from ...openapi.explain.walk import find_field
from ...restmapper.explain_rules import SECTIONS, NoResource, Resources, described
from ..flags import Parsed, UsageError
from ..openapi_documents import OpenAPIDocuments
from ..output import fail_verbatim, warn, without_control_characters, write
from ..session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...restmapper.explain_rules import Resource

_PLAIN, _JSON, _OLD = "plaintext", "json", "plaintext-openapiv2"
_MAX_INT = 2**63 - 1


class _Options:
    """What the flags say."""

    def __init__(self, parsed: Parsed) -> None:
        """Check flags and argument, as kubectl does before any request. Raises `ExplainError` or `UsageError`."""
        self.max_depth = _integer("max-depth", parsed.text("max-depth", "0"))
        if not parsed.arguments:
            raise ExplainError(
                "You must specify the type of resource to explain. "
                'Use "kubectl api-resources" for a complete list of supported resources.'
            )
        if len(parsed.arguments) > 1:
            raise ExplainError("We accept only this format: explain RESOURCE")
        self.recursive = parsed.flag("recursive")
        if self.max_depth > 0 and not self.recursive:
            raise ExplainError("--max-depth requires --recursive")
        if self.max_depth < 0:
            raise ExplainError("--max-depth must be non-negative")
        self.output = parsed.text("output", _PLAIN)
        if self.output == _OLD:
            raise UsageError(f"--output={_OLD} is not supported, {_PLAIN} is the same from OpenAPI v3")
        self.api_version = parsed.text("api-version")
        self.argument = parsed.arguments[0]
        first_name(parse_path(self.argument))


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    session, documents = Session(parsed, asks=parsed.flag("refresh")), None
    try:
        options = _Options(parsed)
        resource, path = _found(session, options)
        documents = OpenAPIDocuments(session)
        write(without_control_characters(_text(documents, resource, path, options)))
        code = 0
    except ExplainError as error:
        write(error.printed)
        fail_verbatim(f"{error.prefix}{error}")
        code = 1
    finally:
        if documents is not None:
            documents.close()
    if documents is not None:
        documents.finish()
        session.finish()
    return code


def _found(session: Session, options: _Options) -> tuple[Resource, list[str]]:
    """The resource and the field path in the argument. After a miss the server is asked once."""

    def look(resources: Resources) -> tuple[Resource, list[str]]:
        if options.api_version:
            return resources.explained_as(options.argument, options.api_version)
        return resources.explained(options.argument)

    index = None if session.asks else session.index(SECTIONS)
    if index is not None:
        try:
            return look(Resources.of_index(index, warn))
        except NoResource as error:
            log.debug("cache miss: %s", error)
        session.connect()
        session.client.invalidate_locally()
    from ..explained_resources import discovered

    return discovered(session, look)


def _text(documents: OpenAPIDocuments, resource: Resource, path: list[str], options: _Options) -> str:
    """What is printed. If a cached document lacks it, the server is asked for a newer one."""
    try:
        return _text_from(documents, resource, path, options)
    except NotInDocument as missing:
        from ...model.errors import DiscoveryError

        try:
            if documents.renew():
                return _text_from(documents, resource, path, options)
        except DiscoveryError as error:
            log.debug("there is no newer document: %s", error)
        raise missing from None


def _text_from(documents: OpenAPIDocuments, resource: Resource, path: list[str], options: _Options) -> str:
    group, version, _ = resource
    try:
        document = documents.document(group, version)
        if document is None:
            raise NotInDocument(f'couldn\'t find resource for "{described(resource)}"')
        if options.output not in (_PLAIN, _JSON):
            raise ExplainError(f"unrecognized format: {options.output}")
        kind = document.kind_of(*resource)
        if not kind:
            raise NotInDocument(f"GVR ({described(resource)}) not found in OpenAPI schema")
        head = header(kind) if options.output == _PLAIN else ""
        schema = document.schema_of(kind)
        if schema is None:
            raise NotInDocument(f"GVK {printed(kind)} not found in OpenAPI schema", head)
        field = find_field(document, schema, path) if path else None
        if path and field is None:
            raise NotInDocument(f'field "{path[-1]}" does not exist', head)
        recursive, max_depth = options.recursive, options.max_depth
        if options.output == _PLAIN:
            return head + explanation(document, schema, field, recursive=recursive, max_depth=max_depth)
        from ...openapi.explain.json_form import json_form
        from ..json_text import json_text

        form = json_form(document, kind, schema, path, field, recursive=recursive, max_depth=max_depth)
        return json_text(form, 2) + "\n"
    except (MalformedDocument, RecursionError) as error:
        from ...model.errors import DiscoveryError

        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        name = f"{group}/{version}" if group else version
        raise DiscoveryError(f"the OpenAPI document of {name} cannot be explained: {reason}") from error


def _integer(flag: str, text: str) -> int:
    """An integer in Go's notation. Raises `UsageError`."""
    digits = text.lstrip("+-")
    try:
        if len(text) - len(digits) > 1 or not digits.isascii() or digits.strip() != digits:
            raise ValueError
        # Go reads a leading zero as octal.
        is_octal = digits[:1] == "0" and digits.replace("_", "").isdecimal()
        value = int(text, 8 if is_octal else 0)
    except ValueError:
        problem = "invalid syntax"
    else:
        if -_MAX_INT - 1 <= value <= _MAX_INT:
            return value
        problem = "value out of range"
    raise UsageError(
        f'invalid argument "{text[:40]}" for "--{flag}" flag: strconv.ParseInt: parsing "{text[:40]}": {problem}'
    )
