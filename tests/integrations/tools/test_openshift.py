"""openshift-python-wrapper on the real API server: it makes its dynamic clients itself, so they are installed ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ...apiserver.harness import APIServer

AGENT = "OpenAPI-Generator/"
PROGRAM = """
import os
if os.environ["MODE"] == "ours":
    import cachediscovery.integrations.kubernetes
    cachediscovery.integrations.kubernetes.install()
from ocp_resources.config_map import ConfigMap
from ocp_resources.deployment import Deployment
from ocp_resources.resource import get_client

client = get_client(config_file=os.environ["KUBECONFIG"])
with ConfigMap(client=client, name="wrapped", namespace="default", data={"a": "1"}) as made:
    print(made.exists.data.a, [item.name for item in Deployment.get(client=client)])
"""


@pytest.mark.apiserver
@pytest.mark.xdist_group("apiserver")
def test_its_objects_are_found_without_a_discovery_request_when_warm(
    apiserver: APIServer, programs: Callable[[str], Path], environ: dict[str, str], tmp_path: Path
) -> None:
    python = programs("openshift-python-wrapper") / "python"
    environ.update(KUBECONFIG=str(apiserver.kubeconfig), TMPDIR=str(tmp_path))

    def requests(mode: str) -> list[tuple[str, int]]:
        start = len(apiserver.answers_of(AGENT))
        command = [python, "-c", PROGRAM]
        ran = subprocess.run(command, env={**environ, "MODE": mode}, capture_output=True, text=True, check=False)
        assert "1 []" in ran.stdout.splitlines(), ran.stdout + ran.stderr
        answers = apiserver.answers_of(AGENT)[start:]
        return [
            (path, status) for path, status in answers if path.count("/") < 4 and path != "/version" and "?" not in path
        ]

    assert len(requests("own")) > 20
    assert sorted(requests("ours")) == [("/api", 200), ("/apis", 200)]
    assert requests("ours") == []
