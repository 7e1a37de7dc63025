"""Two clusters, or two servers of one cluster, behind a connection balancer: no listing mixes two clusters."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cachediscovery import APIResourceList, CachedDiscoveryClient, ClusterMismatchError
from cachediscovery.disk.document_store import DocumentStore
from cachediscovery.testing import DiscoveryServer, Recording, load_recording

from ..conftest import eventually
from ..other_clusters import client_for, tls_of, write_kubeconfig
from .balancer import Balancer
from .test_races import InterruptedStore

pytestmark = pytest.mark.long

FLOW, PRIORITY = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
GROUP_VERSIONS = ("v1", "apps/v1", "batch/v1", "policy/v1", "storage.k8s.io/v1")


def recording_of(cluster: str, kube_system: str = "") -> Recording:
    """A small cluster whose name is the kind of its resources, with `kube_system` as that namespace's UID, if any."""
    recording = load_recording()
    recording.api["items"] = []
    recording.apis["items"] = []
    recording.unaggregated.clear()
    recording.unaggregated["/api"] = {"kind": "APIVersions", "versions": ["v1"]}
    recording.unaggregated["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
    for group_version in GROUP_VERSIONS:
        group, _, version = group_version.rpartition("/")
        resource = {"name": f"of-{cluster}", "singularName": "", "namespaced": True, "kind": cluster, "verbs": ["get"]}
        recording.add_group(group, {version: [resource]})
    recording.api["items"] = [recording.apis["items"].pop(0)]
    recording.unaggregated["/apis"]["groups"].pop(0)
    recording.unaggregated["/api/v1"] = recording.unaggregated.pop("/apis//v1")
    recording.unaggregated["/api/v1"]["groupVersion"] = "v1"
    if kube_system:
        recording.unaggregated[KUBE_SYSTEM] = {"kind": "Namespace", "metadata": {"uid": kube_system}}
    return recording


def clusters_of(lists: list[APIResourceList]) -> set[str]:
    """The clusters that the documents of a listing come from."""
    return {resource.kind for found in lists for resource in found.resources}


def clusters_on_disk(home: Path) -> set[str]:
    documents = [json.loads(path.read_bytes()) for path in home.rglob("serverresources.json")]
    return {resource["kind"] for document in documents for resource in document["resources"]}


class Clusters:
    """TLS servers behind one URL, and clients for it."""

    def __init__(self, balancer: Balancer, servers: dict[str, DiscoveryServer], kubeconfig: Path) -> None:
        self.balancer = balancer
        self.servers = servers
        self._kubeconfig = kubeconfig

    def client(self, **keywords: Any) -> CachedDiscoveryClient:
        return client_for(self._kubeconfig, **keywords)

    def lead_to(self, name: str) -> None:
        self.balancer.choose = lambda: self.servers[name]

    def alternate(self) -> None:
        """Forward new connections to the servers in turn."""
        turns = itertools.cycle(self.servers.values())
        self.balancer.choose = lambda: next(turns)


Start = Callable[..., Clusters]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    from contextlib import ExitStack

    with ExitStack() as running:

        def call(*recordings: Recording, uids: bool, aggregated: bool = True, shared: bool = False) -> Clusters:
            """Start a server per recording. With `uids` its responses carry UIDs; with `shared` all carry the same."""
            authority, servers = trustme.CA(), {}
            for number, recording in enumerate(recordings):
                server = DiscoveryServer(recording, tls=tls_of(authority), aggregated=aggregated)
                if uids:
                    cluster = 0 if shared else number
                    server.headers = {FLOW: f"flow-{cluster}", PRIORITY: f"level-{cluster}"}
                servers["AB"[number]] = running.enter_context(server)
            balancer = running.enter_context(Balancer(lambda: servers["A"]))
            kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", balancer.port, local=authority)
            return Clusters(balancer, servers, kubeconfig)

        yield call


# Servers of one cluster.


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize(("uids", "kube_system"), [(True, ""), (False, "c-1")])
def test_replicas_with_different_certificates_count_as_one_cluster(
    start: Start, tmp_path: Path, uids: bool, kube_system: str, aggregated: bool
) -> None:
    one = recording_of("A", kube_system)
    clusters = start(one, one.copy(), uids=uids, shared=True, aggregated=aggregated)
    clusters.alternate()
    client = clusters.client()
    for _ in range(5):
        again = clusters.client()
        assert clusters_of(again.server_groups_and_resources()[1]) == {"A"}
        again.refresh()
        client.invalidate()
        assert len(client.server_groups_and_resources()[1]) == len(GROUP_VERSIONS)
    assert all(server.request_count for server in clusters.servers.values())
    for server in clusters.servers.values():
        server.forget_requests()
    # Both certificates are known now: no extra request is sent.
    client.invalidate("apps/v1")
    for user in (client, clusters.client()):
        assert len(user.server_groups_and_resources()[1]) == len(GROUP_VERSIONS)
    assert [path for server in clusters.servers.values() for path in server.paths()] == ["/apis/apps/v1"]
    assert len(list(tmp_path.rglob("serverresources.json"))) == len(GROUP_VERSIONS)


# Two clusters.


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize("kube_system", [True, False])
@pytest.mark.parametrize("uids", [True, False])
def test_alternating_clusters_yield_an_unmixed_listing_or_fail_and_clear_the_cache(
    start: Start, tmp_path: Path, uids: bool, kube_system: bool, aggregated: bool
) -> None:
    recordings = (recording_of(name, f"c-{name}" if kube_system else "") for name in "AB")
    clusters = start(*recordings, uids=uids, aggregated=aggregated)
    clusters.alternate()
    errors = 0
    for _ in range(10):
        # Two requests, each on its own connection: usually each cluster gets one, at every retry too.
        client = clusters.client()
        client.invalidate()
        try:
            assert len(clusters_of(client.server_groups_and_resources()[1])) == 1
        except ClusterMismatchError as error:
            errors += 1
            assert "several clusters answer at https://127" in str(error)
            assert not list(tmp_path.rglob("server*.json"))
    assert errors


def test_a_retry_that_reaches_only_one_cluster_returns_its_listing(
    start: Start,
) -> None:
    clusters = start(*map(recording_of, "AB"), uids=True)
    turns = iter("AB" + "B" * 99)
    clusters.balancer.choose = lambda: clusters.servers[next(turns)]
    client = clusters.client()
    assert clusters_of(client.server_groups_and_resources()[1]) == {"B"}
    assert clusters_of(clusters.client().server_groups_and_resources()[1]) == {"B"}


@pytest.mark.parametrize("uids", [True, False])
@pytest.mark.parametrize("moment", ["/api", "/apis", "both"])
def test_open_connections_to_the_old_cluster_do_not_mix_a_listing(start: Start, moment: str, uids: bool) -> None:
    """The switch comes between the two parallel requests: one uses an open connection, the other a new one."""
    clusters = start(*map(recording_of, "AB"), uids=uids)
    old = clusters.servers["A"]
    client = clusters.client()
    assert clusters_of(client.server_groups_and_resources()[1]) == {"A"}
    # Close one of the two open connections.
    old.headers["Connection"] = "close"
    client.invalidate("apps/v1")
    client.server_resources_for_group_version("apps/v1")
    del old.headers["Connection"]
    switched = threading.Event()

    def switch(path: str) -> None:
        if path == moment or (moment == "both" and path in ("/api", "/apis")):
            clusters.lead_to("B")
            switched.set()

    old.on_request = switch
    if moment == "both":
        clusters.lead_to("B")
    for _ in range(4):
        client.invalidate()
        groups, lists = client.server_groups_and_resources()
        assert len(groups) == len(GROUP_VERSIONS)
        assert len(clusters_of(lists)) == 1
    assert switched.is_set()
    fresh = clusters.client()
    fresh.refresh()
    assert clusters_of(fresh.server_groups_and_resources()[1]) == {"B"}


@pytest.mark.parametrize("uids", [True, False])
@pytest.mark.parametrize("number", range(len(GROUP_VERSIONS) + 2))
def test_a_switch_at_any_request_yields_a_listing_of_one_cluster(start: Start, uids: bool, number: int) -> None:
    clusters = start(*map(recording_of, "AB"), uids=uids, aggregated=False)
    requests = itertools.count()

    def switch(path: str) -> None:
        if next(requests) == number:
            clusters.lead_to("B")

    clusters.servers["A"].on_request = switch
    client = clusters.client()
    lists = client.server_groups_and_resources()[1]
    assert len(clusters_of(lists)) == 1
    assert len(lists) == len(GROUP_VERSIONS)


@pytest.mark.parametrize("in_memory", [True, False])
def test_another_clusters_documents_written_during_a_listing_are_not_mixed_in(start: Start, in_memory: bool) -> None:
    """Another process writes them, at each step of a listing from disk."""
    clusters = start(*map(recording_of, "AB"), uids=True)
    other = clusters.client()
    at, reached = 0, True
    while reached:
        # Every step at first, then every third: the later ones are much alike.
        at += 1 if at < 12 else 3
        clusters.lead_to("A")
        other.delegate.transport.reconnect()  # type: ignore[attr-defined]
        other.refresh()
        store = InterruptedStore(make_store_of(other), at)
        client = CachedDiscoveryClient(other.delegate, store, recheck_interval=3600)

        def switch() -> None:
            clusters.lead_to("B")
            other.delegate.transport.reconnect()  # type: ignore[attr-defined]
            other.refresh()

        if in_memory:
            for group_version in GROUP_VERSIONS[:3]:
                client.server_resources_for_group_version(group_version)
        store.calls, store.interrupt = 0, switch
        found = clusters_of(client.server_groups_and_resources()[1])
        reached = store.calls >= at
        assert len(found) == 1, at
    assert at > 12


def make_store_of(client: CachedDiscoveryClient) -> DocumentStore:
    """A store for the client's folder, as another process would open it."""
    folder = str(Path(client.path()).parent)
    return DocumentStore(folder[: folder.index("/discovery/")], folder)


def test_a_cluster_change_in_one_thread_aborts_no_other_threads_request(start: Start) -> None:
    clusters = start(*map(recording_of, "AB"), uids=True)
    client = clusters.client()
    client.server_groups_and_resources()
    asked, answer = threading.Event(), threading.Event()

    def hold(path: str) -> None:
        if path == "/apis/batch/v1":
            asked.set()
            answer.wait(20)

    clusters.servers["A"].on_request = hold
    client.invalidate("batch/v1")
    client.invalidate("apps/v1")
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(client.server_resources_for_group_version("batch/v1")))
    thread.start()
    assert asked.wait(20)
    # Only the thread keeps a connection to A.
    clusters.servers["A"].headers["Connection"] = "close"
    clusters.lead_to("B")
    assert clusters_of([client.server_resources_for_group_version("apps/v1")])
    client.invalidate("apps/v1")
    assert clusters_of([client.server_resources_for_group_version("apps/v1")]) == {"B"}
    answer.set()
    thread.join()
    assert clusters_of(found) == {"B"}


