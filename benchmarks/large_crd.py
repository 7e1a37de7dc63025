"""A CRD with a schema of about a megabyte, as some operators have: a resource and its OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from cachediscovery.testing.recording import Recording

from .clusters import VERBS

GROUP = "large.bench.example"
_BYTES = 1_000_000
_WORDS = "The section's value, as the controller reads it, with all that it says about limits and defaults. "


def add_large_crd(recording: Recording) -> dict[str, Any]:
    """Add the resource `larges` to a recording; return its document by path."""
    recording.add_group(
        GROUP,
        {"v1": [{"name": "larges", "singularName": "large", "namespaced": True, "kind": "Large", "verbs": VERBS}]},
    )
    leaf = {"type": "string", "description": _WORDS * 2}
    section = {"type": "object", "description": _WORDS, "properties": {f"field{at}": leaf for at in range(20)}}
    item = {"type": "object", "properties": {f"part{at}": section for at in range(5)}}
    count = _BYTES // len(json.dumps(item))
    spec = {"type": "object", "properties": {f"list{at}": {"type": "array", "items": item} for at in range(count)}}
    kind = {"group": GROUP, "version": "v1", "kind": "Large"}
    schema = {"type": "object", "properties": {"spec": spec}, "x-kubernetes-group-version-kind": [kind]}
    path = f"/apis/{GROUP}/v1/namespaces/{{namespace}}/larges"
    document = {
        "openapi": "3.0.0",
        "paths": {path: {"get": {"x-kubernetes-group-version-kind": kind}}},
        "components": {"schemas": {"example.bench.large.v1.Large": schema}},
    }
    return {f"apis/{GROUP}/v1": document}
