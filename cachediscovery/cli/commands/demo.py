"""`demo`: a listing and an explanation, cold and warm, against an API server in this process."""

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

_LISTING = ("api-resources", "--cached")
_EXPLAIN = ("explain", "deployments.spec.strategy")
# How many lines of the output of each are shown.
_HEADS: dict[tuple[str, ...], int] = {_LISTING: 5, _EXPLAIN: 9}


class _Run(NamedTuple):
    output: list[str]
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

        def both(command: tuple[str, ...]) -> list[_Run]:
            runs = []
            for name in ("cold", "warm"):
                server.forget_requests()
                runs.append(_run(command, home, kubeconfig, server))
                _show(name, command, runs[-1])
            if runs[0].output != runs[1].output:
                raise DiscoveryError("the two outputs differ: please report this")
            return runs

        cold, warm = both(_LISTING)
        documents = sum(1 for _ in (home / "cache" / "discovery").rglob("server*.json"))
        write(
            f"\nThe same listing from {documents} cached documents, "
            f"{cold.seconds / warm.seconds:.1f} times as fast, and kubectl reads the same cache.\n"
        )
        cold, warm = both(_EXPLAIN)
        write(
            f"\nThe same fields from the cached OpenAPI document, {cold.seconds / warm.seconds:.1f} times as fast, "
            "and kubectl explain uses the same document.\n"
        )
    return 0


def _run(command: tuple[str, ...], home: Path, kubeconfig: Path, server: DiscoveryServer) -> _Run:
    """Run the program in a new process, as a user would."""
    environ = {
        **os.environ,
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(home / "cache"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])),
    }
    started = time.perf_counter()
    program = [sys.executable, "-m", "cachediscovery", *command]
    ran = subprocess.run(program, env=environ, capture_output=True, text=True, encoding="utf-8", check=False)
    seconds = time.perf_counter() - started
    if ran.returncode != 0:
        raise DiscoveryError(f"the demo failed: {one_line(ran.stderr)}")
    return _Run(ran.stdout.splitlines(), server.paths(), seconds)


def _show(name: str, command: tuple[str, ...], result: _Run) -> None:
    head = _HEADS[command]
    lines = [f"\n{name}: cachediscovery {' '.join(command)}"]
    lines += [f"    {line}" for line in result.output[:head]]
    lines.append(f"    … {len(result.output) - head} more lines")
    asked = f": {', '.join(sorted(result.requests))}" if result.requests else ""
    lines.append(f"  {len(result.requests)} requests{asked}, {result.seconds * 1000:.0f} ms")
    write("\n".join(lines) + "\n")
