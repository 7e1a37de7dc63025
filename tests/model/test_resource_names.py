"""Invalid names in a server's resources: they are dropped with a warning, and the valid entries stay."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cachediscovery import CachedDiscoveryClient, DiscoveryClient
from cachediscovery.testing import DiscoveryServer

from ..conftest import WIDGETS, Ran

Run = Callable[..., Ran]

# 7-bit and 8-bit escape sequences, line breaks, white space, a right-to-left override, and the separators of the
# index.
ODD = [
    "\x1b[2J",
    "a\nforged",
    "a\rb",
    "a b",
    "a\tb",
    "a,b",
    "\x7f",
    "\x9b2J",
    "a\u2028b",
    "a\u00a0b",
    "a\u202eb",
    "\x00",
]


def entry(**fields: Any) -> dict[str, Any]:
    return {**WIDGETS[0], "verbs": ["get", "list"], **fields}


def odd_entries(odd: str) -> list[dict[str, Any]]:
    """Entries with an odd name each; only `widgets` and `gizmos` can be kept."""
    return [
        entry(shortNames=["wi", odd, ""], categories=[odd, "all"], verbs=["get", odd, "list"]),
        entry(name=f"w{odd}"),
        entry(name=f"widgets/sc{odd}"),
        entry(name="kinds", kind=f"K{odd}"),
        entry(name="groups", group=f"g{odd}", version="v1"),
        entry(name="gizmos", singularName=f"g{odd}", kind="Gizmo"),
        entry(name=""),
    ]


def test_odd_names_are_dropped_with_one_warning(
    aggregated: bool, base_client: Callable[..., DiscoveryClient], caplog: pytest.LogCaptureFixture
) -> None:
    for odd in ODD:
        caplog.clear()
        with DiscoveryServer(aggregated=aggregated) as server:
            server.recording.add_group("example.com", {"v1": [entry(name="parts"), *odd_entries(odd)]})
            found = base_client(server).server_groups_and_resources()[1][-1]
        assert found.group_version == "example.com/v1"
        parts, widgets, gizmos = found.resources
        assert (parts.name, widgets.name, gizmos.name) == ("parts", "widgets", "gizmos")
        assert (widgets.short_names, widgets.categories, widgets.verbs) == (("wi",), ("all",), ("get", "list"))
        assert (gizmos.singular_name, gizmos.kind) == ("", "Gizmo")
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1, warnings
        assert "example.com/v1" in warnings[0]
        assert warnings[0].isprintable()


@pytest.fixture(params=[True, False], ids=["aggregated", "unaggregated"])
def aggregated(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_names_of_metrics_and_subresources_are_kept(
    aggregated: bool, base_client: Callable[..., DiscoveryClient], caplog: pytest.LogCaptureFixture
) -> None:
    names = ["pods", "pods/exec", "jobs.batch:http_requests@5m", "*", "größe"]
    with DiscoveryServer(aggregated=aggregated) as server:
        server.recording.add_group("example.com", {"v1": [entry(name=name, singularName="") for name in names]})
        found = base_client(server).server_groups_and_resources()[1][-1]
    assert [resource.name for resource in found.resources] == names
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_a_cached_document_with_odd_names_is_read_without_them(
    server: DiscoveryServer, cached_client: Callable[..., CachedDiscoveryClient], tmp_path: Path
) -> None:
    server.recording.add_group("example.com", {"v1": [entry()]})
    cached_client(server).server_groups_and_resources()
    (path,) = (tmp_path / "cache").rglob("example.com/v1/serverresources.json")
    document = json.loads(path.read_text())
    document["resources"] += odd_entries("\x1b[2J")
    # kubectl writes the server's names unfiltered.
    path.write_text(json.dumps(document))
    found = cached_client(server).server_resources_for_group_version("example.com/v1")
    assert [resource.name for resource in found.resources] == ["widgets", "gizmos"]


@pytest.mark.parametrize(
    "line",
    [
        "api-resources",
        "api-resources -o wide",
        "api-resources -o name",
        "api-resources -o json",
        "api-resources -o yaml",
    ]
    + ["api-resources --no-headers --sort-by=kind", "resolve all", "resolve all -o json", "api-versions", "cache info"]
    + ["server-version", "server-version -o json", "server-version -o yaml", "resolve w", "cache verify", "cache warm"],
)
def test_no_text_from_the_server_controls_the_terminal(
    server: DiscoveryServer, cli: Run, home: Path, line: str
) -> None:
    for odd in ODD:
        name = f"group{ODD.index(odd)}.example.com"
        server.recording.add_group(name, {"v1": odd_entries(odd)})
    odd = "".join(ODD)
    # A group that is listed twice is logged.
    server.recording.add_group(odd, {"v1": [entry()], "v2": []})
    server.recording.add_group(odd, {"v1": [entry()]})
    server.recording.unaggregated["/version"].update(gitVersion=f"v1{odd}", platform=f"linux{odd}", extra=odd)
    for words in (line.split(), [*line.split(), "-v"], line.split()):
        ran = cli(*words, server=server)
        for text in (ran.out, ran.err):
            assert text.replace("\n", "").isprintable()
        assert "\nforged" not in ran.out
    for path in home.rglob("*"):
        if path.name in ("serverresources.json", ".cachediscovery.index"):
            text = path.read_text()
            assert text.replace("\n", "").replace("\t", "").isprintable()
            assert "forged" not in text


def test_a_listing_warns_of_odd_names_once(server: DiscoveryServer, cli: Run) -> None:
    server.recording.add_group("example.com", {"v1": odd_entries("\x1b[2J")})
    ran = cli("api-resources", server=server)
    assert ran.code == 0
    assert ran.err.count("Warning: ") == ran.err.count("\n") == 1
    assert "example.com/v1" in ran.err
    # The index holds only the names that were kept.
    assert cli("api-resources", "--cached", server=server) == (0, ran.out, "")
