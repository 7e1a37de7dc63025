"""Documents on disk with their tables, which are in a file beside the stored response.

That file is derived, and bound to one state of the response's file: an index (`index.index_file`) of one document.
Losing it costs time only.
"""

from __future__ import annotations

import os

from ... import _log as log
from ...disk.trust import open_trusted
from ...index.index_file import encode_index, read_index
from .document import Document
from .indexed_document import IndexedDocument
from .tables import GROUP_VERSION, TABLES, tables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..stored import StoredBody
    from .tables import Tables

# What follows the name of a response's file in that of its tables.
SUFFIX = ".cachediscovery"
# The section with the offset and the length of the document in the response's file.
_BODY = "body"


def read_stored(root: str, path: str, group: str, version: str) -> Document | None:
    """The document in the response's file `path` below the cache's `root`; None without its tables."""
    folder, name = os.path.split(path)
    index = read_index(root, folder, (_BODY, *TABLES), file=f"{name}{SUFFIX}")
    try:
        if index is None or index.column(GROUP_VERSION) != [group, version]:
            return None
        begin, size = map(int, index.column(_BODY)[0].split(" "))
        file, found = open_trusted(path)
        # `read_index` has looked at the path, and this is the file that was opened.
        if index.documents() != [(name, (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino))]:
            file.close()
            return None

        def read(offset: int, length: int) -> bytes:
            file.seek(begin + offset)
            return file.read(length)

        tables = {each: index.column(each) for each in TABLES}
        return IndexedDocument(tables, read, lambda: read(0, size), file.close)
    except (OSError, ValueError, LookupError) as error:
        log.debug("cache miss: the tables of %s: %s", path, error)
        return None


def document_of(body: bytes, group: str, version: str) -> tuple[Document, Tables | None]:
    """The document of a group version, and its tables if it can have them. Raises `MalformedDocument`."""
    tables = tables_of(body, group, version)
    if tables is None:
        from ...model.documents import parse_object

        return Document(parse_object(body)), None
    return IndexedDocument(tables, lambda offset, length: body[offset : offset + length], lambda: body), tables


def write_tables(stored: StoredBody, body: bytes, tables: Tables) -> bool:
    """Write the tables of `body` beside the response that `stored` says holds it; whether they were written."""
    from ...disk.files import Signature, read_part, replace_file, signature_of

    if read_part(stored.path, stored.at, stored.size + 1) != body or signature_of(stored.path) != stored.state:
        return False
    sections = {_BODY: [f"{stored.at} {stored.size}"], **tables}
    data = encode_index([(os.path.basename(stored.path), Signature(*stored.state))], sections)
    if data is None:
        return False
    try:
        # A killed writer's file is removed like that of a response.
        replace_file(f"{stored.path}{SUFFIX}", data, temporary=stored.path)
    except (OSError, ValueError) as error:
        log.debug("cannot write the tables of %s: %s", stored.path, error)
        return False
    return True
