"""Records the package's `cluster` recording from the real API server: `python tests/apiserver/record.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cachediscovery.testing.recording import RECORDINGS, Recording
from tests.apiserver.harness import APIServer
from tests.crds import OPERATORS


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
        print(f"{len(unaggregated) - 2} documents")


if __name__ == "__main__":
    main()
