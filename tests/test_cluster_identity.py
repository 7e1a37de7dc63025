"""Another cluster behind the same URL: what is noticed, when, and that nothing of the one is told of the other."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from cachediscovery import (
    CachedDiscoveryClient,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    GroupKind,
    NoMatchError,
    StatusError,
)
from cachediscovery.disk.cluster_record import RECORD_FILE
from cachediscovery.testing import DiscoveryServer, Recording, load_recording

from .conftest import Ran
from .test_stale import expire

Run = Callable[..., Ran]
FLOW, PRIORITY = "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


def recording_with(plural: str, kind: str) -> Recording:
    """A cluster that serves one thing that no other does."""
    recording = load_recording()
    resource = {
        "name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"],
    }  # fmt: skip
    recording.add_group("only.test", {"v1": [resource]})
    return recording


def tls_of(authority: trustme.CA) -> ssl.SSLContext:
    """A new server of an authority: a new certificate, with a new key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def write_kubeconfig(path: Path, port: int, **authorities: trustme.CA | None) -> Path:
    """A context for each authority, all with the same URL; the first is the current one."""
    clusters: list[dict[str, Any]] = []
    for name, authority in authorities.items():
        cluster: dict[str, Any] = {"server": f"https://127.0.0.1:{port}"}
        if authority is None:
            cluster["insecure-skip-tls-verify"] = True
        else:
            ca_file = path.parent / f"{name}.crt"
            ca_file.write_bytes(authority.cert_pem.bytes())
            cluster["certificate-authority"] = str(ca_file)
        clusters.append({"name": name, "cluster": cluster})
    contexts = [{"name": name, "context": {"cluster": name, "user": "x"}} for name in authorities]
    users = [{"name": "x", "user": {"token": "t"}}]
    config = {"current-context": next(iter(authorities)), "clusters": clusters, "contexts": contexts, "users": users}
    path.write_text(json.dumps(config))
    return path


def client_for(kubeconfig: Path, **keywords: Any) -> CachedDiscoveryClient:
    return CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=str(kubeconfig)), **keywords)


def kinds(client: CachedDiscoveryClient) -> set[str]:
    """What is served of the group that each cluster has its own kinds in."""
    lists = client.server_groups_and_resources()[1]
    return {resource.kind for found in lists if found.group_version == "only.test/v1" for resource in found.resources}


APPLES = recording_with("apples", "Apple")
PEARS = recording_with("pears", "Pear")


@pytest.fixture
def port() -> int:
    return free_port()


# What the configuration tells.


def test_two_contexts_with_one_url_and_two_authorities_never_meet(cli: Run, tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)
    flags = ("api-resources", "--cached", "--api-group=only.test", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert "apples" in cli(*flags, "--context=first").out
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        assert "pears" in cli(*flags, "--context=second").out
    # Neither server is there any more: each has its own documents.
    apples, pears = cli(*flags, "--context=first").out, cli(*flags, "--context=second").out
    assert "apples" in apples
    assert "pears" not in apples
    assert "pears" in pears
    assert "apples" not in pears


def test_clusters_that_kubectl_mixes_up_get_no_folder_of_kubectls(
    cli: Run, kubectl: Run, tmp_path: Path, port: int
) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = ("--kubeconfig", str(write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert "apples" in kubectl("api-resources", *kubeconfig, "--context=first").out
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        # What kubectl says of the second cluster is what it knows of the first.
        assert "apples" in kubectl("api-resources", "--cached", *kubeconfig, "--context=second").out
        ours = cli("api-resources", "--cached", *kubeconfig, "--context=second").out
        assert "pears" in ours
        assert "apples" not in ours


def test_prune_leaves_the_folders_of_clusters_that_share_a_url_alone(cli: Run, tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = ("--kubeconfig", str(write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        cli("api-resources", *kubeconfig)
    assert cli("cache", "prune", *kubeconfig).out == "removed 0 files\n"


def test_a_cluster_built_anew_is_noticed_by_its_authority_before_any_request(
    cli: Run, kubectl: Run, tmp_path: Path, port: int
) -> None:
    old, new = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=old)
    flags = ("api-resources", "--cached", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(old), port=port):
        assert "apples" in cli(*flags).out
    write_kubeconfig(kubeconfig, port, local=new)
    with DiscoveryServer(PEARS, tls=tls_of(new), port=port) as server:
        listed = cli(*flags).out
        assert "pears" in listed
        assert "apples" not in listed
        assert sorted(server.paths()) == ["/api", "/apis"]
        # kubectl reads the same files, and so is mended as well.
        assert kubectl(*flags).out == listed


def test_the_old_documents_are_no_answer_even_where_the_new_cluster_cannot_be_reached(
    cli: Run, tmp_path: Path, port: int
) -> None:
    old, new = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, local=old)
    flags = ("api-resources", "--cached", "--stale-if-error=24h", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(old), port=port):
        assert cli(*flags).code == 0
    write_kubeconfig(kubeconfig, port, local=new)
    ran = cli(*flags)
    assert (ran.code, ran.out) == (1, "")


def test_a_context_without_an_authority_uses_what_is_there(cli: Run, tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, known=authority, trusting=None)
    flags = ("api-resources", "--cached", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port) as server:
        expected = cli(*flags)
        server.forget_requests()
        assert cli(*flags, "--context=trusting") == expected
        assert cli(*flags, "--insecure-skip-tls-verify", "--certificate-authority=").out == expected.out
        assert server.request_count == 0


# What the handshake tells.


def test_another_key_behind_the_url_starts_over_at_the_next_contact(tmp_path: Path, port: int) -> None:
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


def test_servers_of_one_cluster_may_have_different_keys(tmp_path: Path, port: int) -> None:
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


def test_two_servers_of_one_cluster_that_nothing_else_tells_of_are_one_cluster_after_a_second_look(
    tmp_path: Path,
) -> None:
    with DiscoveryServer(APPLES) as server:
        server.on_request = lambda path: server.headers.update({FLOW: "a-1" if path == "/api" else "a-2"})
        kubeconfig = ConfigOverrides(kubeconfig=str(server.write_kubeconfig(tmp_path / "kubeconfig")))
        client = CachedDiscoveryClient.from_kubeconfig(kubeconfig)
        assert kinds(client) == {"Apple"}
        server.forget_requests()
        assert kinds(client) == {"Apple"}
        assert kinds(CachedDiscoveryClient.from_kubeconfig(kubeconfig)) == {"Apple"}
        assert server.request_count == 0


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
