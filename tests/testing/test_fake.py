from __future__ import annotations

import pytest

from cachediscovery import APIResource, APIResourceList, DiscoveryError, GroupDiscoveryFailed, GroupVersion, NotFound
from cachediscovery.testing import Call, FakeDiscoveryClient

PODS = APIResource("pods", "pod", True, "Pod", ("get",))
NODES = APIResource("nodes", "node", False, "Node", ("get",))


def test_the_fake_client_answers_from_its_lists_and_records_calls() -> None:
    fake = FakeDiscoveryClient([APIResourceList("v1", (PODS, NODES)), APIResourceList("a.example/v1", ())])
    assert [group.name for group in fake.server_groups().groups] == ["", "a.example"]
    assert fake.server_resources_for_group_version("v1").resources == (PODS, NODES)
    assert fake.server_preferred_namespaced_resources() == [APIResourceList("v1", (PODS,))]
    assert fake.server_version().git_version == "v0.0.0-fake"
    assert fake.openapi_v3().paths() == {}
    assert [call.method for call in fake.calls] == [
        "server_groups", "server_resources_for_group_version", "server_preferred_namespaced_resources",
        "server_version", "openapi_v3",
    ]  # fmt: skip
    assert fake.calls[1] == Call("server_resources_for_group_version", ("v1",))


def test_the_fake_client_raises_configured_failures_and_recovers() -> None:
    fake = FakeDiscoveryClient([APIResourceList("v1", (PODS,))])
    fake.fail("metrics.k8s.io/v1beta1")
    fake.fail("server_version", DiscoveryError("no connection"))
    with pytest.raises(GroupDiscoveryFailed) as caught:
        fake.server_groups_and_resources()
    assert list(caught.value.failed) == [GroupVersion("metrics.k8s.io", "v1beta1")]
    with pytest.raises(DiscoveryError, match="no connection"):
        fake.server_version()
    with pytest.raises(NotFound):
        fake.server_resources_for_group_version("apps/v1")
    fake.recover("metrics.k8s.io/v1beta1")
    assert len(fake.server_groups_and_resources()[0]) == 1
