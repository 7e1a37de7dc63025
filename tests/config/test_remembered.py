from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.remembered import RememberedCluster, is_outdated

from ..conftest import eventually
from ..other_user import JANE, needs_root


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text("one")
    return path


def remembered(tmp_path: Path, kubeconfig: Path, *flags: str) -> RememberedCluster:
    return RememberedCluster(str(tmp_path / "cache"), str(kubeconfig), (*flags, *[""] * 7)[:7], {})


def server_of(remembered: RememberedCluster) -> str:
    found = remembered.load()
    return found.server if found is not None else ""


def test_a_server_is_remembered_for_the_same_files_and_flags(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    assert server_of(remembered(tmp_path, kubeconfig)) == "https://one"
    assert server_of(remembered(tmp_path, kubeconfig, "other")) == ""


@pytest.mark.parametrize(
    "cluster",
    [
        Cluster("https://one", context="a\nb"),
        Cluster("https://one", "f\n00"),
        Cluster("https://one", ca_files=("/a", "/a\nb")),
    ],
)
def test_what_would_be_read_back_as_several_lines_is_not_remembered(
    tmp_path: Path, kubeconfig: Path, cluster: Cluster
) -> None:
    remembered(tmp_path, kubeconfig).save(cluster)
    assert remembered(tmp_path, kubeconfig).load() is None
    assert not (tmp_path / "cache").exists()


def _replace_alike(kubeconfig: Path) -> None:
    """Replace the file as `rm` and `cp -p` do: same size and mtime, perhaps the same inode."""
    before = kubeconfig.stat()
    kubeconfig.unlink()
    kubeconfig.write_text("two")
    os.utime(kubeconfig, ns=(before.st_atime_ns, before.st_mtime_ns))


def _write_alike(kubeconfig: Path) -> None:
    """Overwrite the file as `cp -p` does: same size, mtime and inode."""
    before = kubeconfig.stat()
    kubeconfig.write_text("two")
    os.utime(kubeconfig, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("longer"),
        lambda path: os.utime(path, (1, 1)),
        _replace_alike,
        _write_alike,
        lambda path: path.unlink(),
    ],
)
def test_a_changed_kubeconfig_forgets_the_server(
    tmp_path: Path, kubeconfig: Path, change: Callable[[Path], object]
) -> None:
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    assert server_of(remembered(tmp_path, kubeconfig)) == "https://one"
    before = kubeconfig.stat().st_ctime_ns
    # The clock of a file system ticks every few milliseconds.
    assert eventually(
        lambda: (tmp_path / "tick").write_text("") == 0 and (tmp_path / "tick").stat().st_ctime_ns > before
    )
    change(kubeconfig)
    assert server_of(remembered(tmp_path, kubeconfig)) == ""


def test_a_new_kubeconfig_file_forgets_the_server(tmp_path: Path, kubeconfig: Path) -> None:
    environ = {"KUBECONFIG": f"{tmp_path / 'first'}:{kubeconfig}"}
    root = str(tmp_path / "cache")
    RememberedCluster(root, environ=environ).save(Cluster("https://one"))
    assert server_of(RememberedCluster(root, environ=environ)) == "https://one"
    (tmp_path / "first").write_text("")
    assert server_of(RememberedCluster(root, environ=environ)) == ""


def test_without_a_kubeconfig_file_nothing_is_remembered(tmp_path: Path) -> None:
    nothing = remembered(tmp_path, tmp_path / "missing")
    nothing.save(Cluster("https://one"))
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"https://evil", b"\xff\xfe", b"a\nb\n"])
def test_a_forged_or_truncated_file_is_a_miss(tmp_path: Path, kubeconfig: Path, content: bytes) -> None:
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    (path,) = (tmp_path / "cache" / "cachediscovery").iterdir()
    path.write_bytes(content)
    assert server_of(remembered(tmp_path, kubeconfig)) == ""


def test_a_password_in_a_server_flag_is_never_written(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig, "", "", "", "https://jane:secret@x").save(Cluster("https://x"))
    (path,) = (tmp_path / "cache" / "cachediscovery").iterdir()
    assert b"secret" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_all_fields_of_a_cluster_are_remembered(tmp_path: Path, kubeconfig: Path) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_text("one")
    remembered(tmp_path, kubeconfig).save(Cluster("https://one", "abc", shares_url=True, ca_files=(str(ca_file),)))
    found = remembered(tmp_path, kubeconfig).load()
    assert found is not None
    assert (found.server, found.trust_fingerprint) == ("https://one", "abc")
    assert (found.shares_url, found.ca_files) == (True, (str(ca_file),))


def test_a_changed_certificate_file_forgets_the_cluster(tmp_path: Path, kubeconfig: Path) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_text("one")
    remembered(tmp_path, kubeconfig).save(Cluster("https://one", "abc", ca_files=(str(ca_file),)))
    ca_file.write_text("another")
    assert remembered(tmp_path, kubeconfig).load() is None


def saved(tmp_path: Path, *names: str) -> dict[str, Path]:
    """Remember the cluster of one kubeconfig for each name; return the file written for each."""
    found: dict[str, Path] = {}
    for name in names:
        (tmp_path / name).write_text("one")
        known = set((tmp_path / "cache" / "cachediscovery").glob("*"))
        remembered(tmp_path, tmp_path / name).save(Cluster("https://one"))
        (found[name],) = set((tmp_path / "cache" / "cachediscovery").iterdir()) - known
    return found


