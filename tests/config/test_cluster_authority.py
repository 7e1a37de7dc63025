"""Another cluster behind the same URL, detected by the configured certificate authority before any request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trustme

from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran
from ..other_clusters import APPLES, PEARS, tls_of, write_kubeconfig

Run = Callable[..., Ran]


def test_contexts_with_one_url_and_two_authorities_have_separate_caches(cli: Run, tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)
    flags = ("api-resources", "--cached", "--api-group=only.test", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert "apples" in cli(*flags, "--context=first").out
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        assert "pears" in cli(*flags, "--context=second").out
    # Both servers are stopped: each context lists its own cached documents.
    apples, pears = cli(*flags, "--context=first").out, cli(*flags, "--context=second").out
    assert "apples" in apples
    assert "pears" not in apples
    assert "pears" in pears
    assert "apples" not in pears


def test_clusters_that_share_a_url_do_not_use_kubectls_folder(
    cli: Run, kubectl: Run, tmp_path: Path, port: int
) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = ("--kubeconfig", str(write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        assert "apples" in kubectl("api-resources", *kubeconfig, "--context=first").out
    with DiscoveryServer(PEARS, tls=tls_of(second), port=port):
        # kubectl lists the first cluster's documents for the second cluster.
        assert "apples" in kubectl("api-resources", "--cached", *kubeconfig, "--context=second").out
        ours = cli("api-resources", "--cached", *kubeconfig, "--context=second").out
        assert "pears" in ours
        assert "apples" not in ours


def test_prune_keeps_the_folders_of_clusters_that_share_a_url(cli: Run, tmp_path: Path, port: int) -> None:
    first, second = trustme.CA(), trustme.CA()
    kubeconfig = ("--kubeconfig", str(write_kubeconfig(tmp_path / "kubeconfig", port, first=first, second=second)))
    with DiscoveryServer(APPLES, tls=tls_of(first), port=port):
        cli("api-resources", *kubeconfig)
    assert cli("cache", "prune", *kubeconfig).out == "removed 0 files\n"


def test_a_rebuilt_cluster_is_detected_by_its_authority_before_any_request(
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
        # kubectl reads the same files, so its listing is correct too.
        assert kubectl(*flags).out == listed


def test_old_documents_are_not_served_when_the_rebuilt_cluster_is_unreachable(
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


def test_a_context_without_an_authority_uses_the_existing_cache(cli: Run, tmp_path: Path, port: int) -> None:
    authority = trustme.CA()
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", port, known=authority, trusting=None)
    flags = ("api-resources", "--cached", "--kubeconfig", str(kubeconfig))
    with DiscoveryServer(APPLES, tls=tls_of(authority), port=port) as server:
        expected = cli(*flags)
        server.forget_requests()
        assert cli(*flags, "--context=trusting") == expected
        assert cli(*flags, "--insecure-skip-tls-verify", "--certificate-authority=").out == expected.out
        assert server.request_count == 0
