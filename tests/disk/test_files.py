from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachediscovery.disk import files
from cachediscovery.disk.files import make_folder, overwrite, read_file, read_part, replace_file, signature_of


def test_without_times_for_open_files_the_mtime_is_set_after_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where closing a file changes its mtime and os.utime() accepts no open file."""
    opened, closed, dated = [], [], []
    really_open, really_close, really_date = os.open, os.close, os.utime

    def note_open(path: str, *arguments: int) -> int:
        opened.append(really_open(path, *arguments))
        return opened[-1]

    def note_close(descriptor: int) -> None:
        closed.append(descriptor)
        really_close(descriptor)

    def note_date(path: str, **keywords: tuple[int, int]) -> None:
        assert isinstance(path, str)
        assert closed == opened != []
        dated.append(path)
        really_date(path, **keywords)  # type: ignore[call-overload]

    monkeypatch.setattr(files, "DATES_OPEN_FILES", False)
    monkeypatch.setattr(os, "open", note_open)
    monkeypatch.setattr(os, "close", note_close)
    monkeypatch.setattr(os, "utime", note_date)
    path = str(tmp_path / "document")
    signature = replace_file(path, b"data", 1000.5)
    assert dated
    assert signature.mtime == 1000.5
    assert signature_of(path) == signature


def test_a_folder_is_made_with_its_missing_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(str(tmp_path / "a" / "b" / "c"), str(tmp_path))
    make_folder(str(tmp_path / "a" / "b" / "c"), str(tmp_path))
    monkeypatch.chdir(tmp_path)
    make_folder("x/y/", "x")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert (tmp_path / "x" / "y").is_dir()


@pytest.mark.parametrize(
    ("folder", "error"),
    [("/proc/nobody/x/y", FileNotFoundError), ("", FileNotFoundError), ("/dev/null/x", NotADirectoryError)],
)
def test_a_folder_that_cannot_be_made_is_an_error_at_once(folder: str, error: type[OSError]) -> None:
    with pytest.raises(error):
        make_folder(folder, folder)


def test_a_folder_removed_by_another_process_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_make = os.mkdir
    removed = []

    def make(path: str, mode: int) -> None:
        really_make(path, mode)
        if path.endswith("a") and not removed:
            removed.append(path)
            os.rmdir(path)

    monkeypatch.setattr(os, "mkdir", make)
    make_folder(str(tmp_path / "a" / "b"), str(tmp_path))
    assert removed
    assert (tmp_path / "a" / "b").is_dir()


def test_no_folder_is_made_behind_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "apps").symlink_to(tmp_path / "out")
    with pytest.raises(OSError, match="symbolic link"):
        make_folder(str(tmp_path / "cluster" / "apps" / "v1"), str(tmp_path / "cluster"))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"data")
    stored = read_file(str(path), 4)
    assert stored is not None
    assert stored.data == b"data"
    assert read_file(str(path), 3) is None


def test_writing_in_place_follows_no_symbolic_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"data")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "new")
    for name in ("link", "dangling"):
        overwrite(str(tmp_path / name), b"x", 0)
        assert read_part(str(tmp_path / name), 0, 4) == b""
    assert target.read_bytes() == b"data"
    assert not (tmp_path / "new").exists()
    overwrite(str(target), b"x", 1)
    assert target.read_bytes() == b"dxta"
