"""Making the index of a cluster that was just listed whole."""

from __future__ import annotations

import os

from .. import log
from .files import replace_file
from .index import INDEX_FILE, encode_index
from .store import GROUPS, DocumentStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..restmapper.mapping import RESTMapping
    from ..types import APIGroup
    from .files import Signature


def write_index(
    store: DocumentStore, signatures: Mapping[str, Signature], groups: list[APIGroup], mappings: Iterable[RESTMapping]
) -> bool:
    """Write the index of `mappings`, which come best first; whether it was written.

    `signatures` are the states of the files that they were made of, by key. There is no index of
    what is not all on disk, and a disk that cannot be written is no error.
    """
    keys = [GROUPS, *(str(version) for group in groups for version in group.group_versions)]
    if any(key not in signatures for key in keys):
        return False
    documents = [(os.path.relpath(store.path(key), store.folder), signatures[key]) for key in keys]
    rows = index_rows(mappings)
    data = encode_index(documents, rows, store.authority) if rows is not None else None
    if data is None:
        return False
    try:
        replace_file(os.path.join(store.folder, INDEX_FILE), data)
    except (OSError, ValueError) as error:
        log.debug("cannot write the index of %s: %s", store.folder, error)
        return False
    return True


def index_rows(mappings: Iterable[RESTMapping]) -> list[tuple[str, ...]] | None:
    """A line for each mapping; the last field tells those that `server_preferred_resources` lists.

    None where a word of a list holds what separates words: an honest server sends no such word.
    """
    rows = []
    listed: dict[tuple[str, str], str] = {}
    for mapping in mappings:
        words = (mapping.verbs, mapping.short_names, mapping.categories)
        texts = tuple(map(",".join, words))
        if tuple(tuple(text.split(",")) if text else () for text in texts) != words:
            return None
        # Best first: what is listed is the preferred version, or the first that has it.
        version = listed.setdefault((mapping.group, mapping.plural), mapping.version)
        names = (mapping.group, mapping.version, mapping.plural, mapping.singular, mapping.kind)
        namespaced = "true" if mapping.namespaced else "false"
        rows.append((*names, namespaced, *texts, "1" if version == mapping.version else ""))
    return rows
