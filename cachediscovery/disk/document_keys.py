"""Which documents a cluster's folder may have, according to its listing."""

from __future__ import annotations

import os

from .layout import GROUPS_FILE, RESOURCES_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def keys_below(folder: str) -> Iterator[str]:
    """The possible keys (`DocumentStore`) of the documents in `folder`, that of the groups first."""
    yield ""
    for first in _entries_of(folder)[0]:
        folders, names = _entries_of(os.path.join(folder, first))
        if GROUPS_FILE in names:
            # The folder of another cluster, whose URL is below this one's.
            continue
        if RESOURCES_FILE in names:
            yield first
        for second in folders:
            yield f"{first}/{second}"


def _entries_of(path: str) -> tuple[list[str], list[str]]:
    """The sorted names of the folders in a folder, and the names of everything in it."""
    folders: list[str] = []
    names: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                names.append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
    except OSError:
        return [], []
    return sorted(folders), names
