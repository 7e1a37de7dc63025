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
        self.unaggregated["/apis"]["groups"].append({"name": group, "versions": [], "preferredVersion": None})
        self.apis["items"].append({"metadata": {"name": group, "creationTimestamp": None}, "versions": []})
        for version, resources in versions.items():
            self.add_resources(f"{group}/{version}", resources)

    def add_resources(self, group_version: str, resources: list[dict[str, Any]]) -> None:
        """Add resources to a group version, which is appended to its group, or with it, if it is new.

        Each is an entry of an `APIResourceList`, as for `add_group`.
        """
        # By the last slash: a test may use a group name that is none.
        group, _, version = group_version.rpartition("/")
        legacy, aggregated = self._group(group)
        if legacy is None or aggregated is None:
            self.add_group(group, {version: resources})
            return
        path = f"/apis/{group_version}"
        if path not in self.unaggregated:
            legacy["versions"].append({"groupVersion": group_version, "version": version})
            legacy["preferredVersion"] = legacy["versions"][0]
            aggregated["versions"].append({"version": version, "freshness": "Current", "resources": []})
            self.unaggregated[path] = {
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": [],
            }  # fmt: skip
        document = self.unaggregated[path]
        document["resources"] = [*document["resources"], *resources]
        for entry in aggregated["versions"]:
            if entry["version"] == version:
                entry["resources"] = [*entry.get("resources", []), *_aggregated(group, version, resources)]

    def remove_resource(self, group: str, plural: str) -> list[str]:
        """Remove a resource, and its subresources, from all versions. Return the versions that are gone with it."""
        gone = []
        for version in self.versions_of(group, plural):
            document = self.unaggregated[f"/apis/{group}/{version}"]
            left = [entry for entry in document["resources"] if entry["name"].partition("/")[0] != plural]
            document["resources"] = left
            for entry in (self._group(group)[1] or {"versions": []})["versions"]:
                if entry["version"] == version:
                    entry["resources"] = [item for item in entry["resources"] if item["resource"] != plural]
            if not left:
                self.remove_version(group, version)
                gone.append(version)
        return gone

    def remove_version(self, group: str, version: str) -> None:
        """Remove a group version, and the group with the last one."""
        self.unaggregated.pop(f"/apis/{group}/{version}", None)
        for found in filter(None, self._group(group)):
            found["versions"] = [entry for entry in found["versions"] if entry["version"] != version]
            if not found["versions"]:
                self.remove_group(group)
                return
            if found.get("preferredVersion", {}).get("version") == version:
                found["preferredVersion"] = found["versions"][0]

    def versions_of(self, group: str, plural: str) -> list[str]:
        """The versions of a group that have this resource, in the order of the group."""
        legacy = self._group(group)[0]
        versions = [entry["version"] for entry in legacy["versions"]] if legacy is not None else []
        return [version for version in versions if plural in self._names(f"/apis/{group}/{version}")]

    def subresources_of(self, path: str, plural: str) -> list[str]:
        """The subresources that the document at `path` has for this resource."""
        parted = [name.partition("/") for name in self._names(path)]
        return [subresource for name, slash, subresource in parted if slash and name == plural]

    def remove_group(self, group: str) -> None:
        """Remove an API group and all its documents."""
        self.apis["items"] = [item for item in self.apis["items"] if item["metadata"]["name"] != group]
        listed = self.unaggregated["/apis"]["groups"]
        self.unaggregated["/apis"]["groups"] = [item for item in listed if item["name"] != group]
        for path in [path for path in self.unaggregated if path.startswith(f"/apis/{group}/")]:
            del self.unaggregated[path]

    def _group(self, group: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The entries of a group in the unaggregated and in the aggregated document."""
        listed, items = self.unaggregated["/apis"]["groups"], self.apis["items"]
        return (
            next((found for found in listed if found["name"] == group), None),
            next((found for found in items if found["metadata"]["name"] == group), None),
        )

    def _names(self, path: str) -> list[str]:
        return [entry["name"] for entry in self.unaggregated.get(path, {}).get("resources", [])]

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
