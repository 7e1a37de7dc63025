from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cachediscovery.cli.commands.completion import SCRIPTS
from cachediscovery.index.index_file import INDEX_FILE
from cachediscovery.testing import DiscoveryServer, Failure

from ...conftest import BIN, WIDGETS, Ran, run

Run = Callable[..., Ran]


def test_resolve_prints_all_fields_of_a_resource_as_json(server: DiscoveryServer, cli: Run) -> None:
    ran = cli("resolve", "deploy", "-o", "json", server=server)
    (found,) = json.loads(ran.out)
    assert list(found) == ["name", "group", "version", "resource", "kind", "scope", "path", "verbs"]
    assert found.pop("verbs")[0] == "create"
    assert found == {
        "name": "deploy",
        "group": "apps",
        "version": "v1",
        "resource": "deployments",
        "kind": "Deployment",
        "scope": "Namespaced",
        "path": "/apis/apps/v1/deployments",
    }


def test_names_are_listed_in_the_order_given(server: DiscoveryServer, cli: Run) -> None:
    ran = cli("resolve", "vm,ns", "Certificate.cert-manager", server=server)
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["NAME", "GROUP", "VERSION", "RESOURCE", "KIND", "SCOPE", "PATH"],
        ["vm", "kubevirt.io", "v1", "virtualmachines", "VirtualMachine", "Namespaced", "/apis/kubevirt.io/v1/virtualmachines"],
        ["ns", "v1", "namespaces", "Namespace", "Cluster", "/api/v1/namespaces"],
        ["Certificate.cert-manager", "cert-manager.io", "v1", "certificates", "Certificate", "Namespaced", "/apis/cert-manager.io/v1/certificates"],
    ]  # fmt: skip
    assert cli("resolve", "vm,ns", "-o", "name", server=server).out == "virtualmachines.kubevirt.io\nnamespaces\n"
    assert "/apis/apps/v1/namespaces/x/deployments" in cli("resolve", "-n", "x", "deploy", server=server).out


def test_a_category_resolves_to_all_its_resources(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    mine = cli("resolve", "all", "-o", "name", server=server).out.split()
    theirs = kubectl("api-resources", "--categories=all", "-o", "name", server=server).out.split()
    assert sorted(mine) == sorted(theirs)


def test_a_warm_lookup_makes_no_request(server: DiscoveryServer, cli: Run) -> None:
    cli("resolve", "deploy", server=server)
    server.forget_requests()
    assert cli("resolve", "deploy", "vm", server=server).code == 0
    assert server.request_count == 0


def test_an_unknown_name_exits_with_1_and_known_names_are_printed(server: DiscoveryServer, cli: Run) -> None:
    ran = cli("resolve", "deploymnet", "deploy", "pods/log", "-o", "name", server=server)
    assert ran.code == 1
    assert ran.out == "deployments.apps\n"
    assert "error: the server doesn't have a resource type 'deploymnet' (did you mean deployment" in ran.err
    assert "error: the server doesn't have a resource type 'pods/log'" in ran.err
    empty = cli("resolve", "", "-o", "json", server=server)
    assert (empty.code, empty.out) == (1, "[]\n")


def test_a_name_in_an_unavailable_group_is_not_reported_as_unknown(legacy_server: DiscoveryServer, cli: Run) -> None:
    legacy_server.fail("/apis/kubevirt.io/v1", Failure(503))
    legacy_server.fail("/apis/kubevirt.io/v1alpha3", Failure(503))
    ran = cli("resolve", "vm", server=legacy_server)
    assert ran.code == 1
    assert "kubevirt.io/v1, kubevirt.io/v1alpha3 could not be discovered" in ran.err
    assert cli("resolve", "deploy", server=legacy_server).code == 0


@pytest.mark.parametrize(
    "line", ["resolve", "resolve -o xml x", "completion", "completion tcsh", "completion bash zsh"]
)
def test_a_wrong_command_line_is_one_error(server: DiscoveryServer, cli: Run, line: str) -> None:
    ran = cli(*line.split(), server=server)
    assert ran.code == 1
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cachediscovery re", ["resolve"]),
        ("cachediscovery cache ", ["clear", "info", "path", "prune", "size", "verify", "warm"]),
        ("cachediscovery api-resources -o ", ["json", "name", "wide", "yaml"]),
        ("cachediscovery api-resources --sort-by=", ["--sort-by=kind", "--sort-by=name"]),
        ("cachediscovery api-resources --no", ["--no-headers", "--no-peer"]),
        ("cachediscovery resolve virtualmachinepo", ["virtualmachinepool", "virtualmachinepools", "virtualmachinepools.pool.kubevirt.io"]),
        ("cachediscovery resolve deploy,virtualmachinepoo", ["deploy,virtualmachinepool", "deploy,virtualmachinepools", "deploy,virtualmachinepools.pool.kubevirt.io"]),
        ("cachediscovery invalidate pool", ["pool.kubevirt.io/v1alpha1", "pool.kubevirt.io/v1beta1"]),
        ("cachediscovery --context ", ["local"]),
        ("cachediscovery api-resources --api-group cert", ["cert-manager.io", "certificates.k8s.io"]),
        ("cachediscovery completion ", ["bash", "fish", "powershell", "zsh"]),
        ("cachediscovery nothing ", []),
    ],
)  # fmt: skip
def test_completion_offers_the_possible_next_words(
    server: DiscoveryServer, cli: Run, line: str, expected: list[str]
) -> None:
    cli("api-resources", server=server)
    server.forget_requests()
    lines = cli("__complete", "zsh", line, server=server).out.splitlines()
    assert [candidate.partition("\t")[0] for candidate in lines] == expected
    assert server.request_count == 0