# At random moments.


def test_no_listing_mixes_clusters_while_the_balancer_switches(
    start: Start, home: Path, request: pytest.FixtureRequest, figures: Callable[..., None]
) -> None:
    switches = 1000 if request.config.getoption("--whole") else 40
    counted = dict.fromkeys(("switches", "reads", "of_one_cluster", "told_as_errors", "mixed"), 0)
    kinds = [(uids, aggregated, known) for uids in (True, False) for aggregated in (True, False) for known in (0, 1)]
    for number, (uids, aggregated, known) in enumerate(kinds):
        recordings = (recording_of(name, f"c-{name}" if known else "") for name in "AB")
        clusters = start(*recordings, uids=uids, aggregated=aggregated)
        read_while_switching(clusters, switches // len(kinds), number, counted)
        assert len(clusters_on_disk(home)) <= 1
        for path in home.rglob("server*"):
            if path.is_file():
                path.unlink()
    assert counted["mixed"] == 0, counted
    assert counted["of_one_cluster"] > switches, counted
    figures("clusters switched behind a balancer", readers=8, **counted)


def read_while_switching(clusters: Clusters, switches: int, seed: int, counted: dict[str, int]) -> None:
    """Eight threads read in several ways while the balancer changes where new connections go."""
    chance, stop, lock, problems = random.Random(seed), threading.Event(), threading.Lock(), list[BaseException]()
    shared = clusters.client(recheck_interval=0.01)

    def note(name: str) -> None:
        with lock:
            counted[name] += 1

    def read(number: int) -> None:
        own = clusters.client(recheck_interval=0.01)
        chance = random.Random(number)
        while not stop.is_set():
            kind = chance.random()
            # A new client, as in another process; this thread's own client; or the one that all threads share.
            client = clusters.client() if kind < 0.3 else own if kind < 0.7 else shared
            note("reads")
            try:
                if chance.random() < 0.5:
                    client.invalidate(chance.choice((None, None, *GROUP_VERSIONS)))
                elif chance.random() < 0.3:
                    client.refresh()
                groups, lists = client.server_groups_and_resources()
            except ClusterMismatchError:
                note("told_as_errors")
                continue
            found = clusters_of(lists)
            note("of_one_cluster" if len(found) == 1 and len(lists) == len(groups) else "mixed")

    def run(number: int) -> None:
        try:
            read(number)
        except BaseException as error:
            problems.append(error)

    readers = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(switches):
            before = counted["reads"]
            if chance.random() < 0.3:
                clusters.alternate()
            else:
                clusters.lead_to(chance.choice("AB"))
            counted["switches"] += 1
            time.sleep(chance.random() * 0.05)
            assert eventually(lambda before=before: counted["reads"] > before or bool(problems))  # type: ignore[misc]
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    if problems:
        raise problems[0]
