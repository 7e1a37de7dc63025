"""A play of `kubernetes.core` on the real API server: with the interpreter, and with `cachediscovery-python`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...apiserver.harness import APIServer
from ...crds import CRD

AGENT = "OpenAPI-Generator/"
PLAY = Path(__file__).parent / "play.yml"
ACTS = CRD("play.test", ("v1",), "acts", "Act")
TASKS = 10
# What differs from run to run.
VOLATILE = ("creationTimestamp", "duration", "managedFields", "resourceVersion", "time", "uid")


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in VOLATILE}
    return [steady(item) for item in value] if isinstance(value, list) else value


@pytest.mark.apiserver
@pytest.mark.xdist_group("apiserver")
def test_a_play_of_ten_tasks_has_the_same_results_and_makes_no_discovery_request_when_warm(
    apiserver: APIServer, programs: Callable[[str], Path], environ: dict[str, str], tmp_path: Path
) -> None:
    folder = programs("ansible")
    (tmp_path / "tmp").mkdir()
    environ.update(KUBECONFIG=str(apiserver.kubeconfig), TMPDIR=str(tmp_path / "tmp"), LC_ALL="C.UTF-8")

    def play(interpreter: str, pipelining: str = "False") -> tuple[list[Any], list[tuple[str, int]]]:
        """The results of the tasks, and the discovery requests. With pipelining, modules come by standard input."""
        start = len(apiserver.answers_of(AGENT))
        results = tmp_path / f"{start}.json"
        chosen = ["-e", f"ansible_python_interpreter={folder / interpreter}"]
        command = [folder / "ansible-playbook", "-i", "target,", "-c", "local", *chosen, PLAY]
        ran = subprocess.run(
            command,
            env={**environ, "RESULTS": str(results), "ANSIBLE_PIPELINING": pipelining},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-4000:]
        answers = apiserver.answers_of(AGENT)[start:]
        return steady(json.loads(results.read_text())), [
            (path, status) for path, status in answers if "/namespaces" not in path and path != "/version"
        ]

    apiserver.install([ACTS])
    try:
        own, own_requests = play("python")
        cold, cold_requests = play("cachediscovery-python")
        warm, warm_requests = play("cachediscovery-python", "True")
    finally:
        apiserver.uninstall([ACTS])
    assert [result.get("failed") for result in own] == [False] * TASKS
    assert [result["changed"] for result in own] == [False, True, False, False, True, False, True, False, True, True]
    assert cold == own
    assert warm == own
    assert len(own_requests) >= 6
    assert sorted(cold_requests) == [("/api", 200), ("/apis", 200)]
    assert warm_requests == []
    left = [path.name for path in (tmp_path / "tmp").iterdir()]
    assert [name for name in left if name.startswith("k8srcp-")] == left, "only their own discoverer leaves a file"
