"""The objects that an API server has for the APIs it serves: CustomResourceDefinitions and APIServices."""

from __future__ import annotations

import time
import uuid
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SUBRESOURCES: dict[str, dict[str, Any]] = {
    "status": {},
    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
}
_SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


def crd_of(
    group: str, versions: Sequence[str], resource: dict[str, Any], subresources: Sequence[str]
) -> dict[str, Any]:
    """The CustomResourceDefinition of `resource`, an entry of an `APIResourceList`, before the server accepts it."""
    names = {
        "plural": resource["name"],
        "singular": resource["singularName"],
        **{key: resource[key] for key in ("shortNames", "categories") if resource.get(key)},
        "kind": resource["kind"],
        "listKind": f"{resource['kind']}List",
    }
    known = {name: _SUBRESOURCES[name] for name in subresources if name in _SUBRESOURCES}
    return {
        "kind": "CustomResourceDefinition",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {**_metadata(f"{resource['name']}.{group}"), "generation": 1},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced" if resource["namespaced"] else "Cluster",
            "versions": [
                {"name": name, "served": True, "storage": at == 0, "schema": _SCHEMA, "subresources": known}
                for at, name in enumerate(versions)
            ],
            "conversion": {"strategy": "None"},
        },
        "status": {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": list(versions[:1]),
        },
    }


def accepted(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition once its names are accepted."""
    names = _condition("NamesAccepted", True, "NoConflicts", "no conflicts found")
    installing = _condition("Established", False, "Installing", "the initial names have been accepted")
    status = {**crd["status"], "conditions": [names, installing], "acceptedNames": crd["spec"]["names"]}
    return {**crd, "status": status}


def established(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition once its resources are served."""
    return _with_condition(
        crd, _condition("Established", True, "InitialNamesAccepted", "the initial names have been accepted")
    )


def deleting(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition once its deletion was asked for."""
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    marked = {**crd, "metadata": {**crd["metadata"], "deletionTimestamp": _now(), "finalizers": [CLEANUP]}}
    return _with_condition(marked, _condition("Terminating", True, "InstanceDeletionPending", message))


def terminating(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition while its objects are removed."""
    message = "CustomResource deletion is in progress"
    return _with_condition(crd, _condition("Terminating", True, "InstanceDeletionInProgress", message))


def api_service_of(group: str, version: str, service: dict[str, str] | None = None) -> dict[str, Any]:
    """The APIService of a group version, served by the server itself or by the extension server behind `service`."""
    available = _condition("Available", True, "Local", "Local APIServices are always available")
    priority = {"groupPriorityMinimum": 1000, "versionPriority": 100}
    metadata = _metadata(f"{version}.{group}")
    if service is None:
        metadata["labels"] = {"kube-aggregator.kubernetes.io/automanaged": "true"}
    else:
        available = _condition("Available", True, "Passed", "all checks passed")
    return {
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": metadata,
        "spec": {
            **({"service": service} if service is not None else {}),
            **({"group": group} if group else {}),
            "version": version,
            **priority,
        },
        "status": {"conditions": [available]},
    }


def _with_condition(found: dict[str, Any], condition: dict[str, str]) -> dict[str, Any]:
    others = [item for item in found["status"]["conditions"] if item["type"] != condition["type"]]
    return {**found, "status": {**found["status"], "conditions": [*others, condition]}}


def _condition(type: str, holds: bool, reason: str, message: str) -> dict[str, str]:
    status = "True" if holds else "False"
    return {"type": type, "status": status, "lastTransitionTime": _now(), "reason": reason, "message": message}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": _now()}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
