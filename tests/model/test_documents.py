from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import APIResource, APIResourceList
from cachediscovery.model.documents import (
    encode_group_list,
    encode_resource_list,
    go_json,
    group_list_from,
    parse_object,
    resource_list_from,
)
from cachediscovery.model.fields import MalformedDocument

words = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)
keys = st.sampled_from(
    ["kind", "apiVersion", "groups", "name", "versions", "groupVersion", "version", "preferredVersion", "resources"]
    + ["singularName", "namespaced", "verbs", "shortNames", "categories", "serverAddressByClientCIDRs", "group"]
)
entries = st.lists(st.dictionaries(keys, json_values, max_size=4), max_size=3)
documents = st.dictionaries(keys, json_values | entries, max_size=6)


def resources_of(texts: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> st.SearchStrategy[APIResource]:
    return st.builds(
        APIResource,
        name=names,
        singular_name=texts,
        namespaced=st.booleans(),
        kind=texts,
        verbs=st.lists(names, max_size=3).map(tuple),
        group=texts,
        version=texts,
        short_names=st.lists(names, max_size=3).map(tuple),
        categories=st.lists(names, max_size=3).map(tuple),
        storage_version_hash=texts,
    )


# Text of the characters that a name may have. test_resource_names.py covers the others.
plain = words.map(lambda text: "".join(c for c in text if c.isprintable() and c not in " ,"))
resources = resources_of(plain, plain.filter(bool))
odd_resources = resources_of(words, words)


@given(st.binary())
def test_any_bytes_parse_as_an_object_or_are_malformed(data: bytes) -> None:
    try:
        assert isinstance(parse_object(data), dict)
    except MalformedDocument:
        pass


@given(documents)
def test_any_json_parses_as_a_list_or_is_malformed(parsed: dict[str, Any]) -> None:
    for strict in (False, True):
        for read in (
            lambda strict: group_list_from(parsed, strict=strict),
            lambda strict: resource_list_from(parsed, "apps/v1", strict=strict),
        ):
            try:
                read(strict)
            except MalformedDocument:
                pass


@given(st.lists(resources, max_size=4, unique_by=lambda resource: resource.name))
def test_a_written_resource_list_is_read_back_unchanged(items: list[APIResource]) -> None:
    resource_list = APIResourceList("apps/v1", tuple(items))
    encoded = encode_resource_list(resource_list)
    assert encoded.endswith(b"}\n")
    assert resource_list_from(parse_object(encoded), "apps/v1", strict=True) == resource_list


@given(st.lists(odd_resources, max_size=4, unique_by=lambda resource: resource.name))
def test_odd_names_are_dropped_and_the_rest_is_read_back_unchanged(items: list[APIResource]) -> None:
    def read(resource_list: APIResourceList) -> APIResourceList:
        return resource_list_from(parse_object(encode_resource_list(resource_list)), "apps/v1", strict=True)

    found = read(APIResourceList("apps/v1", tuple(items)))
    assert read(found) == found
    texts = [text for resource in found.resources for text in resource if isinstance(text, str)]
    texts += [text for resource in found.resources for words in resource if isinstance(words, tuple) for text in words]
    assert all(text.isprintable() and " " not in text and "," not in text for text in texts)


@given(st.text())
def test_go_json_is_json_that_is_safe_inside_html(text: str) -> None:
    encoded = go_json({"name": text})
    assert json.loads(encoded) == {"name": text}
    assert not set(encoded) & set("<>&\u2028\u2029")


def test_a_resource_list_is_written_in_kubectls_order_of_keys() -> None:
    resource = APIResource(
        "deployments", "deployment", True, "Deployment", ("get",), "g", "v", ("deploy",), ("all",), "hash="
    )
    assert encode_resource_list(APIResourceList("apps/v1", (resource,))) == (
        b'{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[{"name":"deployments",'
        b'"singularName":"deployment","namespaced":true,"group":"g","version":"v","kind":"Deployment","verbs":["get"],'
        b'"shortNames":["deploy"],"categories":["all"],"storageVersionHash":"hash="}]}\n'
    )


def test_a_group_list_keeps_its_server_addresses() -> None:
    source = {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "apps",
                "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.1:443"}],
            }
        ],
    }
    encoded = encode_group_list(group_list_from(source))
    assert encoded == json.dumps(source, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff\xfe", b'{"a":' + b"9" * 5000 + b"}"]
    + ['{"a":"\\ud800"}'.encode(encoding) for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")],
)
def test_data_that_is_not_a_json_object_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedDocument):
        parse_object(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Status"}, "kind is 'Status'"),
        ({"kind": None}, "kind is ''"),
        ({"apiVersion": "v2"}, "apiVersion"),
        ({"groupVersion": "batch/v1"}, "groupVersion is 'batch/v1'"),
        ({"resources": {}}, "'resources' is not a list"),
        ({"resources": [1]}, "not an object"),
        ({"resources": [{"name": 1}]}, "'name' is not a string"),
        ({"resources": [{"namespaced": "yes"}]}, "'namespaced' is not true or false"),
        ({"resources": [{"verbs": [None]}]}, "'verbs' has an entry"),
    ],
)
def test_a_cache_file_with_a_wrong_field_is_malformed(change: dict[str, Any], message: str) -> None:
    parsed = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1", "resources": [], **change}
    with pytest.raises(MalformedDocument, match=message):
        resource_list_from(parsed, "apps/v1", strict=True)


def test_null_is_the_zero_value_as_in_go() -> None:
    parsed = {"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "pods", "verbs": None}]}
    assert resource_list_from(parsed, "v1").resources == (APIResource("pods", "", False, "", ()),)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"name":"a\\ud800b"}', "a\ufffdb"),
        (b'{"name":"a\xed\xa0\x80b"}', "a\ufffd\ufffd\ufffdb"),
        (b'{"name":"a\xffb"}', "a\ufffdb"),
        ('{"name":"\U0001f600"}'.encode(), "\U0001f600"),
    ],
)
def test_an_invalid_character_becomes_the_replacement_character(data: bytes, name: str) -> None:
    assert parse_object(data) == {"name": name}
