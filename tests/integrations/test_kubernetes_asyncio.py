"""Both asyncio clients, `kubernetes_asyncio` and `kubernetes.aio`, with their own discoverers and with ours."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.server_identity import gathered_identities

from ..conftest import eventually, threads_of_ours
from .conftest import AIO_MISSING, Cluster, clusters
from .test_kubernetes import SEARCHES, TWINS

AGENT = "asyncio-client"

# The client's own search by an attribute fails on lists, whose attributes need a coroutine.
ATTRIBUTES = {"name", "singular_name", "short_names", "preferred", "namespaced"}


def shown(resources: list[Any]) -> list[tuple[str, ...]]:
    return sorted((type(item).__name__, item.group or "", item.api_version, item.kind) for item in resources)


twins = clusters(TWINS)


class Package:
    """One of the two asyncio clients, with our discoverer for it."""

    def __init__(self, name: str, integration: str) -> None:
        self.config = import_module(f"{name}.config")
        self.client = import_module(f"{name}.client")
        self.dynamic = import_module(f"{name}.dynamic")
        self.discovery = import_module(f"{name}.dynamic.discovery")
        self.exceptions = import_module(f"{name}.dynamic.exceptions")
        self.ours = import_module(f"cachediscovery.integrations.{integration}").CachedDiscoverer

    @asynccontextmanager
    async def connected(
        self,
        kubeconfig: Path,
        discoverer: type | None = None,
        context: str | None = None,
        cache_file: Path | None = None,
    ) -> AsyncIterator[Any]:
        """A dynamic client with the given discoverer, by default ours."""
        api_client = await self.config.new_client_from_config(str(kubeconfig), context)
        async with api_client:
            api_client.user_agent = AGENT
            made = self.dynamic.DynamicClient(
                api_client, discoverer=discoverer or self.ours, cache_file=str(cache_file) if cache_file else None
            )
            async with made as client:
                yield client


@pytest.fixture(params=["kubernetes_asyncio", "kubernetes.aio"])
def package(request: pytest.FixtureRequest) -> Package:
    if request.param == "kubernetes.aio":
        pytest.importorskip("kubernetes.aio", reason=AIO_MISSING)
        return Package("kubernetes.aio", "kubernetes_aio")
    return Package("kubernetes_asyncio", "kubernetes_asyncio")


async def deployments(client: Any) -> str:
    return str((await client.resources.get(api_version="apps/v1", kind="Deployment")).name)


def test_a_warm_lookup_requests_only_the_version(twins: Cluster, package: Package) -> None:
    async def look_up() -> str:
        async with package.connected(twins.kubeconfig) as client:
            return await deployments(client)

    assert asyncio.run(look_up()) == "deployments"
    start = len(twins.requests_of(AGENT))
    assert asyncio.run(look_up()) == "deployments"
    assert twins.requests_of(AGENT)[start:] == ["/version"], "as theirs does"


@pytest.mark.parametrize("discoverer", ["LazyDiscoverer", "EagerDiscoverer"])
def test_every_search_finds_what_the_clients_discoverer_finds(
    twins: Cluster, package: Package, discoverer: str, tmp_path: Path
) -> None:
    async def compare() -> None:
        discoverers = package.discovery
        theirs_class = getattr(discoverers, discoverer)
        async with (
            package.connected(twins.kubeconfig) as one,
            package.connected(twins.kubeconfig, theirs_class, cache_file=tmp_path / "cache.json") as other,
        ):
            for keywords in (keywords for keywords in SEARCHES if not ATTRIBUTES & keywords.keys()):
                mine, theirs = await one.resources.search(**keywords), await other.resources.search(**keywords)
                assert shown(mine) == shown(theirs), keywords
            (found,) = await one.resources.search(name="deployments")
            assert found.kind == "Deployment"
            assert sorted(await one.resources.api_groups) == sorted(await other.resources.api_groups)
            assert one.version == other.version
            kinds = {resource.kind async for resources in one.resources for resource in resources}
            assert {"Twin", "TwinList", "Pod", "PodList"} <= kinds

    asyncio.run(compare())


def test_a_found_resource_can_be_used(twins: Cluster, package: Package) -> None:
    async def use() -> None:
        async with package.connected(twins.kubeconfig) as client:
            namespaces = await client.resources.get(api_version="v1", kind="Namespace")
            listed = await client.get(namespaces)
            assert "default" in [item.metadata.name for item in listed.items]
            await client.resources.invalidate_cache()
            with pytest.raises(package.exceptions.ResourceNotFoundError):
                await client.resources.get(api_version="v1", kind="Nothing")
            with pytest.raises(package.exceptions.ResourceNotUniqueError):
                await client.resources.get(kind="Twin")

    asyncio.run(use())


def test_an_unchanged_cluster_is_revalidated_by_two_304s(twins: Cluster, package: Package) -> None:
    async def look_up_twice() -> list[tuple[str, int]]:
        async with package.connected(twins.kubeconfig) as client:
            assert await client.resources.search(kind="Deployment")
            start = len(twins.answers_of(AGENT))
            await client.resources.invalidate_cache()
            assert await client.resources.search(kind="Deployment")
            return twins.answers_of(AGENT)[start:]

    assert sorted(asyncio.run(look_up_twice())) == [("/api", 304), ("/apis", 304)]


def test_a_304_identifies_the_cluster(server: DiscoveryServer, package: Package, tmp_path: Path) -> None:
    server.headers["X-Kubernetes-Pf-Flowschema-Uid"] = "0f8a"

    async def look_up_twice() -> None:
        async with package.connected(server.write_kubeconfig(tmp_path / "kubeconfig")) as client:
            await client.resources.search(kind="Deployment")
            server.forget_requests()
            await client.resources.invalidate_cache()
            with gathered_identities() as found:
                await asyncio.to_thread(client.resources.discovery.delegate.server_groups)
            assert [identity.uids for identity in found] == [{"0f8a"}, {"0f8a"}]
            assert [request.status for request in server.requests] == [304, 304]

    asyncio.run(look_up_twice())


def test_request_errors_are_raised_as_the_clients_exceptions(twins: Cluster, package: Package) -> None:
    async def ask() -> None:
        async with package.connected(twins.kubeconfig, context="anonymous") as client:
            await client.resources.get(kind="Pod")

    with pytest.raises(package.exceptions.ForbiddenError) as caught:
        asyncio.run(ask())
    assert isinstance(caught.value, package.client.exceptions.ApiException)
    assert caught.value.status == 403


@pytest.mark.parametrize("status", [400, 501])
def test_a_status_is_raised_as_the_clients_exception(
    server: DiscoveryServer, package: Package, tmp_path: Path, status: int
) -> None:
    server.fail("/apis", Failure(status, "no"))

    async def ask() -> None:
        async with package.connected(server.write_kubeconfig(tmp_path / "kubeconfig")) as client:
            await client.resources.get(kind="Deployment")

    with pytest.raises(package.client.exceptions.ApiException) as caught:
        asyncio.run(ask())
    assert caught.value.status == status


def test_a_group_version_that_fails_otherwise_than_by_being_down_is_an_error(
    legacy_server: DiscoveryServer, package: Package, tmp_path: Path
) -> None:
    legacy_server.fail("/apis/kubevirt.io/v1", Failure(501, "no"))

    async def search() -> None:
        async with package.connected(legacy_server.write_kubeconfig(tmp_path / "kubeconfig")) as client:
            await client.resources.search(group="kubevirt.io", api_version="v1")

    with pytest.raises(package.client.exceptions.ApiException) as caught:
        asyncio.run(search())
    assert caught.value.status == 501


def test_the_groups_are_asked_for_each_time(server: DiscoveryServer, package: Package, tmp_path: Path) -> None:
    async def look_twice() -> None:
        async with package.connected(server.write_kubeconfig(tmp_path / "kubeconfig")) as client:
            assert "example.com" not in await client.resources.api_groups
            server.install_crd("example.com/v1", "Widget")
            assert "example.com" in await client.resources.api_groups

    asyncio.run(look_twice())


def test_a_connection_error_is_the_clients_own(package: Package, tmp_path: Path) -> None:
    server = DiscoveryServer()
    server.start()
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")

    async def ask() -> None:
        async with package.connected(kubeconfig) as client:
            await asyncio.to_thread(server.stop)
            await client.resources.get(kind="Pod")

    with pytest.raises(aiohttp.ClientConnectionError):
        asyncio.run(ask())


def test_a_group_version_that_is_down_costs_only_itself(
    legacy_server: DiscoveryServer, package: Package, tmp_path: Path
) -> None:
    kubeconfig = legacy_server.write_kubeconfig(tmp_path / "kubeconfig")
    legacy_server.fail("/apis/kubevirt.io/v1", Failure(503, "down", content_type="text/plain", body=b"down"))

    async def search() -> None:
        async with package.connected(kubeconfig) as client:
            assert await deployments(client) == "deployments"
            assert not [item for item in await client.resources.search(group="kubevirt.io") if item.api_version == "v1"]
            assert await client.resources.search(group="kubevirt.io", api_version="v1alpha3")

    asyncio.run(search())


def test_a_cancelled_search_ends_and_the_next_one_succeeds(twins: Cluster, package: Package) -> None:
    async def cancel() -> None:
        async with package.connected(twins.kubeconfig) as client:
            await client.resources.invalidate_cache()
            search = asyncio.ensure_future(client.resources.search(kind="Deployment"))
            while not threads_of_ours():
                await asyncio.sleep(0)
            search.cancel()
            with pytest.raises(asyncio.CancelledError):
                await search
            assert await asyncio.to_thread(eventually, lambda: not threads_of_ours())
            assert await deployments(client) == "deployments"

    asyncio.run(cancel())


def test_discovery_does_not_block_the_event_loop(server: DiscoveryServer, package: Package, tmp_path: Path) -> None:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    begun, answer = threading.Event(), threading.Event()

    async def look_up() -> None:
        async with package.connected(kubeconfig) as client:
            server.on_request = lambda _: (begun.set(), answer.wait(20), None)[2]
            looking = asyncio.ensure_future(deployments(client))
            while not begun.is_set():
                await asyncio.sleep(0)
            assert not looking.done(), "the loop runs while the server is waited for"
            answer.set()
            assert await looking == "deployments"

    asyncio.run(look_up())


def test_certificates_as_data_and_in_a_file_mean_the_same_cluster(
    tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    client = pytest.importorskip("kubernetes.aio", reason=AIO_MISSING).client
    package = Package("kubernetes.aio", "kubernetes_aio")
    certificate = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(certificate)

    async def look_up(**trust: str) -> None:
        async with client.ApiClient(client.Configuration(host=server.url, **trust)) as api_client:
            assert await deployments(await package.dynamic.DynamicClient(api_client, discoverer=package.ours))

    with DiscoveryServer(tls=tls) as server:
        asyncio.run(look_up(ca_cert_data=certificate.read_text()))
        server.forget_requests()
        asyncio.run(look_up(ssl_ca_cert=str(certificate)))
        assert server.paths() == ["/version"]


def test_importing_the_integration_without_its_client_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['kubernetes.aio'] = None\n"
        "try: import cachediscovery.integrations.kubernetes_aio\n"
        "except ImportError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.count("\n") == 1
    assert "kubernetes 37 and later, pip install 'cachediscovery[kubernetes-aio]'" in ran.stdout
