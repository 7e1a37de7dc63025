from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.files import signature_of
from cachediscovery.disk.layout import cluster_folder
from cachediscovery.index.index_file import INDEX_FILE, Index, encode_index, read_index

SECTIONS = {"names": ["pods", "", "nodes"], "nothing": [], "letters": ["\u00e4", "\u0130"]}


def write(folder: Path, authority: str = "", sections: dict[str, list[str]] = SECTIONS) -> Path:
    """Write an index of the one document in `folder`."""
    (folder / "document").write_text("x")
    state = signature_of(str(folder / "document"))
    assert state is not None
    data = encode_index([("document", state)], sections, authority)
    assert data is not None
    (folder / INDEX_FILE).write_bytes(data)
    return folder / INDEX_FILE


def read(folder: Path, *names: str, authority: str = "") -> Index | None:
    return read_index(str(folder), str(folder), names or SECTIONS, authority)


def test_sections_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path)
    index = read(tmp_path)
    assert index is not None
    assert {name: index.column(name) for name in SECTIONS} == SECTIONS
    assert [path for path, _ in index.documents()] == ["document"]
    assert index.documents()[0][1] == signature_of(str(tmp_path / "document"))


def test_damage_to_one_section_does_not_affect_the_others(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"pods", b"podz"))
    assert read(tmp_path, "letters") is not None
    assert read(tmp_path, "names") is None


@pytest.mark.parametrize("name", ["missing", "states ", ""])
def test_an_index_without_the_section_is_a_miss(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    assert read(tmp_path, "names", name) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("y"),
        lambda path: path.chmod(0o640),
        lambda path: os.utime(path, (1, 1)),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.rename(f"{path}2"), path.symlink_to(f"{path}2")),
    ],
)
def test_a_changed_document_invalidates_the_index(tmp_path: Path, change: Callable[[Path], object]) -> None:
    write(tmp_path)
    index = read(tmp_path)
    assert index is not None
    change(tmp_path / "document")
    assert not index.holds()
    assert read(tmp_path) is None


@pytest.mark.parametrize(("age", "is_within"), [(0, True), (99, True), (101, False), (-4, True), (-6, False)])
def test_is_within_checks_the_age_of_the_documents(tmp_path: Path, age: float, is_within: bool) -> None:
    (tmp_path / "document").write_text("x")
    found = (tmp_path / "document").stat()
    os.utime(tmp_path / "document", (found.st_atime, found.st_mtime - age))
    write_again = encode_index([("document", _state(tmp_path))], SECTIONS)
    assert write_again is not None
    (tmp_path / INDEX_FILE).write_bytes(write_again)
    index = read(tmp_path)
    assert index is not None
    assert index.is_within(100) is is_within


def _state(folder: Path):  # type: ignore[no-untyped-def]
    state = signature_of(str(folder / "document"))
    assert state is not None
    return state


def test_an_index_with_another_trust_fingerprint_is_a_miss(tmp_path: Path) -> None:
    write(tmp_path, "one")
    assert read(tmp_path, authority="one") is not None
    assert read(tmp_path, authority="two") is None
    assert read(tmp_path) is not None
    write(tmp_path)
    assert read(tmp_path, authority="one") is None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_miss(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("index")
    write(folder).write_bytes(data)
    assert read(folder) is None


@given(st.integers(0, 20_000), st.binary(min_size=1, max_size=9))
def test_a_damaged_index_returns_the_original_values_or_is_a_miss(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("index")
    path = write(folder)
    data = path.read_bytes()
    at %= len(data)
    path.write_bytes(data[:at] + damage + data[at + len(damage) :])
    index = read(folder)
    assert index is None or {name: index.column(name) for name in SECTIONS} == SECTIONS


@pytest.mark.parametrize("value", ["a\nb", "\n", "\udc80"])
def test_a_value_that_breaks_the_line_format_is_not_encoded(value: str) -> None:
    assert encode_index([], {"names": ["a", value]}) is None


PARTS = ["", "discovery", "discovery/rancher.example", "discovery/rancher.example/k8s/clusters/c_1"]


@pytest.mark.parametrize("part", PARTS)
def test_an_index_below_a_folder_that_others_can_write_is_a_miss(tmp_path: Path, part: str) -> None:
    root = str(tmp_path)
    folder = Path(cluster_folder(root, Cluster("https://rancher.example/k8s/clusters/c-1")))
    folder.mkdir(parents=True)
    write(folder)
    assert read_index(root, str(folder), SECTIONS) is not None
    (tmp_path / part).chmod(0o777)
    assert read_index(root, str(folder), SECTIONS) is None


@pytest.mark.parametrize("field", ["mtime_ns", "ctime_ns", "size", "inode"])
def test_a_difference_in_any_field_of_a_signature_is_a_miss(tmp_path: Path, field: str) -> None:
    write(tmp_path)
    state = signature_of(str(tmp_path / "document"))
    assert state is not None
    for change, is_used in ((0, True), (1, False)):
        seen = state._replace(**{field: getattr(state, field) + change})
        data = encode_index([("document", seen)], SECTIONS)
        assert data is not None
        (tmp_path / INDEX_FILE).write_bytes(data)
        assert (read(tmp_path) is not None) is is_used
