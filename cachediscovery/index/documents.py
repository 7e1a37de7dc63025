"""The documents as sections of the index: all groups and all resources, including subresources.

The documents read from the index equal those read from their own files, in every field.
"""

from __future__ import annotations

import os

from .. import _log as log
from ..disk.document_store import GROUPS, DocumentStore
from ..disk.files import Signature
from ..model.discovery_result import DiscoveryResult
from ..model.group_version import GroupVersion
from ..model.types import APIGroup, APIGroupList, APIResource, APIResourceList, GroupVersionForDiscovery
from ..model.types import ServerAddressByClientCIDR as Address
from .search import FALSE, GROUP_VERSIONS, RESOURCE, TRUE, read_index_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .index_file import Index

# One group on each line: name, versions, preferred version and addresses.
_GROUPS, _VERSIONS, _PREFERRED, _ADDRESSES = "groups", "versions", "preferred-versions", "group-addresses"
# The number of resources in each resource list.
_SIZES = "list-sizes"
# One section for each field of `APIResource`, by position, with one resource on each line, list after list.
_RESOURCES = tuple(f"{RESOURCE}{field.replace('_', '-')}" for field in APIResource._fields)
_ENCODED = frozenset(("namespaced", "verbs", "short_names", "categories"))
SECTIONS = (_GROUPS, _VERSIONS, _PREFERRED, _ADDRESSES, GROUP_VERSIONS, _SIZES, *_RESOURCES)


def document_sections(found: DiscoveryResult) -> dict[str, list[str]] | None:
    """Encode documents as sections; None if they could not be decoded again."""
    groups, resources, _ = found
    flat = [resource for resource_list in resources.values() for resource in resource_list.resources]
    columns = [list(column) for column in zip(*flat, strict=True)] or [[] for _ in _RESOURCES]
    try:
        sections = {
            _GROUPS: [group.name for group in groups.groups],
            _VERSIONS: [_pairs(group.versions) for group in groups.groups],
            _PREFERRED: [_pairs([group.preferred_version]) for group in groups.groups],
            _ADDRESSES: [_pairs(group.server_address_by_client_cidrs) for group in groups.groups],
            GROUP_VERSIONS: [resource_list.group_version for resource_list in resources.values()],
            _SIZES: [str(len(resource_list.resources)) for resource_list in resources.values()],
        }
        texts = _Texts()
        for name, field, column in zip(_RESOURCES, APIResource._fields, columns, strict=True):
            sections[name] = [texts[value] for value in column] if field in _ENCODED else column
    except ValueError:
        return None
    # Two group versions with the same text would be decoded as one.
    return sections if len(set(sections[GROUP_VERSIONS])) == len(resources) else None


def documents_of(index: Index) -> DiscoveryResult:
    """Decode the groups, and the resources of each group version. `index` must have all `SECTIONS`.

    Raises `ValueError`, `KeyError`, `IndexError` or `TypeError` for invalid contents.
    """
    return _documents_from({name: index.column(name) for name in SECTIONS})


def whole_documents_of(index: Index) -> DiscoveryResult:
    """Like `documents_of`, but raises `ValueError` also unless the index has exactly the documents of its groups."""
    found = documents_of(index)
    if found.resources.keys() != {*found.groups.group_versions} or len({*index.paths()}) != len(found.resources) + 1:
        raise ValueError("documents are missing")
    return found


def _documents_from(sections: Mapping[str, list[str]]) -> DiscoveryResult:
    words = _Words()
    decoders: dict[str, Mapping[str, Any]] = {
        **dict.fromkeys(_ENCODED, words),
        "namespaced": {TRUE: True, FALSE: False},
    }
    columns: list[Iterable[object]] = []
    for name, field in zip(_RESOURCES, APIResource._fields, strict=True):
        decoder = decoders.get(field)
        columns.append(sections[name] if decoder is None else map(decoder.__getitem__, sections[name]))
    resources = list(map(APIResource._make, zip(*columns, strict=True)))
    lists: dict[GroupVersion, APIResourceList] = {}
    at = 0
    sizes = list(map(int, sections[_SIZES]))
    if sum(sizes) != len(resources) or min(sizes, default=0) < 0:
        raise ValueError("the lists have another number of resources")
    for group_version, size in zip(sections[GROUP_VERSIONS], sizes, strict=True):
        lists[GroupVersion.parse(group_version)] = APIResourceList(group_version, tuple(resources[at : at + size]))
        at += size
    groups = []
    for name, versions, preferred, addresses in zip(
        *(sections[name] for name in (_GROUPS, _VERSIONS, _PREFERRED, _ADDRESSES)), strict=True
    ):
        made = tuple(GroupVersionForDiscovery(*pair) for pair in _pairs_from(versions))
        found = tuple(Address(*pair) for pair in _pairs_from(addresses))
        groups.append(APIGroup(name, made, GroupVersionForDiscovery(*_pairs_from(preferred)[0]), found))
    return DiscoveryResult(APIGroupList(tuple(groups)), lists)


class _Words(dict[str, tuple[str, ...]]):
    """Lists of words by their text, shared because most resources have the same few lists."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        words = self[text] = tuple(text.split(",")) if text else ()
        return words


class _Texts(dict[object, str]):
    """The texts of flags and of lists of words. Raises `ValueError` for words that could not be decoded again."""

    def __missing__(self, value: Any) -> str:
        if isinstance(value, bool):
            text = TRUE if value else FALSE
        else:
            text = ",".join(value)
            if value != (tuple(text.split(",")) if text else ()):
                raise ValueError("a word is empty, or has a comma")
        self[value] = text
        return text


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Encode pairs as text. Raises `ValueError` for pairs that could not be decoded again."""
    text = "\t".join([f"{one} {other}" for one, other in pairs])
    if _pairs_from(text) != [tuple(pair) for pair in pairs]:
        raise ValueError("a name has white space")
    return text


def _pairs_from(text: str) -> list[tuple[str, str]]:
    pairs = (pair.partition(" ") for pair in text.split("\t")) if text else ()
    return [(one, other) for one, _, other in pairs]


def read_documents(store: DocumentStore | None, seconds: float) -> dict[str, tuple[Any, Signature]]:
    """Read all documents, with the states of their files, from the index, by key; empty without a valid index."""
    index = read_index_of(store, SECTIONS, seconds)
    if index is None or store is None:
        return {}
    below = len(store.folder) + len(os.sep)
    try:
        found = whole_documents_of(index)
        signatures = {path: Signature(*fields) for path, fields in index.documents()}
        documents: dict[str, Any] = {GROUPS: found._replace(resources={})}
        documents.update((str(key), value) for key, value in found.resources.items())
        return {key: (value, signatures[store.path(key)[below:]]) for key, value in documents.items()}
    except (ValueError, LookupError, TypeError) as error:
        log.debug("cache miss: the index of %s: %r", store.folder, error)
        return {}
