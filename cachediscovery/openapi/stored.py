"""The OpenAPI documents in kubectl's folder `http/`, read without a client and with next to no imports."""

from __future__ import annotations

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..disk.files import Signature


class StoredBody(NamedTuple):
    """The body of a stored response: `size` bytes at offset `at` of the file `path`, which was in state `signature`.

    Only the header was read: the checksum of the file is not verified.
    """

    path: str
    at: int
    size: int
    signature: Signature


def stored_index(root: str, server: str, ttl: float) -> bytes | None:
    """The JSON of the index of `server` (its URL), if it is stored below the cache's `root` for less than `ttl`."""
    raise NotImplementedError


def stored_document(root: str, server: str, server_relative_url: str) -> StoredBody | None:
    """Where the document at a URL of the index is stored; None if it is not."""
    raise NotImplementedError


def stored_bytes(root: str, server: str, server_relative_url: str) -> bytes | None:
    """The whole body of that document, its checksum verified; None if it is not stored."""
    raise NotImplementedError
