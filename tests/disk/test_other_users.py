"""Files and folders of other users are neither used nor changed; a document there is a cache miss."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachediscovery.disk.document_store import DocumentStore
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran
from ..other_user import JANE, cli_as, give, janes_home, needs_root, snapshot

__all__ = ["janes_home"]

pytestmark = needs_root
ROOT = 0
LISTING = ("api-resources", "--cached")


class Shared:
    """A server, and a home with a kubeconfig that every user of the machine can read."""

    def __init__(self, server: DiscoveryServer, home: Path, environ: dict[str, str]) -> None:
        self.server = server
        self.home = home
        kubeconfig = server.write_kubeconfig(home.parent / "kubeconfig")
        kubeconfig.chmod(0o644)
        kept = {name: value for name, value in environ.items() if not name.startswith("XDG_")}
        self.environ = {**kept, "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
        self.cache = home / ".kube" / "cache"
        self.expected = self.run(ROOT, *LISTING, KUBECACHEDIR=str(home.parent / "roots")).out

    def run(self, user: int, *arguments: str, **more: str) -> Ran:
        return cli_as(user, {**self.environ, **more}, *arguments)

    def requests(self) -> list[str]:
        """Return the paths requested since the last call."""
        paths = sorted(self.server.paths())
        self.server.forget_requests()
        return paths

    def cluster(self) -> Path:
        (folder,) = (self.cache / "discovery").iterdir()
        return folder


@pytest.fixture
def shared(server: DiscoveryServer, janes_home: Path, environ: dict[str, str]) -> Iterator[Shared]:
    made = Shared(server, janes_home, environ)
    made.requests()
    return made


@pytest.mark.parametrize("made", [[], [".kube"], [".kube", ".cache"]])
def test_root_leaves_nothing_in_another_users_home(shared: Shared, made: list[str]) -> None:
    for name in made:
        (shared.home / name).mkdir()
        give(shared.home / name, JANE)
    before = snapshot(shared.home)
    for line in (LISTING, ("resolve", "deploy"), ("cache", "warm"), ("invalidate",)):
        ran = shared.run(ROOT, *line)
        assert ran.out == shared.expected or line != LISTING
        assert ran.err.count("Warning") <= 1
    assert "belongs to another user" in shared.run(ROOT, *LISTING).err
    assert snapshot(shared.home) == before
    # The owner of the home can use it afterwards.
    shared.requests()
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == ["/api", "/apis"]
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == []
    assert {path.stat().st_uid for path in shared.cache.rglob("*")} == {JANE}


def test_root_neither_uses_nor_changes_another_users_cache(shared: Shared) -> None:
    shared.run(JANE, *LISTING)
    before = snapshot(shared.home)
    shared.requests()
    for _ in range(2):
        ran = shared.run(ROOT, *LISTING)
        assert (ran.code, ran.out) == (0, shared.expected)
        assert "belongs to another user" in ran.err
        assert shared.requests() == ["/api", "/apis"]
    for line in (("invalidate",), ("cache", "clear"), ("cache", "prune")):
        ran = shared.run(ROOT, *line)
        assert ran.code == 1
        assert "belongs to another user" in ran.err
    assert snapshot(shared.home) == before


def test_a_group_folder_owned_by_root_makes_only_that_group_miss(shared: Shared) -> None:
    shared.run(JANE, *LISTING)
    apps = shared.cluster() / "apps"
    for mode in (0o750, 0o755):
        shutil.rmtree(apps)
        # As `sudo kubectl` creates it.
        apps.mkdir()
        apps.chmod(mode)
        shared.requests()
        for _ in range(2):
            assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
            assert shared.requests() == ["/apis/apps/v1"]
    assert list(apps.iterdir()) == []


def test_an_invalidated_document_that_cannot_be_removed_is_not_used(shared: Shared) -> None:
    shared.run(JANE, *LISTING)
    give(shared.cluster() / "apps", ROOT, 0o755)
    document = shared.cluster() / "apps" / "v1" / "serverresources.json"
    document.parent.chmod(0o755)
    document.chmod(0o644)
    ran = shared.run(JANE, "invalidate")
    assert ran.code == 1
    assert ran.err.startswith(f"error: {document} cannot be removed (Permission denied): kubectl still uses them")
    shared.requests()
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == ["/api", "/apis"]
    assert shared.run(JANE, "invalidate", "apps/v1").code == 1
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == ["/apis/apps/v1"]


def test_files_owned_by_root_are_replaced(shared: Shared) -> None:
    shared.run(JANE, *LISTING)
    for path in [path for path in shared.cache.rglob("*") if path.is_file()]:
        give(path, ROOT, 0o600)
    shared.requests()
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == ["/api", "/apis"]
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == []


@pytest.mark.parametrize("user", [ROOT, JANE + 1])
@pytest.mark.parametrize("part", [".", "discovery", "cluster"])
def test_another_users_folder_causes_a_fall_back_to_the_platforms_folder(shared: Shared, part: str, user: int) -> None:
    shared.run(JANE, *LISTING)
    folder = {".": shared.cache, "discovery": shared.cache / "discovery", "cluster": shared.cluster()}[part]
    if user == ROOT:
        give(folder, user, 0o750)
    else:
        give(folder, user, 0o755)
    before = snapshot(folder)
    shared.requests()
    first = shared.run(JANE, *LISTING)
    assert (first.code, first.out) == (0, shared.expected)
    assert first.err.count("\n") <= 1
    assert shared.requests() == ["/api", "/apis"]
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == []
    assert shared.run(JANE, "cache", "path").out.startswith(f"{shared.home}/.cache/cachediscovery/discovery/")
    assert snapshot(folder) == before


def test_a_symbolic_link_of_another_user_is_not_used_as_the_root(shared: Shared) -> None:
    real = shared.home / "real"
    shared.run(JANE, *LISTING, KUBECACHEDIR=str(real))
    link = shared.home / "link"
    link.symlink_to(real)
    for owner, requests in ((JANE, []), (JANE + 1, ["/api", "/apis"])):
        os.chown(link, owner, owner, follow_symlinks=False)
        shared.requests()
        ran = shared.run(JANE, *LISTING, KUBECACHEDIR=str(link))
        assert ran.out == shared.expected
        assert shared.requests() == requests


@pytest.mark.parametrize(
    ("file_mode", "group", "folder_mode", "is_used"),
    [
        (0o600, 0, 0o700, True),
        (0o660, 0, 0o750, True),
        (0o660, 0, 0o755, True),
        (0o660, 0, 0o770, False),
        (0o660, 0, 0o2770, False),
        (0o660, JANE, 0o750, False),
        (0o640, JANE, 0o750, True),
        (0o602, 0, 0o700, False),
        (0o666, 0, 0o700, False),
        (0o600, 0, 0o777, False),
    ],
)
def test_a_document_that_others_could_have_written_is_a_miss(
    tmp_path: Path, file_mode: int, group: int, folder_mode: int, is_used: bool
) -> None:
    store = DocumentStore(str(tmp_path / "cache"), str(tmp_path / "cache" / "discovery" / "x"))
    for key in ("", "v1", "apps/v1"):
        store.write(key, b"data", 1.0)
        path = Path(store.path(key))
        os.chown(path, 0, group)
        path.chmod(file_mode)
        if key:
            path.parent.chmod(folder_mode)
            assert (store.read(key) is not None) is is_used
            assert (store.signature(key) is not None) is is_used
    # A document that missed is written again, unless everybody can write to its folder.
    assert (store.write("v1", b"data", 2.0) is not None) is (folder_mode != 0o777)
    if folder_mode != 0o777:
        assert store.read("v1") is not None


def test_a_forgery_in_a_shared_folder_is_not_listed(shared: Shared) -> None:
    """A setgid folder of a group, an open umask, and a forgery by another member of the group."""
    team = JANE + 7
    shared.run(JANE, *LISTING)
    folder = shared.cluster() / "apps" / "v1"
    os.chown(folder, JANE, team)
    folder.chmod(0o2750)
    document = folder / "serverresources.json"
    forged = document.read_bytes().replace(b"deployments", b"deploymentz")
    document.write_bytes(forged)
    os.chown(document, JANE, team)
    document.chmod(0o660)
    shared.requests()
    assert shared.run(JANE, *LISTING) == Ran(0, shared.expected, "")
    assert shared.requests() == ["/apis/apps/v1"]