def test_completion_without_a_cache_or_a_configuration_prints_nothing(server: DiscoveryServer, cli: Run) -> None:
    assert cli("__complete", "bash", "cachediscovery resolve ", server=server) == (0, "", "")
    assert cli("__complete", "bash", "cachediscovery resolve ") == (0, "", "")
    assert server.request_count == 0


def test_bash_completes_with_the_script(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    cli("api-resources", server=server)
    environ.update(PATH=f"{BIN}:{environ['PATH']}", KUBECONFIG=str(tmp_path / "kubeconfig"))
    script = (
        'eval "$(cachediscovery completion bash)"; '
        'COMP_LINE="cachediscovery api-resources --sort-by=k"; COMP_POINT=${#COMP_LINE}; '
        '_cachediscovery; echo "${COMPREPLY[@]}"; complete -p cachediscovery'
    )
    ran = run(["bash", "-c", script], environ)
    assert ran.out == "kind\ncomplete -F _cachediscovery cachediscovery\n", ran.err


@pytest.mark.parametrize("shell", [shell for shell in SCRIPTS if shutil.which(shell)])
def test_every_script_is_valid_in_its_shell(shell: str) -> None:
    subprocess.run([shell, "-n", "-c", SCRIPTS[shell]], check=True)


@pytest.mark.parametrize("refresh", [(), ("--refresh",)], ids=["from the index", "by the mapper"])
def test_an_ambiguous_short_name_is_reported_with_and_without_the_cache(
    server: DiscoveryServer, cli: Run, refresh: tuple[str, ...]
) -> None:
    for group in ("one.example", "two.example"):
        server.recording.add_group(group, {"v1": [{**WIDGETS[0], "shortNames": ["wi"]}]})
    cli("api-resources", server=server)
    server.forget_requests()
    ran = cli("resolve", "wi", "-o", "name", *refresh, server=server)
    assert ran.out == "widgets.one.example\n"
    assert ran.err == 'Warning: short name "wi" could also match lower priority resource widgets.two.example\n'
    assert server.request_count == (2 if refresh else 0)


@pytest.mark.parametrize("has_index", [True, False])
def test_completion_offers_names_from_expired_documents(
    server: DiscoveryServer, cli: Run, home: Path, has_index: bool
) -> None:
    cli("api-resources", server=server)
    for path in [*home.rglob("server*.json")]:
        os.utime(path, (1e9, 1e9))
    for path in [*home.rglob(INDEX_FILE)]:
        path.unlink()
    if has_index:
        # Write an index of the expired documents.
        cli("api-resources", "--cached", "--cache-ttl=1000000h", server=server)
        assert [*home.rglob(INDEX_FILE)]
    server.forget_requests()
    for flags in ("", "--cache-ttl=0s "):
        for line, expected in (("resolve deployments.", "deployments.apps"), ("invalidate apps/", "apps/v1")):
            ran = cli("__complete", "zsh", f"cachediscovery {flags}{line}", server=server)
            assert ran == (0, f"{expected}\n", "")
    assert server.request_count == 0


def test_yaml_has_the_objects_of_json(server: DiscoveryServer, cli: Run) -> None:
    document = cli("resolve", "deploy", "vm", "nodes", "-n", "shop", "-o", "yaml", server=server)
    expected = json.loads(cli("resolve", "deploy", "vm", "nodes", "-n", "shop", "-o", "json", server=server).out)
    assert document.code == 0
    assert yaml.safe_load(document.out) == expected
    assert cli("resolve", "nothing-like-it", "-o", "yaml", server=server).out == "[]\n"


def test_an_unknown_version_is_answered_with_those_there_are_and_no_names(server: DiscoveryServer, cli: Run) -> None:
    ran = cli("resolve", "deployments.v9.apps", server=server)
    message = "the server doesn't have a resource type 'deployments.v9.apps': it is in apps/v1"
    message += f" (the server is {server.url})"
    assert (ran.code, ran.err) == (1, f"error: {message}\n")
