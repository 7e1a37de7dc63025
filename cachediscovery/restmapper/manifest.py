"""What a manifest says of its object: the kind, the namespace and the name."""

from __future__ import annotations

from ..model.errors import InvalidGroupVersion, InvalidManifest
from ..model.group_version import GroupVersionKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def kind_of(manifest: Mapping[str, Any]) -> GroupVersionKind:
    """The kind in `apiVersion` and `kind`. Raises `InvalidManifest`, or `TypeError` if it is no mapping."""
    _check(manifest)
    kind, api_version = _required(manifest, "kind"), _required(manifest, "apiVersion")
    from ..model.names import parse_group_version

    try:
        return parse_group_version(api_version).with_kind(kind)
    except InvalidGroupVersion as error:
        raise InvalidManifest(f"not a manifest: apiVersion: {error}") from error


def address_of(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The namespace and the name in the metadata, "" for what is not there. Raises like `kind_of`."""
    _check(manifest)
    metadata = manifest.get("metadata")
    if metadata is None:
        return "", ""
    if not hasattr(metadata, "get"):
        raise InvalidManifest(f"not a manifest: metadata is {_type_of(metadata)}, not a mapping")
    return _text(metadata, "namespace", "metadata."), _text(metadata, "name", "metadata.")


def _check(manifest: Mapping[str, Any]) -> None:
    if not hasattr(manifest, "get"):
        raise TypeError(f"manifest takes a mapping such as a dict, not {type(manifest).__name__}")


def _required(manifest: Mapping[str, Any], key: str) -> str:
    found = _text(manifest, key)
    if not found:
        raise InvalidManifest(f"not a manifest: {key} is missing")
    return found


def _text(source: Mapping[str, Any], key: str, prefix: str = "") -> str:
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidManifest(f"not a manifest: {prefix}{key} is {_type_of(value)}, not a string")
    return value


def _type_of(value: object) -> str:
    """The type of a value in the words of JSON."""
    for kind, words in ((bool, "a boolean"), ((int, float), "a number"), (str, "a string"), ((list, tuple), "a list")):
        if isinstance(value, kind):
            return words
    return "a mapping" if hasattr(value, "get") else f"a {type(value).__name__}"
