"""The OpenAPI documents in kubectl's folder `http/`, read without a client and with next to no imports.

For two clusters that share a URL nothing is found here: their documents are in their own folders.
"""

from __future__ import annotations

import os
import time

from ..disk.response_file import FOLDER, OPENAPI, ResponseHead, parse_response, read_head, response_path
from ..disk.trust import distrust_of_path, open_trusted
from .server_relative_url import request_url

# Seconds by which a file may be dated in the future: network file systems have their own clocks.
_FUTURE = 5.0
_MAX_BYTES = 64 << 20


class StoredBody:
    """The body of a stored response: `size` bytes at offset `at` of the file `path`.

    `state` is the file's when its head was read: the fields of a `Signature`. Its checksum is not verified.
    """

    __slots__ = ("at", "path", "size", "state")

    def __init__(self, path: str, head: ResponseHead) -> None:
        self.path: str = path
        self.at: int = head.at
        self.size: int = head.size
        self.state: tuple[int, int, int, int] = head.state


def stored_index(root: str, server: str, ttl: float) -> bytes | None:
    """The JSON of the index of `server`, if it was stored below the cache's `root` in the last `ttl` seconds.

    Its URLs are as received: `server_relative_url` reads them.
    """
    path = _path(root, server, OPENAPI)
    try:
        age = time.time() - os.lstat(path).st_mtime if path else ttl
    except (OSError, ValueError):
        return None
    return _body_of(path) if -_FUTURE <= age < ttl else None


def stored_document(root: str, server: str, server_relative_url: str) -> StoredBody | None:
    """Where the document at a URL of the index is stored; None if it is not, or not in one piece."""
    path = _path(root, server, server_relative_url)
    head = read_head(path) if path else None
    if head is None or "protobuf" in head.headers.get("content-type", ""):
        return None
    return StoredBody(path, head)


def stored_bytes(root: str, server: str, server_relative_url: str) -> bytes | None:
    """The whole body of that document, its checksum verified; None if it is not stored."""
    path = _path(root, server, server_relative_url)
    return _body_of(path) if path else None


def _path(root: str, server: str, relative: str) -> str:
    """The file of a response; "" if its folder is not trusted."""
    if distrust_of_path(root, os.path.join(root, FOLDER)):
        return ""
    return response_path(root, request_url(server, relative))


def _body_of(path: str) -> bytes | None:
    try:
        file, found = open_trusted(path)
        with file:
            data = file.readall() if found.st_size <= _MAX_BYTES else b""
    except (OSError, ValueError):
        return None
    parsed = parse_response(data)
    return parsed[1] if parsed is not None else None
