"""Clusters of any size: the recorded one with more groups, behind a server in a process of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from cachediscovery.testing import DiscoveryServer, load_recording
from cachediscovery.testing.recording import Recording

VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


def recording_of(documents: int = 0, *, groups: int = 0, crds: int = 0) -> Recording:
    """The recording with as many groups more as make `documents` cached files, or with `crds` in `groups` groups."""
    recording = load_recording()
    have = len(recording.unaggregated) - 2
    groups = groups or max(0, documents - have)
    # 2,264 resources on 505 documents: about four and a half for each.
    per_group = crds // groups if crds and groups else 4
    for group in range(groups):
        resources: list[dict[str, Any]] = []
        for number in range(per_group):
            kind = f"Bench{group}Kind{number}"
            entry = {
                "name": f"{kind.lower()}s",
                "singularName": kind.lower(),
                "namespaced": True,
                "kind": kind,
                "verbs": VERBS,
                "shortNames": [f"b{group}k{number}"],
                "categories": ["bench"],
                "group": f"group{group}.bench.example",
                "version": "v1",
            }
            resources += [entry, {**entry, "name": f"{kind.lower()}s/status", "verbs": ["get", "patch", "update"]}]
        recording.add_group(f"group{group}.bench.example", {"v1": resources})
    return recording


class Cluster:
    """A discovery server in another process, so that it takes no time from what is measured in this one."""

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        *,
        aggregated: bool = True,
        delay: float = 0.0,
        tls: bool = False,
        openapi: dict[str, Any] | None = None,
    ) -> None:
        """`openapi` are OpenAPI documents by path, beside the recorded ones."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "openapi.json").write_text(json.dumps(openapi or {}))
        self.kubeconfig = folder / "kubeconfig"
        recording.save(folder / "recording.json")
        options = json.dumps({"aggregated": aggregated, "delay": delay, "tls": tls})
        command = [sys.executable, "-m", "benchmarks.clusters", str(folder), options]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")
        self._process.wait(10)

    def requests(self) -> list[dict[str, Any]]:
        """What was asked for since the last call: path, status and bytes sent of each request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("requests\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return found

    def change_openapi(self) -> None:
        """Change every OpenAPI document, and so its hash."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("change\n")
        self._process.stdin.flush()
        self._process.stdout.readline()


def _serve(folder: Path, options: dict[str, Any]) -> None:
    recording = Recording(**json.loads((folder / "recording.json").read_text()))
    authority = ""
    if options.pop("tls"):
        import trustme

        authority = str(folder / "ca.crt")
        made = trustme.CA()
        made.cert_pem.write_to_path(authority)
        options["tls"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert("127.0.0.1").configure_cert(options["tls"])
        # Over TLS and without credentials kubectl would ask the user for some.
        options["token"] = "benchmark"
    with DiscoveryServer(recording, **options) as server:
        _add_context(server.write_kubeconfig(folder / "kubeconfig", certificate_authority=authority))
        openapi = json.loads((folder / "openapi.json").read_text())
        if openapi:
            server.openapi.documents = {**server.openapi.documents, **openapi}
        print(server.url, flush=True)
        for line in sys.stdin:
            if line == "change\n":
                documents = server.openapi.documents
                server.openapi.documents = {path: _changed(documents[path]) for path in documents}
                print(flush=True)
                continue
            served = [{"path": one.path, "status": one.status, "bytes": one.sent_bytes} for one in server.requests]
            server.forget_requests()
            print(json.dumps(served), flush=True)


def _changed(document: dict[str, Any] | bytes) -> bytes:
    """The same document, with another hash."""
    return (document if isinstance(document, bytes) else json.dumps(document).encode()) + b" "


def _add_context(kubeconfig: Path) -> None:
    """A second name for the same cluster: people name a context in every second command."""
    config = yaml.safe_load(kubeconfig.read_text())
    config["contexts"].append({"name": "other", "context": config["contexts"][0]["context"]})
    kubeconfig.write_text(yaml.safe_dump(config, sort_keys=False))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), json.loads(sys.argv[2]))
