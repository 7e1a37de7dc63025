"""The cluster of a context, remembered for each state of the kubeconfig files: a warm run parses no YAML.

Only what names its cache folder is kept, no credential. One small text file for each combination of
files and flags; losing it costs the time to parse the kubeconfig again.
"""

from __future__ import annotations

import os
import time

from ..config.cluster import Cluster
from ..config.locations import kubeconfig_paths
from .trust import checksum_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REMEMBERED_FOLDER = "cachediscovery"
_PREFIX = "server-"
_FORMAT = "cachediscovery server 5"
_ABSENT = "absent"
# server, authority, whether the URL is shared, context, whether there is a proxy
_FIELDS = 5
_COARSE_SECONDS = 2.0
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
            from ..lines import without_userinfo

            flags = (*flags[:_SERVER], without_userinfo(flags[_SERVER]), *flags[_SERVER + 1 :])
        self._flags = flags
        self._began = time.time()
        self._state = self._look()

    def load(self) -> Cluster | None:
        """The cluster, or None where it is not known for just this state of the files."""
        if not self._state:
            return None
        try:
            with open(self._path(), "rb") as file:
                found = os.fstat(file.fileno())
                data = file.read(1 << 16)
        except (OSError, ValueError):
            return None
        if hasattr(os, "geteuid") and found.st_uid not in (os.geteuid(), 0):
            return None
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        known = len(self._state.split("\n"))
        fields, files = lines[known : known + _FIELDS], lines[known + _FIELDS : -1]
        if "\n".join(lines[:known]) != self._state or len(fields) != _FIELDS or not fields[0] or lines[-1]:
            return None
        ca_files = []
        for line in files:
            # The authority is as good as the files that it was made of.
            state, _, path = line.partition("\t")
            if state != _state_of(path):
                return None
            ca_files.append(path)
        server, authority, shares_url, context, has_proxy = fields
        return Cluster(
            server,
            authority,
            shares_url=bool(shares_url),
            ca_files=tuple(ca_files),
            context=context,
            has_proxy=bool(has_proxy),
        )

    def save(self, cluster: Cluster) -> None:
        """Remember `cluster` for the files as they were when this was made. Failing costs time only."""
        shares_url, has_proxy = ("1" if flag else "" for flag in (cluster.shares_url, cluster.has_proxy))
        fields = [cluster.server, cluster.authority, shares_url, cluster.context, has_proxy]
        fields += [f"{_state_of(path)}\t{path}" for path in cluster.ca_files]
        if not self._state or any("\n" in field for field in fields):
            return
        if self._changes(*self._paths, *cluster.ca_files):
            return
        path = self._path()
        temporary = f"{path}.{os.urandom(6).hex()}"
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write("\n".join((self._state, *fields, "")).encode("utf-8", "surrogateescape"))
            os.replace(temporary, path)
        except (OSError, ValueError):
            try:
                os.unlink(temporary)
            except (OSError, ValueError):
                pass

    def _changes(self, *paths: str) -> bool:
        """Whether a file may have been written since this was made, or may be without its time being another."""
        for path in paths:
            try:
                written = os.stat(path).st_mtime_ns
            except (OSError, ValueError):
                continue
            # A file system that knows whole seconds alone.
            coarse = written % 1_000_000_000 == 0 and self._began - written / 1e9 < _COARSE_SECONDS
            if coarse or written / 1e9 > self._began:
                return True
        return False

    def _path(self) -> str:
        # A checksum is enough for a name: the file says in full what it is for.
        named = checksum_of("\0".join((*self._paths, *self._flags)).encode("utf-8", "surrogateescape"))
        return os.path.join(self._root, REMEMBERED_FOLDER, _PREFIX + named)

    def _look(self) -> str:
        """All that the answer depends on, as text; "" where there is no file, or where it cannot be told."""
        lines = [_FORMAT, *map(repr, self._flags)]
        files = 0
        for path in self._paths:
            state = _state_of(path)
            files += state not in ("", _ABSENT)
            if not state:
                return ""
            lines.append(f"{os.path.abspath(path)!r} {state}")
        return "\n".join(lines) if files and self._root else ""


def is_remembered_name(name: str) -> bool:
    """Whether a file of this name is one of those written here."""
    number = name.removeprefix(_PREFIX)
    return name.startswith(_PREFIX) and len(number) == 8 and not number.strip("0123456789abcdef")


def _state_of(path: str) -> str:
    """The state of a file as text, "" where it cannot be told."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
