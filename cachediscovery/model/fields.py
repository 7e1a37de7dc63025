"""Typed fields of parsed JSON, by Go's rules: `null` or absent is the zero value, another type is an error."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class MalformedDocument(ValueError):
    """Parsed JSON is not the expected document; the message says where it differs."""


def get_str(source: Mapping[str, Any], key: str) -> str:
    """The string under `key`; "" if absent."""
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedDocument(f"{key!r} is not a string")
    return value


def get_bool(source: Mapping[str, Any], key: str) -> bool:
    """The boolean under `key`; false if absent."""
    value = source.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise MalformedDocument(f"{key!r} is not true or false")
    return value


def get_strs(source: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The strings of the list under `key`; none if absent."""
    value = source.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedDocument(f"{key!r} is not a list")
    for item in value:
        if not isinstance(item, str):
            raise MalformedDocument(f"{key!r} has an entry that is not a string")
    return tuple(value)


def get_object(source: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under `key`; an empty one if absent."""
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedDocument(f"{key!r} is not an object")
    return value


def get_objects(source: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of the list under `key`; none if absent."""
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedDocument(f"{key!r} is not a list")
    for item in value:
        if not isinstance(item, dict):
            raise MalformedDocument(f"{key!r} has an entry that is not an object")
    return value


def base64_data(source: Mapping[str, Any], key: str) -> bytes:
    """The bytes of a base64 field, such as a kubeconfig's fields that end in `-data`; b"" if absent."""
    encoded = "".join(get_str(source, key).split())
    if not encoded:
        return b""
    import base64
    import binascii

    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedDocument(f"{key!r} is not base64") from error


def without_lone_surrogates(value: Any, data: bytes) -> Any:
    """`value`, parsed from `data`, with U+FFFD for lone surrogates, which are legal in JSON (`\\ud800`), as in Go."""
    # Most documents have none, and looking for them in the bytes is fast.
    return _without_lone_surrogates(value) if b"\\ud" in data or b"\\uD" in data else value


def _without_lone_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
    return value
