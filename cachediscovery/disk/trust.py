"""Which folders and files to trust, and how to open them: a cache that another user can write is never used."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO

# Windows has no such owners and modes: a profile's folders belong to its user.
HAS_OWNERS = hasattr(os, "geteuid")
# POSIX only, to follow no link and hang on no FIFO; elsewhere neither is needed.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Set on a file that has an access control list with more entries than owner, group and others.
_ACL = "system.posix_acl_access"
# The largest prime below 2**30, the base of Python's integers: dividing by it takes one pass.
_PRIME = 1073741789


def open_trusted(path: str, flags: int = os.O_RDONLY) -> tuple[FileIO, os.stat_result]:
    """Open a file of the cache, and return it with its state. All files of the cache are opened here, except new ones.

    Raises `OSError` (or `ValueError`, for an invalid path), also for a link and for anything else that
    `is_trusted_file` refuses. The caller checks the folders above.
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
    """Whether a file is a regular file of this user or root, and no other user can write it.

    kubectl makes its files group-writable, but not the folders that they are in.
    """
    if not stat.S_ISREG(found.st_mode):
        return False
    if not HAS_OWNERS:
        return True
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & stat.S_IWOTH:
        return False
    if found.st_mode & stat.S_IWGRP:
        may_write_folder = os.stat(os.path.dirname(path)).st_mode & stat.S_IWGRP
        return found.st_gid == os.getegid() and not may_write_folder and not _has_acl(path)
    return True


def distrust_of_path(root: str, path: str) -> str:
    """Why the folder `path`, the cache's `root` or a folder between them is not trusted, in words; else "".

    Missing folders are trusted, unless the folder that the root would be made in belongs to another user.
    """
    return _distrust_of_root(root) or distrust_below(root, path)


def distrust_of_file(root: str, folder: str, path: str) -> str:
    """Why a folder between the cluster's `folder`, or else the `root`, and the file `path` is not trusted; else ""."""
    return distrust_below(folder if path.startswith(folder + os.sep) else root, os.path.dirname(path))


def distrust_below(top: str, path: str) -> str:
    """Why a folder below `top`, down to `path`, is not trusted; else "". Unlike the root, none may be a link."""
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
    """Why `root` must not be made, else "": in another user's home it would get in that user's way."""
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
    if HAS_OWNERS and found.st_mode & stat.S_IWGRP and _has_acl(path):
        return f"{path} can be written by those in its access control list"
    return ""


def _is_foreign(found: os.stat_result) -> bool:
    return HAS_OWNERS and found.st_uid not in (os.geteuid(), 0)


def _has_acl(path: str) -> bool:
    """Whether the mode's bits of the group are the most that an access control list grants to any user or group."""
    try:
        return hasattr(os, "getxattr") and bool(os.getxattr(path, _ACL, follow_symlinks=False))
    except OSError:
        # No list, or a file system without such lists.
        return False


def checksum_of(data: bytes) -> str:
    """Eight hexadecimal digits that detect data that was torn or changed by accident.

    As good as a 30-bit CRC; loading `zlib` takes longer than a warm start takes to read its index.
    """
    return f"{int.from_bytes(data, 'little') % _PRIME:08x}"
