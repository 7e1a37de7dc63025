"""Making the index of a cluster that was just listed whole."""

from __future__ import annotations

import os

from .. import log
from .files import replace_file
from .index import INDEX_FILE, encode_index
from .store import GROUPS, DocumentStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..restmapper.mapping import RESTMapping
    from ..types import APIGroup
    from .files import Signature


def write_index(
    store: DocumentStore, signatures: Mapping[str, Signature], groups: list[APIGroup], mappings: Sequence[RESTMapping]
) -> bool:
    """Write the index of `mappings`, which come best first; whether it was written.

    `signatures` are the states of the files that they were made of, by key. There is no index of
    what is not all on disk, and a disk that cannot be written is no error.
    """
    keys = [GROUPS, *(str(version) for group in groups for version in group.group_versions)]
    if any(key not in signatures for key in keys):
        return False
    documents = [(os.path.relpath(store.path(key), store.folder), signatures[key]) for key in keys]
    preferred = {group.name: group.preferred_version.version for group in groups}
    data = encode_index(documents, index_rows(mappings, preferred), store.authority)
    if data is None:
        return False
    try:
        replace_file(os.path.join(store.folder, INDEX_FILE), data)
    except (OSError, ValueError) as error:
        log.debug("cannot write the index of %s: %s", store.folder, error)
        return False
    return True


def index_rows(mappings: Sequence[RESTMapping], preferred: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """A line for each mapping; the last field tells those that `server_preferred_resources` lists."""
    listed: dict[tuple[str, str], RESTMapping] = {}
    for mapping in mappings:
        key = (mapping.group, mapping.plural)
        if key not in listed or mapping.version == preferred.get(mapping.group):
            listed[key] = mapping
    for mapping in mappings:
        yield (
            mapping.group,
            mapping.version,
            mapping.plural,
            mapping.singular,
            mapping.kind,
            "true" if mapping.namespaced else "false",
            ",".join(mapping.verbs),
            ",".join(mapping.short_names),
            ",".join(mapping.categories),
            "1" if listed[mapping.group, mapping.plural] is mapping else "",
        )
