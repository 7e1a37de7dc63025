"""The lists and watches of a `DiscoveryServer`, compared with those of a real API server."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from cachediscovery import CachedDiscoveryClient, ClientConfig, DeferredDiscoveryRESTMapper, DiscoveryClient
from cachediscovery.testing import DiscoveryServer, load_recording
from cachediscovery.watching import schedule
from cachediscovery.watching.watch import PATHS

from ..apiserver.harness import APIServer
from ..conftest import eventually
from ..crds import CRD

CRDS, SERVICES = PATHS
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


class Events:
    """Follows a watch in a thread."""

    def __init__(self, session: requests.Session, url: str, accept: str = "application/json") -> None:
        self.found: list[dict[str, Any]] = []
        self._answer = session.get(url, headers={"Accept": accept}, stream=True, timeout=60)
        assert self._answer.status_code == 200
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._answer.iter_lines(chunk_size=None):
                self.found.append(json.loads(line))
        except requests.RequestException:
            # The server, or the test, is over.
            pass

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()

    def types(self) -> list[str]:
        return [event["type"] for event in self.found]

    def shapes(self) -> list[Any]:
        """What a program can tell one event from another by."""
        return [(event["type"], shape(event["object"])) for event in self.found]


def shape(found: dict[str, Any]) -> Any:
    """An object without times, UIDs, versions and who set which field."""
    dropped = (
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "managedFields",
        "lastTransitionTime",
    )
    if isinstance(found, dict):
        kept = {key: shape(value) for key, value in found.items() if key not in dropped}
        return {**kept, "deleting": True} if "deletionTimestamp" in found else kept
    return [shape(item) for item in found] if isinstance(found, list) else found


def listed(session: requests.Session, url: str) -> Any:
    return session.get(url, timeout=10).json()


def watch_of(server: DiscoveryServer, path: str, session: requests.Session, query: str = "") -> Events:
    version = listed(session, f"{server.url}{path}?limit=1")["metadata"]["resourceVersion"]
    return Events(session, f"{server.url}{path}?watch=1&resourceVersion={version}{query}")


def test_the_objects_are_those_of_the_recorded_apis(server: DiscoveryServer, session: requests.Session) -> None:
    crds = listed(session, server.url + CRDS)
    assert (crds["kind"], crds["apiVersion"]) == ("CustomResourceDefinitionList", "apiextensions.k8s.io/v1")
    names = [item["metadata"]["name"] for item in crds["items"]]
    assert "virtualmachines.kubevirt.io" in names
    assert "deployments.apps" not in names
    machines = listed(session, f"{server.url}{CRDS}/virtualmachines.kubevirt.io")
    assert [version["name"] for version in machines["spec"]["versions"]] == ["v1", "v1alpha3"]
    services = {item["metadata"]["name"] for item in listed(session, server.url + SERVICES)["items"]}
    assert {"v1.", "v1.apps", "v1alpha3.kubevirt.io"} <= services
    missing = session.get(f"{server.url}{CRDS}/nope", timeout=10)
    assert (missing.status_code, missing.json()["reason"]) == (404, "NotFound")


def test_a_server_without_the_group_has_no_collection(session: requests.Session) -> None:
    recording = load_recording()
    recording.remove_group("apiextensions.k8s.io")
    with DiscoveryServer(recording) as server:
        assert session.get(server.url + CRDS, timeout=10).status_code == 404
        assert session.get(server.url + SERVICES, timeout=10).status_code == 200


def test_a_limited_list_continues_where_it_ended(server: DiscoveryServer, session: requests.Session) -> None:
    whole = [item["metadata"]["name"] for item in listed(session, server.url + SERVICES)["items"]]
    found: list[str] = []
    token = ""
    while len(found) < len(whole):
        page = listed(session, f"{server.url}{SERVICES}?limit=20&continue={token}")
        found += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        assert page["metadata"].get("remainingItemCount", 0) == len(whole) - len(found)
    assert found == whole
    assert not token


def test_a_list_that_expired_does_not_continue(server: DiscoveryServer, session: requests.Session) -> None:
    token = listed(session, f"{server.url}{SERVICES}?limit=20")["metadata"]["continue"]
    server.expire_watches()
    assert session.get(f"{server.url}{SERVICES}?limit=20&continue={token}", timeout=10).status_code == 410


def test_metadata_alone_is_sent_to_whoever_asks_for_it(server: DiscoveryServer, session: requests.Session) -> None:
    accept = METADATA.replace("Metadata;", "MetadataList;")
    first = session.get(f"{server.url}{CRDS}?limit=1", headers={"Accept": accept}, timeout=10).json()
    assert (first["kind"], first["items"][0].keys()) == (
        "PartialObjectMetadataList", {"kind", "apiVersion", "metadata"},
    )  # fmt: skip
    events = Events(session, f"{server.url}{CRDS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true", METADATA)
    events.join()
    assert {event["object"]["kind"] for event in events.found} == {"PartialObjectMetadata"}


def test_without_a_version_a_watch_begins_with_what_is_there(
    server: DiscoveryServer, session: requests.Session
) -> None:
    count = len(listed(session, server.url + CRDS)["items"])
    for query in ("", "&resourceVersion=0"):
        events = Events(session, f"{server.url}{CRDS}?watch=true&timeoutSeconds=1{query}")
        events.join()
        assert events.types() == ["ADDED"] * count
    streamed = Events(
        session, f"{server.url}{CRDS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
    )
    streamed.join()
    assert streamed.types()[: count + 1] == ["ADDED"] * count + ["BOOKMARK"]
    assert "k8s.io/initial-events-end" in streamed.found[count]["object"]["metadata"]["annotations"]


def test_a_watch_from_an_earlier_version_replays_the_events(server: DiscoveryServer, session: requests.Session) -> None:
    version = listed(session, server.url + CRDS)["metadata"]["resourceVersion"]
    server.uninstall_crd(server.install_crd("new.test/v1", "Widget"))
    events = Events(session, f"{server.url}{CRDS}?watch=1&resourceVersion={version}&timeoutSeconds=1")
    events.join()
    assert events.types() == ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events.found]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


def test_bookmarks_come_at_intervals_and_before_the_end(server: DiscoveryServer, session: requests.Session) -> None:
    plain = watch_of(server, CRDS, session, "&timeoutSeconds=1")
    server.bookmark_seconds = 0.2
    events = watch_of(server, CRDS, session, "&timeoutSeconds=1&allowWatchBookmarks=true")
    server.install_api_service("metrics.k8s.io/v1beta1", [])
    events.join()
    assert set(events.types()) == {"BOOKMARK"}
    assert len(events.found) >= 2
    bookmark = events.found[-1]["object"]
    assert bookmark["kind"] == "CustomResourceDefinition"
    now = listed(session, server.url + CRDS)["metadata"]["resourceVersion"]
    assert bookmark["metadata"]["resourceVersion"] == now, "it has passed the changes of the other collection"
    plain.join()
    assert plain.found == []


@pytest.mark.parametrize("as_status", [False, True])
def test_expired_watches_end_and_old_versions_are_gone(
    server: DiscoveryServer, session: requests.Session, as_status: bool
) -> None:
    version = listed(session, server.url + CRDS)["metadata"]["resourceVersion"]
    open_watch = Events(session, f"{server.url}{CRDS}?watch=1&resourceVersion={version}")
    server.expire_watches(as_status=as_status)
    open_watch.join()
    again = session.get(f"{server.url}{CRDS}?watch=1&resourceVersion={version}", timeout=10)
    if as_status:
        assert open_watch.found == []
        assert (again.status_code, again.json()["reason"]) == (410, "Expired")
    else:
        assert open_watch.types() == ["ERROR"]
        assert again.status_code == 200
        status = json.loads(again.text)["object"]
        assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    fresh = watch_of(server, CRDS, session)
    server.install_crd("new.test/v1", "Widget")
    assert eventually(lambda: fresh.types() == ["ADDED", "MODIFIED", "MODIFIED"])


def test_documents_and_objects_agree_at_every_step(server: DiscoveryServer, tmp_path: Path) -> None:
    def served() -> list[tuple[str, str, tuple[str, ...]]]:
        found = set()
        for client in (base, base.with_legacy()):
            lists = client.server_groups_and_resources()[1]
            found.add(
                tuple(
                    (item.group_version, resource.name, resource.short_names)
                    for item in lists
                    if item.group_version.startswith("new.test/")
                    for resource in item.resources
                )
            )
        (only,) = found
        return list(only)

    base = DiscoveryClient.for_config(ClientConfig(server.url))
    before = served()
    assert before == []
    name = server.install_crd("new.test/v1", "Widget", short_names=("wd",))
    assert name == "widgets.new.test"
    v1 = [("new.test/v1", "widgets", ("wd",)), ("new.test/v1", "widgets/status", ())]
    assert served() == v1
    server.install_crd("new.test/v2", "Widget", short_names=("wd",))
    server.install_crd("new.test/v1", "Policy", namespaced=False, subresources=())
    assert {(version, plural) for version, plural, _ in served()} == {
        ("new.test/v1", "widgets"), ("new.test/v1", "widgets/status"), ("new.test/v1", "policies"),
        ("new.test/v2", "widgets"), ("new.test/v2", "widgets/status"),
    }  # fmt: skip
    with pytest.raises(ValueError, match="has the version v1 already"):
        server.install_crd("new.test/v1", "Widget")
    server.uninstall_crd("widgets.new.test")
    assert served() == [("new.test/v1", "policies", ())]
    server.uninstall_crd("policies.new.test")
    assert served() == []
    with pytest.raises(KeyError):
        server.uninstall_crd("policies.new.test")


def test_an_api_service_comes_and_goes_with_its_documents(server: DiscoveryServer, session: requests.Session) -> None:
    events = watch_of(server, SERVICES, session)
    metric = {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get"]}
    name = server.install_api_service("metrics.k8s.io/v1beta1", [metric])
    base = DiscoveryClient.for_config(ClientConfig(server.url))
    assert base.server_resources_for_group_version("metrics.k8s.io/v1beta1").resources[0].kind == "NodeMetrics"
    server.uninstall_api_service(name)
    assert "metrics.k8s.io" not in [group.name for group in base.server_groups().groups]
    assert eventually(lambda: events.types() == ["ADDED", "MODIFIED", "DELETED"])


def test_a_watching_client_follows_the_server(
    server: DiscoveryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LOOKS_AFTER_GAP", ((0.0, 0.0),))
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path / "cache"))
    mapper = DeferredDiscoveryRESTMapper(client)
    client.server_groups_and_resources()
    with client.watch() as watch:
        assert watch.wait_until_watching(20)
        name = server.install_crd("new.test/v1", "Widget", short_names=("wd",))
        assert eventually(lambda: "new.test" in [group.name for group in client.server_groups().groups])
        assert mapper.mapping_for("wd").kind == "Widget"
        server.expire_watches()
        server.uninstall_crd(name)
        assert eventually(lambda: "new.test" not in [group.name for group in client.server_groups().groups])


def test_kubectl_lists_and_watches_the_objects(
    server: DiscoveryServer, kubectl_path: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    one = subprocess.run(
        [kubectl_path, "get", "crd", "issuers.cert-manager.io", "-o", "name"],
        env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert one.stdout == "customresourcedefinition.apiextensions.k8s.io/issuers.cert-manager.io\n"
    command = [kubectl_path, "get", "apiservices", "--watch-only", "-o", "name"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as watching:
        assert eventually(lambda: any("apiservices" in path for path in server.paths()))
        assert eventually(lambda: server.paths().count(SERVICES) >= 2)
        server.install_crd("new.test/v1", "Widget")
        assert watching.stdout is not None
        assert watching.stdout.readline() == "apiservice.apiregistration.k8s.io/v1.new.test\n"
        watching.terminate()


@pytest.mark.apiserver
def test_the_events_are_those_of_a_real_api_server(
    apiserver: APIServer, server: DiscoveryServer, session: requests.Session
) -> None:
    def follow(of: requests.Session, url: str) -> list[Events]:
        versions = [listed(of, url + path)["metadata"]["resourceVersion"] for path in PATHS]
        return [
            Events(of, f"{url}{path}?watch=1&resourceVersion={version}")
            for path, version in zip(PATHS, versions, strict=True)
        ]

    crd = CRD("events.test", ("v1", "v1beta1"), "widgets", "Widget", ("wd",))
    real, ours = follow(apiserver.session, apiserver.url), follow(session, server.url)
    apiserver.install([crd])
    server.install_crd("events.test/v1", "Widget", short_names=("wd",))
    with_two = server.install_crd("events.test/v1beta1", "Widget", short_names=("wd",))
    apiserver.wait_for(lambda: [len(events.found) for events in real] == [3, 2])
    assert eventually(lambda: [len(events.found) for events in ours] == [4, 2])
    # A real server takes both versions in one request; here the second comes with a MODIFIED of its own.
    added, names_accepted, is_established, with_second = ours[0].shapes()
    for mine, real_one in zip((added, names_accepted, is_established), real[0].shapes(), strict=True):
        assert mine[0] == real_one[0]
        assert without_second_version(mine[1]) == without_second_version(real_one[1])
    assert with_second[0] == "MODIFIED"
    assert with_second[1]["spec"] == real[0].shapes()[-1][1]["spec"]
    # A real server registers the versions of a group in any order.
    assert sorted(map(str, ours[1].shapes())) == sorted(map(str, real[1].shapes()))
    apiserver.uninstall([crd])
    server.uninstall_crd(with_two)
    apiserver.wait_for(lambda: [len(events.found) for events in real] == [6, 4])
    assert eventually(lambda: [len(events.found) for events in ours] == [7, 4])
    for mine, real_one in zip(ours[0].shapes()[4:], real[0].shapes()[3:], strict=True):
        assert mine[0] == real_one[0]
        assert without_second_version(mine[1]) == without_second_version(real_one[1])
    assert sorted(map(str, ours[1].shapes()[2:])) == sorted(map(str, real[1].shapes()[2:]))


def without_second_version(found: dict[str, Any]) -> dict[str, Any]:
    found["spec"]["versions"] = found["spec"]["versions"][:1]
    found.pop("generation", None)
    found["metadata"].pop("generation", None)
    found["status"]["conditions"] = sorted(found["status"]["conditions"] or [], key=lambda item: item["type"])
    return found
