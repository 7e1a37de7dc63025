"""`demo`: a cold and a warm listing against an API server in this process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ...model.errors import DiscoveryError
from ...model.records import NamedTuple
from ...model.redact import one_line
from ...testing import DiscoveryServer
from ..flags import Parsed
from ..output import write

_HEAD = 5
_COMMAND = ("api-resources", "--cached")


class _Run(NamedTuple):
    listing: list[str]
    requests: list[str]
    seconds: float


def run(_: Parsed) -> int:
    """Run the command and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="cachediscovery-demo-") as folder, DiscoveryServer() as server:
        home = Path(folder)
        kubeconfig = server.write_kubeconfig(home / "kubeconfig")
        groups = server.recording.unaggregated["/apis"]["groups"]
        versions = 1 + sum(len(group["versions"]) for group in groups)
        write(
            f"An API server with cert-manager-, Rook- and KubeVirt-like CRDs ({versions} group versions) "
            f"replays at {server.url}\n"
        )
        runs = []
        for name in ("cold", "warm"):
            server.forget_requests()
            runs.append(_run(home, kubeconfig, server))
            _show(name, runs[-1])
        cold, warm = runs
        documents = sum(1 for _ in (home / "cache" / "discovery").rglob("server*.json"))
        write(
            f"\nThe same listing from {documents} cached documents, "
            f"{cold.seconds / warm.seconds:.1f} times as fast, and kubectl reads the same cache.\n"
        )
        if cold.listing != warm.listing:
            raise DiscoveryError("the two listings differ: please report this")
    return 0


def _run(home: Path, kubeconfig: Path, server: DiscoveryServer) -> _Run:
    """Run the program in a new process, as a user would."""
    command = [sys.executable, "-m", "cachediscovery", *_COMMAND]
    environ = {
        **os.environ,
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(home / "cache"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])),
    }
    started = time.perf_counter()
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, encoding="utf-8", check=False)
    seconds = time.perf_counter() - started
    if ran.returncode != 0:
        raise DiscoveryError(f"the demo failed: {one_line(ran.stderr)}")
    return _Run(ran.stdout.splitlines(), server.paths(), seconds)


def _show(name: str, result: _Run) -> None:
    lines = [f"\n{name}: cachediscovery {' '.join(_COMMAND)}"]
    lines += [f"    {line}" for line in result.listing[:_HEAD]]
    lines.append(f"    … {len(result.listing) - _HEAD} more lines")
    asked = f": {', '.join(sorted(result.requests))}" if result.requests else ""
    lines.append(f"  {len(result.requests)} requests{asked}, {result.seconds * 1000:.0f} ms")
    write("\n".join(lines) + "\n")
