"""An indexed document whose bytes are no longer those that its tables were made from."""

from __future__ import annotations

import json

import pytest

from cachediscovery.model.fields import MalformedDocument
from cachediscovery.openapi.explain.indexed_document import IndexedDocument
from cachediscovery.openapi.explain.tables import tables_of

KIND = {"group": "g.io", "version": "v1", "kind": "Thing"}
BODY = json.dumps(
    {
        "paths": {"/apis/g.io/v1/things": {"get": {"x-kubernetes-group-version-kind": KIND}}},
        "components": {"schemas": {"Thing": {"x-kubernetes-group-version-kind": [KIND], "description": "A thing."}}},
    }
).encode()


def document(body: bytes) -> IndexedDocument:
    tables = tables_of(BODY, "g.io", "v1")
    assert tables is not None
    return IndexedDocument(tables, lambda offset, length: body[offset : offset + length], lambda: body)


def test_a_schema_is_read_where_the_tables_say() -> None:
    schema = document(BODY).schema_of(KIND)
    assert schema is not None
    assert schema["description"] == "A thing."


@pytest.mark.parametrize("body", [bytes(len(BODY)), BODY[:40], BODY[1:] + b" "])
def test_a_schema_that_is_elsewhere_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedDocument, match="clear the cache"):
        document(body).schema_of(KIND)
