"""Which kubeconfig files count."""

from __future__ import annotations

import os

from .homedir import home_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def kubeconfig_paths(explicit: str = "", environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The files to read, in order of precedence; they need not exist."""
    if explicit:
        return (explicit,)
    listed = environ.get("KUBECONFIG", "")
    if listed:
        return tuple(dict.fromkeys(path for path in listed.split(os.pathsep) if path))
    home = home_dir(environ)
    return (os.path.join(home, ".kube", "config"),) if home else ()
