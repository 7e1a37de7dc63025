"""The charts, drawn from the results alone. Their ground is their own, so that a dark page shows them as a light one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

OURS, OURS_WORST, OTHER, OTHER_WORST, THIRD = "#1f6feb", "#79b0ff", "#57606a", "#afb8c1", "#1a7f37"
# No date and no random ids: a chart changes only if its numbers do.
mpl.rcParams.update(
    {
        "svg.hashsalt": "cachediscovery",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.pad_inches": 0.15,
    }
)


def draw_all(results: Path) -> list[Path]:
    """Draw every chart for which there are results."""
    drawn = []
    for name, draw in _CHARTS.items():
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
    """Plain and worst listing, on both sizes of cluster, and lookups."""
    names, milliseconds, colors = [], [], []

    def bar(name: str, found: dict[str, Any], color: str) -> None:
        names.append(name)
        milliseconds.append(found["median_ms"])
        colors.append(color)

    for documents in (85, 505):
        details = _details(results, f"listings_{documents}")
        plain = "api-resources --cached"
        worst = max((line for line in details if line != plain), key=lambda line: details[line]["ratio"])
        for line, ours, other in ((plain, OURS, OTHER), (worst, OURS_WORST, OTHER_WORST)):
            bar(f"{documents} documents: cachediscovery {line}", details[line]["cachediscovery"], ours)
            kubectls = line.replace(" --cached", "") if line.startswith("api-versions") else line
            bar(f"{documents} documents: kubectl {kubectls}", details[line]["kubectl"], other)
    lookups = _details(results, "lookups")
    slowest = max((what for what in lookups if "ratio" in lookups[what]), key=lambda what: lookups[what]["ratio"])
    for what in dict.fromkeys(("`resolve deploy`", slowest)):
        bar(f"85 documents: cachediscovery {what.strip('`')}", lookups[what]["85 documents"], THIRD)
    figure, axes = plt.subplots(figsize=(8, 3.6))
    drawn = axes.barh(names[::-1], milliseconds[::-1], color=colors[::-1])
    axes.bar_label(drawn, fmt="%.0f ms", padding=3)
    axes.set_xlabel("milliseconds for a whole process on a warm cache: plain, and with the flags that are worst for us")
    return figure


def _scale(results: Path) -> Any:
    details = _details(results, "scale")
    figure, axes = plt.subplots(figsize=(7, 3.4))
    crds = [int(count) for count in details]
    series = (
        ("kubectl api-resources -o json", OTHER_WORST),
        ("cachediscovery api-resources -o json", OURS_WORST),
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


def _network(results: Path) -> Any:
    details = _details(results, "network")
    figure, axes = plt.subplots(figsize=(7, 3))
    for name, color in (("cold", OURS), ("asked", THIRD), ("expired", OTHER)):
        points = {
            int(what.split(", ")[1].split()[0]): found["ratio"]
            for what, found in details.items()
            if what.startswith(f"{name}, ") and what.count(",") == 1
        }
        axes.plot(list(points), list(points.values()), marker="o", label=name, color=color)
    axes.axhline(1, color=OTHER_WORST, linewidth=1)
    axes.set_xlabel("round trip to the server, in milliseconds, over TLS")
    axes.set_ylabel("time by kubectl's")
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


def _fleet(results: Path) -> Any:
    details = {what: found for what, found in _details(results, "fleet").items() if what.endswith(" machines")}
    figure, axes = plt.subplots(figsize=(7, 3))
    counts = [int(what.split()[0]) for what in details]
    # The first two are the same: each machine has a disk of its own.
    series = (
        ("kubectl", OTHER, "--"),
        ("cachediscovery", OURS_WORST, ":"),
        ("cachediscovery, shared cache", OURS, "-"),
    )
    for name, color, style in series:
        requests = [found[name] for found in details.values()]
        axes.plot(counts, requests, marker="o", label=name, color=color, linestyle=style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("machines, started with empty disks, 50 at a time")
    axes.set_ylabel("requests in all")
    axes.legend(frameon=False)
    return figure


_CHARTS = {"startup": _startup, "scale": _scale, "network": _network, "processes": _processes, "fleet": _fleet}
