"""The README's table of environment variables, and its words on the logger, agree with the code."""

from __future__ import annotations

import ast
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cachediscovery
from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.disk.layout import VARIABLES
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.proxies import _PROXY_VARIABLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
# Read by packages that we use: requests (proxies), platformdirs. Passed on to another Python by `demo`.
OF_PACKAGES = {"NO_PROXY", "XDG_CACHE_HOME"}
PASSED_ON = {"PYTHONPATH"}


def calls() -> Iterator[ast.Call]:
    """All calls of a method or of a function of a module in the package."""
    for path in (ROOT / "cachediscovery").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node


def is_environ(node: ast.expr) -> bool:
    return ast.unparse(node) in ("environ", "os.environ")


def variables_read() -> set[str]:
    found = {*VARIABLES.values(), *(name.upper() for name in _PROXY_VARIABLES)}
    for node in calls():
        assert isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func) == "os.getenv" or (is_environ(node.func.value) and node.func.attr == "get"):
            name = node.args[0]
            if isinstance(name, ast.Constant):
                found.add(str(name.value))
            elif not (isinstance(name, ast.Subscript) and ast.unparse(name.value) == "VARIABLES"):
                assert ast.unparse(name) == "variable", "a variable that this test does not know"
    return found


def test_the_table_has_every_variable_that_the_package_reads() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|$", README.partition("## Variables and log")[2], re.MULTILINE)
    documented = {name for row in rows for cell in row for name in re.findall(r"`([A-Z][A-Z_]{3,})`", cell)}
    assert documented == (variables_read() | OF_PACKAGES) - PASSED_ON


def test_every_environment_is_read_by_a_name() -> None:
    for path in (ROOT / "cachediscovery").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Subscript) and is_environ(node.value):
                assert ast.unparse(node.slice) in ("variable",), path


def test_each_message_is_logged_at_the_documented_level() -> None:
    levels: dict[str, set[str]] = {}
    for node in calls():
        assert isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func.value) != "log" or not node.args or node.func.attr not in ("debug", "info", "warning"):
            continue
        message = str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else ""
        for beginning in ("cache hit", "cache miss", "GET"):
            if message.startswith(beginning):
                levels.setdefault(beginning, set()).add(node.func.attr)
        if "retrying" in message:
            levels.setdefault("retrying", set()).add(node.func.attr)
    assert levels == {"cache miss": {"debug"}, "GET": {"info"}, "retrying": {"info"}}


def test_the_logger_says_at_each_level_what_is_documented(
    server: DiscoveryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def logged(stale_if_error: float = 0.0) -> dict[str, list[str]]:
        caplog.clear()
        config = ClientConfig(server.url)
        with CachedDiscoveryClient.for_config(config, cache_dir=tmp_path, stale_if_error=stale_if_error) as client:
            client.server_groups_and_resources()
        found: dict[str, list[str]] = {"DEBUG": [], "INFO": [], "WARNING": []}
        for record in caplog.records:
            if record.name == "cachediscovery":
                found[record.levelname].append(record.getMessage())
        return found

    with caplog.at_level(logging.DEBUG, "cachediscovery"):
        cold = logged()
        assert [line.split()[0] for line in cold["INFO"]] == ["GET", "GET"]
        warm = logged()
        assert warm["INFO"] == warm["WARNING"] == []
        assert all(line.startswith("cache hit: ") for line in warm["DEBUG"])
        for path in tmp_path.rglob("server*.json"):
            os.utime(path, (path.stat().st_mtime - 7 * 3600,) * 2)
        server.fail("/api")
        server.fail("/apis")
        stale = logged(stale_if_error=7200)
        assert any(line.startswith("cache miss: ") for line in stale["DEBUG"])
        assert any("using documents from 7h ago" in line for line in stale["WARNING"])


def test_the_readme_and_the_docstrings_name_the_logger_and_its_levels() -> None:
    from cachediscovery import _log

    for text in (README, _log.__doc__ or "", cachediscovery.__doc__ or ""):
        assert f"`{_log.LOGGER}`" in text
        assert all(level in text for level in ("DEBUG", "INFO", "WARNING"))
    for example in re.findall(r"`[^`]+ …`|`GET …[^`]+`", _log.__doc__ or ""):
        assert example in README
