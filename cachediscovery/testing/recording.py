"""Recorded discovery documents of an API server, and methods to change them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

RECORDINGS = Path(__file__).parent / "recordings"


class Recording(NamedTuple):
    """The responses of one API server: the two aggregated documents, and all others by path.

    The documents are parsed JSON. `unaggregated` has the keys `/api`, `/apis`, `/api/v1`,
    `/apis/<group>/<version>` and `/version`.
    """

    api: dict[str, Any]
    apis: dict[str, Any]
    unaggregated: dict[str, dict[str, Any]]

    def save(self, path: Path) -> None:
        """Write the recording as one JSON file."""
        path.write_text(json.dumps(self._asdict(), separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")

    def copy(self) -> Recording:
        """Return a deep copy, safe to change."""
        return Recording(**json.loads(json.dumps(self._asdict())))

    def add_group(self, group: str, versions: dict[str, list[dict[str, Any]]]) -> None:
        """Append an API group.

        `versions` maps each version to its resources, each an entry of an `APIResourceList`:
        `{"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}`.
        """
        entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
        self.unaggregated["/apis"]["groups"].append(
            {"name": group, "versions": entries, "preferredVersion": entries[0] if entries else None}
        )
        for version, resources in versions.items():
            self.unaggregated[f"/apis/{group}/{version}"] = {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": f"{group}/{version}",
                "resources": resources,
            }
        self.apis["items"].append(
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [
                    {"version": version, "freshness": "Current", "resources": _aggregated(group, version, resources)}
                    for version, resources in versions.items()
                ],
            }
        )

    def remove_group(self, group: str) -> None:
        """Remove an API group and all its documents."""
        self.apis["items"] = [item for item in self.apis["items"] if item["metadata"]["name"] != group]
        listed = self.unaggregated["/apis"]["groups"]
        self.unaggregated["/apis"]["groups"] = [item for item in listed if item["name"] != group]
        for path in [path for path in self.unaggregated if path.startswith(f"/apis/{group}/")]:
            del self.unaggregated[path]

    def mark_stale(self, group_version: str) -> None:
        """Mark a group version as `Stale`, as if its extension API server were unavailable."""
        group, _, version = group_version.rpartition("/")
        for item in (self.apis if group else self.api)["items"]:
            if item["metadata"].get("name", "") == group:
                for entry in item["versions"]:
                    if entry["version"] == version:
                        entry["freshness"] = "Stale"
                        entry.pop("resources", None)


def load_recording(name: str = "cluster") -> Recording:
    """Load a recording of this package: `cluster` is a kube-apiserver 1.37 with the CRDs of some operators."""
    return Recording(**json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8")))


def _aggregated(group: str, version: str, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Convert the entries of an `APIResourceList` to those of aggregated discovery."""
    entries: dict[str, dict[str, Any]] = {}
    for resource in resources:
        name, _, subresource = resource["name"].partition("/")
        kind = {
            "group": resource.get("group", group),
            "version": resource.get("version", version),
            "kind": resource["kind"],
        }
        if subresource:
            entries[name].setdefault("subresources", []).append(
                {"subresource": subresource, "responseKind": kind, "verbs": resource["verbs"]}
            )
            continue
        entries[name] = {
            "resource": name,
            "responseKind": kind,
            "scope": "Namespaced" if resource["namespaced"] else "Cluster",
            "singularResource": resource["singularName"],
            "verbs": resource["verbs"],
        }
        for key in ("shortNames", "categories"):
            if resource.get(key):
                entries[name][key] = resource[key]
    return list(entries.values())
