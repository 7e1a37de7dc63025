"""The clusters for the integration tests: the testing server (fast) and the real API server."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from cachediscovery.testing import DiscoveryServer, Failure

from ..crds import CRD

APISERVER = pytest.param("apiserver", marks=[pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")])
AIO_MISSING = "kubernetes.aio is part of kubernetes 37 and later: pip install 'kubernetes>=37'"
SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


class Cluster(Protocol):
    """The interface of both. The kubeconfig has the contexts `token` (current) and `anonymous`."""

    @property
    def kubeconfig(self) -> Path: ...

    def requests_of(self, agent: str) -> list[str]: ...

    def answers_of(self, agent: str) -> list[tuple[str, int]]: ...

    def install(self, crds: Iterable[CRD]) -> None: ...

    def uninstall(self, crds: Iterable[CRD]) -> None: ...


class ReplayedCluster:
    """A `DiscoveryServer` with the interface of `APIServer`. It keeps no objects: collections are empty."""

    def __init__(self, server: DiscoveryServer, folder: Path) -> None:
        self.server = server
        self.kubeconfig = folder / "kubeconfig"
        # Everything below /no is forbidden except the version.
        urls = {"token": server.url, "anonymous": f"{server.url}/no"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "token",
            "clusters": [{"name": name, "cluster": {"server": url}} for name, url in urls.items()],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "nobody"}} for name in urls],
            "users": [{"name": "nobody", "user": {}}],
        }
        self.kubeconfig.write_text(json.dumps(config))
        for path in ("/no/api", "/no/apis"):
            server.fail(path, Failure(403, "no way"))
        served = server.recording.unaggregated
        for path, document in served.items():
            # Aggregated discovery orders the resources of some group versions differently.
            if document.get("kind") == "APIResourceList" and path != "/api/v1":
                document["resources"].sort(key=lambda item: item["name"])
        for item in server.recording.apis["items"]:
            for version in item["versions"]:
                version["resources"].sort(key=lambda item: item["resource"])
        served["/no/version"] = served["/version"]
        deployments = {"kind": "DeploymentList", "apiVersion": "apps/v1", "items": []}
        served["/apis/apps/v1/namespaces/default/deployments"] = deployments
        namespaces = [{"metadata": {"name": "default"}}]
        served["/api/v1/namespaces"] = {"kind": "NamespaceList", "apiVersion": "v1", "items": namespaces}

    def requests_of(self, agent: str) -> list[str]:
        return [path for path, _ in self.answers_of(agent)]

    def answers_of(self, agent: str) -> list[tuple[str, int]]:
        requests = list(self.server.requests)
        return [(request.path, request.status) for request in requests if agent in request.header("User-Agent")]

    def install(self, crds: Iterable[CRD]) -> None:
        groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for crd in crds:
            for version in crd.versions:
                groups.setdefault(crd.group, {}).setdefault(version, []).extend(_resources(crd, version))
                collection = {"kind": f"{crd.kind}List", "apiVersion": f"{crd.group}/{version}", "items": []}
                scope = "namespaces/default/" if crd.namespaced else ""
                path = f"/apis/{crd.group}/{version}/{scope}{crd.plural}"
                self.server.recording.unaggregated[path] = collection
        for group, versions in groups.items():
            self.server.recording.add_group(group, versions)

    def uninstall(self, crds: Iterable[CRD]) -> None:
        for group in {crd.group for crd in crds}:
            self.server.recording.remove_group(group)


def _resources(crd: CRD, version: str) -> list[dict[str, Any]]:
    """The entries of the `APIResourceList` of one version."""
    plain = {"namespaced": crd.namespaced, "singularName": "", "kind": crd.kind, "verbs": ["get", "patch", "update"]}
    main = {
        **plain,
        "name": crd.plural,
        "singularName": crd.singular or crd.kind.lower(),
        "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        "shortNames": list(crd.short_names),
        "categories": list(crd.categories),
    }
    more = {"status": {}, "scale": SCALE}
    return [main, *({**plain, "name": f"{crd.plural}/{name}", **more[name]} for name in crd.subresources)]


def clusters(crds: list[CRD]) -> Callable[..., Iterator[Cluster]]:
    """Make a fixture that yields each cluster in turn, with these CRDs installed."""

    @pytest.fixture(scope="module", params=["replayed", APISERVER])
    def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
        with ExitStack() as stack:
            made: Cluster
            if request.param == "apiserver":
                made = request.getfixturevalue("apiserver")
            else:
                made = ReplayedCluster(stack.enter_context(DiscoveryServer()), tmp_path_factory.mktemp("cluster"))
            made.install(crds)
            yield made
            made.uninstall(crds)

    return cluster


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect connections that the clients left open before the next test begins."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
