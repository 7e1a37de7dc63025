"""Runs that ask the server, over TLS, from several distances."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..clusters import Cluster, recording_of
from ..distance import Distance
from ..environment import KUBECTL, OURS, environ_for
from ..measure import Command, alternate, ratio, summary
from .goals import Goal, Result, warm

LIST = ["api-resources", "--cached"]
ASK = ["api-resources"]
# By the round trip in milliseconds, how long at most by kubectl's time: cold, asked, expired and unchanged.
_GOALS = {0: (2.2, 2.2, 2.2), 20: (1.2, 1.15, 1.15), 50: (0.95, 0.9, 0.9), 150: (0.85, 0.82, 0.82)}
# One server without aggregation: 84 documents beside the list of the groups.
_UNAGGREGATED = (50, 1.0)


def network(folder: Path, runs: int) -> Result:
    """An empty cache, a warm one whose server is asked all the same, an expired one on a server where nothing changed."""
    goals: list[Goal] = []
    details: dict[str, Any] = {}
    with Cluster(folder, recording_of(85), tls=True) as cluster:
        for round_trip, limits in _GOALS.items():
            with Distance(cluster.port, round_trip / 1000) as distance:
                kubeconfig = kubeconfig_for(folder / f"kubeconfig-{round_trip}", cluster, distance)
                for (name, line, prepare), limit in zip(_RUNS, limits, strict=True):
                    what = f"{name}, {round_trip} ms"
                    details[what] = _measure(folder / what, runs, kubeconfig, line, prepare)
                    goals.append(Goal(f"{what} of round trip, by kubectl's time", limit, details[what]["ratio"]))
    round_trip, limit = _UNAGGREGATED
    place = folder / "unaggregated"
    with (
        Cluster(place, recording_of(85), tls=True, aggregated=False) as cluster,
        Distance(cluster.port, round_trip / 1000) as distance,
    ):
        kubeconfig = kubeconfig_for(place / "kubeconfig-far", cluster, distance)
        what = f"cold, not aggregated, {round_trip} ms"
        details[what] = _measure(place / "home", runs, kubeconfig, LIST, _empty)
        goals.append(Goal(f"{what} of round trip, by kubectl's time", limit, details[what]["ratio"]))
    return Result(goals, details)


def kubeconfig_for(path: Path, cluster: Cluster, distance: Distance) -> Path:
    """Write a kubeconfig that leads to the cluster by way of the distance."""
    path.write_text(cluster.kubeconfig.read_text().replace(f":{cluster.port}", f":{distance.port}"))
    return path


def measure_cold(folder: Path, runs: int, kubeconfig: Path, variables: dict[str, str]) -> dict[str, Any]:
    """A listing with an empty cache on disk; ours has these environment variables."""
    return _measure(folder, runs, kubeconfig, LIST, _empty, variables)


def _measure(
    folder: Path,
    runs: int,
    kubeconfig: Path,
    line: list[str],
    prepare: Callable[[Path], None],
    variables: dict[str, str] | None = None,
) -> dict[str, Any]:
    commands = []
    for name, program in (("cachediscovery", OURS), ("kubectl", KUBECTL)):
        # Each has a cache of its own, as it would leave it.
        environ = environ_for(folder / name, kubeconfig)
        if program == OURS:
            environ |= variables or {}
        cache = Path(environ["KUBECACHEDIR"])
        subprocess.run([program, *line], env=environ, check=True, stdout=subprocess.DEVNULL)
        commands.append(Command(name, [program, *line], environ, lambda cache=cache: prepare(cache)))
    samples = alternate(commands, max(5, runs * 2 // 3))
    return {**summary(samples), "ratio": ratio(samples, "cachediscovery", "kubectl")}


def _empty(cache: Path) -> None:
    # Not removed: for a minute afterwards ext4 searches long for what was just freed, and both sides are measured by
    # how long.
    if cache.exists():
        cache.rename(cache.with_name(f"{cache.name}-{time.time_ns()}"))


def _leave(cache: Path) -> None:
    """The cache is as the last run left it."""


def _expire(cache: Path) -> None:
    for path in (cache / "discovery").rglob("*.json"):
        os.utime(path, (0, 0))


_RUNS = (("cold", LIST, _empty), ("asked", ASK, _leave), ("expired", LIST, _expire))


def expired(folder: Path, runs: int) -> Result:
    """What an expired cache on an unchanged server costs on the wire."""
    with Cluster(folder, recording_of(85)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        warm(cluster, environ)
        _expire(Path(environ["KUBECACHEDIR"]))
        subprocess.run([OURS, *LIST], env=environ, check=True, stdout=subprocess.DEVNULL)
        asked = cluster.requests()
    received = sum(one["bytes"] for one in asked)
    statuses = sorted(one["status"] for one in asked)
    assert statuses == [304, 304]
    goals = [Goal("bytes of the bodies received for an expired, unchanged cache (two 304s)", 2048, received, "bytes")]
    return Result(goals, {"statuses": statuses})
