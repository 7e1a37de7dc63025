from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.disk.cluster_record import RECORD_FILE, ClusterRecord, new_record, read_record, write_record
from cachediscovery.disk.document_store import GROUPS, DocumentStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(str(tmp_path / "cache"), str(tmp_path / "cache" / "discovery" / "x_6443"))


def test_documents_have_the_paths_that_kubectl_uses(store: DocumentStore) -> None:
    for key, path in ((GROUPS, ""), ("v1", "v1/"), ("apps/v1", "apps/v1/")):
        name = "serverresources.json" if path else "servergroups.json"
        assert store.path(key) == f"{store.folder}/{path}{name}"


@pytest.mark.parametrize("key", ["/v1", "../v1", "apps/..", "a/b/v1", "apps/", "servergroups.json/v1", "apps/v1\x00"])
def test_a_key_with_an_unsafe_path_has_no_file(store: DocumentStore, key: str, tmp_path: Path) -> None:
    assert store.path(key) == ""
    assert store.write(key, b"x", time.time()) is None
    assert store.read(key) is None
    assert not store.remove(key)
    assert not (tmp_path / "cache").exists()


def test_a_written_document_is_read_with_its_mtime_and_signature(store: DocumentStore) -> None:
    asked_at = time.time() - 100
    signature = store.write("apps/v1", b"data", asked_at)
    assert signature is not None
    assert signature.mtime == pytest.approx(asked_at, abs=1e-3)
    stored = store.read("apps/v1")
    assert stored == (b"data", signature)
    assert store.signature("apps/v1") == signature


def test_files_and_folders_are_private_to_the_user(store: DocumentStore) -> None:
    old = os.umask(0)
    try:
        store.write("apps/v1", b"data", time.time())
    finally:
        os.umask(old)
    assert os.stat(store.path("apps/v1")).st_mode & 0o777 == 0o600
    folder = Path(store.path("apps/v1")).parent
    while folder != Path(store.root).parent:
        assert folder.stat().st_mode & 0o777 == 0o700
        folder = folder.parent


def test_a_replaced_document_has_another_signature(store: DocumentStore) -> None:
    now = time.time()
    assert store.write("v1", b"data", now) != store.write("v1", b"data", now)


def test_writes_leave_no_temporary_file(store: DocumentStore) -> None:
    for _ in range(3):
        store.write("v1", b"data", time.time())
    os.unlink(store.path("v1"))
    os.makedirs(store.path("v1") + "/full")
    assert store.write("v1", b"data", time.time()) is None
    assert os.listdir(os.path.dirname(store.path("v1"))) == ["serverresources.json"]


def test_an_empty_folder_at_a_documents_path_is_replaced(store: DocumentStore) -> None:
    os.makedirs(store.path("v1"))
    assert store.read("v1") is None
    assert store.write("v1", b"data", time.time()) is not None


def test_no_symbolic_link_is_followed(store: DocumentStore, tmp_path: Path) -> None:
    store.write("apps/v1", b"data", time.time())
    away = tmp_path / "away"
    os.rename(os.path.join(store.folder, "apps"), away)
    os.symlink(away, os.path.join(store.folder, "apps"))
    assert store.read("apps/v1") is None
    assert store.write("apps/v1", b"other", time.time()) is None
    assert (away / "v1" / "serverresources.json").read_bytes() == b"data"
    assert not store.remove("apps/v1")
    assert store.write("v1", b"data", time.time()) is not None, "the others are written all the same"


def test_a_symbolic_link_as_the_cache_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    store = DocumentStore(str(tmp_path / "cache"), str(tmp_path / "cache" / "discovery" / "x"))
    assert store.write("v1", b"data", time.time()) is not None
    assert store.read("v1") is not None


