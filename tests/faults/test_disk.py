"""Disks that are full, read-only, broken or gone: correct output, and at most one warning."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediscovery import APIResourceList, CachedDiscoveryClient
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, run

Run = Callable[..., Ran]
Make = Callable[..., CachedDiscoveryClient]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux: LD_PRELOAD and tmpfs")
CALLS = ["create", "open", "read", "write", "rename", "mkdir", "unlink", "stat", "utime", "lock"]
NAMES = ["EIO", "ENOSPC", "EROFS", "EACCES"]


@pytest.fixture(scope="session")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler on the path: install gcc to run the tests with broken disks")
    library = tmp_path_factory.mktemp("preload") / "fault.so"
    source = Path(__file__).with_name("preload.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def is_one_warning_at_most(err: str) -> bool:
    return err == "" or (err.startswith("Warning: ") and err.count("\n") == 1)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("call", CALLS)
def test_output_is_correct_when_any_system_call_fails(
    server: DiscoveryServer, cli: Run, home: Path, preload: Path, request: pytest.FixtureRequest, call: str, warm: bool
) -> None:
    log = home / "failed"
    expected = cli("api-resources", "--cached", server=server, KUBECACHEDIR=str(home / "elsewhere")).out
    root = home / ".kube" / "cache"
    root.mkdir(parents=True, mode=0o700)
    # Without --whole, each call fails with two of the errors; together the calls cover all of them.
    names = NAMES if request.config.getoption("--whole") else ["EIO", NAMES[1 + (CALLS.index(call) + warm) % 3]]
    for name in names:
        shutil.rmtree(root)
        root.mkdir(mode=0o700)
        if warm:
            cli("api-resources", server=server)
        broken = {
            "LD_PRELOAD": str(preload),
            "FAULT_BELOW": str(root),
            "FAULT_CALLS": call,
            "FAULT_ERRNO": str(getattr(errno, name)),
            "FAULT_LOG": str(log),
        }
        log.write_text("")
        if call == "unlink" and warm:
            # Only the removal of documents calls unlink.
            ran = cli("invalidate", server=server, **broken)
            assert ran.code == 1
            assert "cannot be removed" in ran.err
        for flags in (["--cached"], ["--refresh"], ["--cached", "-o", "wide"]):
            ran = cli("api-resources", *flags, server=server, **broken)
            assert ran.code == 0, (name, flags, ran.err)
            assert "wide" in flags or ran.out == expected
            assert is_one_warning_at_most(ran.err), (name, flags, ran.err)
        assert set(log.read_text().split()) == ({call} if call != "unlink" or warm else set()), (
            "which calls have failed"
        )
        # Once the disk works again, the output is correct and there is no warning.
        assert cli("api-resources", "--cached", server=server) == Ran(0, expected, "")


def test_without_a_writable_cache_nothing_is_requested_twice(
    server: DiscoveryServer, cli: Run, home: Path, preload: Path
) -> None:
    (home / ".kube" / "cache").mkdir(parents=True, mode=0o700)
    broken = {
        "LD_PRELOAD": str(preload),
        "FAULT_BELOW": str(home / ".kube" / "cache"),
        "FAULT_CALLS": "create,mkdir,rename",
        "FAULT_ERRNO": str(errno.ENOSPC),
    }
    ran = cli("resolve", "deploy", "pods", "Certificate", "all", server=server, **broken)
    assert ran.code == 0
    assert is_one_warning_at_most(ran.err)
    assert sorted(server.paths()) == ["/api", "/apis"]


@pytest.fixture
def namespace() -> list[str]:
    """Return the start of a command that can mount file systems in a namespace of its own."""
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if shutil.which("unshare") and run([*command, "true"], dict(os.environ)).code == 0:
            return command
    pytest.skip("no mount namespace can be made: install util-linux, or allow user namespaces, to test full disks")


@pytest.mark.parametrize(
    "mount",
    ["mount -t tmpfs -o size=4k", "mount -t tmpfs -o size=24k", "mount -t tmpfs -o ro"],
    ids=["full", "half full", "read-only"],
)
def test_output_is_correct_on_a_full_or_read_only_disk(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], tmp_path: Path, namespace: list[str], mount: str
) -> None:
    expected = cli("api-resources", "--cached", server=server, KUBECACHEDIR=str(tmp_path / "elsewhere")).out
    root = tmp_path / "small"
    root.mkdir(mode=0o700)
    program = f"{sys.executable} -m cachediscovery api-resources --cached --kubeconfig {tmp_path}/kubeconfig"
    script = f"{mount} none {root} && chmod 700 {root} 2>/dev/null; {program} && {program}"
    ran = run([*namespace, "sh", "-c", script], {**environ, "KUBECACHEDIR": str(root)})
    assert ran.code == 0, ran.err
    assert ran.out == expected * 2
    assert all(line.startswith("Warning: ") for line in ran.err.splitlines())
    assert len(ran.err.splitlines()) <= 2, "one for each of the two runs"


def names_in(lists: list[APIResourceList]) -> dict[str, set[str]]:
    return {found.group_version: {resource.name for resource in found.resources} for found in lists}


@pytest.fixture
def vanishing(tmp_path: Path) -> Iterator[threading.Event]:
    """Remove the cache folder repeatedly in a thread."""
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            shutil.rmtree(tmp_path / "cache", ignore_errors=True)

    thread = threading.Thread(target=remove)
    thread.start()
    yield stop
    stop.set()
    thread.join()


@pytest.mark.parametrize("aggregated", [True, False])
def test_results_are_correct_while_the_cache_folder_is_removed_repeatedly(
    cached_client: Make, vanishing: threading.Event, aggregated: bool
) -> None:
    with DiscoveryServer(aggregated=aggregated) as server:
        expected = cached_client(server).server_groups_and_resources()
        names = names_in(expected[1])
        for _ in range(10):
            client = cached_client(server, recheck_interval=0)
            # Single documents list the same resources as aggregated ones, in a different form.
            assert names_in(client.server_groups_and_resources()[1]) == names
            assert client.server_resources_for_group_version("apps/v1").resources
            client.resource_index.write()
            client.invalidate()
            assert client.server_groups().groups == tuple(expected[0])
