"""Where the time of a run goes: imports by module, system calls."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..clusters import Cluster, recording_of
from ..environment import OURS, environ_for
from .goals import Result, warm

_RUNS = {
    "plain": ["api-resources", "--cached"],
    "with flags": ["api-resources", "--cached", "--api-group", "apps", "-o", "json"],
    "resolve": ["resolve", "deploy"],
    "asked": ["api-resources"],
}


def where(folder: Path, runs: int) -> Result:
    """Counts, and the slowest imports."""
    with Cluster(folder, recording_of(85)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        warm(cluster, environ)
        details: dict[str, Any] = {}
        for name, arguments in _RUNS.items():
            command = [sys.executable, "-X", "importtime", OURS, *arguments]
            ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
            imports = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", ran.stderr)
            ours = sorted(((int(us), module) for us, module in imports), reverse=True)
            details[name] = {
                "modules_imported": len(imports),
                "slowest_imports_us": {module: us for us, module in ours[:12]},
                "import_total_ms": round(sum(us for us, _ in ours) / 1000, 2),
            }
            if shutil.which("strace"):
                traced = subprocess.run(
                    ["strace", "-f", "-c", OURS, *arguments], env=environ, capture_output=True, text=True, check=True
                )
                calls = re.findall(
                    r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", traced.stderr, re.MULTILINE
                )
                details[name]["system_calls"] = {call: int(count) for count, call in calls if call != "total"}
    return Result([], details)