@pytest.mark.parametrize("part", ["", "discovery", "discovery/x_6443"])
def test_a_world_writable_folder_is_not_trusted(
    store: DocumentStore, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.write("v1", b"data", time.time())
    os.chmod(os.path.join(store.root, part), 0o777)
    again = DocumentStore(store.root, store.folder)
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert again.read("v1") is None
        assert again.write("v1", b"data", time.time()) is None
        assert again.lock_path() == ""
        assert not list(again.keys())
    assert len(caplog.records) == 1
    assert "can be written by everybody" in caplog.text


def _as_nobody(check: str) -> int:
    """Run the function `check` of this module as another user; return 0 if its result is true."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            code = 0 if globals()[check]() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


SHARED: dict[str, DocumentStore] = {}


def _unreadable() -> bool:
    return SHARED["store"].read("v1") is None


def _distrusted() -> bool:
    store = DocumentStore(SHARED["store"].root, SHARED["store"].folder)
    return store.read("v1") is None and store.write("v1", b"x", 1.0) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_users_files_and_folders_are_not_used() -> None:
    logging.getLogger("cachediscovery").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        store = SHARED["store"] = DocumentStore(f"{folder}/cache", f"{folder}/cache/discovery/x")
        store.write("v1", b"data", time.time())
        for path in (store.root, f"{store.root}/discovery", store.folder, f"{store.folder}/v1"):
            os.chmod(path, 0o755)
        assert _as_nobody("_unreadable") == 0, "mode 0600"
        os.chmod(store.path("v1"), 0o644)
        assert store.read("v1") is not None
        for owner in (12345,):
            os.chown(store.path("v1"), owner, owner)
            assert store.read("v1") is None, "root does not believe another user's file"
            os.chown(store.path("v1"), 0, 0)
            os.chown(store.folder, owner, owner)
            assert DocumentStore(store.root, store.folder).read("v1") is None
            assert _as_nobody("_distrusted") == 0


def test_readers_never_see_a_partial_document_during_writes(store: DocumentStore) -> None:
    stop = threading.Event()
    documents = [bytes([letter]) * 200_000 for letter in b"abcd"]

    def write(data: bytes) -> None:
        while not stop.is_set():
            store.write("v1", data, time.time())

    store.write("v1", documents[0], time.time())
    writers = [threading.Thread(target=write, args=(data,)) for data in documents]
    for writer in writers:
        writer.start()
    try:
        for _ in range(500):
            stored = store.read("v1")
            assert stored is not None
            assert stored.data in documents
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_keys_lists_the_documents_that_have_a_file(store: DocumentStore) -> None:
    assert list(store.keys()) == []
    for key in (GROUPS, "v1", "apps/v1", "autoscaling/v2", "autoscaling/v1"):
        store.write(key, b"x", time.time())
    os.makedirs(f"{store.folder}/nothing/v1")
    assert sorted(store.keys()) == sorted([GROUPS, "v1", "apps/v1", "autoscaling/v2", "autoscaling/v1"])


def test_without_a_usable_root_the_platforms_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    (tmp_path / "file").touch()
    store = open_store("https://x:6443", str(tmp_path / "file" / "cache"))
    assert store is not None
    assert store.folder == f"{tmp_path}/xdg/cachediscovery/discovery/x_6443"


def test_without_any_usable_folder_there_is_no_store_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "cachediscovery"):
        assert open_store("https://x:6443", str(tmp_path / "file" / "cache")) is None
    assert len(caplog.records) == 1


def test_a_noted_fetch_is_known_to_other_stores_until_it_is_overwritten(
    store: DocumentStore,
) -> None:
    moments = [1_700_000_000.0 + number / 64 for number in range(40)]
    for moment in moments:
        store.note_fetch(moment)
    other = DocumentStore(store.root, store.folder)
    known = [moment for moment in moments if other.was_fetch(int(moment * 1e9))]
    assert len(known) > 30
    assert not other.was_fetch(int(1_800_000_000.0 * 1e9))


def test_a_cluster_nested_in_anothers_folder_is_separate(tmp_path: Path) -> None:
    root = str(tmp_path / "cache")
    outer, inner = (DocumentStore(root, f"{root}/discovery/gw{below}") for below in ("", "/c1"))
    for store in (outer, inner):
        for key in ("", "v1", "apps/v1"):
            store.write(key, b"{}", 1.0)
    assert sorted(outer.keys()) == sorted(inner.keys()) == ["", "apps/v1", "v1"]
    assert outer.remove_all() == 3
    assert sorted(inner.keys()) == ["", "apps/v1", "v1"]


def test_a_folder_at_a_documents_path_is_listed_as_its_key(store: DocumentStore) -> None:
    for key in (GROUPS, "v1", "apps/v1"):
        os.makedirs(store.path(key))
    nested = Path(store.folder) / "k8s"
    (nested / "servergroups.json").mkdir(parents=True)
    (nested / "v1").mkdir()
    (nested / "v1" / "serverresources.json").write_bytes(b"{}")
    assert set(store.keys()) == {GROUPS, "v1", "apps/v1"}
    assert set(store.keys({GROUPS, "v1"})) == {"apps/v1"}


def test_the_group_list_is_removed_first(store: DocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a reader could take the remaining documents for the complete set."""
    for key in ("v1", "apps/v1", GROUPS):
        store.write(key, b"{}", 1.0)
    removed = []
    really_remove = os.unlink
    monkeypatch.setattr(os, "unlink", lambda path: (removed.append(path), really_remove(path)))
    assert store.remove_all() == 3
    assert removed[0] == store.path(GROUPS)
    assert len(removed) == 3


def before_renaming(monkeypatch: pytest.MonkeyPatch, name: str, call: Callable[[], object]) -> None:
    """Run `call` once, just before a file named `name` is renamed into place."""
    really_replace = os.replace
    waiting = [call]

    def replace(source: str, target: str) -> None:
        if os.path.basename(target) == name and waiting:
            waiting.pop()()
        really_replace(source, target)

    monkeypatch.setattr(os, "replace", replace)


def test_a_document_written_while_another_store_starts_over_is_removed(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DocumentStore(store.root, store.folder)
    store.write(GROUPS, b"{}", 1.0)
    written = []
    before_renaming(monkeypatch, RECORD_FILE, lambda: written.append(other.write("apps/v1", b"{}", 1.0)))
    assert store.start_over(new_record("https://x"))
    assert written != [None]
    assert list(store.keys()) == []


def test_a_write_for_the_previous_cluster_fails_after_a_start_over(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DocumentStore(store.root, store.folder)
    first, second = new_record("https://x"), new_record("https://x")
    assert store.keep_record(first)
    assert store.write("v1", b"{}", 1.0, first.epoch) is not None
    before_renaming(monkeypatch, "serverresources.json", lambda: other.start_over(second))
    assert store.write("apps/v1", b"{}", 1.0, first.epoch) is None
    assert list(store.keys()) == []
    assert store.record() == second


def test_a_truncated_record_gives_no_value_that_the_full_one_lacks(tmp_path: Path) -> None:
    record = new_record("https://one.example", "authority")
    record = record.with_seen("certificate", ["uid-1", "uid-2"])._replace(cluster_uid="cluster")
    assert write_record(str(tmp_path), record)
    assert read_record(str(tmp_path)) == record
    data = (tmp_path / RECORD_FILE).read_bytes()
    for length in range(len(data)):
        (tmp_path / RECORD_FILE).write_bytes(data[:length])
        found = read_record(str(tmp_path))
        for name, value in found._asdict().items():
            whole = getattr(record, name)
            assert value in ("", whole) if isinstance(value, str) else set(value) <= set(whole)
    (tmp_path / RECORD_FILE).write_bytes(data.replace(b"cluster 3", b"cluster 2", 1))
    assert read_record(str(tmp_path)) == ClusterRecord()


def test_other_stores_neither_read_nor_write_documents_during_a_start_over(tmp_path: Path) -> None:
    folder = str(tmp_path / "cache" / "discovery" / "x")
    found = []

    class Removing(DocumentStore):
        def remove(self, key: str) -> bool:
            other = DocumentStore(self.root, folder, server="https://x")
            found.append(other.read("apps/v1"))
            found.append(other.write("batch/v1", b"{}", time.time(), epoch="old"))
            return super().remove(key)

    store = Removing(str(tmp_path / "cache"), folder, server="https://x")
    store.keep_record(ClusterRecord("https://x", epoch="old"))
    for key in (GROUPS, "apps/v1"):
        assert store.write(key, b"{}", time.time(), epoch="old")
    assert store.start_over(ClusterRecord("https://x", epoch="new"))
    assert len(found) == 4
    assert not any(found)
    assert list(store.keys()) == []
