"""Completion of the field path in the argument of `explain`, from cached documents alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cachediscovery.cli.completion_words import candidates
from cachediscovery.openapi.explain.stored_document import SUFFIX
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, eventually
from .terminal import SHELLS, Terminal, install

Run = Callable[..., Ran]

KIND = {"group": "g.io", "version": "v1", "kind": "Thing"}
TEXT = {"type": "string"}
FIELDS: dict[str, Any] = {
    "spec": {
        "description": "First\nsentence\x1b[2J of  it. Second.",
        "properties": {"dotted.name": {"properties": {"below": TEXT}}, "$ref": TEXT, "$(touch harm)": TEXT, "ü": TEXT},
    },
    "again": {"$ref": "#/components/schemas/Thing"},
    "list": {"type": "array", "items": {"properties": {"port": {**TEXT, "description": "x" * 5000}}}},
    "map": {"type": "object", "additionalProperties": {"properties": {"key": TEXT}}},
}


@pytest.fixture
def warm(home: Path, server: DiscoveryServer, here: Run) -> None:
    """The documents of pods, deployments and `things.g.io` are in the cache, and the server is stopped."""
    make_things(server, FIELDS)
    for resource in ("pods", "deployments", "things"):
        assert here(f"explain {resource}", server).code == 0
    server.stop()


def complete(line: str) -> list[str]:
    """The candidates for fish of a line after `explain`."""
    return candidates("fish", f"cachediscovery explain {line}")


def make_things(server: DiscoveryServer, fields: Any) -> None:
    resource = {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": ["get"]}
    server.recording.add_group("g.io", {"v1": [{**resource, "group": "g.io", "version": "v1"}]})
    paths = {"/apis/g.io/v1/things": {"get": {"x-kubernetes-group-version-kind": KIND}}}
    types = {"Thing": {"x-kubernetes-group-version-kind": [KIND], "properties": fields}}
    document = {"openapi": "3.0.0", "paths": paths, "components": {"schemas": types}}
    server.openapi.documents = {**server.openapi.documents, "apis/g.io/v1": document}


def names(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines]


# By what is typed after `explain`.
EXPECTED = {
    # Every shell inserts what these have in common, and no space.
    "pods.spec.con": ["pods.spec.containers", "pods.spec.containers."],
    "pods.spec.hostn": ["pods.spec.hostname", "pods.spec.hostnameOverride"],
    "pods.spec.nodeNam": ["pods.spec.nodeName"],
    "pods.spec.nodeName": ["pods.spec.nodeName"],
    "pods.spec.nodeName.": [],
    "pods.spec.nope.": [],
    "nope.spec.": [],
    "deployments.apps.spec.strat": ["deployments.apps.spec.strategy", "deployments.apps.spec.strategy."],
    "deploy.spec.strategy.": ["deploy.spec.strategy.rollingUpdate", "deploy.spec.strategy.type"],
    "deploy.spec.strategy": ["deploy.spec.strategy.rollingUpdate", "deploy.spec.strategy.type"],
    "deployments.a": ["deployments.apiVersion", "deployments.apps"],
    "--api-version apps/v1 deploy.spec.strategy.t": ["deploy.spec.strategy.type"],
    "--api-version nope/v1 deploy.spec.": [],
    "--api-version=apps": ["--api-version=apps/v1"],
    "things.list.": ["things.list.port"],
    "things.map.": ["things.map.key"],
    "things.again.again.sp": ["things.again.again.spec", "things.again.again.spec."],
    # Names with characters that could be commands of a shell, or that are not ASCII, are left out.
    "things.spec.": [r"things.spec.\$ref", r"things.spec.dotted\.name"],
    r"'things.spec.dotted\.n'": [r"things.spec.dotted\.name", r"things.spec.dotted\.name."],
    r"'things.spec.dotted\.name.'": [r"things.spec.dotted\.name.below"],
    "-R pods.spec.nodeN": ["pods.spec.nodeName"],
    "pods.spec --max-dep": ["--max-depth"],
    # It takes one argument.
    "pods.spec deploy": [],
    "pods[0].": [],
    ".": [],
    "..": [],
    # Categories are not resources.
    "al": [],
}


@pytest.mark.usefixtures("warm")
def test_field_paths_are_completed_from_the_cache() -> None:
    assert {line: [found.partition("\t")[0] for found in complete(line)] for line in EXPECTED} == EXPECTED


@pytest.mark.usefixtures("warm")
def test_a_field_has_the_first_sentence_of_its_description() -> None:
    assert complete("po.spec.nodeN") == ["po.spec.nodeName\tNodeName indicates in which node this pod is scheduled."]
    assert complete("things.sp")[0] == "things.spec\tFirst sentence[2J of it."
    assert complete("things.list.p") == [f"things.list.port\t{'x' * 200}"]
    assert candidates("bash", "cachediscovery explain po.spec.nodeN") == ["po.spec.nodeName"]


@pytest.mark.usefixtures("warm")
def test_without_index_and_tables_the_same_fields_are_found(home: Path) -> None:
    indexed = complete("deploy.spec.")
    assert indexed
    for name in (".cachediscovery.index", f"*{SUFFIX}"):
        for path in home.rglob(name):
            path.unlink()
    assert complete("deploy.spec.") == indexed
    # The next completion is fast again.
    assert list(home.rglob(f"*{SUFFIX}"))


@pytest.mark.usefixtures("warm")
def test_fields_of_expired_documents_are_offered(home: Path) -> None:
    found = complete("pods.")
    for path in home.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert complete("pods.") == found


def test_no_request_is_made(server: DiscoveryServer, here: Run) -> None:
    assert here("api-versions", server).code == 0
    server.forget_requests()
    assert complete("pods.spec.") == []
    assert "pods" in complete("pod")
    assert server.paths() == []


CIRCLE = {"x": {"allOf": [{"$ref": "#/components/schemas/Thing"}]}, "y": {}, "z": {"description": 1}}


@pytest.mark.parametrize("fields", [CIRCLE, [], {"a": 1}, {"a": {"properties": {"b": {"items": []}}}}])
def test_a_malformed_document_has_few_candidates(server: DiscoveryServer, here: Run, fields: Any) -> None:
    make_things(server, fields)
    here("explain things -R", server)
    assert {*complete("things.")} <= {"things.g.io", "things.a"}
    for line in ("things.a.b.", "things.x.x.x.", "things.z.z"):
        assert complete(line) == []


@pytest.fixture(params=SHELLS)
def terminal(
    request: pytest.FixtureRequest, server: DiscoveryServer, here: Run, environ: dict[str, str], tmp_path: Path
) -> Iterator[Terminal]:
    make_things(server, FIELDS)
    for resource in ("pods", "things"):
        assert here(f"explain {resource}", server).code == 0
    where = tmp_path / "where"
    where.mkdir()
    environ.update(PATH=install(tmp_path / "bin", environ["PATH"]), KUBECONFIG=str(tmp_path / "kubeconfig"))
    running = Terminal(request.param, environ, where)
    yield running
    running.close()


def test_a_field_path_is_completed_in_a_shell(terminal: Terminal) -> None:
    for typed, completed in {
        # The one that has fields gets no space after it, the next tab adds the dot.
        "pods.spec.con\t": "pods.spec.containers",
        "pods.spec.con\t.ima\tPull\t": "pods.spec.containers.imagePullPolicy",
        # fish has a menu, in which a second tab moves.
        "pods.spec.con\t" + "\t" * (terminal.shell != "fish"): "pods.spec.containers"
        + "." * (terminal.shell != "fish"),
        "pods.spec.nodeN\t": "pods.spec.nodeName",
        r"things.spec.\\\$\t".replace(r"\t", "\t"): r"things.spec.\$ref",
        r"things.spec.dotted\\\t".replace(r"\t", "\t"): r"things.spec.dotted\.name",
    }.items():
        assert terminal.completed(f"cachediscovery explain {typed}") == ["explain", completed]
    assert terminal.completed("cachediscovery explain pods.spec.nodeN\t--rec\t") == [
        "explain",
        "pods.spec.nodeName",
        "--recursive",
    ]
    assert sorted(os.listdir(terminal.record.parent)) == ["ready", "record"]


def test_shells_that_can_show_descriptions(terminal: Terminal) -> None:
    line = "cachediscovery explain pods.spec.hostn"
    typed = {"bash": f"{line}\t\t\t", "zsh": f"{line}\t\t", "fish": f"complete -C '{line}'\n"}
    terminal.type(typed[terminal.shell])
    assert eventually(lambda: b"hostnameOverride" in terminal.shown), terminal.shown
    description = b"HostnameOverride specifies an explicit override"
    assert (description in terminal.shown) == (terminal.shell != "bash"), terminal.shown