def test_files_for_deleted_kubeconfigs_are_removed_on_the_next_save(tmp_path: Path) -> None:
    files = saved(tmp_path, "gone", "kept")
    (tmp_path / "gone").unlink()
    assert is_outdated(str(files["gone"]))
    assert not is_outdated(str(files["kept"]))
    saved(tmp_path, "new")
    assert not files["gone"].exists()
    assert files["kept"].exists()


def test_files_unused_for_a_month_are_removed_and_used_files_stay(tmp_path: Path) -> None:
    files = saved(tmp_path, "unused", "used")
    for path in files.values():
        os.utime(path, (time.time() - 31 * 24 * 3600,) * 2)
    assert all(is_outdated(str(path)) for path in files.values())
    assert server_of(remembered(tmp_path, tmp_path / "used")) == "https://one"
    saved(tmp_path, "new")
    assert not files["unused"].exists()
    assert files["used"].exists()


def test_a_file_is_kept_while_one_of_its_kubeconfigs_exists(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text("one")
    environ = {"KUBECONFIG": f"{tmp_path / 'first'}:{tmp_path / 'second'}"}
    RememberedCluster(str(tmp_path / "cache"), environ=environ).save(Cluster("https://one"))
    (path,) = (tmp_path / "cache" / "cachediscovery").iterdir()
    (tmp_path / "first").unlink()
    assert not is_outdated(str(path))
    (tmp_path / "second").unlink()
    assert is_outdated(str(path))


def test_many_short_lived_kubeconfigs_leave_few_files(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"config-{number}").write_text("one")
        remembered(tmp_path, tmp_path / f"config-{number}").save(Cluster("https://one"))
        (tmp_path / f"config-{number}").unlink()
    assert len(list((tmp_path / "cache" / "cachediscovery").iterdir())) <= 2


def test_with_whole_second_times_a_just_changed_kubeconfig_is_not_remembered(
    tmp_path: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp -p` within the same second would leave every visible attribute unchanged."""
    really_stat = os.stat

    class Coarse:
        def __init__(self, found: os.stat_result) -> None:
            self._found = found

        def __getattr__(self, name: str) -> object:
            value = getattr(self._found, name)
            return value // 10**9 * 10**9 if name.endswith("time_ns") else value

    monkeypatch.setattr(os, "stat", lambda path, **options: Coarse(really_stat(path, **options)))
    os.utime(kubeconfig, (1000, 1000))
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    assert server_of(remembered(tmp_path, kubeconfig)) == ""
    assert eventually(lambda: time.time() - really_stat(kubeconfig).st_ctime > 2)
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    assert server_of(remembered(tmp_path, kubeconfig)) == "https://one"


@pytest.mark.parametrize("odd", [os.fsdecode(b"\xff\xfe"), "\ud83d"], ids=ascii)
def test_flags_and_names_that_are_not_utf_8_are_remembered(tmp_path: Path, kubeconfig: Path, odd: str) -> None:
    remembered(tmp_path, kubeconfig, odd).save(Cluster("https://one", context=odd))
    found = remembered(tmp_path, kubeconfig, odd).load()
    assert found is not None
    assert (found.server, found.context) == ("https://one", odd)


def test_files_and_folders_that_others_can_write_are_ignored(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    folder = tmp_path / "cache" / "cachediscovery"
    (path,) = folder.iterdir()
    for each in (path, folder, tmp_path / "cache"):
        mode = each.stat().st_mode & 0o777
        each.chmod(mode | 0o002)
        assert server_of(remembered(tmp_path, kubeconfig)) == ""
        each.chmod(mode)
        assert server_of(remembered(tmp_path, kubeconfig)) == "https://one"


@needs_root
def test_files_and_folders_owned_by_another_user_are_ignored(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    folder = tmp_path / "cache" / "cachediscovery"
    (path,) = folder.iterdir()
    for each in (path, folder, tmp_path / "cache"):
        os.chown(each, JANE, JANE)
        assert server_of(remembered(tmp_path, kubeconfig)) == ""
        os.chown(each, 0, 0)
        assert server_of(remembered(tmp_path, kubeconfig)) == "https://one"


def test_a_kubeconfig_with_a_whole_second_mtime_is_remembered_once_old_enough(tmp_path: Path, kubeconfig: Path) -> None:
    # A whole-second mtime can mean a coarse file system, where the file can change and keep its mtime.
    def is_remembered(age: int) -> tuple[bool, float]:
        second = int(time.time()) - age
        os.utime(kubeconfig, (second, second))
        remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
        return server_of(remembered(tmp_path, kubeconfig)) == "https://one", time.time() - second

    found, age = is_remembered(0)
    while age >= 2:
        # The machine was too busy: try again.
        found, age = is_remembered(0)
    assert not found
    assert is_remembered(60)[0]
    os.utime(kubeconfig, ns=(0, time.time_ns() // 10**9 * 10**9 - 999_999_999))
    remembered(tmp_path, kubeconfig).save(Cluster("https://two"))
    assert server_of(remembered(tmp_path, kubeconfig)) == "https://two"


def test_a_kubeconfig_with_a_future_mtime_is_not_remembered(tmp_path: Path, kubeconfig: Path) -> None:
    os.utime(kubeconfig, (time.time() + 60.5, time.time() + 60.5))
    remembered(tmp_path, kubeconfig).save(Cluster("https://one"))
    assert server_of(remembered(tmp_path, kubeconfig)) == ""
