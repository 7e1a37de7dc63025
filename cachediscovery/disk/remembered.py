"""The cluster of a context, remembered for each state of the kubeconfig files: a warm run parses no YAML.

Only what names its cache folder is kept, no credential. One small text file for each combination of
files and flags; losing it costs the time to parse the kubeconfig again.
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
# A file that is in use is dated anew once a day, so that one that nobody uses is known by its age.
_DAY = 24 * 3600.0
UNUSED_SECONDS = 30 * _DAY
# Whoever writes such a file looks at a few others, and removes those that are outdated.
_LOOKS = 16
# The flags that have a say in which cluster it is.
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
        """`root` is the cache's root; `flags` are the values of `CLUSTER_FLAGS`."""
        self._root = root
        self._paths = kubeconfig_paths(kubeconfig, environ)
        if "@" in flags[_SERVER]:
            # A password is not to be remembered.
            from ..model.redact import without_userinfo

            flags = (*flags[:_SERVER], without_userinfo(flags[_SERVER]), *flags[_SERVER + 1 :])
        self._flags = flags
        self._began = time.time()
        self._state = self._look()

    def load(self) -> Cluster | None:
        """The cluster, or None where it is not known for just this state of the files."""
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
            # The trust fingerprint is as good as the files that it was made of.
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
        """Remember nothing: what was remembered does not hold, whatever the state of the files may be."""
        path = self._path()
        try:
            if not distrust_of_path(self._root, os.path.dirname(path)):
                os.unlink(path)
        except (OSError, ValueError):
            pass

    def save(self, cluster: Cluster) -> None:
        """Remember `cluster` for the files as they were when this was made. Failing costs time only."""
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
        # A warm run writes nothing.
        from .files import make_folder, replace_file

        try:
            make_folder(folder, self._root)
            replace_file(path, "\n".join((self._state, *fields, "")).encode("utf-8", "surrogatepass"))
            _remove_outdated(folder)
        except (OSError, ValueError):
            pass

    def _changes(self, *paths: str) -> bool:
        """Whether a file may have been written since this was made, or may be without its time being another."""
        for path in paths:
            try:
                found = os.stat(path)
            except (OSError, ValueError):
                continue
            # `cp -p` gives a file an old modification time, and a new change time.
            for written in (found.st_mtime_ns, found.st_ctime_ns):
                # A file system that knows whole seconds alone.
                coarse = written % 1_000_000_000 == 0 and self._began - written / 1e9 < _COARSE_SECONDS
                if coarse or written / 1e9 > self._began:
                    return True
        return False

    def _path(self) -> str:
        # A checksum is enough for a name: the file says in full what it is for.
        named = checksum_of("\0".join((*self._paths, *self._flags)).encode("utf-8", "surrogatepass"))
        return os.path.join(self._root, REMEMBERED_FOLDER, _PREFIX + named)

    def _look(self) -> str:
        """All that the answer depends on, as text; "" where there is no file, or where it cannot be told."""
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
    """Whether a file of this name is one of those written here."""
    number = name.removeprefix(_PREFIX)
    return name.startswith(_PREFIX) and len(number) == 8 and not number.strip("0123456789abcdef")


def is_outdated(path: str) -> bool:
    """Whether nobody needs this file any more: its kubeconfig files are all gone, or it was not used for long."""
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
    """Look at a few files from a random one on, so that each has its turn. Raises `OSError`."""
    from .files import remove_leftovers

    remove_leftovers(folder, is_remembered_name)
    names = list(filter(is_remembered_name, os.listdir(folder)))
    start = int.from_bytes(os.urandom(4), "little") % max(1, len(names))
    for name in [*names[start:], *names[:start]][:_LOOKS]:
        path = os.path.join(folder, name)
        if is_outdated(path):
            os.unlink(path)


def _read(path: str) -> tuple[list[str], float]:
    """The lines of a file, none if it is not to be used; and when it was dated, in seconds since the epoch."""
    try:
        file, found = open_trusted(path)
        with file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogatepass").split("\n"), found.st_mtime
    except (OSError, ValueError):
        return [], 0.0


def _state_of(path: str) -> str:
    """The state of a file as text, "" where it cannot be told."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
