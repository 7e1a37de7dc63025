"""Another cluster behind the same URL is detected, and documents of the first cluster are no longer used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from cachediscovery import (
    CachedDiscoveryClient,
    ClusterMismatchError,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    GroupKind,
    NoMatchError,
    StatusError,
)
from cachediscovery.disk.cluster_record import RECORD_FILE
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, eventually
from ..other_clusters import APPLES, PEARS, client_for, kinds, recording_with, tls_of, write_kubeconfig
from .test_stale_if_error import expire

Run = Callable[..., Ran]
FLOW, PRIORITY = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


# Detection by the TLS handshake.


def test_a_different_certificate_discards_the_cache_at_the_next_request(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port):
        client = client_for(kubeconfig)
        assert kinds(client) == {"Apple"}
    with DiscoveryServer(PEARS, tls=tls_of(authority), port=port):
        assert kinds(client) == {"Apple"}, "nothing was asked, so nothing can be known"
        client.invalidate("apps/v1")
        client.server_resources_for_group_version("apps/v1")
        assert kinds(client) == {"Pear"}
    assert kinds(client_for(kubeconfig)) == {"Pear"}, "nor does a new process find a word of the old one"


def test_a_listing_completed_by_another_cluster_contains_only_that_cluster(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port):
        client_for(kubeconfig).server_groups_and_resources()
    for path in (tmp_path / "home").rglob("serverresources.json"):
        if path.parent.parent.name == "apps":
            path.unlink()
    with DiscoveryServer(PEARS, tls=tls_of(authority), port=port):
        assert kinds(client_for(kubeconfig)) == {"Pear"}


def test_a_mapper_never_mixes_resources_of_two_clusters(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port):
        client = client_for(kubeconfig)
        mapper = DeferredDiscoveryRESTMapper(client)
        assert mapper.mapping_for("apples").kind == "Apple"
    with DiscoveryServer(PEARS, tls=tls_of(authority), port=port):
        client.invalidate("only.test/v1")
        assert mapper.rest_mapping(GroupKind("only.test", "Pear")).plural == "pears"
        with pytest.raises(NoMatchError):
            mapper.mapping_for("apples")


# Detection by the UIDs in response headers.


def with_uids(server: DiscoveryServer, flow: str, priority: str) -> DiscoveryServer:
    server.headers = {FLOW: flow, PRIORITY: priority}
    return server


def ask_again(client: CachedDiscoveryClient) -> None:
    client.invalidate("apps/v1")
    client.server_resources_for_group_version("apps/v1")


def test_different_uids_in_responses_mean_another_cluster(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES) as server:
        client = CachedDiscoveryClient.from_kubeconfig(
            ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        )
        with_uids(server, "a-1", "b-1")
        assert kinds(client) == {"Apple"}
        server.recording = PEARS
        with_uids(server, "a-2", "b-2")
        ask_again(client)
        assert kinds(client) == {"Pear"}


def test_a_renewed_certificate_costs_one_request_when_kube_systems_uid_is_known(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    recording = recording_with("apples", "Apple")
    recording.unaggregated[KUBE_SYSTEM] = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"uid": "c-1"}}
    client = client_for(kubeconfig)
    asked = []
    for _ in range(3):
        with DiscoveryServer(recording, tls=tls_of(authority), port=port) as server:
            client.server_groups_and_resources()
            server.forget_requests()
            ask_again(client)
            assert kinds(client) == {"Apple"}
            asked.append(sorted(server.paths()))
    # The first renewal discards the cache: the namespace had not been fetched before.
    assert asked[0] == ["/apis/apps/v1"]
    assert KUBE_SYSTEM in asked[1]
    assert asked[2] == [KUBE_SYSTEM, "/apis/apps/v1"]


def test_a_renewed_certificate_costs_no_request_when_response_uids_are_known(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    client = client_for(kubeconfig)
    for _ in range(2):
        with with_uids(DiscoveryServer(APPLES, tls=tls_of(authority), port=port), "a-1", "b-1") as server:
            client.server_groups_and_resources()
            server.forget_requests()
            ask_again(client)
            assert kinds(client) == {"Apple"}
            assert server.paths() == ["/apis/apps/v1"]


def test_servers_of_one_cluster_may_have_different_certificates(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    client = client_for(kubeconfig)
    for _ in range(3):
        with with_uids(DiscoveryServer(APPLES, tls=tls_of(authority), port=port), "a-1", "b-1") as server:
            client.server_groups_and_resources()
            server.forget_requests()
            ask_again(client)
            client.server_groups_and_resources()
            assert server.paths() == ["/apis/apps/v1"]


def test_a_second_user_discards_the_cache_only_once(tmp_path: Path) -> None:
    recording = recording_with("apples", "Apple")
    recording.unaggregated[KUBE_SYSTEM] = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"uid": "c-1"}}
    with DiscoveryServer(recording) as server:
        client = CachedDiscoveryClient.from_kubeconfig(
            ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        )
        for user in ("admin", "viewer"):
            with_uids(server, f"flow-{user}", f"level-{user}")
            ask_again(client)
            client.server_groups_and_resources()
        server.forget_requests()
        for user in ("admin", "viewer", "admin", "viewer"):
            with_uids(server, f"flow-{user}", f"level-{user}")
            ask_again(client)
            client.server_groups_and_resources()
        # The first user's UIDs were discarded with the cache, so kube-system is fetched once more.
        assert [path for path in server.paths() if path != "/apis/apps/v1"] == [KUBE_SYSTEM]


def test_a_cluster_change_between_two_requests_restarts_the_listing(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES, aggregated=False) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        with_uids(server, "a-1", "b-1")

        def change(path: str) -> None:
            if path == "/apis/storage.k8s.io/v1":
                server.recording = PEARS
                with_uids(server, "a-2", "b-2")

        server.on_request = change
        client = CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=str(kubeconfig)))
        assert kinds(client) == {"Pear"}
        assert kinds(client) == {"Pear"}


def test_headers_without_a_valid_uid_are_ignored(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES) as server:
        client = CachedDiscoveryClient.from_kubeconfig(
            ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        )
        with_uids(server, "a b", "x" * 1000)
        client.server_groups_and_resources()
        with_uids(server, "", "../c")
        ask_again(client)
        server.forget_requests()
        client.server_groups_and_resources()
        assert server.request_count == 0


def test_the_cluster_record_is_private_and_damage_costs_no_request(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port) as server:
        client_for(kubeconfig).server_groups_and_resources()
        (record,) = tmp_path.rglob(RECORD_FILE)
        assert record.stat().st_mode & 0o777 == 0o600
        whole = record.read_bytes()
        for content in (b"", whole[:30], whole[:-1], b"\0\xff" * 99, whole.replace(b" ", b"")):
            record.write_bytes(content)
            server.forget_requests()
            assert kinds(client_for(kubeconfig)) == {"Apple"}
            assert server.request_count == 0


def test_a_client_keeps_its_cluster_when_the_current_context_changes(cli: Run, tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, port, first=first, second=second)
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert kinds(client_for(path)) == {"Apple"}
        client = client_for(path)
        client.invalidate()
        path.write_text(path.read_text().replace('"current-context": "first"', '"current-context": "second"'))
        assert kinds(client) == {"Apple"}, "a client keeps the cluster that it was made for"
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        assert kinds(client_for(path)) == {"Pear"}


def test_a_cluster_change_is_detected_when_half_a_listing_fails(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES) as server:
        kubeconfig = ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        with_uids(server, "a-1", "b-1")
        CachedDiscoveryClient.from_kubeconfig(kubeconfig).server_groups_and_resources()
        expire(tmp_path)
        with_uids(server, "a-2", "b-2")
        server.fail("/apis")
        client = CachedDiscoveryClient.from_kubeconfig(kubeconfig, stale_if_error=1e6)
        with pytest.raises(StatusError, match="503"):
            client.server_groups_and_resources()


def test_kube_systems_uid_from_one_cluster_does_not_identify_another(tmp_path: Path) -> None:
    apples = recording_with("apples", "Apple")
    apples.unaggregated[KUBE_SYSTEM] = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"uid": "c-1"}}
    with DiscoveryServer(apples) as server:
        client = CachedDiscoveryClient.from_kubeconfig(
            ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        )
        with_uids(server, "a-1", "b-1")
        client.server_groups_and_resources()
        with_uids(server, "a-1b", "b-1b")
        ask_again(client)
        client.server_groups_and_resources()

        def flip(path: str) -> None:
            """Respond as the second cluster, except to requests for kube-system."""
            with_uids(server, *(("a-1", "b-1") if path == KUBE_SYSTEM else ("a-2", "b-2")))
            server.recording = apples if path == KUBE_SYSTEM else PEARS

        server.on_request = flip
        ask_again(client)
        assert kinds(client) == {"Pear"}


def test_documents_written_without_a_ca_are_not_used_by_a_context_with_one(tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    known = write_kubeconfig(tmp_path / "known", port, local=first)
    trusting = write_kubeconfig(tmp_path / "trusting", port, local=None)
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        assert kinds(client_for(trusting)) == {"Pear"}
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert kinds(client_for(known)) == {"Apple"}
        assert kinds(client_for(trusting)) == {"Apple"}


def test_responses_with_conflicting_uids_raise_an_error_and_cache_nothing(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES) as server:

        def answer(path: str) -> None:
            # The headers are those of all responses: /apis waits until /api was answered.
            if path == "/apis":
                assert eventually(lambda: server.paths().count("/api") > server.paths().count("/apis"))
            server.headers[FLOW] = "a-1" if path == "/api" else "a-2"

        server.on_request = answer
        kubeconfig = ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        client = CachedDiscoveryClient.from_kubeconfig(kubeconfig)
        with pytest.raises(ClusterMismatchError, match="several clusters answer at"):
            kinds(client)
        assert list((tmp_path / "home").rglob("server*.json")) == []
        server.on_request = None
        assert kinds(client) == {"Apple"}


def test_cache_verify_counts_another_clusters_documents_as_missing(cli: Run, tmp_path: Path, port: int) -> None:
    old, new = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=old)
    with DiscoveryServer(APPLES, tls=tls_of(old), port=port):
        cli("api-resources", "--kubeconfig", str(kubeconfig))
    write_kubeconfig(kubeconfig, port, local=new)
    with DiscoveryServer(PEARS, tls=tls_of(new), port=port):
        ran = cli("cache", "verify", "--kubeconfig", str(kubeconfig))
        assert ran.code == 0
        assert "broken" not in ran.out
        assert ran.out.endswith(f"0 of 41 documents are what https://127.0.0.1:{port} says\n")
