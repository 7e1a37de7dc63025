"""The URL paths of resources."""

from __future__ import annotations


def collection_path(group: str, version: str, plural: str, namespace: str = "") -> str:
    """The path of a collection, from the server's root; for all namespaces without a `namespace`."""
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{prefix}/namespaces/{quoted(namespace)}/{plural}" if namespace else f"{prefix}/{plural}"


def object_path(group: str, version: str, plural: str, namespace: str, name: str) -> str:
    """The path of an object; of its collection without a `name`."""
    path = collection_path(group, version, plural, namespace)
    return f"{path}/{quoted(name)}" if name else path


def quoted(name: str) -> str:
    """Quote a name as one segment of a path."""
    if name.isascii() and name.replace("-", "").isalnum():
        return name
    from urllib.parse import quote

    # An argument that is not UTF-8 keeps its bytes.
    return quote(name, safe="", errors="surrogateescape")
