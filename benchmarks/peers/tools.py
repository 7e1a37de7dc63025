"""`tools.py CLIENT own|ours`: what each client does to find a kind, and the seconds that it takes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CLIENT, MODE = sys.argv[1:]
OURS = MODE == "ours"


@contextmanager
def timed() -> Iterator[None]:
    start = time.perf_counter()
    yield
    print("seconds", time.perf_counter() - start)


def kubernetes() -> None:
    from kubernetes import config
    from kubernetes.dynamic import DynamicClient

    from cachediscovery.integrations.kubernetes import CachedDiscoverer

    with config.new_client_from_config() as api_client, timed():
        client = DynamicClient(api_client, discoverer=CachedDiscoverer if OURS else None)
        assert client.resources.get(kind="Deployment").name == "deployments"


def create_from_yaml() -> None:
    import kubernetes.utils

    import cachediscovery.integrations.kubernetes

    if OURS:
        cachediscovery.integrations.kubernetes.install()
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    robot = {"apiVersion": "kopf.test/v1", "kind": "Robot", "metadata": {"name": "one", "namespace": "default"}}
    with kubernetes.config.new_client_from_config() as api_client, timed():
        kubernetes.utils.create_from_yaml(api_client, yaml_objects=[settings, robot], apply=True)


def openshift() -> None:
    import cachediscovery.integrations.kubernetes

    if OURS:
        cachediscovery.integrations.kubernetes.install()
    from ocp_resources.namespace import Namespace
    from ocp_resources.resource import get_client

    with timed():
        client = get_client(config_file=os.environ["KUBECONFIG"])
        assert "default" in [item.name for item in Namespace.get(client=client)]


def by_asyncio(package: Any, dynamic: Any, discoverer: Any) -> None:
    async def look() -> None:
        async with await package.config.new_client_from_config() as api_client:
            with timed():
                client = await dynamic.DynamicClient(api_client, discoverer=discoverer if OURS else None)
                assert (await client.resources.get(kind="Deployment")).name == "deployments"

    asyncio.run(look())


def kubernetes_aio() -> None:
    import kubernetes.aio.config
    import kubernetes.aio.dynamic

    from cachediscovery.integrations.kubernetes_aio import CachedDiscoverer

    by_asyncio(kubernetes.aio, kubernetes.aio.dynamic, CachedDiscoverer)


def kubernetes_asyncio() -> None:
    import kubernetes_asyncio.config
    import kubernetes_asyncio.dynamic

    from cachediscovery.integrations.kubernetes_asyncio import CachedDiscoverer

    by_asyncio(kubernetes_asyncio, kubernetes_asyncio.dynamic, CachedDiscoverer)


def kr8s() -> None:
    import kr8s

    from cachediscovery.integrations.kr8s import use_cache

    api = kr8s.api(kubeconfig=os.environ["KUBECONFIG"])
    with timed():
        assert (use_cache(api) if OURS else api).lookup_kind("deploy")[1] == "deployments"


def lightkube() -> None:
    from lightkube import Client
    from lightkube.generic_resource import get_generic_resource, load_in_cluster_generic_resources

    from cachediscovery.integrations.lightkube import discovery_for, generic_resource

    client = Client()
    with timed():
        if OURS:
            robot = generic_resource(discovery_for(client), "kopf.test/v1", "Robot")
        else:
            load_in_cluster_generic_resources(client)
            robot = get_generic_resource("kopf.test/v1", "Robot")
        assert robot.__name__ == "Robot"


CLIENTS: dict[str, Callable[[], None]] = {
    call.__name__: call
    for call in (
        kubernetes, create_from_yaml, openshift, kubernetes_aio, kubernetes_asyncio, kr8s, lightkube,
    )
}  # fmt: skip
CLIENTS[CLIENT]()
