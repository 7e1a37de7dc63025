"""Reads the manifests that `-f` names: files, folders, standard input; YAML or JSON, several in one, and lists."""

from __future__ import annotations

import os
import sys

from ..config.yaml_reader import read_yaml_documents
from ..model.fields import MalformedDocument
from ..model.json_scanner import skip_spaces
from ..model.redact import one_line
from .flags import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

# kubectl reads the files of a folder that have these endings.
_ENDINGS = (".json", ".yaml", ".yml")
_LIST = "List"


def manifests_in(paths: Sequence[str], on_error: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """Each object of the files, with its file and line. `on_error` is called for a file that cannot be read."""
    for path in paths:
        for file in _files(path, on_error):
            name = "standard input" if file == "-" else file
            is_empty = True
            try:
                for line, document in _documents(_read(file)):
                    is_empty = False
                    for item in _unfolded(document):
                        yield f"{name}:{line}", item
            except (MalformedDocument, OSError) as error:
                on_error(_problem(name, error))
            else:
                if is_empty:
                    on_error(f"{name}: no manifest is in it")


def _files(path: str, on_error: Callable[[str], None]) -> list[str]:
    if path.startswith(("http://", "https://")):
        raise UsageError(f"-f takes files, not URLs: curl -sSf {path} | cachediscovery resolve -f -")
    if path == "-" or not os.path.isdir(path):
        return [path]
    try:
        return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(_ENDINGS)]
    except OSError as error:
        on_error(_problem(path, error))
        return []


def _problem(name: str, error: MalformedDocument | OSError) -> str:
    return f"{name}: {error.strerror if isinstance(error, OSError) else error}"


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read() if sys.stdin is not None else b""
    with open(path, "rb") as file:
        return file.read()


def _documents(data: bytes) -> Iterator[tuple[int, Any]]:
    """The documents that are not empty, each with its first line. Raises `MalformedDocument`."""
    documents = read_yaml_documents(data)
    if data.lstrip()[:1] in (b"{", b"["):
        # Not all JSON is YAML: tabs, and objects one after another. Not all that begins with a brace is JSON.
        try:
            documents = iter([*_json_documents(data)])
        except MalformedDocument as error:
            try:
                documents = iter([*documents])
            except MalformedDocument:
                raise error from None
    return ((line, document) for line, document in documents if document is not None)


def _json_documents(data: bytes) -> Iterator[tuple[int, Any]]:
    import json

    decoder = json.JSONDecoder()
    try:
        text = data.decode()
        line, end, at = 1, 0, skip_spaces(text, 0)
        while at < len(text):
            line += text.count("\n", end, at)
            document, end = decoder.raw_decode(text, at)
            yield line, document
            line += text.count("\n", at, end)
            at = skip_spaces(text, end)
    except json.JSONDecodeError as error:
        raise MalformedDocument(f"not JSON: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError) as error:
        raise MalformedDocument(f"not JSON: {one_line(error)}") from None


def _unfolded(document: Any) -> Iterator[Any]:
    """The items of a list, which may be lists; any other object as it is."""
    items = document.get("items") if isinstance(document, dict) else None
    kind = document.get("kind") if isinstance(document, dict) else None
    if not (isinstance(items, list) and isinstance(kind, str) and kind.endswith(_LIST)):
        yield document
        return
    # As in kubectl: the items of a `PodList` may lack what the list says of them.
    known = {"apiVersion": document.get("apiVersion"), "kind": kind.removesuffix(_LIST)} if kind != _LIST else {}
    for item in items:
        yield from _unfolded({**known, **item} if isinstance(item, dict) else item)
