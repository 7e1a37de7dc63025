"""Records the package's two recordings from the real API server: `python tests/apiserver/record.py`."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cachediscovery.testing.recording import RECORDINGS, Recording
from tests.apiserver.harness import APIServer
from tests.crds import OPERATORS

# The recorded OpenAPI documents: the largest one, one with much of it, a recursive one, and one made from CRDs.
_SCHEMAS = ("api/v1", "apis/apps/v1", "apis/apiextensions.k8s.io/v1", "apis/cert-manager.io/v1")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, APIServer(Path(folder)) as server:
        server.install(OPERATORS)
        get = server.request
        paths = ["/api", "/api/v1", "/version", "/apis"]
        paths += [
            f"/apis/{version['groupVersion']}"
            for group in get("GET", "/apis")["groups"]
            for version in group["versions"]
        ]
        unaggregated = {path: get("GET", path) for path in paths}
        recording = Recording(server.aggregated("/api"), server.aggregated("/apis"), unaggregated)
        recording.save(RECORDINGS / "cluster.json")
        index = get("GET", "/openapi/v3")["paths"]
        schemas = {path: server.session.get(server.url + index[path]["serverRelativeURL"]).text for path in _SCHEMAS}
        data = json.dumps(schemas, separators=(",", ":"), sort_keys=True).encode()
        (RECORDINGS / "openapi.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        print(f"{len(unaggregated) - 2} documents")


if __name__ == "__main__":
    main()
