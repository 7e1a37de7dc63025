"""The index: what all documents of a cluster say, in one file, for start-ups that count in milliseconds.

It is derived from the documents, and used only while each of them is in the state in which the index saw it:
a document that kubectl has rewritten, or that is gone, makes it void. Losing it costs time only. It is text, so
that reading it needs no import: a checksum, the state of every document, and a line for each resource.
"""

from __future__ import annotations

import os
import stat
import time
import zlib

from .trust import distrust_of_cluster, is_trusted_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from .files import Signature

    Row: TypeAlias = tuple[str, ...]

INDEX_FILE = ".cachediscovery.index"
_FORMAT = "cachediscovery index 2"
_MAX_BYTES = 64 << 20
_FUTURE_NS = 5_000_000_000

# The fields of a resource's line; the first five are as well those of a `RESTMapping`.
GROUP, VERSION, PLURAL, SINGULAR, KIND, NAMESPACED, VERBS, SHORT_NAMES, CATEGORIES, PREFERRED = range(10)


class Index:
    """An index that has been read. `lines` are in the order of the resources' priority, each ended by a newline."""

    __slots__ = ("_folder", "_states", "lines")

    def __init__(self, folder: str, states: str, lines: str) -> None:
        self._folder = folder
        self._states = states
        self.lines = lines

    def holds(self, ttl: float) -> bool:
        """Whether every document is as the index saw it, and of an age to be used; `ttl` is in seconds."""
        now = time.time_ns()
        oldest, newest = now - ttl * 1e9, now + _FUTURE_NS
        lstat, is_regular = os.lstat, stat.S_ISREG
        try:
            for line in self._states.split("\n"):
                path, mtime_ns, size, inode = line.split("\t")
                found = lstat(f"{self._folder}{os.sep}{path}")
                if (
                    found.st_mtime_ns != int(mtime_ns)
                    or found.st_ino != int(inode)
                    or found.st_size != int(size)
                    or not oldest < found.st_mtime_ns <= newest
                    or not is_regular(found.st_mode)
                ):
                    return False
        except (OSError, ValueError):
            return False
        return True


class IndexColumns:
    """The rows of an index by what stands in them, in their order. Of thousands of lines few are taken apart."""

    def __init__(self, lines: str) -> None:
        """`lines` are those of `Index.lines`."""
        self._lines = lines
        self._lowered = ""

    def __iter__(self) -> Iterator[Row]:
        """All rows."""
        return (_row(line) for line in self._lines.split("\n") if line)

    def by_name(self, name: str) -> list[Row]:
        """The rows with this plural or singular name."""
        return self._find(f"\t{name}\t", lambda row: name in (row[PLURAL], row[SINGULAR]))

    def by_short_name(self, name: str) -> list[Row]:
        return self._listing(name, SHORT_NAMES)

    def by_category(self, name: str) -> list[Row]:
        return self._listing(name, CATEGORIES)

    def by_kind(self, kind: str) -> list[Row]:
        """The rows with this kind, or, where `kind` is in lower case, with one that is spelled so in lower case."""
        if kind != kind.lower():
            return self._find(f"\t{kind}\t", lambda row: kind == row[KIND])
        lowered = self._lowered or self._lines.lower()
        self._lowered = lowered
        if len(lowered) != len(self._lines):
            # A letter that is longer in lower case: nothing is where it is in the lines.
            return [row for row in self if kind in (row[KIND], row[KIND].lower())] if kind else []
        return self._find(f"\t{kind}\t", lambda row: kind in (row[KIND], row[KIND].lower()), lowered)

    def _listing(self, name: str, column: int) -> list[Row]:
        return self._find(name, lambda row: name in row[column].split(","))

    def _find(self, text: str, fits: Callable[[Row], bool], searched: str = "") -> list[Row]:
        """The rows of the lines in which `text` stands, if they fit."""
        found = []
        searched = searched or self._lines
        at = searched.find(text) if text.strip("\t") and "\n" not in text else -1
        while at >= 0:
            start, end = searched.rfind("\n", 0, at) + 1, searched.find("\n", at)
            if end < 0:
                break
            row = _row(self._lines[start:end])
            if fits(row):
                found.append(row)
            at = searched.find(text, end)
        return found


def read_index(root: str, folder: str, ttl: float, authority: str = "") -> Index | None:
    """The index of the cluster in `folder`; None if there is none that holds.

    `ttl` is in seconds. An index made with another `authority` (`Cluster.authority`) does not hold.
    """
    data = _read(os.path.join(folder, INDEX_FILE))
    head, _, rest = data.partition(b"\n")
    if head != b"%s %08x" % (_FORMAT.encode(), zlib.crc32(rest)):
        return None
    states, _, lines = rest.partition(b"\n\n")
    made_with, _, states = states.partition(b"\n")
    if authority and made_with != authority.encode():
        return None
    index = Index(folder, states.decode("utf-8", "replace"), lines.decode("utf-8", "replace"))
    return index if index.holds(ttl) and not distrust_of_cluster(root, folder) else None


def encode_index(
    documents: Iterable[tuple[str, Signature]], rows: Iterable[Iterable[str]], authority: str = ""
) -> bytes | None:
    """The bytes of an index of `documents` (path below the cluster's folder, state) with the resources of `rows`.

    None if a field holds what separates fields: an honest server sends no such name.
    """
    states = [f"{path}\t{state.mtime_ns}\t{state.size}\t{state.inode}" for path, state in documents]
    lines = ["\t".join(row) for row in rows]
    text = "\n".join([authority or "-", *states, "", *lines, ""])
    if (
        any(line.count("\t") != PREFERRED or "\n" in line for line in lines)
        or not text.replace("\n", "").replace("\t", "").isprintable()
    ):
        return None
    rest = text.encode()
    return b"%s %08x\n" % (_FORMAT.encode(), zlib.crc32(rest)) + rest


def _read(path: str) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            return file.readall() if is_trusted_file(found) and found.st_size <= _MAX_BYTES else b""
    except (OSError, ValueError):
        return b""


def _row(line: str) -> Row:
    fields = tuple(line.split("\t"))
    assert len(fields) == PREFERRED + 1
    return fields
