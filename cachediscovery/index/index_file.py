"""`Index`: a file of named sections, derived from a cluster's documents and checked against their files.

The index is valid only while each document's file is in the state that the index recorded. A document that kubectl has
rewritten, or that was removed, makes the index invalid. Losing it costs time, never correctness. It is text. Each
section has its own checksum, so that a reader reads and checks only what it needs, and imports nothing for it:

    cachediscovery index 4 CHECKSUM-OF-THE-LINES-BELOW
    authority TRUST-FINGERPRINT
    server URL
    NAME OFFSET LENGTH CHECKSUM
    …

    the sections, with one value on each line
"""

from __future__ import annotations

import os
import stat
import time

from ..disk.trust import checksum_of, distrust_of_path, open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from io import FileIO

    from ..disk.files import Signature

INDEX_FILE = ".cachediscovery.index"
_FORMAT = b"cachediscovery index 4"
_AUTHORITY, _SERVER = "authority", "server"
_PATHS, _STATES = "paths", "states"
_MAX_HEADER_BYTES = 4096
_MAX_SECTION_BYTES = 64 << 20
# Seconds by which a file may be dated in the future: network file systems have their own clocks.
_FUTURE = 5.0


class Index:
    """The requested sections, and the files that they were derived from. Made by `read_index`."""

    __slots__ = ("_newest", "_oldest", "_paths", "_sections", "_states", "folder")

    def __init__(self, folder: str, sections: Mapping[str, list[str]]) -> None:
        self.folder: str = folder
        self._sections = sections
        self._paths = sections[_PATHS]
        self._states = sections[_STATES]
        # The oldest and the newest document's modification time: nanoseconds since the epoch.
        self._oldest = self._newest = 0

    def column(self, name: str) -> list[str]:
        """The values of a section. Raises `KeyError` for a section that was not requested."""
        return self._sections[name]

    def holds(self) -> bool:
        """Whether every document's file is in the state that the index recorded."""
        if not _lead_below(self._paths):
            return False
        folder, lstat, is_regular = self.folder + os.sep, os.lstat, stat.S_ISREG
        times = []
        try:
            for path, state in zip(self._paths, self._states, strict=True):
                found = lstat(folder + path)
                mtime = found.st_mtime_ns
                # A `Signature` as text.
                if f"{mtime} {found.st_ctime_ns} {found.st_size} {found.st_ino}" != state:
                    return False
                if not is_regular(found.st_mode):
                    return False
                times.append(mtime)
        except (OSError, ValueError):
            return False
        if not times:
            return False
        self._oldest, self._newest = min(times), max(times)
        return True

    def is_within(self, seconds: float) -> bool:
        """Whether no document was older than `seconds`, or dated in the future, when `holds` checked the files."""
        now = time.time()
        return now - self._oldest / 1e9 < seconds and self._newest / 1e9 <= now + _FUTURE

    def paths(self) -> list[str]:
        """The path of each document's file below the cluster's folder."""
        return self._paths

    def documents(self) -> list[tuple[str, tuple[int, ...]]]:
        """The path of each document's file below the cluster's folder, and the fields of its `Signature`."""
        return [
            (path, tuple(map(int, state.split(" ")))) for path, state in zip(self._paths, self._states, strict=True)
        ]


def read_index(
    root: str, folder: str, names: Iterable[str], trust_fingerprint: str = "", server: str = "", file: str = INDEX_FILE
) -> Index | None:
    """Read the index of the documents in `folder` with the sections `names`; None if there is no valid one.

    An index made for another `trust_fingerprint` (`Cluster.trust_fingerprint`) or `server` (`Cluster.url`) is not
    valid. The caller checks the age of the documents with `Index.is_within`.
    """
    try:
        opened, _ = open_trusted(os.path.join(folder, file))
        with opened:
            sections = _read_sections(opened, (_PATHS, _STATES, *names), trust_fingerprint, server)
            index = Index(folder, sections)
    except (OSError, ValueError, KeyError):
        return None
    return index if index.holds() and not distrust_of_path(root, folder) else None


def encode_index(
    documents: Sequence[tuple[str, Signature]],
    sections: Mapping[str, Sequence[str]],
    trust_fingerprint: str = "",
    server: str = "",
) -> bytes | None:
    """Encode an index of `documents` (path below the cluster's folder, state); None if a value has line ends."""
    named = {
        _PATHS: [path for path, _ in documents],
        _STATES: [" ".join(map(str, signature)) for _, signature in documents],
        **sections,
    }
    lines = [f"{_AUTHORITY} {trust_fingerprint}", f"{_SERVER} {server}"]
    encoded: list[bytes] = []
    offset = _MAX_HEADER_BYTES
    for name, values in named.items():
        text = "".join([f"{value}\n" for value in values])
        if text.count("\n") != len(values):
            return None
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return None
        lines.append(f"{name} {offset} {len(data)} {checksum_of(data)}")
        encoded.append(data)
        offset += len(data)
    table = "\n".join([*lines, "", ""]).encode("utf-8", "replace")
    header = b"%s %s\n%s" % (_FORMAT, checksum_of(table).encode(), table)
    return b"".join([header.ljust(_MAX_HEADER_BYTES), *encoded]) if len(header) <= _MAX_HEADER_BYTES else None


def _lead_below(paths: list[str]) -> bool:
    """Whether all `paths` lead below the folder that they start from."""
    parts = f"/{'/'.join(paths)}/".replace(os.sep, "/")
    return not any(part in parts for part in ("//", "/./", "/../"))


def _read_sections(file: FileIO, names: Sequence[str], trust_fingerprint: str, server: str) -> dict[str, list[str]]:
    """Read the sections `names` of an open index. Raises `OSError`, `ValueError` or `KeyError` if it is broken."""
    first, _, rest = file.read(_MAX_HEADER_BYTES).partition(b"\n")
    lines, end, _ = rest.partition(b"\n\n")
    table = lines + end
    if first != b"%s %s" % (_FORMAT, checksum_of(table).encode()):
        raise ValueError("not an index of this format, or a torn one")
    made_with, made_for, *entries = table.decode().rstrip("\n").split("\n")
    if trust_fingerprint and made_with != f"{_AUTHORITY} {trust_fingerprint}":
        raise ValueError("of another trust fingerprint")
    if server and made_for not in (f"{_SERVER} {server}", f"{_SERVER} "):
        raise ValueError("of another server")
    places = {name: place for name, _, place in (entry.partition(" ") for entry in entries)}
    sections = {}
    for name in names:
        offset, length, checksum = places[name].split(" ")
        if not 0 <= int(length) <= _MAX_SECTION_BYTES:
            raise ValueError("too large")
        file.seek(int(offset))
        data = file.read(int(length))
        if checksum_of(data) != checksum:
            raise ValueError("torn")
        sections[name] = data.decode().split("\n")[:-1]
    return sections
