from __future__ import annotations

import pytest

from cachediscovery import GroupResource, GroupVersion, GroupVersionKind


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("v1", GroupVersion("", "v1")), ("apps/v1", GroupVersion("apps", "v1")), ("", GroupVersion("", ""))],
)
def test_a_group_version_parses_and_prints_back(text: str, parsed: GroupVersion) -> None:
    assert GroupVersion.parse(text) == parsed
    assert str(parsed) == text


def test_a_group_version_with_two_slashes_is_an_error() -> None:
    with pytest.raises(ValueError, match="a/b/c"):
        GroupVersion.parse("a/b/c")


def test_a_kind_is_built_from_api_version_and_kind() -> None:
    kind = GroupVersionKind.from_api_version("apps/v1", "Deployment")
    assert kind == ("apps", "v1", "Deployment")
    assert str(kind) == "apps/v1, Kind=Deployment"
    assert kind.group_kind == ("apps", "Deployment")


def test_a_group_resource_keeps_the_dots_of_its_group() -> None:
    assert GroupResource.parse("certificates.cert-manager.io") == ("cert-manager.io", "certificates")
    assert str(GroupResource("", "pods")) == "pods"
