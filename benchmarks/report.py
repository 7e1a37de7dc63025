"""The table of goals, as the README shows it: made of the results alone."""

from __future__ import annotations

import json
from pathlib import Path

_ORDER = ("list_85", "list_505", "resolve", "library", "in_process", "cold", "processes", "expired")


def whole_table(results: Path) -> str:
    """A Markdown table of what the long tests counted when they last ran whole."""
    lines = ["| test | counted |", "|---|---|"]
    for path in sorted((results / "whole").glob("*.json")):
        run = json.loads(path.read_text())
        counted = ", ".join(f"{number:,} {noun.replace('_', ' ')}" for noun, number in run["counted"].items())
        lines.append(f"| {run['what']} | {counted} |")
    return "\n".join(lines) + "\n"


def goals_table(results: Path) -> str:
    """A Markdown table of every goal that was measured."""
    lines = ["| case | measured | goal | |", "|---|---|---|---|"]
    for case in _ORDER:
        path = results / f"{case}.json"
        for goal in json.loads(path.read_text())["goals"] if path.exists() else ():
            sign = "≥" if goal["at_least"] else "≤"
            space = "" if goal["unit"] == "×" else " "
            measured, limit = (f"{goal[key]:g}{space}{goal['unit']}" for key in ("measured", "limit"))
            word = "reached" if goal["reached"] else "**not reached**"
            lines.append(f"| {goal['what']} | {measured} | {sign} {limit} | {word} |")
    return "\n".join(lines) + "\n"
