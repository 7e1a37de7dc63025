"""Listings on a warm cache, whatever the flags."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..clusters import Cluster, recording_of
from ..environment import KUBECTL, OURS, clientgo, environ_for
from ..measure import Command, alternate, peak_mib, ratio, summary
from .goals import Goal, Result, warm

PLAIN = "api-resources --cached"
FLAGS = (
    "",
    "-o wide",
    "-o name",
    "-o json",
    "-o yaml",
    "--sort-by=kind",
    "--sort-by=name",
    "--context other",
    "--api-group apps",
    "--namespaced=false --no-headers",
    "--verbs list,watch -o name",
    "--categories all",
)


def listings_85(folder: Path, runs: int) -> Result:
    """Every listing on a cluster of usual size, beside kubectl's."""
    return _listings(folder, runs, 85, plain=0.32, any_flags=0.5)


def listings_505(folder: Path, runs: int) -> Result:
    """Every listing on a large cluster, beside kubectl's."""
    return _listings(folder, runs, 505, plain=0.28, any_flags=0.4)


def _listings(folder: Path, runs: int, documents: int, *, plain: float, any_flags: float) -> Result:
    goals, details = [], {}
    with Cluster(folder, recording_of(documents)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        warm(cluster, environ)
        for flags in FLAGS:
            line = f"{PLAIN} {flags}".strip()
            commands = [
                Command("cachediscovery", [OURS, *line.split()], environ),
                Command("kubectl", [KUBECTL, *line.split()], environ),
            ]
            if not flags:
                program = clientgo()
                commands += [Command("client-go", [program, "list"], environ)] if program is not None else []
            samples = alternate(commands, runs)
            measured = ratio(samples, "cachediscovery", "kubectl")
            details[line] = {**summary(samples), "ratio": measured}
            limit = any_flags if flags else plain
            goals.append(Goal(f"`{line}`, {documents} documents, by kubectl's time", limit, measured))
        assert cluster.requests() == [], "a warm run asks nothing"
        peaks = {
            name: peak_mib(Command(name, [program, *PLAIN.split()], environ), 5)
            for name, program in (("cachediscovery", OURS), ("kubectl", KUBECTL))
        }
        details[PLAIN]["peak_mib"] = peaks
        by_memory = round(peaks["cachediscovery"] / peaks["kubectl"], 3)
        goals.append(Goal(f"peak memory of `{PLAIN}`, {documents} documents, by kubectl's", 1.0, by_memory))
        goals.append(_versions(folder, runs, documents, cluster, environ, any_flags, details))
    return Result(goals, details)


def _versions(
    folder: Path, runs: int, documents: int, cluster: Cluster, environ: dict[str, str], limit: float, details: dict
) -> Goal:
    """kubectl's `api-versions` has no `--cached`: it asks the server, and writes, in a cache of its own here."""
    theirs = environ_for(folder / "kubectl", cluster.kubeconfig)
    shutil.copytree(environ["KUBECACHEDIR"], theirs["KUBECACHEDIR"])
    line = "api-versions --cached"
    samples = alternate(
        [
            Command("cachediscovery", [OURS, *line.split()], environ),
            Command("kubectl", [KUBECTL, "api-versions"], theirs),
        ],
        runs,
    )
    measured = ratio(samples, "cachediscovery", "kubectl")
    details[line] = {**summary(samples), "ratio": measured}
    return Goal(f"`{line}`, {documents} documents, by the time of kubectl, which asks the server", limit, measured)
