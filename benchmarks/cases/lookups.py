"""Lookups of names on the command line, and their completion, beside an interpreter that does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from ..clusters import Cluster, recording_of
from ..environment import OURS, clientgo, environ_for
from ..measure import Command, alternate, ratio, summary
from .goals import Goal, Result, warm

_LINES = (
    ["resolve", "deploy"],
    ["resolve", "deploy", "-o", "json"],
    ["resolve", "deploy", "-o", "name"],
    ["resolve", "deploy", "--context", "other", "-n", "shop"],
    ["resolve", "deploy,pods", "--no-headers"],
    ["__complete", "bash", "cachediscovery resolve dep"],
)
BARE = "python -c pass"


def lookups(folder: Path, runs: int) -> Result:
    """`resolve` with any flag and format, and completion, on a cluster of usual size and on one with 2,000 CRDs."""
    goals, details = [], {}
    large = recording_of(groups=500, crds=2000)
    with Cluster(folder / "85", recording_of(85)) as small_one, Cluster(folder / "2000", large) as large_one:
        environs = {}
        for cluster, name in ((small_one, "85 documents"), (large_one, "2,000 CRDs")):
            environs[name] = environ_for(folder / name, cluster.kubeconfig)
            warm(cluster, environs[name])
        small, great = environs.values()
        for line in _LINES:
            shown = "completion of a resource's name" if line[0] == "__complete" else f"`{' '.join(line)}`"
            commands = [Command(name, [OURS, *line], environ) for name, environ in environs.items()]
            commands.append(Command(BARE, [sys.executable, "-c", "pass"], small))
            samples = alternate(commands, runs)
            by_bare = ratio(samples, "85 documents", BARE)
            by_small = ratio(samples, "2,000 CRDs", "85 documents")
            details[shown] = {**summary(samples), "ratio": by_bare, "large_ratio": by_small}
            goals.append(Goal(f"{shown}, 85 documents, by `{BARE}`", 1.5, by_bare))
            goals.append(Goal(f"{shown}, 2,000 CRDs in 500 groups, by that", 1.3, by_small))
        program = clientgo()
        if program is not None:
            samples = alternate([Command("client-go", [program, "resolve", "deploy"], small)], runs)
            details["client-go"] = summary(samples)
        assert not small_one.requests() or program is not None
        assert large_one.requests() == [], f"a warm run asks nothing: {great['HOME']}"
    return Result(goals, details)
