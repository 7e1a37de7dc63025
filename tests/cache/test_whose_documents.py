"""Which documents are used, by kubeconfig, URL and user; and a mapper's misses while a group version fails."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    GroupKind,
    GroupUnavailableError,
)
from cachediscovery.testing import DiscoveryServer, Recording

from ..conftest import WIDGETS, Ran, eventually
from ..other_clusters import APPLES, PEARS, client_for, kinds, recording_with, tls_of, write_kubeconfig

Run = Callable[..., Ran]
Make = Callable[..., CachedDiscoveryClient]
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


# A kubeconfig replaced by one of the same size and modification time.


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("remove", [True, False])
def test_a_kubeconfig_replaced_at_equal_size_and_time_uses_its_own_cluster(
    cli: Run, tmp_path: Path, cached: bool, remove: bool
) -> None:
    flags = ["api-resources", "--api-group=only.test", "--kubeconfig", str(tmp_path / "used")]
    flags += ["--cached"] if cached else []
    with DiscoveryServer(APPLES) as apples, DiscoveryServer(PEARS) as pears:
        first, second = (server.write_kubeconfig(tmp_path / server.url[-5:]) for server in (apples, pears))
        for path in (first, second):
            os.utime(path, ns=(10**18 + 1, 10**18 + 1))
        assert first.stat().st_size == second.stat().st_size
        shutil.copy2(first, tmp_path / "used")
        # A kubeconfig that was changed just now is not remembered yet.
        remembered = tmp_path / "home" / ".kube" / "cache" / "cachediscovery"
        assert eventually(lambda: "apples" in cli(*flags).out and any(remembered.glob("server-*")))
        before = (tmp_path / "used").stat()
        if remove:
            (tmp_path / "used").unlink()
        shutil.copy2(second, tmp_path / "used")
        after = (tmp_path / "used").stat()
        assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if not remove:
            assert before.st_ino == after.st_ino
        for _ in range(2):
            ran = cli(*flags)
            assert (ran.code, ran.err) == (0, "")
            assert "pears" in ran.out
            assert "apples" not in ran.out


# Two URLs that kubectl keeps in one folder.


class TwoPaths(DiscoveryServer):
    """Serves a cluster under each of two paths."""

    recordings: dict[str, Recording] = {"/a-b": APPLES, "/a_b": PEARS}

    def _answer(self, path: str, query: str, accept: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        self.recording = self.recordings[path[:4]]
        return super()._answer(path[4:], query, accept, authorization)


def test_two_urls_that_share_a_kubectl_folder_do_not_share_documents(tmp_path: Path) -> None:
    with TwoPaths() as server:
        for _ in range(2):
            for path, kind in (("/a-b", "Apple"), ("/a_b", "Pear")):
                config = ClientConfig(server.url + path)
                client = CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))
                assert kinds(client) == {kind}
                server.forget_requests()
                again = CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))
                assert DeferredDiscoveryRESTMapper(again).mapping_for(f"{kind.lower()}s.only.test").kind == kind
                assert server.request_count == 0
    assert len(list((tmp_path / "cache").rglob("servergroups.json"))) == 1


def test_http_and_https_at_one_address_do_not_share_documents(tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    secure = write_kubeconfig(tmp_path / "secure", port, local=authority)
    plain = tmp_path / "plain"
    plain.write_text(secure.read_text().replace("https://", "http://"))
    with DiscoveryServer(APPLES, port=port):
        assert kinds(client_for(plain)) == {"Apple"}
    with DiscoveryServer(PEARS, tls=tls_of(authority), port=port):
        assert kinds(client_for(secure)) == {"Pear"}
    with DiscoveryServer(APPLES, port=port):
        assert kinds(client_for(plain)) == {"Apple"}


# A new kind while something else fails.


@pytest.mark.parametrize("group", [None, "new.example"])
def test_a_new_kind_is_found_while_another_group_version_fails(
    legacy_server: DiscoveryServer, cached_client: Make, group: str | None
) -> None:
    cached_client(legacy_server).server_groups_and_resources()
    legacy_server.fail("/apis/batch/v1")
    legacy_server.recording.add_group("new.example", {"v1": WIDGETS})
    client = cached_client(legacy_server)
    client.invalidate("batch/v1")
    client.server_groups()
    mapper = DeferredDiscoveryRESTMapper(client)
    if group is None:
        assert mapper.mapping_for("widgets").group == "new.example"
    else:
        assert mapper.rest_mapping(GroupKind(group, "Widget")).plural == "widgets"
    # A fresh client does not fetch the groups again for each unknown name.
    legacy_server.forget_requests()
    for _ in range(3):
        with pytest.raises(GroupUnavailableError):
            mapper.mapping_for("nothing")
    assert "/apis" not in legacy_server.paths()


# Two users of one cluster.


def users(server: DiscoveryServer, tmp_path: Path, shared_level: bool) -> Callable[[str], CachedDiscoveryClient]:
    """Clients for two users, whose responses carry different UIDs; the viewer may not read kube-system."""
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"uid": "c-1"}}
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")

    def become(user: str) -> CachedDiscoveryClient:
        server.recording.unaggregated.pop(KUBE_SYSTEM, None)
        if user == "admin":
            server.recording.unaggregated[KUBE_SYSTEM] = namespace
        server.headers = {
            "X-Kubernetes-Pf-Flowschema-Uid": f"flow-{user}",
            "X-Kubernetes-Pf-Prioritylevel-Uid": "level" if shared_level else f"level-{user}",
        }
        client = CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=str(kubeconfig)))
        client.invalidate("apps/v1")
        client.server_resources_for_group_version("apps/v1")
        client.server_groups_and_resources()
        return client

    return become


@pytest.mark.parametrize("shared_level", [True, False])
def test_alternating_users_discard_the_cache_only_if_no_uid_is_shared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shared_level: bool
) -> None:
    caplog.set_level(logging.INFO, "cachediscovery")
    with DiscoveryServer(recording_with("apples", "Apple")) as server:
        become = users(server, tmp_path, shared_level)
        become("admin")
        become("viewer")
        server.forget_requests()
        caplog.clear()
        for user in ("admin", "viewer", "admin", "viewer"):
            assert kinds(become(user)) == {"Apple"}
        said = [record.getMessage() for record in caplog.records if "cached is not used" in record.getMessage()]
        assert not [line for line in said if "another cluster answers" in line]
        assert all("cannot prove that it is the same cluster" in line for line in said)
        assert bool(said) is not shared_level
        if shared_level:
            assert set(server.paths()) == {"/apis/apps/v1"}


def test_a_cluster_proved_to_be_another_is_logged_as_such(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cachediscovery")
    with DiscoveryServer(recording_with("apples", "Apple")) as server:
        become = users(server, tmp_path, shared_level=False)
        become("admin")
        # Fetches kube-system's UID, which was not needed before.
        server.headers["X-Kubernetes-Pf-Flowschema-Uid"] = "x"
        client = become("admin")
        server.recording.unaggregated[KUBE_SYSTEM]["metadata"]["uid"] = "c-1"
        server.headers = {"X-Kubernetes-Pf-Flowschema-Uid": "flow-2", "X-Kubernetes-Pf-Prioritylevel-Uid": "level-2"}
        client.refresh()
        caplog.clear()
        server.recording.unaggregated[KUBE_SYSTEM]["metadata"]["uid"] = "c-2"
        server.headers = {"X-Kubernetes-Pf-Flowschema-Uid": "flow-3", "X-Kubernetes-Pf-Prioritylevel-Uid": "level-3"}
        client.refresh()
        assert [record for record in caplog.records if "another cluster answers" in record.getMessage()]


# A balancer that answers half of a listing with 404 (the command line).


@pytest.mark.parametrize("path", ["/apis", "/api"])
def test_a_404_for_half_a_listing_exits_1_and_changes_no_file(
    server: DiscoveryServer, cli: Run, home: Path, path: str
) -> None:
    from cachediscovery.testing import Failure

    whole = cli("api-resources", server=server)
    assert whole.code == 0
    before = {found: found.read_bytes() for found in home.rglob("server*.json")}
    server.fail(path, Failure(404))
    ran = cli("api-resources", server=server)
    assert ran.code == 1
    assert path in ran.err
    assert 0 < ran.out.count("\n") < whole.out.count("\n")
    assert {found: found.read_bytes() for found in home.rglob("server*.json")} == before
    del server.failures[path]
    assert cli("api-resources", "--cached", server=server) == whole
