"""The writer makes folders once, makes them again if they vanish, and follows no link that takes their place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cachediscovery.disk.document_writer import DocumentWriter

PATH = ("discovery", "h", "apps", "v1", "serverresources.json")


@pytest.fixture
def writer(tmp_path: Path) -> DocumentWriter:
    root = tmp_path / "cache"
    made = DocumentWriter(str(root), str(root.joinpath(*PATH[:2])))
    assert made.write(str(root.joinpath(*PATH)), b"{}", 1.0) is not None
    return made


@pytest.mark.parametrize("depth", range(len(PATH)))
def test_a_folder_that_vanished_is_made_again(writer: DocumentWriter, tmp_path: Path, depth: int) -> None:
    path = tmp_path.joinpath("cache", *PATH)
    shutil.rmtree(tmp_path.joinpath("cache", *PATH[:depth]))
    assert writer.write(str(path), b"{}", 2.0) is not None
    assert path.stat().st_mtime == 2.0


@pytest.mark.parametrize("depth", range(1, len(PATH)))
def test_a_folder_that_became_a_link_is_not_written_through(writer: DocumentWriter, tmp_path: Path, depth: int) -> None:
    moved, folder = tmp_path / "elsewhere", tmp_path.joinpath("cache", *PATH[:depth])
    shutil.move(folder, moved)
    folder.symlink_to(moved)
    before = sorted(moved.rglob("*"))
    assert writer.write(str(tmp_path.joinpath("cache", *PATH)), b"other", 2.0) is None
    assert sorted(moved.rglob("*")) == before
    assert b"other" not in [path.read_bytes() for path in before if path.is_file()]
