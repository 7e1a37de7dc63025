"""`explain` and kubectl's on a real API server: for every resource that it serves, and field paths chosen at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cachediscovery.openapi.explain.field_path import escaped

from ...apiserver.harness import APIServer
from ...conftest import Ran, run
from .explained_crds import CRDS, GROUP

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]

Arguments = tuple[str, ...]
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PATHS = 2000
# The processes of kubectl in a run that is not whole.
_SAMPLE = 40
# How often a random path ends at a field that has others below it, and in a name that is not there.
_STOP, _WRONG = 0.25, 0.05


class Resource(NamedTuple):
    """A resource with its argument, and its schema in the document of its group version."""

    arguments: Arguments
    group: str
    document: Any
    schema: Any


@pytest.fixture(scope="module")
def shapes(apiserver: APIServer) -> Iterator[APIServer]:
    """The API server with CRDs of every shape, once their documents are served."""
    before = apiserver.request("GET", "/openapi/v3")["paths"]
    for crd in CRDS:
        apiserver.request("POST", _CRDS, crd)
    kinds = {(crd["spec"]["names"]["kind"], each["name"]) for crd in CRDS for each in crd["spec"]["versions"]}

    def served() -> set[tuple[str, str]]:
        found = apiserver.request("GET", "/openapi/v3")["paths"]
        paths = [found[path] for path in found if path.startswith(f"apis/{GROUP}/")]
        documents = [apiserver.request("GET", path["serverRelativeURL"]) for path in paths]
        known = [kind for each in documents for kind in kinds_in(each)]
        return {(kind["kind"], kind["version"]) for kind in known if kind["group"] == GROUP}

    apiserver.wait_for(lambda: kinds <= served())
    apiserver.wait_for(lambda: len([each for each in resources_of(apiserver) if each.group == GROUP]) == len(kinds))
    yield apiserver
    for crd in CRDS:
        apiserver.request("DELETE", f"{_CRDS}/{crd['metadata']['name']}")
    apiserver.wait_for(lambda: apiserver.request("GET", "/openapi/v3")["paths"].keys() <= before.keys())


def kinds_in(document: Any) -> list[Any]:
    schemas = document["components"]["schemas"].values()
    return [kind for schema in schemas for kind in schema.get("x-kubernetes-group-version-kind", [])]


def resources_of(server: APIServer) -> list[Resource]:
    """Every resource that the server serves, in every version, by its documents."""
    index = server.request("GET", "/openapi/v3")["paths"]
    found = []
    for path in ("/api", "/apis"):
        for item in server.aggregated(path)["items"]:
            group = item["metadata"].get("name", "")
            for version in item["versions"]:
                name = f"{group}/{version['version']}" if group else version["version"]
                entry = index[f"apis/{name}" if group else f"api/{name}"]
                document = server.request("GET", entry["serverRelativeURL"])
                for resource in version["resources"]:
                    plural = resource["resource"]
                    kind = {"group": group, "version": version["version"], **resource["responseKind"]}
                    kind = {key: kind[key] or {"group": group, "version": version["version"]}[key] for key in kind}
                    arguments = (f"{plural}.{group}" if group else plural,)
                    if len(item["versions"]) > 1:
                        # With this flag a group in the argument would be a field.
                        arguments = (plural, f"--api-version={name}")
                    found.append(Resource(arguments, group, document, schema_of(document, kind)))
    return found


def schema_of(document: Any, kind: Any) -> Any:
    schemas = document["components"]["schemas"].values()
    return next((each for each in schemas if kind in each.get("x-kubernetes-group-version-kind", [])), {})


def fields_of(document: Any, schema: Any) -> dict[str, Any]:
    """The fields below a schema, also below lists and maps."""
    for reference in filter(None, [schema.get("$ref"), *(each.get("$ref") for each in schema.get("allOf", []))]):
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    inner = schema.get("items") or schema.get("additionalProperties")
    if isinstance(inner, dict):
        return fields_of(document, inner)
    found: dict[str, Any] = schema.get("properties", {})
    return found


def random_path(resource: Resource, chosen: random.Random) -> Arguments:
    """The arguments for a field of a resource chosen at random; for some a field that is not there."""
    name, *flags = resource.arguments
    fields = fields_of(resource.document, resource.schema)
    while fields:
        field = chosen.choice(sorted(fields))
        name += f".{escaped(field)}"
        fields = fields_of(resource.document, fields[field])
        if chosen.random() < _STOP:
            break
    if chosen.random() < _WRONG:
        name += ".nope"
    return (name, *flags, *(["--recursive"] if chosen.random() < _STOP else []))


def test_every_resource_and_random_fields_are_explained_as_by_kubectl(
    shapes: APIServer,
    kubectl_path: Path,
    home: Path,
    environ: dict[str, str],
    here: Callable[[str], Ran],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    figures: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(shapes.kubeconfig))
    resources = resources_of(shapes)
    assert {"pods", "shapes"} <= {resource.arguments[0] for resource in resources}
    chosen = random.Random(14)
    whole = [(*resource.arguments, *more) for resource in resources for more in ((), ("--recursive",))]
    paths: set[Arguments] = set()
    # Half of the paths are those of our own shapes.
    ours = [resource for resource in resources if resource.group == GROUP]
    while len(paths) < _PATHS:
        paths.add(random_path(chosen.choice(chosen.choice([ours, resources])), chosen))
    cases = [*whole, *sorted(paths)]
    if not request.config.getoption("--whole"):
        own = [(*resource.arguments, "--recursive") for resource in ours]
        cases = [*own, *chosen.sample(cases, _SAMPLE - len(own))]
    variables = {**environ, "KUBECONFIG": str(shapes.kubeconfig)}
    # The first process of kubectl fills the cache, so that the others do not ask all at once.
    run([kubectl_path, "api-resources"], variables)
    with ThreadPoolExecutor(2) as threads:
        theirs = [*threads.map(lambda each: run([kubectl_path, "explain", *each], variables), cases)]
    # In this process.
    different = [each for each, ran in zip(cases, theirs, strict=True) if here(" ".join(["explain", *each])) != ran]
    record_property("compared", len(cases))
    assert different == [], f"{len(different)} of {len(cases)} differ"
    unknown = sum(ran.code != 0 for ran in theirs)
    assert 0 < unknown < len(cases) * 3 * _WRONG
    counted = {"resources, whole and recursive": len(resources), "random field paths": len(paths)}
    figures("explain on a real API server", **counted, different=len(different), unknown=unknown)
