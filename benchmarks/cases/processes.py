"""Many processes at once on an empty cache."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from ..clusters import Cluster, recording_of
from ..environment import KUBECTL, OURS, environ_for
from .goals import Goal, Result
from .network import LIST


def processes(folder: Path, runs: int) -> Result:
    """The requests that many processes make between them, and the time for all."""
    details: dict[str, Any] = {}
    for count in (1, 2, 4, 8, 16, 32, 64, 128):
        for name, path in (("cachediscovery", OURS), ("kubectl", KUBECTL)):
            place = folder / f"{name}-{count}"
            with Cluster(place, recording_of(85), delay=0.05) as cluster:
                environ = environ_for(place / "home", cluster.kubeconfig)
                started = time.perf_counter()
                running = [
                    subprocess.Popen([path, *LIST], env=environ, stdout=subprocess.DEVNULL) for _ in range(count)
                ]
                codes = {process.wait() for process in running}
                seconds = time.perf_counter() - started
                asked = len(cluster.requests())
            assert codes == {0}
            details.setdefault(str(count), {})[name] = {"requests": asked, "seconds": round(seconds, 2)}
    at_64 = details["64"]["cachediscovery"]["requests"]
    return Result([Goal("requests of 64 processes at once on an empty cache", 2, at_64, "requests")], details)
