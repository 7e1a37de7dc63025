"""The cost of a warm start against the size of the cluster: the plain listing, and the slowest one."""

from __future__ import annotations

from pathlib import Path

from ..clusters import Cluster, recording_of
from ..environment import KUBECTL, OURS, environ_for
from ..measure import Command, alternate, ratio, summary
from .goals import Result, warm

PLAIN = ["api-resources", "--cached"]
# Of all flags this one takes the largest part of kubectl's time on a large cluster.
WORST = [*PLAIN, "-o", "json"]


def scale(folder: Path, runs: int) -> Result:
    """From 60 to 5,000 CRDs."""
    details = {}
    for crds in (60, 250, 1000, 2000, 5000):
        with Cluster(folder / str(crds), recording_of(groups=max(15, crds // 4), crds=crds)) as cluster:
            environ = environ_for(folder / f"home-{crds}", cluster.kubeconfig)
            warm(cluster, environ)
            commands = [
                Command("cachediscovery api-resources", [OURS, *PLAIN], environ),
                Command("kubectl api-resources", [KUBECTL, *PLAIN], environ),
                Command("cachediscovery api-resources -o json", [OURS, *WORST], environ),
                Command("kubectl api-resources -o json", [KUBECTL, *WORST], environ),
                Command("cachediscovery resolve", [OURS, "resolve", "deploy"], environ),
            ]
            samples = alternate(commands, max(5, runs // 2))
        details[str(crds)] = {
            **summary(samples),
            "ratio": ratio(samples, commands[0].name, commands[1].name),
            "worst_ratio": ratio(samples, commands[2].name, commands[3].name),
        }
    return Result([], details)
