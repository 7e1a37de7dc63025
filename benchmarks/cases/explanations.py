"""`explain` beside kubectl's, and the completion of a field path beside an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..clusters import Cluster, recording_of
from ..distance import Distance
from ..environment import KUBECTL, OURS, environ_for
from ..large_crd import add_large_crd
from ..measure import Command, alternate, ratio, summary
from .goals import Goal, Result
from .lookups import BARE
from .network import kubeconfig_for

# What is explained from a warm cache, and how long at most by kubectl's time.
_WARM = {
    "`explain pods.spec`": (["explain", "pods.spec"], 0.35),
    "`explain deployments --recursive`": (["explain", "deployments", "--recursive"], 0.5),
    "`explain` of a CRD of 1 MB": (["explain", "larges.spec"], 0.4),
}
_COMPLETION = ["__complete", "zsh", "cachediscovery explain pods.spec.con"]
_ROUND_TRIP, _CHANGED_GOAL = 50, 1.0


def explanations(folder: Path, runs: int) -> Result:
    """`explain` from a warm cache, after the documents have changed on a server far away, and completion."""
    goals: list[Goal] = []
    details: dict[str, Any] = {}
    recording = recording_of(84)
    openapi = add_large_crd(recording)
    with Cluster(folder / "near", recording, openapi=openapi) as cluster:
        for what, (line, limit) in _WARM.items():
            details[what] = _by_kubectl(folder / "near", cluster.kubeconfig, line, runs)
            goals.append(Goal(f"{what}, warm, by kubectl's time", limit, details[what]["ratio"]))
        environ = environ_for(folder / "near" / "cachediscovery", cluster.kubeconfig)
        commands = [Command("completion", [OURS, *_COMPLETION], environ)]
        commands.append(Command(BARE, [sys.executable, "-c", "pass"], environ))
        cluster.requests()
        samples = alternate(commands, runs)
        assert cluster.requests() == []
        what = "completion of a field path"
        details[what] = {**summary(samples), "ratio": ratio(samples, "completion", BARE)}
        goals.append(Goal(f"{what}, by `{BARE}`", 2.0, details[what]["ratio"]))
    what = f"`explain pods.spec` after the documents changed, {_ROUND_TRIP} ms away"
    with (
        Cluster(folder / "far", recording, tls=True, openapi=openapi) as cluster,
        Distance(cluster.port, _ROUND_TRIP / 1000) as distance,
    ):
        kubeconfig = kubeconfig_for(folder / "far" / "kubeconfig-far", cluster, distance)

        def change(cache: Path) -> None:
            cluster.change_openapi()
            # Within the TTL we would not ask, as kubectl always does.
            for path in (cache / "http").iterdir():
                os.utime(path, (0, 0))

        details[what] = _by_kubectl(folder / "far", kubeconfig, ["explain", "pods.spec"], runs, change)
    goals.append(Goal(f"{what}, by kubectl's time", _CHANGED_GOAL, details[what]["ratio"]))
    return Result(goals, details)


def _by_kubectl(
    folder: Path, kubeconfig: Path, line: list[str], runs: int, prepare: Callable[[Path], None] | None = None
) -> dict[str, Any]:
    commands = []
    for name, program in (("cachediscovery", OURS), ("kubectl", KUBECTL)):
        # Each has a cache of its own, as it would leave it.
        environ = environ_for(folder / name, kubeconfig)
        cache = Path(environ["KUBECACHEDIR"])
        subprocess.run([program, *line], env=environ, check=True, stdout=subprocess.DEVNULL)
        before = (lambda cache=cache: prepare(cache)) if prepare is not None else None
        commands.append(Command(name, [program, *line], environ, before))
    samples = alternate(commands, runs)
    return {**summary(samples), "ratio": ratio(samples, "cachediscovery", "kubectl")}
