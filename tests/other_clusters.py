"""Clusters that share a URL: their recordings, certificates and kubeconfigs."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import trustme

from cachediscovery import CachedDiscoveryClient, ConfigOverrides
from cachediscovery.testing import Recording, load_recording


def recording_with(plural: str, kind: str) -> Recording:
    """A recording with one resource that no other cluster serves."""
    recording = load_recording()
    resource = {
        "name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"],
    }  # fmt: skip
    recording.add_group("only.test", {"v1": [resource]})
    return recording


def tls_of(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS context of a new server: a new certificate and key of this CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def write_kubeconfig(path: Path, port: int, **authorities: trustme.CA | None) -> Path:
    """A context for each authority, all with the same URL; the first is the current one."""
    clusters: list[dict[str, Any]] = []
    for name, authority in authorities.items():
        cluster: dict[str, Any] = {"server": f"https://127.0.0.1:{port}"}
        if authority is None:
            cluster["insecure-skip-tls-verify"] = True
        else:
            ca_file = path.parent / f"{name}.crt"
            ca_file.write_bytes(authority.cert_pem.bytes())
            cluster["certificate-authority"] = str(ca_file)
        clusters.append({"name": name, "cluster": cluster})
    contexts = [{"name": name, "context": {"cluster": name, "user": "x"}} for name in authorities]
    users = [{"name": "x", "user": {"token": "t"}}]
    config = {"current-context": next(iter(authorities)), "clusters": clusters, "contexts": contexts, "users": users}
    path.write_text(json.dumps(config))
    return path


def client_for(kubeconfig: Path, **keywords: Any) -> CachedDiscoveryClient:
    return CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=str(kubeconfig)), **keywords)


def kinds(client: CachedDiscoveryClient) -> set[str]:
    """The kinds served in the group `only.test`, which differ between clusters."""
    lists = client.server_groups_and_resources()[1]
    return {resource.kind for found in lists if found.group_version == "only.test/v1" for resource in found.resources}


APPLES = recording_with("apples", "Apple")
PEARS = recording_with("pears", "Pear")
