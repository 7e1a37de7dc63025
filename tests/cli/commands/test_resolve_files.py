"""`resolve -f`: the resources and the paths of the objects in files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cachediscovery.cli.manifests import manifests_in
from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran, kubeconfig_of

Run = Callable[..., Ran]

WEB = """\
# comments before
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
---
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: vm 1
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {generateName: job-}
"""
PATHS = [
    "/apis/apps/v1/namespaces/shop/deployments/web",
    "/apis/kubevirt.io/v1/namespaces/default/virtualmachines/vm%201",
    "/api/v1/namespaces/shop",
    "/api/v1/namespaces/default/pods",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    return path


def paths_of(ran: Ran) -> list[str]:
    return [entry["path"] for entry in json.loads(ran.out)]


def test_each_object_has_its_resource_and_its_path(server: DiscoveryServer, cli: Run, file: Path) -> None:
    ran = cli("resolve", "-f", str(file), server=server)
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["NAME", "GROUP", "VERSION", "RESOURCE", "KIND", "SCOPE", "PATH"]
    assert rows[1] == ["web", "apps", "v1", "deployments", "Deployment", "Namespaced", PATHS[0]]
    assert rows[4] == ["<none>", "v1", "pods", "Pod", "Namespaced", PATHS[3]]
    server.forget_requests()
    for output in ("json", "yaml"):
        ran = cli("resolve", "--filename", str(file), "-o", output, server=server)
        found = yaml.safe_load(ran.out)
        assert [entry["path"] for entry in found] == PATHS
        assert {*found[0]} == {"name", "group", "version", "resource", "kind", "scope", "path", "verbs"}
    names = cli("resolve", "-f", str(file), "-o", "name", server=server).out
    assert names.splitlines() == ["deployments.apps/web", "virtualmachines.kubevirt.io/vm 1", "namespaces/shop", "pods"]
    assert server.request_count == 0, "a warm cache makes no request"


def test_standard_input_is_a_file(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> None:
    environ["KUBECONFIG"] = str(kubeconfig_of(server, tmp_path))
    command = [sys.executable, "-m", "cachediscovery", "resolve", "-o", "json", "-f", "-"]
    ran = subprocess.run(command, input=WEB.encode(), env=environ, capture_output=True, check=True)
    assert [entry["path"] for entry in json.loads(ran.stdout)] == PATHS
    ran = subprocess.run(command, input=b"a: 1\n", env=environ, capture_output=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == b"error: standard input:1: not a manifest: kind is missing\n"


def test_the_namespace_is_the_objects_or_the_flags_or_the_contexts(
    server: DiscoveryServer, cli: Run, file: Path, tmp_path: Path
) -> None:
    config = kubeconfig_of(server, tmp_path)
    document = yaml.safe_load(config.read_text())
    document["contexts"][0]["context"]["namespace"] = "team"
    config.write_text(yaml.safe_dump(document))
    for flags, namespace in ((), "team"), (("--context", "local"), "team"), (("-n", "shop"), "shop"):
        found = paths_of(cli("resolve", "-f", str(file), "-o", "json", *flags, server=server))
        assert found[0] == PATHS[0]
        assert found[1] == f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines/vm%201"
    # As in kubectl, a flag that contradicts the manifest is an error.
    ran = cli("resolve", "-f", str(file), "-n", "other", "-o", "json", server=server)
    assert ran.code == 1
    assert ran.err == f"error: {file}:2: the object is in the namespace 'shop', not in 'other' as --namespace says\n"
    assert len(json.loads(ran.out)) == 3


def test_lists_are_unfolded(server: DiscoveryServer, cli: Run, tmp_path: Path) -> None:
    pod = {"metadata": {"name": "a", "namespace": "x"}}
    items = [
        {"apiVersion": "v1", "kind": "Pod", **pod},
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", **pod}]},
        {"apiVersion": "v1", "kind": "PodList", "items": [pod]},
        {"apiVersion": "v1", "kind": "PodList", "items": []},
        7,
    ]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent="\t"))
    ran = cli("resolve", "-f", str(path), "-o", "name", server=server)
    assert ran.out == "pods/a\n" * 3
    assert ran.err == f"error: {path}:1: not a manifest: it is not a mapping\n"


def test_files_folders_and_commas_are_read_in_order(server: DiscoveryServer, cli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    (folder / "below.yaml").mkdir(parents=True)
    (folder / "below.yaml").rmdir()
    for name in ("b.yaml", "a.json", "c.yml", "d.txt"):
        (folder / name).write_text(f'{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name[0]}"}}}}')
    ran = cli(
        "resolve", "-f", f"{folder},{folder / 'd.txt'}", "-f", str(folder / "a.json"), "-o", "name", server=server
    )
    assert ran.out.splitlines() == ["pods/a", "pods/b", "pods/c", "pods/d", "pods/a"]


PROBLEMS = [
    ("a: [1\nb: 2\n", ": not YAML: did not find expected ',' or ']' in line 2"),
    ("kind: Pod\n", ":1: not a manifest: apiVersion is missing"),
    ("apiVersion: v1\n---\n", ":1: not a manifest: kind is missing"),
    ("\n\nkind: 3\n", ":3: not a manifest: kind is a number, not a string"),
    ("just text\n", ":1: not a manifest: it is not a mapping"),
    ("- kind: Pod\n", ":1: not a manifest: it is not a mapping"),
    ("apiVersion: v1\nkind: Pod\nmetadata: x\n", ":1: not a manifest: metadata is a string, not a mapping"),
    ('{"kind": "Pod",\n\n"a" 1}', ": not JSON: Expecting ':' delimiter in line 3"),
    ("apiVersion: apps/v9\nkind: Deployment\n", ":1: no kind Deployment.apps in version v9: it is in apps/v1"),
    ("# only a comment\n", ": no manifest is in it"),
    ("", ": no manifest is in it"),
    ("a: b\n\x00", ": not YAML: control characters are not allowed in line 2"),
]


def test_each_problem_is_one_line_with_its_file(server: DiscoveryServer, cli: Run, file: Path, tmp_path: Path) -> None:
    flags = []
    for number, (text, _) in enumerate(PROBLEMS):
        path = tmp_path / f"bad{number}.yaml"
        path.write_text(text)
        flags += ["-f", str(path)]
    ran = cli("resolve", *flags, "-f", str(file), "-o", "json", server=server)
    assert ran.code == 1
    lines = ran.err.splitlines()
    for line, (number, (_, problem)) in zip(lines, enumerate(PROBLEMS), strict=True):
        assert line.startswith(f"error: {tmp_path / f'bad{number}.yaml'}{problem}")
    assert paths_of(ran) == PATHS, "the other objects are printed"


def test_a_file_that_cannot_be_read_is_named(server: DiscoveryServer, cli: Run, file: Path, tmp_path: Path) -> None:
    ran = cli("resolve", "-f", str(tmp_path / "none.yaml"), "-f", str(file), "-o", "json", server=server)
    assert (ran.code, ran.err) == (1, f"error: {tmp_path}/none.yaml: No such file or directory\n")
    assert paths_of(ran) == PATHS


@pytest.mark.parametrize(
    "arguments", [("-f", "x.yaml", "pods"), ("-f", "https://example.com/x.yaml"), ("-f",), ("-f", "")]
)
def test_a_wrong_use_of_the_flag_is_one_error(
    server: DiscoveryServer, cli: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ran = cli("resolve", *arguments, server=server)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("error: ")


def test_a_new_kind_is_asked_for_once_and_refresh_asks_always(
    server: DiscoveryServer, cli: Run, tmp_path: Path
) -> None:
    cli("api-resources", server=server)
    server.install_crd("new.test/v1", "Widget")
    path = tmp_path / "widgets.yaml"
    path.write_text(
        "---\n".join(f"apiVersion: new.test/v1\nkind: Widget\nmetadata: {{name: w{n}}}\n" for n in range(3))
    )
    server.forget_requests()
    ran = cli("resolve", "-f", str(path), "-o", "name", server=server)
    assert ran.out.split() == [f"widgets.new.test/w{number}" for number in range(3)]
    assert server.request_count == 2
    cli("resolve", "--refresh", "-f", str(path), server=server)
    assert server.request_count == 4


def documents(text: str, tmp_path: Path) -> list[tuple[str, Any]]:
    path = tmp_path / "x"
    path.write_text(text)
    errors: list[str] = []
    found = [(where.removeprefix(f"{path}:"), item) for where, item in manifests_in([str(path)], errors.append)]
    assert errors == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}\n{"b":\t2}{"c": 3}', [("1", {"a": 1}), ("2", {"b": 2}), ("2", {"c": 3})]),
        # A flow mapping of YAML is not JSON.
        ("{a: 1}\n---\nb: 2", [("1", {"a": 1}), ("3", {"b": 2})]),
        ("a: 1\n...\n---\nb: 2\n---\n", [("1", {"a": 1}), ("4", {"b": 2})]),
        ("a: 2026-11-25\n", [("1", {"a": "2026-11-25"})]),
    ],
)
def test_documents_are_split_with_their_lines(text: str, expected: list[tuple[str, Any]], tmp_path: Path) -> None:
    assert documents(text, tmp_path) == expected
