"""Writes the index of a cluster whose documents are all on disk."""

from __future__ import annotations

import os

from .. import _log as log
from ..disk.document_store import GROUPS, DocumentStore
from ..disk.files import replace_file
from .documents import SECTIONS, document_sections, whole_documents_of
from .index_file import INDEX_FILE, encode_index
from .search import COLUMNS, is_sound, read_sound_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..disk.files import Signature
    from ..model.discovery_result import DiscoveryResult
    from .search import Row


def has_index(store: DocumentStore) -> bool:
    """Whether the index is valid in all its sections: a reader of some sections cannot judge the others."""
    index = read_sound_index(store.root, store.folder, (*COLUMNS, *SECTIONS), store.trust_fingerprint, store.server)
    try:
        return index is not None and bool(whole_documents_of(index))
    except (ValueError, LookupError, TypeError):
        return False


def write_index(
    store: DocumentStore,
    signatures: Mapping[str, Signature],
    found: DiscoveryResult,
    rows: Sequence[Row],
) -> bool:
    """Write the index of these documents; whether it was written. `rows` is their resource table in listing order.

    `signatures` are the states of the files that hold the same documents, by key. Without all of them no index is
    written. A disk that cannot be written is not an error.
    """
    keys = [GROUPS, *map(str, found.groups.group_versions)]
    sections = document_sections(found) if all(key in signatures for key in keys) else None
    if sections is None:
        return False
    below = len(store.folder) + len(os.sep)
    documents = [(store.path(key)[below:], signatures[key]) for key in keys]
    columns = {name: [row[position] for row in rows] for position, name in enumerate(COLUMNS)}
    sections.update(columns)
    data = encode_index(documents, sections, store.trust_fingerprint, store.server)
    if data is None or not is_sound([path for path, _ in documents], sections):
        return False
    try:
        replace_file(os.path.join(store.folder, INDEX_FILE), data)
    except (OSError, ValueError) as error:
        log.debug("cannot write the index of %s: %s", store.folder, error)
        return False
    return True
