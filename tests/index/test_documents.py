from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import (
    APIGroup,
    APIGroupList,
    APIResource,
    APIResourceList,
    DiscoveryResult,
    GroupVersion,
    GroupVersionForDiscovery,
)
from cachediscovery.disk.files import signature_of
from cachediscovery.index.documents import SECTIONS, document_sections, documents_of
from cachediscovery.index.index_file import INDEX_FILE, encode_index, read_index
from cachediscovery.model.types import ServerAddressByClientCIDR

WORDS = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters=", \t"), max_size=6)
LISTS_OF_WORDS = st.lists(WORDS.filter(bool), max_size=3).map(tuple)
VERSIONS = st.builds(GroupVersionForDiscovery, WORDS, WORDS)
GROUPS = st.builds(
    APIGroup,
    WORDS,
    st.lists(VERSIONS, max_size=3).map(tuple),
    VERSIONS,
    st.lists(st.builds(ServerAddressByClientCIDR, WORDS, WORDS), max_size=2).map(tuple),
)
RESOURCES = st.builds(
    APIResource,
    WORDS, WORDS, st.booleans(), WORDS, LISTS_OF_WORDS, WORDS, WORDS, LISTS_OF_WORDS, LISTS_OF_WORDS, WORDS,
)  # fmt: skip
KEYS = st.builds(GroupVersion, WORDS.filter(lambda word: "/" not in word), WORDS.filter(lambda word: "/" not in word))


@given(st.lists(GROUPS, max_size=4).map(tuple), st.dictionaries(KEYS, st.lists(RESOURCES, max_size=4), max_size=4))
def test_an_index_returns_the_documents_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, groups: tuple[APIGroup, ...], found: dict[GroupVersion, list[APIResource]]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    resources = {key: APIResourceList(str(key), tuple(items)) for key, items in found.items()}
    sections = document_sections(DiscoveryResult(APIGroupList(groups), resources))
    if sections is None:
        # Two keys have the same text, for example ("", "/") and ("/", "").
        return
    (folder / "document").write_text("x")
    state = signature_of(str(folder / "document"))
    assert state is not None
    data = encode_index([("document", state)], sections)
    assert data is not None
    (folder / INDEX_FILE).write_bytes(data)
    index = read_index(str(folder), str(folder), SECTIONS)
    assert index is not None
    assert documents_of(index) == DiscoveryResult(APIGroupList(groups), resources)


@pytest.mark.parametrize("words", [("a,b",), ("",), ("a", ",")])
@pytest.mark.parametrize("field", ["verbs", "short_names", "categories"])
def test_an_empty_word_or_one_with_a_comma_is_not_encoded(words: tuple[str, ...], field: str) -> None:
    resource = APIResource("pods", "pod", True, "Pod", ("get",))
    key = GroupVersion("", "v1")
    assert document_sections(DiscoveryResult(APIGroupList(()), {key: APIResourceList("v1", (resource,))})) is not None
    changed = resource._replace(**{field: words})
    assert document_sections(DiscoveryResult(APIGroupList(()), {key: APIResourceList("v1", (changed,))})) is None
