"""Which folders and files to believe: a cache that somebody else could write is no cache."""

from __future__ import annotations

import os
import stat

# Windows has neither owners nor modes in this sense: a profile's folders are its user's own.
HAS_OWNERS = hasattr(os, "geteuid")
# The largest prime below 2**30, which is a digit of Python's integers: dividing by it takes one pass.
_PRIME = 1073741789


def distrust_of_folder(path: str) -> str:
    """Why the folder `path` is not to be trusted, in words; "" if it is, or does not exist yet."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        return f"{path} cannot be looked at ({error})"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is not a folder"
    if not HAS_OWNERS:
        return ""
    if found.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to another user"
    if found.st_mode & stat.S_IWOTH:
        return f"{path} can be written by everybody"
    if found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid():
        return f"{path} can be written by another group"
    return ""


def distrust_of_cluster(root: str, folder: str) -> str:
    """Why a cluster's `folder`, `root` or a folder between them is not to be trusted; "" if all of them are."""
    folders = [folder]
    while len(folders[-1]) > len(root):
        folders.append(os.path.dirname(folders[-1]))
    return next(filter(None, map(distrust_of_folder, reversed(folders))), "")


def is_trusted_file(found: os.stat_result) -> bool:
    """Whether an open file is a regular one that this user, or root, wrote."""
    if not stat.S_ISREG(found.st_mode):
        return False
    return not HAS_OWNERS or found.st_uid in (os.geteuid(), 0)


def checksum_of(data: bytes) -> str:
    """Eight digits that differ for data that was torn or changed by accident.

    As good as a CRC of 30 bits; `zlib` takes longer to load than a warm start takes to read its index.
    """
    return f"{int.from_bytes(data, 'little') % _PRIME:08x}"
