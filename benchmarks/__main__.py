"""`python -m benchmarks` runs every case, `python -m benchmarks list_85 cold` some; `--runs N` sets the rounds."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from .cases import CASES
from .charts import draw_all
from .environment import RESULTS, compile_package, machine
from .report import goals_table, measured_table, short_table, tools_table, update, whole_table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--runs", type=int, default=21, help="counted rounds of each case (default 21)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.cases) - CASES.keys())
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    RESULTS.mkdir(exist_ok=True)
    compile_package()
    # One folder for all: what is removed between two cases would slow the file system down for the second.
    with tempfile.TemporaryDirectory(prefix="cachediscovery-bench-") as folder:
        _run(arguments.cases or list(CASES), Path(folder), arguments.runs)
    for path in draw_all(RESULTS):
        print(f"drawn: {path.name}")
    update_pages()
    return 0


def update_pages() -> None:
    """Bring the tables of both pages up to date with the results."""
    root = RESULTS.parents[1]
    update(root / "README.md", {"performance": short_table(RESULTS), "tools": tools_table(RESULTS)})
    tables = {"goals": goals_table, "whole": whole_table, "tools": measured_table}
    update(root / "benchmarks" / "README.md", {name: table(RESULTS) for name, table in tables.items()})


def _run(cases: list[str], folder: Path, runs: int) -> None:
    for name in cases:
        print(f"{name}: {CASES[name].__doc__}")
        result = CASES[name](folder / name, runs)
        goals = [goal.document() for goal in result.goals]
        document = {"case": name, "machine": machine(), "goals": goals, "details": result.details}
        (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
        for goal in result.goals:
            sign = "at least" if goal.at_least else "at most"
            word = "reached" if goal.reached else "NOT REACHED"
            print(f"  {word}: {goal.what}: {goal.measured:g} {goal.unit} (goal: {sign} {goal.limit:g})")


if __name__ == "__main__":
    sys.exit(main())
