from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachediscovery.config.remembered import RememberedServer


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text("one")
    return path


def remembered(tmp_path: Path, kubeconfig: Path, *flags: str) -> RememberedServer:
    chosen = (*flags, "", "", "", "")[:4]
    return RememberedServer(str(tmp_path / "cache"), str(kubeconfig), chosen, {})  # type: ignore[arg-type]


def test_a_server_is_remembered_for_the_same_files_and_flags(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig).save("https://one")
    assert remembered(tmp_path, kubeconfig).load() == "https://one"
    assert remembered(tmp_path, kubeconfig, "other").load() == ""


def test_a_changed_kubeconfig_forgets_the_server(tmp_path: Path, kubeconfig: Path) -> None:
    for change in (
        lambda: kubeconfig.write_text("longer"),
        lambda: os.utime(kubeconfig, (1, 1)),
        lambda: (kubeconfig.unlink(), kubeconfig.write_text("one"), os.utime(kubeconfig, (1, 1))),
        kubeconfig.unlink,
    ):
        remembered(tmp_path, kubeconfig).save("https://one")
        change()
        assert remembered(tmp_path, kubeconfig).load() == ""


def test_a_file_that_appears_counts_as_a_change(tmp_path: Path, kubeconfig: Path) -> None:
    environ = {"KUBECONFIG": f"{tmp_path / 'first'}:{kubeconfig}"}
    root = str(tmp_path / "cache")
    RememberedServer(root, environ=environ).save("https://one")
    assert RememberedServer(root, environ=environ).load() == "https://one"
    (tmp_path / "first").write_text("")
    assert RememberedServer(root, environ=environ).load() == ""


def test_without_any_file_nothing_is_remembered(tmp_path: Path) -> None:
    nothing = remembered(tmp_path, tmp_path / "missing")
    nothing.save("https://one")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"https://evil", b"\xff\xfe", b"a\nb\n"])
def test_a_forged_or_torn_file_is_a_miss(tmp_path: Path, kubeconfig: Path, content: bytes) -> None:
    remembered(tmp_path, kubeconfig).save("https://one")
    (path,) = (tmp_path / "cache" / "cachediscovery").iterdir()
    path.write_bytes(content)
    assert remembered(tmp_path, kubeconfig).load() == ""


def test_a_password_in_a_flags_url_reaches_no_file(tmp_path: Path, kubeconfig: Path) -> None:
    remembered(tmp_path, kubeconfig, "", "", "", "https://jane:secret@x").save("https://x")
    (path,) = (tmp_path / "cache" / "cachediscovery").iterdir()
    assert b"secret" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
