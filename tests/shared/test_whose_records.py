"""A record of another cluster is never used, even if it has the same URL and the same name."""

from __future__ import annotations

from collections import UserDict
from pathlib import Path
from uuid import uuid4

import trustme

from cachediscovery.testing import DiscoveryServer

from ..other_clusters import APPLES, PEARS, client_for, kinds, tls_of, write_kubeconfig
from .conftest import Machine, RedisServer

UID = "X-Kubernetes-Pf-Prioritylevel-Uid"


class OtherUIDs(UserDict[str, str]):
    """Headers with another UID for each response."""

    def __getitem__(self, name: str) -> str:
        return f"uid-{uuid4()}"


def test_clusters_at_one_url_with_their_own_ca_share_nothing(
    redis_server: RedisServer, tmp_path: Path, port: int
) -> None:
    apples, pears = trustme.CA(), trustme.CA()
    for name, authority, recording, kind in (("a", apples, APPLES, "Apple"), ("p", pears, PEARS, "Pear")):
        config = write_kubeconfig(tmp_path / f"{name}.json", port, **{name: authority})
        with DiscoveryServer(recording, tls=tls_of(authority), port=port) as server:
            for disk, requests in (("1", 2), ("2", 2)):
                options = {"shared_cache": redis_server.url, "cache_dir": tmp_path / f"{name}{disk}"}
                with client_for(config, **options) as client:
                    assert kinds(client) == {kind}
                assert server.request_count == requests
    assert len(redis_server.client().keys("*:generation")) == 2


def test_a_rebuilt_cluster_is_not_shown_the_old_ones_record(redis_server: RedisServer, machine: Machine) -> None:
    with DiscoveryServer(APPLES) as server:
        server.headers[UID] = "uid-of-apples"
        assert kinds(machine("a", server)) == {"Apple"}
    with DiscoveryServer(PEARS) as rebuilt:
        rebuilt.headers[UID] = "uid-of-pears"
        client = machine("b", rebuilt)
        # This machine has seen the rebuilt cluster.
        client.server_version()
        assert kinds(client) == {"Pear"}
        # The record is now the rebuilt cluster's, for machines that know nothing too.
        assert kinds(machine("c", rebuilt)) == {"Pear"}
        assert sorted(path for path in rebuilt.paths() if path in ("/api", "/apis")) == ["/api", "/apis"]
    assert kinds(client) == {"Pear"}


def test_a_record_whose_cluster_cannot_be_proved_is_not_used(redis_server: RedisServer, machine: Machine) -> None:
    with DiscoveryServer(APPLES) as server:
        machine("a", server).server_groups()
    with DiscoveryServer(PEARS) as other:
        other.headers[UID] = "uid-of-pears"
        client = machine("b", other)
        client.server_version()
        assert kinds(client) == {"Pear"}


def test_an_answer_of_two_clusters_is_not_shared(
    redis_server: RedisServer, machine: Machine, server: DiscoveryServer
) -> None:
    server.headers = OtherUIDs({UID: ""})  # type: ignore[assignment]
    client = machine("a")
    client.delegate.groups_and_maybe_resources()  # type: ignore[attr-defined]
    assert redis_server.client().keys("*:record:*") == []


def test_what_a_machine_takes_tells_it_which_cluster_it_is(redis_server: RedisServer, machine: Machine) -> None:
    """The next answer of another cluster is then noticed as such."""
    with DiscoveryServer(APPLES) as server:
        server.headers[UID] = "uid-of-apples"
        assert kinds(machine("a", server)) == {"Apple"}
        port = int(server.url.rpartition(":")[2])
        client = machine("b", server)
        assert kinds(client) == {"Apple"}
    with DiscoveryServer(PEARS, port=port) as rebuilt:
        rebuilt.headers[UID] = "uid-of-pears"
        client.server_version()
        assert kinds(client) == {"Pear"}


def test_what_one_api_server_serves_itself_is_not_shared(
    redis_server: RedisServer, machine: Machine, server: DiscoveryServer
) -> None:
    machine("a", no_peer=True).server_groups()
    assert redis_server.client().keys() == []
    machine("b").server_groups()
    server.forget_requests()
    machine("c", no_peer=True).server_groups()
    assert server.request_count == 2
