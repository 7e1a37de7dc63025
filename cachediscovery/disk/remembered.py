"""Remembers the cluster of a context for each state of the kubeconfig files, so that a warm run parses no YAML.

It keeps only what determines the cache folder, no credentials, in one small text file for each combination of files
and flags. If a file is lost, the kubeconfig is parsed again.
"""

from __future__ import annotations

import os
import time

from ..config.cluster import Cluster
from ..config.locations import kubeconfig_paths
from .trust import checksum_of, distrust_of_path, open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REMEMBERED_FOLDER = "cachediscovery"
_PREFIX = "server-"
_FORMAT = "cachediscovery server 6"
_ABSENT = "absent"
# server, trust fingerprint, whether the URL is shared, context, whether there is a proxy
_FIELDS = 5
_MAX_BYTES = 1 << 16
_COARSE_SECONDS = 2.0
# The date of a file in use is set once a day, so that unused files are known by their age.
_DAY = 24 * 3600.0
UNUSED_SECONDS = 30 * _DAY
# After writing a file, check this many others, and remove the outdated ones.
_LOOKS = 16
# The flags that determine the cluster.
CLUSTER_FLAGS = (
    "context",
    "cluster",
    "user",
    "server",
    "tls-server-name",
    "certificate-authority",
    "insecure-skip-tls-verify",
)
_SERVER = CLUSTER_FLAGS.index("server")


class RememberedCluster:
    """The cluster for the kubeconfig files and the flags of one invocation."""

    def __init__(
        self,
        root: str,
        kubeconfig: str = "",
        flags: tuple[str, ...] = ("",) * len(CLUSTER_FLAGS),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Note the state of the kubeconfig files. `root` is the cache's root; `flags` are `CLUSTER_FLAGS`' values."""
        self._root = root
        self._paths = kubeconfig_paths(kubeconfig, environ)
        if "@" in flags[_SERVER]:
            # Never remember a password.
            from ..model.redact import without_userinfo

            flags = (*flags[:_SERVER], without_userinfo(flags[_SERVER]), *flags[_SERVER + 1 :])
        self._flags = flags
        self._began = time.time()
        self._state = self._look()

    def load(self) -> Cluster | None:
        """The cluster; None if it is not known for exactly this state of the files."""
        if not self._state:
            return None
        path = self._path()
        lines, written = _read(path)
        if distrust_of_path(self._root, os.path.dirname(path)):
            return None
        known = len(self._state.split("\n"))
        fields, files = lines[known : known + _FIELDS], lines[known + _FIELDS : -1]
        if "\n".join(lines[:known]) != self._state or len(fields) != _FIELDS or not fields[0] or lines[-1]:
            return None
        ca_files = []
        for line in files:
            # The trust fingerprint is valid only while the files it was made from are unchanged.
            state, _, ca_file = line.partition("\t")
            if state != _state_of(ca_file):
                return None
            ca_files.append(ca_file)
        if time.time() - written > _DAY:
            try:
                os.utime(path)
            except OSError:
                pass
        server, trust_fingerprint, shares_url, context, has_proxy = fields
        return Cluster(
            server,
            trust_fingerprint,
            shares_url=bool(shares_url),
            ca_files=tuple(ca_files),
            context=context,
            has_proxy=bool(has_proxy),
        )

    def forget(self) -> None:
        """Remove the remembered cluster: it is wrong, even if the files have not changed."""
        path = self._path()
        try:
            if not distrust_of_path(self._root, os.path.dirname(path)):
                os.unlink(path)
        except (OSError, ValueError):
            pass

    def save(self, cluster: Cluster) -> None:
        """Remember `cluster` for the files as they were when this object was made. A failure only costs time."""
        shares_url, has_proxy = ("1" if flag else "" for flag in (cluster.shares_url, cluster.has_proxy))
        fields = [cluster.server, cluster.trust_fingerprint, shares_url, cluster.context, has_proxy]
        fields += [f"{_state_of(path)}\t{path}" for path in cluster.ca_files]
        if not self._state or any("\n" in field for field in fields):
            return
        if self._changes(*self._paths, *cluster.ca_files):
            return
        path = self._path()
        folder = os.path.dirname(path)
        if distrust_of_path(self._root, folder):
            return
        # Imported here: a warm run writes nothing.
        from .files import make_folder, replace_file

        try:
            make_folder(folder, self._root)
            replace_file(path, "\n".join((self._state, *fields, "")).encode("utf-8", "surrogatepass"))
            _remove_outdated(folder)
        except (OSError, ValueError):
            pass

    def _changes(self, *paths: str) -> bool:
        """Whether a file may have been written since this object was made, or may yet be without a new date."""
        for path in paths:
            try:
                found = os.stat(path)
            except (OSError, ValueError):
                continue
            # `cp -p` sets an old modification time, but a new change time.
            for written in (found.st_mtime_ns, found.st_ctime_ns):
                # The file system may store only whole seconds.
                coarse = written % 1_000_000_000 == 0 and self._began - written / 1e9 < _COARSE_SECONDS
                if coarse or written / 1e9 > self._began:
                    return True
        return False

    def _path(self) -> str:
        # A checksum is enough for a name: the file itself holds all values.
        named = checksum_of("\0".join((*self._paths, *self._flags)).encode("utf-8", "surrogatepass"))
        return os.path.join(self._root, REMEMBERED_FOLDER, _PREFIX + named)

    def _look(self) -> str:
        """Everything that determines the cluster, as text; "" if there is no file, or a state is unknown."""
        lines = [_FORMAT, *map(repr, self._flags)]
        files = 0
        for path in map(os.path.abspath, self._paths):
            state = _state_of(path)
            files += state not in ("", _ABSENT)
            if not state or "\n" in path:
                return ""
            lines.append(f"{state}\t{path}")
        return "\n".join(lines) if files and self._root else ""


def is_remembered_name(name: str) -> bool:
    """Whether this is the name of a file written by this module."""
    number = name.removeprefix(_PREFIX)
    return name.startswith(_PREFIX) and len(number) == 8 and not number.strip("0123456789abcdef")


def is_outdated(path: str) -> bool:
    """Whether a file is obsolete: its kubeconfig files are all gone, or it was not used for `UNUSED_SECONDS`."""
    lines, written = _read(path)
    if not lines or time.time() - written > UNUSED_SECONDS:
        return bool(lines)
    for line in lines[1 + len(CLUSTER_FLAGS) :]:
        _, is_kubeconfig, file = line.partition("\t")
        if not is_kubeconfig:
            break
        if _state_of(file) != _ABSENT:
            return False
    return lines[0] == _FORMAT


def _remove_outdated(folder: str) -> None:
    """Remove outdated files among a few, starting at a random one so that all get checked. Raises `OSError`."""
    from .files import remove_leftovers

    remove_leftovers(folder, is_remembered_name)
    names = list(filter(is_remembered_name, os.listdir(folder)))
    start = int.from_bytes(os.urandom(4), "little") % max(1, len(names))
    for name in [*names[start:], *names[:start]][:_LOOKS]:
        path = os.path.join(folder, name)
        if is_outdated(path):
            os.unlink(path)


def _read(path: str) -> tuple[list[str], float]:
    """The lines of a file, none if it is not trusted; and its modification time, in seconds since the epoch."""
    try:
        file, found = open_trusted(path)
        with file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogatepass").split("\n"), found.st_mtime
    except (OSError, ValueError):
        return [], 0.0


def _state_of(path: str) -> str:
    """The state of a file as text; "" if unknown."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
