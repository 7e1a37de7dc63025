"""The charts of the README, drawn from the results alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

OURS, OTHER, THIRD = "#1f6feb", "#8b949e", "#2da44e"
# No date and no random ids: a chart changes only if its numbers do.
mpl.rcParams.update(
    {"svg.hashsalt": "cachediscovery", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
)


def draw_all(results: Path) -> list[Path]:
    """Draw every chart for which there are results."""
    drawn = []
    for name, draw in (("startup", _startup), ("scale", _scale), ("processes", _processes)):
        path = results / f"{name}.svg"
        try:
            figure = draw(results)
        except FileNotFoundError:
            continue
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)
        drawn.append(path)
    return drawn


def _details(results: Path, case: str) -> dict[str, Any]:
    details: dict[str, Any] = json.loads((results / f"{case}.json").read_text())["details"]
    return details


def _startup(results: Path) -> Any:
    bars = {
        "cachediscovery resolve": _details(results, "resolve")["resolve, 85 documents"]["median_ms"],
        "cachediscovery api-resources": _details(results, "list_85")["cachediscovery"]["median_ms"],
        "kubectl api-resources": _details(results, "list_85")["kubectl"]["median_ms"],
    }
    found = _details(results, "library")
    bars.update({f"library: {name}": found[name]["median_ms"] for name in found})
    figure, axes = plt.subplots(figsize=(7, 2.8))
    names = list(bars)[::-1]
    colors = [OURS if "cachediscovery" in name else OTHER for name in names]
    drawn = axes.barh(names, [bars[name] for name in names], color=colors)
    axes.bar_label(drawn, fmt="%.0f ms", padding=3)
    axes.set_xlabel("milliseconds for a whole process, warm, 85 documents")
    return figure


def _scale(results: Path) -> Any:
    details = _details(results, "scale")
    figure, axes = plt.subplots(figsize=(7, 3))
    crds = [int(count) for count in details]
    series = (
        ("kubectl api-resources", OTHER),
        ("cachediscovery api-resources", OURS),
        ("cachediscovery resolve", THIRD),
    )
    for name, color in series:
        axes.plot(crds, [details[str(count)][name]["median_ms"] for count in crds], marker="o", label=name, color=color)
    axes.set_xlabel("custom resource definitions")
    axes.set_ylabel("milliseconds, warm")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def _processes(results: Path) -> Any:
    details = _details(results, "processes")
    figure, axes = plt.subplots(figsize=(7, 3))
    counts = [int(count) for count in details]
    for name, color in (("kubectl", OTHER), ("cachediscovery", OURS)):
        axes.plot(
            counts, [details[str(count)][name]["requests"] for count in counts], marker="o", label=name, color=color
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlabel("processes started at once on an empty cache")
    axes.set_ylabel("requests in all")
    axes.legend(frameon=False)
    return figure
