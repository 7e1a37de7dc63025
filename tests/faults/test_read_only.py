"""A cache whose disk became read-only: commands report what they could not write or remove."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, Ran, run
from .test_disk import namespace

__all__ = ["namespace"]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux: mount namespaces")
Run = Callable[..., Ran]
LISTING = "api-resources --cached"


class ReadOnly:
    """A warm cache on a read-only disk; the platform's folder is on a writable disk, or on the same one."""

    def __init__(self, server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, namespace: list[str]) -> None:
        self.disk = tmp_path / "disk"
        self.root = self.disk / "cache"
        self.disk.mkdir(mode=0o700)
        self.server = server
        self._namespace = namespace
        self._kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        self._environ = {**environ, "KUBECACHEDIR": str(self.root), "KUBECONFIG": str(self._kubeconfig)}
        self._environ["XDG_CACHE_HOME"] = str(tmp_path / "xdg")

    def run(self, line: str, *, can_write: bool = False, has_platform: bool = True) -> Ran:
        environ = self._environ if has_platform else {**self._environ, "XDG_CACHE_HOME": str(self.disk / "xdg")}
        program = f"exec '{sys.executable}' -m cachediscovery {line}"
        mount = f"mount --bind '{self.disk}' '{self.disk}' && mount -o remount,ro,bind '{self.disk}' && "
        return run([*self._namespace, "sh", "-c", program if can_write else mount + program], environ)

    def requests(self) -> list[str]:
        """Return the paths requested since the last call."""
        paths = sorted(self.server.paths())
        self.server.forget_requests()
        return paths

    def documents(self) -> list[Path]:
        return sorted(self.root.rglob("server*.json"))


@pytest.fixture
def disk(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path, namespace: list[str]) -> ReadOnly:
    made = ReadOnly(server, environ, tmp_path, namespace)
    assert made.run(LISTING, can_write=True).code == 0
    assert len(made.documents()) == 40
    made.requests()
    return made


def test_a_read_only_cache_is_used(disk: ReadOnly) -> None:
    expected = disk.run(LISTING, can_write=True)
    assert disk.run(LISTING) == expected
    assert disk.requests() == []


@pytest.mark.parametrize("line", ["invalidate", "invalidate apps/v1", "cache clear"])
def test_documents_that_cannot_be_removed_are_reported_and_no_longer_used(disk: ReadOnly, line: str) -> None:
    disk.server.recording.add_group("new.test", {"v1": WIDGETS})
    ran = disk.run(line)
    assert ran.code == 1
    assert ran.out in (
        f"invalidated 0 documents of {disk.server.url}\n",
        "removed 0 files of 1 cluster\n",
    )
    assert "cannot be removed (Read-only file system): kubectl goes on using them, cachediscovery uses" in ran.err
    assert ran.err.splitlines()[0].endswith(" until they can be removed: then run this again")
    assert len(disk.documents()) == 40
    assert "widgets" in disk.run(LISTING).out
    assert disk.requests() == ["/api", "/apis"]
    assert "widgets" in disk.run(LISTING).out
    assert disk.requests() == []
    # The documents in the platform's folder can be invalidated.
    assert "invalidated 41 documents" in disk.run("invalidate").out
    disk.run(LISTING)
    assert disk.requests() == ["/api", "/apis"]
    # Once the disk can be written, the first folder is used again.
    assert disk.run("invalidate", can_write=True).code == 0
    assert disk.documents() == []


@pytest.mark.parametrize("line", ["invalidate", "invalidate apps/v1", "cache clear"])
def test_without_a_writable_disk_documents_are_reported_as_still_used(disk: ReadOnly, line: str) -> None:
    expected = disk.run(LISTING, has_platform=False)
    ran = disk.run(line, has_platform=False)
    assert ran.code == 1
    assert "cannot be removed (Read-only file system): they are used as before" in ran.err
    assert disk.run(LISTING, has_platform=False) == expected
    assert disk.requests() == []


@pytest.mark.parametrize("has_platform", [True, False])
def test_warm_reports_failed_writes_and_prune_reports_failed_removals(disk: ReadOnly, has_platform: bool) -> None:
    disk.server.recording.add_group("new.test", {"v1": WIDGETS})
    ran = disk.run("cache warm --refresh", has_platform=has_platform)
    assert (ran.code, "unsaved" in ran.out) == (1, True)
    assert "cannot be written" in ran.err
    for path in disk.documents():
        os.utime(path, (1, 1))
    ran = disk.run("cache prune", has_platform=has_platform)
    assert (ran.code, ran.out) == (1, "removed 0 files\n")
    assert "cannot be removed (Read-only file system)" in ran.err
    assert "would remove" in disk.run("cache prune --dry-run", has_platform=has_platform).out
