"""Another cluster behind the same URL, told by the configuration's authority before any request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trustme

from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran
from ..other_clusters import APPLES, PEARS, tls_of, write_kubeconfig

Run = Callable[..., Ran]


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
