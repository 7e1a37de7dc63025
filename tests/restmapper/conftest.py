"""A small in-memory cluster whose resources share names."""

from __future__ import annotations

import pytest

from cachediscovery import APIResource, APIResourceList, GroupVersionResource
from cachediscovery.testing import FakeDiscoveryClient


def resource(
    name: str,
    kind: str,
    *short: str,
    namespaced: bool = True,
    categories: tuple[str, ...] = (),
    singular: str | None = None,
) -> APIResource:
    singular = kind.lower() if singular is None else singular
    return APIResource(name, singular, namespaced, kind, ("get", "list"), short_names=short, categories=categories)


LISTS = [
    APIResourceList("v1", (
        resource("pods", "Pod", "po", categories=("all",)), resource("pods/log", "Pod"),
        resource("events", "Event", "ev"), resource("namespaces", "Namespace", "ns", namespaced=False),
    )),
    APIResourceList("apps/v1", (resource("deployments", "Deployment", "deploy", categories=("all",)),)),
    APIResourceList("events.k8s.io/v1", (resource("events", "Event", "ev"),)),
    APIResourceList("one.example/v2", (resource("twins", "Twin", "tw"), resource("olds", "Old", singular=""))),
    APIResourceList("one.example/v1", (resource("twins", "Twin", "tw"), resource("relics", "Relic"))),
    APIResourceList("two.example/v1", (resource("twins", "Twin", "tw"), resource("cephnfses", "CephNFS", "nfs"))),
    APIResourceList("three.example/v1", (
        resource("sames", "One", singular="same"), resource("same", "Two", singular="two"),
    )),
]  # fmt: skip


def partial(resource: str, group: str = "", version: str = "") -> GroupVersionResource:
    return GroupVersionResource(group, version, resource)


@pytest.fixture
def fake() -> FakeDiscoveryClient:
    return FakeDiscoveryClient(LISTS)
