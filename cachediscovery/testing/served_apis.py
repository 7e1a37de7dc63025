"""`ServedAPIs`: the CustomResourceDefinitions and APIServices of a `DiscoveryServer`, with lists and watches."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qsl

from . import manifests
from .collection import Collection
from .object_log import ObjectLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .collection import ObjectAnswer
    from .recording import Recording

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
_SUBRESOURCE_VERBS = ["get", "patch", "update"]


class ServedAPIs:
    """Sends the events that a kube-apiserver 1.37 sends, in their order. Safe for use by several threads.

    The documents of the recording change before the events are sent. A real server publishes them some tenths of a
    second later.
    """

    def __init__(self, recording: Callable[[], Recording]) -> None:
        """`recording()` is the present recording of the server. The objects it implies are made on first use."""
        self._recording = recording
        self._log = ObjectLog()
        self._lock = threading.RLock()
        self._begun = False
        self._collections = {
            path: Collection(self._log, path, kind)
            for path, kind in ((CRDS, "CustomResourceDefinition"), (API_SERVICES, "APIService"))
        }

    def serves(self, path: str) -> bool:
        """Whether this is the path of a collection, or of an object in one, in a group version that is recorded."""
        start = self._collection_of(path)
        return start is not None and start.rpartition("/")[0] in self._recording().unaggregated

    def answer(self, path: str, query: str, accept: str) -> ObjectAnswer | None:
        """The answer to a GET of a collection, or of an object in it; None for any other path."""
        start = self._collection_of(path)
        if start is None:
            return None
        self._begin()
        arguments = dict(parse_qsl(query, keep_blank_values=True))
        return self._collections[start].answer(path[len(start) + 1 :], arguments, accept)

    def install_crd(self, group_version: str, resource: dict[str, Any], subresources: Sequence[str]) -> str:
        """Serve a custom resource in a version; the first is the storage version. Return the name of its CRD."""
        group, _, version = group_version.partition("/")
        name = f"{resource['name']}.{group}"
        with self._lock:
            self._begin()
            known = self._log.get(CRDS, name)
            versions = [item["name"] for item in known["spec"]["versions"]] if known is not None else []
            if version in versions:
                raise ValueError(f"{name} has the version {version} already")
            crd = manifests.crd_of(group, [*versions, version], resource, subresources)
            if known is not None:
                metadata = {**known["metadata"], "generation": known["metadata"]["generation"] + 1}
                crd = {**crd, "metadata": metadata, "status": known["status"]}
            below = [
                {**resource, "name": f"{resource['name']}/{item}", "singularName": "", "verbs": _SUBRESOURCE_VERBS}
                for item in subresources
            ]
            for entry in below:
                entry.pop("shortNames", None)
                entry.pop("categories", None)
            self._recording().add_resources(group_version, [resource, *below])
            self._log.put(CRDS, crd)
            if known is None:
                crd = manifests.accepted(crd)
                self._log.put(CRDS, crd)
            if self._log.get(API_SERVICES, f"{version}.{group}") is None:
                self._log.put(API_SERVICES, manifests.api_service_of(group, version))
            if known is None:
                self._log.put(CRDS, manifests.established(crd))
        return name

    def uninstall_crd(self, name: str) -> None:
        """Stop serving a custom resource, by the name of its CRD. Raises `KeyError`."""
        plural, _, group = name.partition(".")
        with self._lock:
            self._begin()
            crd = self._log.get(CRDS, name)
            if crd is None:
                raise KeyError(name)
            gone = self._recording().remove_resource(group, plural)
            crd = manifests.deleting(crd)
            self._log.put(CRDS, crd)
            self._log.put(CRDS, manifests.terminating(crd))
            self._log.delete(CRDS, name)
            for version in gone:
                self._log.delete(API_SERVICES, f"{version}.{group}")

    def install_api_service(self, group_version: str, resources: list[dict[str, Any]]) -> str:
        """Serve a group version of an extension API server. Return the name of its APIService."""
        group, _, version = group_version.partition("/")
        service = manifests.api_service_of(group, version, {"namespace": "default", "name": group.partition(".")[0]})
        name: str = service["metadata"]["name"]
        with self._lock:
            self._begin()
            if self._log.get(API_SERVICES, name) is not None:
                raise ValueError(f"{name} is there already")
            self._recording().add_resources(group_version, resources)
            self._log.put(API_SERVICES, {**service, "status": {}})
            self._log.put(API_SERVICES, service)
        return name

    def uninstall_api_service(self, name: str) -> None:
        """Stop serving a group version, by the name of its APIService. Raises `KeyError`."""
        version, _, group = name.partition(".")
        with self._lock:
            self._begin()
            self._log.delete(API_SERVICES, name)
            self._recording().remove_version(group, version)

    def expire(self, *, as_status: bool) -> None:
        """End all watches; every `resourceVersion` handed out so far is too old from now on."""
        self._begin()
        for collection in self._collections.values():
            collection.refuses_old_versions = as_status
        self._log.compact()

    @property
    def bookmark_seconds(self) -> float:
        """The seconds between two bookmarks of a watch."""
        return self._collections[CRDS].bookmark_seconds

    @bookmark_seconds.setter
    def bookmark_seconds(self, value: float) -> None:
        """Set it for watches that begin from now on."""
        for collection in self._collections.values():
            collection.bookmark_seconds = value

    def close(self) -> None:
        """End all watches."""
        self._log.close()

    def _collection_of(self, path: str) -> str | None:
        return next((start for start in self._collections if path == start or path.startswith(f"{start}/")), None)

    def _begin(self) -> None:
        """Make the objects that a server has which serves what is recorded."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
            found = self._recording()
            for path, document in found.unaggregated.items():
                group, _, version = document.get("groupVersion", "").rpartition("/")
                if version:
                    self._log.put(API_SERVICES, manifests.api_service_of(group, version))
                # The groups of Kubernetes itself have no dot in their names, or end so.
                if "." in group and not group.endswith(".k8s.io"):
                    self._define(found, path, group)

    def _define(self, found: Recording, path: str, group: str) -> None:
        for resource in found.unaggregated[path]["resources"]:
            plural, _, subresource = resource["name"].partition("/")
            if subresource or self._log.get(CRDS, f"{plural}.{group}") is not None:
                continue
            versions, subresources = found.versions_of(group, plural), found.subresources_of(path, plural)
            crd = manifests.crd_of(group, versions, resource, subresources)
            self._log.put(CRDS, manifests.established(manifests.accepted(crd)))


def guessed_plural(kind: str) -> str:
    """The plural that client-go guesses for a kind (`meta.UnsafeGuessKindToResource`)."""
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
