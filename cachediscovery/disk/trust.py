"""Which folders and files to believe, and how to open them: a cache that somebody else could write is no cache."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO

# Windows has neither owners nor modes in this sense: a profile's folders are its user's own.
HAS_OWNERS = hasattr(os, "geteuid")
# POSIX only; elsewhere there is no link to follow, and no FIFO to hang on.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# The largest prime below 2**30, which is a digit of Python's integers: dividing by it takes one pass.
_PRIME = 1073741789


def open_trusted(path: str, flags: int = os.O_RDONLY) -> tuple[FileIO, os.stat_result]:
    """Open a file of the cache, and tell its state. Every file of the cache is opened here, new ones excepted.

    Raises `OSError` (or `ValueError`, for a path that cannot be one), also for a link, and for whatever else
    `is_trusted_file` does not take. The folders above are for the caller to judge.
    """
    descriptor = os.open(path, flags | _CAREFULLY, 0o600)
    try:
        found = os.fstat(descriptor)
        if is_trusted_file(found, path):
            return open(descriptor, "wb" if flags & os.O_WRONLY else "rb", buffering=0), found
        raise PermissionError(f"{path} is not a file that this user alone can write")
    except BaseException:
        os.close(descriptor)
        raise


def is_trusted_file(found: os.stat_result, path: str) -> bool:
    """Whether a file is a regular one that this user, or root, wrote, and nobody else could have written.

    kubectl lets the group write its files, but not the folders that they are in.
    """
    if not stat.S_ISREG(found.st_mode):
        return False
    if not HAS_OWNERS:
        return True
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & stat.S_IWOTH:
        return False
    if found.st_mode & stat.S_IWGRP:
        return found.st_gid == os.getegid() and not os.stat(os.path.dirname(path)).st_mode & stat.S_IWGRP
    return True


def distrust_of_path(root: str, path: str) -> str:
    """Why the folder `path`, the cache's `root` or a folder between them is not to be trusted, in words; else "".

    Folders that are not there yet are trusted, if the one that the root would be made in belongs to no other user.
    """
    return _distrust_of_root(root) or distrust_below(root, path)


def distrust_below(top: str, path: str) -> str:
    """The same of the folders below `top` down to `path`: unlike the root, none of them may be a link."""
    folders = []
    while len(path) > max(1, len(top)):
        folders.append(path)
        path = os.path.dirname(path)
    for folder in reversed(folders):
        try:
            found = os.lstat(folder)
        except FileNotFoundError:
            break
        except (OSError, ValueError) as error:
            return f"{folder} cannot be looked at ({error})"
        reason = _distrust_of_folder(folder, found)
        if reason:
            return reason
    return ""


def _distrust_of_root(root: str) -> str:
    try:
        found = os.lstat(root)
        if stat.S_ISLNK(found.st_mode):
            if _is_foreign(found):
                return f"{root} is another user's symbolic link"
            found = os.stat(root)
    except FileNotFoundError:
        return _distrust_of_place(root)
    except (OSError, ValueError) as error:
        return f"{root} cannot be looked at ({error})"
    return _distrust_of_folder(root, found)


def _distrust_of_place(root: str) -> str:
    """Why `root` is not to be made: in another user's home it would be in the way of that user."""
    above = os.path.dirname(root)
    while True:
        try:
            found = os.stat(above or os.curdir)
        except (OSError, ValueError):
            if above in ("", os.path.dirname(above)):
                return ""
            above = os.path.dirname(above)
        else:
            return f"{root} would be made in {above}, which belongs to another user" if _is_foreign(found) else ""


def _distrust_of_folder(path: str, found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return f"{path} is a symbolic link"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is not a folder"
    if _is_foreign(found):
        return f"{path} belongs to another user"
    if HAS_OWNERS and found.st_mode & stat.S_IWOTH:
        return f"{path} can be written by everybody"
    if HAS_OWNERS and found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid():
        return f"{path} can be written by another group"
    return ""


def _is_foreign(found: os.stat_result) -> bool:
    return HAS_OWNERS and found.st_uid not in (os.geteuid(), 0)


def checksum_of(data: bytes) -> str:
    """Eight digits that differ for data that was torn or changed by accident.

    As good as a CRC of 30 bits; `zlib` takes longer to load than a warm start takes to read its index.
    """
    return f"{int.from_bytes(data, 'little') % _PRIME:08x}"
