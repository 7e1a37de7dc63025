"""The library in a new process, and in one that goes on."""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from pathlib import Path

from cachediscovery import CachedDiscoveryClient, ConfigOverrides, DeferredDiscoveryRESTMapper, GroupVersionResource

from ..clusters import Cluster, recording_of
from ..environment import KUBECTL, PEERS, environ_for
from ..measure import Command, alternate, ratio, summary
from .goals import Goal, Result, warm


def library(folder: Path, runs: int) -> Result:
    """The first lookup of a new process beside the Python clients with what cache they have; the whole listing."""
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
        warm(cluster, environ)
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
    whole, details = _whole_listing(folder / "505", runs)
    return Result(
        [Goal("first lookup in a new process, times faster than `kubernetes`", 13, factor, at_least=True), whole],
        {"first lookup": summary(samples), "whole listing": details},
    )


def _whole_listing(folder: Path, runs: int) -> tuple[Goal, dict]:
    with Cluster(folder, recording_of(505)) as cluster:
        environ = environ_for(folder / "home", cluster.kubeconfig)
        warm(cluster, environ)
        samples = alternate(
            [
                Command("cachediscovery", [sys.executable, str(PEERS / "library_listing.py")], environ),
                Command("kubectl", [KUBECTL, "api-resources", "--cached"], environ),
            ],
            runs,
        )
        assert cluster.requests() == [], "a warm run asks nothing"
    measured = ratio(samples, "cachediscovery", "kubectl")
    what = "`server_groups_and_resources()` in a new process, 505 documents, by `kubectl api-resources --cached`"
    return Goal(what, 0.6, measured), {**summary(samples), "ratio": measured}


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
        Goal("one `server_resources_for_group_version` from memory", 2, resources, "\u00b5s"),
        Goal("one `kind_for` from memory", 5, kind, "\u00b5s"),
    ]
    return Result(goals, {"server_resources_for_group_version_us": resources, "kind_for_us": kind})
