"""Lookups in the index give the same results as lookups in the documents."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import (
    APIGroup,
    APIGroupList,
    APIResource,
    APIResourceList,
    DiscoveryError,
    DiscoveryResult,
    GroupKind,
    GroupVersion,
    GroupVersionForDiscovery,
    GroupVersionResource,
    ResourceTable,
    RESTMapper,
)
from cachediscovery.index.index_file import Index
from cachediscovery.index.search import COLUMNS, IndexSearch
from cachediscovery.restmapper.rows import in_listing_order, rows_of

# Names that contain each other or differ only in letter case, and one that is longer in lower case.
NAMES = ["a", "aa", "ab", "b", "A", "Aa", "AB", "\u0130", "all"]
RESOURCES = st.builds(
    APIResource,
    name=st.sampled_from(NAMES),
    singular_name=st.sampled_from(["", *NAMES]),
    namespaced=st.booleans(),
    kind=st.sampled_from(["", *NAMES]),
    verbs=st.just(("get",)),
    short_names=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    categories=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
)
LISTS = st.dictionaries(st.sampled_from(["v1", "a/v1", "a/v2", "aa/v1", "b/a"]), st.lists(RESOURCES, max_size=4))


def tables(lists: dict[str, list[APIResource]]) -> tuple[ResourceTable, ResourceTable]:
    """The table of the given documents, and the table of their index."""
    versions: dict[str, list[str]] = {}
    for group_version in lists:
        group, _, version = group_version.rpartition("/")
        versions.setdefault(group, []).append(version)
    groups = tuple(
        APIGroup(
            group,
            tuple(GroupVersionForDiscovery(f"{group}/{version}".lstrip("/"), version) for version in found),
            GroupVersionForDiscovery(f"{group}/{found[-1]}".lstrip("/"), found[-1]),
        )
        for group, found in versions.items()
    )
    resources = {GroupVersion.parse(key): APIResourceList(key, tuple(found)) for key, found in lists.items()}
    result = DiscoveryResult(APIGroupList(groups), resources)
    rows = in_listing_order(rows_of(result))
    columns = {name: [row[position] for row in rows] for position, name in enumerate(COLUMNS)}
    index = Index("", {"paths": [], "states": [], **columns})
    return ResourceTable(result), ResourceTable.of_index(IndexSearch.of_index(index))


def outcome(lookup: Callable[[RESTMapper], object], table: ResourceTable) -> object:
    try:
        return lookup(RESTMapper(table))
    except DiscoveryError as error:
        return type(error), str(error)


@given(
    LISTS,
    st.sampled_from([*NAMES, "", "x", "a.a", "a.v1.a", "Aa.aa", "a\ta", "b\n", "\n", "\na", "a,b", ","]),
    st.booleans(),
)
def test_a_lookup_in_the_index_matches_one_in_the_documents(
    lists: dict[str, list[APIResource]], name: str, after_many: bool
) -> None:
    for lookup in (
        lambda mapper: mapper.mapping_for(name),
        lambda mapper: mapper.kinds_for(GroupVersionResource("", "", name)),
        lambda mapper: mapper.resource_for(GroupVersionResource("a", "", name)),
        lambda mapper: mapper.resources_for(GroupVersionResource("a", "v1", name)),
        lambda mapper: mapper.resource_singularizer(name),
        lambda mapper: mapper.rest_mappings(GroupKind("a", name)),
        lambda mapper: mapper.rest_mapping(GroupKind("", name), "v2", "v1"),
        lambda mapper: mapper.expand_category(name),
        lambda mapper: sorted(mapper.nearest_names(name, 99)),
    ):
        of_documents, of_index = tables(lists)
        # After many searches the index builds a dictionary of each column and searches that.
        for _ in range(200 if after_many else 0):
            of_index.by_name("x")
        assert outcome(lookup, of_index) == outcome(lookup, of_documents)
