"""Another cluster behind the same URL: what is noticed, when, and that nothing of the one is told of the other."""

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

from ..conftest import Ran
from ..other_clusters import APPLES, PEARS, client_for, kinds, recording_with, tls_of, write_kubeconfig
from .test_stale_if_error import expire

Run = Callable[..., Ran]
FLOW, PRIORITY = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


# What the handshake tells.


def test_another_certificate_behind_the_url_starts_over_at_the_next_contact(tmp_path: Path, port: int) -> None:
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


def test_a_listing_during_which_another_cluster_took_over_is_made_of_the_new_one_alone(
    tmp_path: Path, port: int
) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=authority)
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port):
        client_for(kubeconfig).server_groups_and_resources()
    for path in (tmp_path / "home").rglob("serverresources.json"):
        if path.parent.parent.name == "apps":
            path.unlink()
    with DiscoveryServer(PEARS, tls=tls_of(authority), port=port):
        assert kinds(client_for(kubeconfig)) == {"Pear"}


def test_a_mapper_does_not_look_things_up_in_two_clusters_at_once(tmp_path: Path, port: int) -> None:
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


# What the answers tell.


def with_uids(server: DiscoveryServer, flow: str, priority: str) -> DiscoveryServer:
    server.headers = {FLOW: flow, PRIORITY: priority}
    return server


def ask_again(client: CachedDiscoveryClient) -> None:
    client.invalidate("apps/v1")
    client.server_resources_for_group_version("apps/v1")


def test_other_uids_in_the_answers_are_another_cluster(tmp_path: Path) -> None:
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


def test_a_renewed_certificate_costs_one_request_where_kube_system_is_known(tmp_path: Path, port: int) -> None:
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
    # The first renewal starts over: until then there was no reason to ask for the namespace.
    assert asked[0] == ["/apis/apps/v1"]
    assert KUBE_SYSTEM in asked[1]
    assert asked[2] == [KUBE_SYSTEM, "/apis/apps/v1"]


def test_a_renewed_certificate_costs_nothing_where_the_answers_have_known_uids(tmp_path: Path, port: int) -> None:
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


def test_another_user_of_the_cluster_costs_one_fresh_start_and_no_more(tmp_path: Path) -> None:
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
        # That of the first user was forgotten with all else, and is asked about once more.
        assert [path for path in server.paths() if path != "/apis/apps/v1"] == [KUBE_SYSTEM]


def test_a_server_that_changes_between_two_requests_of_one_listing_is_asked_again(tmp_path: Path) -> None:
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


def test_headers_that_hold_no_uid_prove_nothing(tmp_path: Path) -> None:
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


def test_the_record_beside_the_documents_is_private_and_may_be_lost_or_torn(tmp_path: Path, port: int) -> None:
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


def test_a_context_that_is_switched_before_the_first_request_leads_nobody_elsewhere(
    cli: Run, tmp_path: Path, port: int
) -> None:
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


def test_who_answers_only_half_of_a_question_is_noticed_as_well(tmp_path: Path) -> None:
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


def test_the_word_of_another_cluster_proves_nothing_about_the_one_that_was_seen(tmp_path: Path) -> None:
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
            """The other cluster answers everything, but when the first is asked who it is."""
            with_uids(server, *(("a-1", "b-1") if path == KUBE_SYSTEM else ("a-2", "b-2")))
            server.recording = apples if path == KUBE_SYSTEM else PEARS

        server.on_request = flip
        ask_again(client)
        assert kinds(client) == {"Pear"}


def test_what_a_context_without_an_authority_has_written_is_not_taken_for_anothers(tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    known = write_kubeconfig(tmp_path / "known", port, local=first)
    trusting = write_kubeconfig(tmp_path / "trusting", port, local=None)
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        assert kinds(client_for(trusting)) == {"Pear"}
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert kinds(client_for(known)) == {"Apple"}
        assert kinds(client_for(trusting)) == {"Apple"}


def test_two_answers_that_nothing_shows_to_be_of_one_cluster_are_an_error_and_nothing_is_kept(tmp_path: Path) -> None:
    with DiscoveryServer(APPLES) as server:
        server.on_request = lambda path: server.headers.update({FLOW: "a-1" if path == "/api" else "a-2"})
        kubeconfig = ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        client = CachedDiscoveryClient.from_kubeconfig(kubeconfig)
        with pytest.raises(ClusterMismatchError, match="several clusters answer at"):
            kinds(client)
        assert list((tmp_path / "home").rglob("server*.json")) == []
        server.on_request = None
        assert kinds(client) == {"Apple"}


def test_verify_takes_the_documents_of_another_cluster_for_none(cli: Run, tmp_path: Path, port: int) -> None:
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
