"""The server's URL of a context, remembered for each state of the kubeconfig files: a warm run parses no YAML.

Only the URL is kept, no credential: it names the cache folder. One small text file for each
combination of files and flags; losing it costs the time to parse the kubeconfig again.
"""

from __future__ import annotations

import os
import zlib

from .locations import kubeconfig_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = "cachediscovery"
_FORMAT = "cachediscovery server 1"


class RememberedServer:
    """The server's URL for the kubeconfig files and the flags of one invocation."""

    def __init__(
        self,
        root: str,
        kubeconfig: str = "",
        flags: tuple[str, str, str, str] = ("", "", "", ""),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`root` is the cache's root; `flags` are those that choose a server: context, cluster, user, server."""
        self._root = root
        self._paths = kubeconfig_paths(kubeconfig, environ)
        context, cluster, user, server = flags
        if "@" in server:
            # A password is not to be remembered.
            from ..lines import without_userinfo

            server = without_userinfo(server)
        self._flags = (context, cluster, user, server)
        self._state = self._look()

    def load(self) -> str:
        """The server's URL, or "" where it is not known for just this state of the files."""
        if not self._state:
            return ""
        try:
            with open(self._path(), "rb") as file:
                found = os.fstat(file.fileno())
                data = file.read(1 << 16)
        except (OSError, ValueError):
            return ""
        if hasattr(os, "geteuid") and found.st_uid not in (os.geteuid(), 0):
            return ""
        state, _, server = data.decode("utf-8", "replace").rstrip("\n").rpartition("\n")
        return server if state == self._state else ""

    def save(self, server: str) -> None:
        """Remember `server` for the files as they were when this was made. Failing costs time only."""
        if not self._state or "\n" in server:
            return
        path = self._path()
        temporary = f"{path}.{os.urandom(6).hex()}"
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(f"{self._state}\n{server}\n".encode())
            os.replace(temporary, path)
        except (OSError, ValueError):
            try:
                os.unlink(temporary)
            except (OSError, ValueError):
                pass

    def _path(self) -> str:
        # A checksum is enough for a name: the file says in full what it is for.
        named = zlib.crc32("\0".join((*self._paths, *self._flags)).encode("utf-8", "surrogateescape"))
        return os.path.join(self._root, _FOLDER, f"server-{named:08x}")

    def _look(self) -> str:
        """All that the answer depends on, as text; "" where there is no file, or where it cannot be told."""
        lines = [_FORMAT, *map(repr, self._flags)]
        files = 0
        for path in self._paths:
            try:
                found = os.stat(path)
            except FileNotFoundError:
                lines.append(f"{path!r} absent")
                continue
            except (OSError, ValueError):
                return ""
            files += 1
            lines.append(f"{os.path.abspath(path)!r} {found.st_size} {found.st_mtime_ns} {found.st_ino}")
        return "\n".join(lines) if files and self._root else ""
