"""Many processes that call and invalidate at once: no error, and no document is fetched more often than needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

# Makes random calls of every kind, then prints its invalidations and errors.
WORKER = """
import json, random, sys, traceback
from cachediscovery import CachedDiscoveryClient, ClientConfig, DeferredDiscoveryRESTMapper, GroupKind
server, cache_dir, calls, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(seed)
client = CachedDiscoveryClient.for_config(ClientConfig(server), cache_dir=cache_dir, recheck_interval=0.01)
mapper = DeferredDiscoveryRESTMapper(client)
versions = ["v1", "apps/v1", "batch/v1", "policy/v1", "cert-manager.io/v1", "kubevirt.io/v1"]
invalidated, errors = [], []

def one():
    kind = chance.random()
    if kind < 0.02:
        invalidated.append("")
        client.invalidate()
    elif kind < 0.05:
        invalidated.append(chance.choice(versions))
        client.invalidate(invalidated[-1])
    elif kind < 0.25:
        assert len(client.server_groups().groups) == groups, "groups"
    elif kind < 0.5:
        assert client.server_resources_for_group_version(chance.choice(versions)).resources, "resources"
    elif kind < 0.6:
        assert len(client.server_groups_and_resources()[1]) == lists, "lists"
    elif kind < 0.65:
        client.resource_index.write()
    elif kind < 0.8:
        assert mapper.mapping_for(chance.choice(["deploy", "pods", "Certificate", "vm"])).verbs, "mapping"
    else:
        assert mapper.rest_mapping(GroupKind("apps", "Deployment")).plural == "deployments", "kind"

found = client.server_groups_and_resources()
groups, lists = len(found[0]), len(found[1])
for _ in range(calls):
    try:
        one()
    except Exception:
        errors.append(traceback.format_exc())
print(json.dumps({"invalidated": invalidated, "errors": errors, "groups": groups, "lists": lists}))
"""


@pytest.mark.long
@pytest.mark.parametrize("aggregated", [True, False])
def test_many_processes_fetch_each_document_at_most_once_per_invalidation(
    tmp_path: Path, request: pytest.FixtureRequest, figures: Callable[..., None], aggregated: bool
) -> None:
    processes, calls = (100, 100) if request.config.getoption("--whole") else (12, 60)
    with DiscoveryServer(aggregated=aggregated) as server:
        command = [sys.executable, "-c", WORKER, server.url, str(tmp_path / "cache"), str(calls)]
        running = [
            subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for seed in range(processes)
        ]
        ended = [process.communicate(timeout=900) for process in running]
        # On a busy machine a process may wait longer than two seconds, and then it says so.
        said = [line for _, err in ended for line in err.decode().splitlines()]
        assert [line for line in said if not line.startswith("waiting for ")] == []
        reports = [json.loads(out) for out, _ in ended]
        asked = Counter(server.paths())
    assert [error for report in reports for error in report["errors"]] == []
    assert len({(report["groups"], report["lists"]) for report in reports}) == 1
    invalidated = Counter(key for report in reports for key in report["invalidated"])
    assert invalidated[""] > 0
    everything = 1 + invalidated[""]
    scoped = sum(invalidated.values()) - invalidated[""]
    for path, count in asked.items():
        group_version = re.sub("^/apis?/?", "", path)
        # The documents at `/api` and `/apis` are also fetched when several others are missing.
        bound = everything + (invalidated[group_version] if group_version else scoped)
        assert count <= bound, (path, count, bound)
    figures(
        f"load, {'aggregated' if aggregated else 'not aggregated'}",
        processes=processes,
        calls=processes * calls,
        invalidations=sum(invalidated.values()),
        requests=sum(asked.values()),
        errors=0,
    )
