"""The paths that kubectl uses: the home folder (client-go's `util/homedir`), and the kubeconfig files."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def kubeconfig_paths(explicit: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The files to read, in order of precedence; they need not exist."""
    if explicit:
        return (os.path.expanduser(explicit),)
    environ = os.environ if environ is None else environ
    listed = environ.get("KUBECONFIG", "")
    if listed:
        return tuple(dict.fromkeys(path for path in listed.split(os.pathsep) if path))
    home = home_dir(environ)
    return (os.path.join(home, ".kube", "config"),) if home else ()


def home_dir(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> str:
    """The home folder; "" if the environment names none.

    It is `HOME`. On Windows it is the first of `HOME`, `HOMEDRIVE`+`HOMEPATH` and `USERPROFILE` that has a
    `.kube/config`, else the first that is a folder, else the first that is set.
    """
    environ = os.environ if environ is None else environ
    home = environ.get("HOME", "")
    if platform != "win32":
        return home
    drive, path = environ.get("HOMEDRIVE", ""), environ.get("HOMEPATH", "")
    drive_path = drive + path if drive and path else ""
    profile = environ.get("USERPROFILE", "")
    for candidate in (home, drive_path, profile):
        if candidate and os.path.exists(os.path.join(candidate, ".kube", "config")):
            return candidate
    # If none has a kubeconfig, client-go prefers the profile to the drive path.
    in_order = [candidate for candidate in (home, profile, drive_path) if candidate]
    for candidate in in_order:
        if os.path.isdir(candidate):
            return candidate
    return in_order[0] if in_order else ""
