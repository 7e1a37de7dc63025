"""An index with valid checksums and wrong rows is a miss and does not change any command's output."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.disk.files import Signature
from cachediscovery.index.documents import SECTIONS
from cachediscovery.index.index_file import INDEX_FILE, encode_index, read_index
from cachediscovery.index.search import COLUMNS
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, kubeconfig_of

Run = Callable[..., Ran]
Sections = dict[str, list[str]]
Paths = list[str]

LINES = [
    "api-resources --cached",
    "api-resources --cached -o wide",
    "api-resources --cached -o json",
    "api-versions --cached",
    "resolve deploy",
    "resolve all -o json",
    "__complete bash cachediscovery resolve de",
]
# Replaces the cluster's index with each index of a folder and prints the output of each command.
DRIVER = """
import contextlib, io, os, shutil, sys, traceback
from cachediscovery.cli.main import main
folder, target, *lines = sys.argv[1:]
for name in sorted(os.listdir(folder)):
    for line in lines:
        shutil.copyfile(os.path.join(folder, name), target)
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(line.split())
        except BaseException:
            code = traceback.format_exc()
        out.flush()
        print(ascii((name, line, code, out.buffer.getvalue(), err.getvalue())))
"""


class Whole:
    """The index of a warm cache, and copies of it with changed values."""

    def __init__(self, root: Path) -> None:
        (self.path,) = root.rglob(INDEX_FILE)
        names = [*dict.fromkeys((*COLUMNS, *SECTIONS))]
        index = read_index(str(root), str(self.path.parent), names)
        assert index is not None
        self.documents = index.documents()
        self.sections = {name: index.column(name) for name in names}
        self._lines = self.path.read_bytes().split(b"\n")[1:3]

    def changed(self, change: Callable[[Paths, Sections], object]) -> bytes | None:
        paths, sections = [path for path, _ in self.documents], {name: [*rows] for name, rows in self.sections.items()}
        change(paths, sections)
        states = [Signature(*fields) for _, fields in self.documents]
        made_with, made_for = (line.decode().partition(" ")[2] for line in self._lines)
        return encode_index(list(zip(paths, states, strict=False)), sections, made_with, made_for)


@pytest.fixture
def whole(server: DiscoveryServer, cli: Run, home: Path) -> Whole:
    cli("api-resources", server=server)
    return Whole(home / ".kube" / "cache")


@pytest.fixture
def answers(
    whole: Whole, server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> Callable[[dict[str, bytes]], dict[str, set[str]]]:
    """For each of `LINES`, the outputs of the command with each index."""

    def ask(indexes: dict[str, bytes]) -> dict[str, set[str]]:
        folder = tmp_path / "indexes"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, data in indexes.items():
            (folder / name).write_bytes(data)
        variables = {**environ, "KUBECONFIG": str(kubeconfig_of(server, tmp_path))}
        command = [sys.executable, "-c", DRIVER, str(folder), str(whole.path), *LINES]
        ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        found: dict[str, set[str]] = {}
        for line in ran.stdout.splitlines():
            name, command_line, rest = line.split(", ", 2)
            found.setdefault(command_line, set()).add(rest if "Traceback" not in rest else f"{name} {rest}")
        return found

    return ask


def _first(name: str, value: str) -> Callable[[Paths, Sections], object]:
    """Change a value in the row of deployments."""
    return lambda paths, sections: sections[name].__setitem__(sections["plural"].index("deployments"), value)


WRONG: dict[str, Callable[[Paths, Sections], object]] = {
    "a column is too short": lambda paths, sections: sections["kind"].pop(),
    "a column is empty": lambda paths, sections: sections["verbs"].clear(),
    "no name": _first("plural", ""),
    "a rank that is no number": _first("rank", "x"),
    "an empty rank": _first("rank", ""),
    "a negative rank": _first("rank", "-1"),
    "a rank of 5000 digits": _first("rank", "1" * 5000),
    "a rank in other digits": _first("rank", "\u0663"),
    "the same rank twice": lambda paths, sections: sections["rank"].__setitem__(0, sections["rank"][1]),
    "neither true nor false": _first("namespaced", "maybe"),
    "unlisted first": _first("listed", ""),
    "a group that is not there": _first("group", "nothing.test"),
    "a version that is not there": _first("version", "v99"),
    "an escape sequence": _first("plural", "\x1b[2Jpods"),
    "a space": _first("kind", "Pod Pod"),
    "an unknown group version": lambda paths, sections: sections["group-versions"].append("new.test/v1"),
    "a missing group version": lambda paths, sections: sections["group-versions"].pop(),
    "a missing document": lambda paths, sections: paths.pop(),
    "a path that leads out": lambda paths, sections: paths.__setitem__(1, "../x/v1/serverresources.json"),
    "a path that is no group version": lambda paths, sections: paths.__setitem__(1, "a/b/v1/serverresources.json"),
}


def test_an_index_with_wrong_rows_is_a_miss(
    whole: Whole, answers: Callable[[dict[str, bytes]], dict[str, set[str]]]
) -> None:
    expected = answers({"right": whole.changed(lambda paths, sections: None) or b""})
    wrong = {name.replace(" ", "-"): whole.changed(change) for name, change in WRONG.items()}
    assert None not in wrong.values()
    believed = whole.changed(_first("kind", "Other")) or b""
    assert answers({"right-rows": believed}) != expected, "an index is used"
    assert answers({name: data for name, data in wrong.items() if data is not None}) == expected


def test_an_index_with_arbitrary_values_causes_no_traceback(
    whole: Whole, answers: Callable[[dict[str, bytes]], dict[str, set[str]]], request: pytest.FixtureRequest
) -> None:
    chance = random.Random(37)
    values = ["", "x", "-1", "true", "\u2028", "a,b", ",", "/", "..", "9" * 40, "{}", "[]", "null", '{"a":1}', "1.5"]

    def change(paths: Paths, sections: Sections) -> None:
        for _ in range(chance.choice([1, 1, 1, 3])):
            rows = sections[chance.choice(sorted(sections))]
            at = chance.randrange(len(rows)) if rows else 0
            rows[at : at + chance.choice([0, 1, 1, 1, 2])] = [chance.choice([*values, *rows[:1]])]

    many = 1000 if request.config.getoption("--whole") else 12
    made = {f"{number:04}": whole.changed(change) for number in range(many)}
    found = answers({name: data for name, data in made.items() if data is not None})
    assert {answer for line in found.values() for answer in line if "Traceback" in answer} == set()
