"""The tables of the results, as README.md and benchmarks/README.md show them: made of the results alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_ORDER = (
    "listings_85",
    "listings_505",
    "lookups",
    "explanations",
    "library",
    "in_process",
    "network",
    "processes",
    "fleet",
    "expired",
)


def update(page: Path, tables: dict[str, str]) -> None:
    """Put each table between the two comments of its name in a Markdown page."""
    text = page.read_text()
    for name, table in tables.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, found = re.subn(pattern, lambda match, table=table: match[1] + table + match[2], text, flags=re.DOTALL)
        assert found == 1, f"{page} has no place for {name}"
    page.write_text(text)


_MODES = ("own", "cold", "warm")


def tools_table(results: Path) -> str:
    """Each tool: what switches our discovery on, and the discovery requests and seconds without it and with it."""
    lines = [
        "| tool | import | the one line that changes | its own | ours, cold | ours, warm |",
        "|---|---|---|---|---|---|",
    ]
    for name, tool in _result(results, "tools")["details"].items():
        cells = [f"{_range(tool[mode]['requests'])}, {tool[mode]['seconds']:.2g} s" for mode in _MODES]
        lines.append(f"| {name} | `{tool['first']}` | `{tool['line']}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def measured_table(results: Path) -> str:
    """What each tool did when it was measured, and in which version."""
    lines = ["| tool | version | what it did | requests: own, cold, warm | seconds |", "|---|---|---|---|---|"]
    for name, tool in _result(results, "tools")["details"].items():
        requests = ", ".join(_range(tool[mode]["requests"]) for mode in _MODES)
        seconds = ", ".join(f"{tool[mode]['seconds']:g}" for mode in _MODES)
        lines.append(f"| {name} | {tool['version']} | {tool['what']} | {requests} | {seconds} |")
    return "\n".join(lines) + "\n"


def _range(counts: list[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def whole_table(results: Path) -> str:
    """What the long tests counted when they last ran whole."""
    lines = ["| test | counted |", "|---|---|"]
    for path in sorted((results / "whole").glob("*.json")):
        run = json.loads(path.read_text())
        counted = ", ".join(f"{number:,} {noun.replace('_', ' ')}" for noun, number in run["counted"].items())
        lines.append(f"| {run['what']} | {counted} |")
    return "\n".join(lines) + "\n"


def goals_table(results: Path) -> str:
    """Every goal that was measured."""
    lines = ["| case | measured | goal | |", "|---|---|---|---|"]
    for case in _ORDER:
        for goal in _result(results, case)["goals"]:
            sign = "≥" if goal["at_least"] else "≤"
            space = "" if goal["unit"] == "×" else " "
            measured, limit = (f"{goal[key]:g}{space}{goal['unit']}" for key in ("measured", "limit"))
            word = "reached" if goal["reached"] else "**not reached**"
            lines.append(f"| {goal['what']} | {measured} | {sign} {limit} | {word} |")
    return "\n".join(lines) + "\n"


def short_table(results: Path) -> str:
    """The best and the worst of each kind side by side."""
    lines = ["| whole processes | best | worst |", "|---|---|---|"]
    for documents in (85, 505):
        lines.append(
            _row(f"warm listing, {documents} documents, by kubectl's time", _listing_ratios(results, documents))
        )
    lookups = _result(results, "lookups")["details"]
    by_bare = {what: found["ratio"] for what, found in lookups.items() if "ratio" in found}
    lines.append(_row("warm lookup on the command line, by `python -c pass`", by_bare))
    explained = _result(results, "explanations")["details"]
    by_kubectl = {what: found["ratio"] for what, found in explained.items() if "kubectl" in found}
    lines.append(_row("`explain`, by kubectl's time", by_kubectl))
    network = _result(results, "network")["details"]
    for distance in dict.fromkeys(what.rpartition(", ")[2] for what in network):
        ratios = {
            what.partition(",")[0]: found["ratio"] for what, found in network.items() if what.endswith(f" {distance}")
        }
        lines.append(_row(f"the server asked, over TLS, {distance} away, by kubectl's time", ratios))
    return "\n".join(lines) + "\n"


def _row(what: str, ratios: dict[str, float]) -> str:
    best, worst = min(ratios, key=lambda name: ratios[name]), max(ratios, key=lambda name: ratios[name])
    return f"| {what} | {ratios[best]:.2f}× ({best}) | {ratios[worst]:.2f}× ({worst}) |"


def _listing_ratios(results: Path, documents: int) -> dict[str, float]:
    details = _result(results, f"listings_{documents}")["details"]
    return {f"`{line.removeprefix('api-resources --cached ')}`": found["ratio"] for line, found in details.items()}


def _result(results: Path, case: str) -> dict[str, Any]:
    path = results / f"{case}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"goals": [], "details": {}}
    return found
