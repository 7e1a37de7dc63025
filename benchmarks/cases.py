"""The cases: what is measured beside what, and the goal of each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cachediscovery import CachedDiscoveryClient, ConfigOverrides, DeferredDiscoveryRESTMapper, GroupVersionResource

from .clusters import Cluster, recording_of
from .environment import KUBECTL, OURS, PEERS, clientgo, environ_for
from .measure import Command, alternate, peak_mib, ratio, summary

LIST = ["api-resources", "--cached"]


class Goal(NamedTuple):
    """One line of the table of goals: `measured` is to be at most `limit` (or at least, for a `factor`)."""

    what: str
    limit: float
    measured: float
    unit: str = "×"
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def document(self) -> dict[str, Any]:
        return {**self._asdict(), "reached": self.reached}


class Result(NamedTuple):
    """What a case found: goals, and everything measured on the way."""

    goals: list[Goal]
    details: dict[str, Any]


Case = Callable[[Path, int], Result]


def _warm(cluster: Cluster, environ: dict[str, str]) -> None:
    subprocess.run([OURS, "api-resources"], env=environ, check=True, stdout=subprocess.DEVNULL)
    cluster.requests()


def _listing(folder: Path, runs: int, documents: int, limit: float) -> Result:
    with Cluster(folder, recording_of(documents)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        _warm(cluster, environ)
        commands = [Command("cachediscovery", [OURS, *LIST], environ), Command("kubectl", [KUBECTL, *LIST], environ)]
        program = clientgo()
        if program is not None:
            commands.append(Command("client-go", [program, "list"], environ))
        samples = alternate(commands, runs)
        peaks = {command.name: peak_mib(command, 5) for command in commands}
        asked = cluster.requests()
    assert asked == [], "a warm run asks nothing"
    measured = ratio(samples, "cachediscovery", "kubectl")
    by_memory = round(peaks["cachediscovery"] / peaks["kubectl"], 3)
    goals = [
        Goal(f"warm `api-resources --cached`, {documents} documents, by kubectl's time", limit, measured),
        Goal(f"peak memory of the same, {documents} documents, by kubectl's", 1.0, by_memory),
    ]
    return Result(goals, {**summary(samples), "peak_mib": peaks})


def list_85(folder: Path, runs: int) -> Result:
    """The warm listing on a cluster of usual size."""
    return _listing(folder, runs, 85, 0.6)


def list_505(folder: Path, runs: int) -> Result:
    """The warm listing on a large cluster, and the memory that it takes."""
    return _listing(folder, runs, 505, 0.45)


def resolve(folder: Path, runs: int) -> Result:
    """One lookup on the command line, beside an interpreter that does nothing, and on a cluster with 2,000 CRDs."""
    large = recording_of(groups=500, crds=2000)
    with Cluster(folder / "85", recording_of(85)) as small_one, Cluster(folder / "2000", large) as large_one:
        environs = []
        for cluster, name in ((small_one, "small"), (large_one, "large")):
            environs.append(environ_for(folder / name, cluster.kubeconfig))
            _warm(cluster, environs[-1])
        commands = [
            Command("resolve, 85 documents", [OURS, "resolve", "deploy"], environs[0]),
            Command("resolve, 2,000 CRDs in 500 groups", [OURS, "resolve", "deploy"], environs[1]),
            Command("python -c pass", [sys.executable, "-c", "pass"], environs[0]),
        ]
        program = clientgo()
        if program is not None:
            commands.append(Command("client-go, 85 documents", [program, "resolve", "deploy"], environs[0]))
        samples = alternate(commands, runs)
    goals = [
        Goal("warm `resolve deploy`, 85 documents, by `python -c pass`", 2.0, ratio(samples, commands[0].name, commands[2].name)),
        Goal("the same with 2,000 CRDs in 500 groups, by that with 85 documents", 1.3, ratio(samples, commands[1].name, commands[0].name)),
    ]  # fmt: skip
    return Result(goals, summary(samples))


def library(folder: Path, runs: int) -> Result:
    """The first lookup of a new process through a library, beside the Python clients with what cache they have."""
    recording = recording_of(85)
    crds = {
        "kind": "CustomResourceDefinitionList",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {},
        "items": [],
    }
    recording.unaggregated["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] = crds
    with Cluster(folder, recording) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        _warm(cluster, environ)
        kubeconfig = str(cluster.kubeconfig)

        def peer(name: str, script: str, *arguments: str) -> Command:
            return Command(name, [sys.executable, str(PEERS / script), *arguments], environ)

        commands = [
            peer("cachediscovery", "library.py"),
            peer("kubernetes, its cache file", "dynamic.py", kubeconfig, str(folder / "dynamic.json")),
            peer("kubernetes_asyncio, its cache file", "dynamic_asyncio.py", kubeconfig, str(folder / "asyncio.json")),
            peer("kr8s, no cache on disk", "with_kr8s.py", kubeconfig),
            peer("lightkube, lists the CRDs", "with_lightkube.py", kubeconfig),
        ]
        samples = alternate(commands, runs)
    factor = ratio(samples, commands[1].name, commands[0].name)
    return Result(
        [Goal("first lookup in a new process, times faster than `kubernetes`", 10, factor, at_least=True)],
        summary(samples),
    )


def in_process(folder: Path, runs: int) -> Result:
    """Repeated calls in one process: the memory layer."""
    with Cluster(folder, recording_of(85)) as cluster:
        overrides = ConfigOverrides(kubeconfig=str(cluster.kubeconfig))
        client = CachedDiscoveryClient.from_kubeconfig(overrides, cache_dir=str(folder / "cache"))
        mapper = DeferredDiscoveryRESTMapper(client)
        deploy = GroupVersionResource("", "", "deploy")
        mapper.kind_for(deploy)
        client.server_groups_and_resources()

        def best(call: Callable[[], object]) -> float:
            return round(min(timeit.repeat(call, number=20_000, repeat=runs)) / 20_000 * 1e6, 3)

        resources = best(lambda: client.server_resources_for_group_version("apps/v1"))
        kind = best(lambda: mapper.kind_for(deploy))
    goals = [
        Goal("one `server_resources_for_group_version` from memory", 2, resources, "µs"),
        Goal("one `kind_for` from memory", 5, kind, "µs"),
    ]
    return Result(goals, {"server_resources_for_group_version_us": resources, "kind_for_us": kind})


def cold(folder: Path, runs: int) -> Result:
    """An empty cache, at several latencies, on servers with and without aggregated discovery."""
    details: dict[str, Any] = {}
    goals = []
    # 84 group versions beside the list of the groups.
    for aggregated, tls, limit in ((True, False, 0.75), (True, True, None), (False, False, 1.0)):
        kind = "aggregated" if aggregated else "not aggregated, 84 group versions"
        kind += ", over TLS" if tls else ""
        for delay in (0.0, 0.005, 0.05):
            place = folder / f"{aggregated}-{tls}-{delay}"
            with Cluster(place, recording_of(85), aggregated=aggregated, delay=delay, tls=tls) as cluster:
                environ = environ_for(place / "home", cluster.kubeconfig)

                def empty(cache: str = environ["KUBECACHEDIR"]) -> None:
                    # Not removed: for a minute afterwards ext4 searches long for what was just freed, and both sides
                    # are measured by how long.
                    if os.path.exists(cache):
                        os.rename(cache, f"{cache}-{time.time_ns()}")

                commands = [
                    Command(name, [path, *LIST], environ, empty)
                    for name, path in (("cachediscovery", OURS), ("kubectl", KUBECTL))
                ]
                samples = alternate(commands, max(3, runs // 2))
            name = f"{kind}, {delay * 1000:g} ms per request"
            details[name] = {**summary(samples), "ratio": ratio(samples, "cachediscovery", "kubectl")}
            if delay == 0.05 and limit is not None:
                goals.append(Goal(f"cold, {name}, by kubectl's time", limit, details[name]["ratio"]))
    return Result(goals, details)


def processes(folder: Path, runs: int) -> Result:
    """Many processes at once on an empty cache: the requests that they make between them, and the time for all."""
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


def expired(folder: Path, runs: int) -> Result:
    """A cache whose every document has expired, on a server where nothing has changed."""
    with Cluster(folder, recording_of(85)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        _warm(cluster, environ)
        cache = Path(environ["KUBECACHEDIR"])

        def expire() -> None:
            for path in (cache / "discovery").rglob("*.json"):
                os.utime(path, (0, 0))

        expire()
        subprocess.run([OURS, *LIST], env=environ, check=True, stdout=subprocess.DEVNULL)
        asked = cluster.requests()
        commands = [
            Command(name, [path, *LIST], environ, expire)
            for name, path in (("cachediscovery", OURS), ("kubectl", KUBECTL))
        ]
        samples = alternate(commands, max(3, runs // 2))
    received = sum(one["bytes"] for one in asked)
    statuses = sorted(one["status"] for one in asked)
    assert statuses == [304, 304]
    goals = [Goal("bytes of the bodies received for an expired, unchanged cache (two 304s)", 2048, received, "bytes")]
    return Result(
        goals, {"statuses": statuses, **summary(samples), "ratio": ratio(samples, "cachediscovery", "kubectl")}
    )


def scale(folder: Path, runs: int) -> Result:
    """The cost of a warm start against the size of the cluster."""
    details = {}
    for crds in (60, 250, 1000, 2000, 5000):
        with Cluster(folder / str(crds), recording_of(groups=max(15, crds // 4), crds=crds)) as cluster:
            environ = environ_for(folder / f"home-{crds}", cluster.kubeconfig)
            _warm(cluster, environ)
            commands = [
                Command("cachediscovery api-resources", [OURS, *LIST], environ),
                Command("kubectl api-resources", [KUBECTL, *LIST], environ),
                Command("cachediscovery resolve", [OURS, "resolve", "deploy"], environ),
            ]
            samples = alternate(commands, max(3, runs // 2))
        details[str(crds)] = summary(samples)
    return Result([], details)


def where(folder: Path, runs: int) -> Result:
    """Where the time of a warm run goes: imports by module, files opened, the work between."""
    with Cluster(folder, recording_of(85)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        _warm(cluster, environ)
        details: dict[str, Any] = {}
        for name, arguments in (
            ("plain", LIST),
            ("whole", [*LIST, "--cache-ttl=6h"]),
            ("resolve", ["resolve", "deploy"]),
        ):
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


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (list_85, list_505, resolve, library, in_process, cold, processes, expired, scale, where)
}
