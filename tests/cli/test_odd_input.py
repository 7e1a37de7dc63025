"""Unexpected arguments, flags and environment variables: one error line and exit code 1, or normal output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.cli.command_table import COMMANDS, GLOBAL_FLAGS, all_flags
from cachediscovery.testing import DiscoveryServer, Failure

from ..conftest import Ran, kubeconfig_of
from .test_bad_input import is_one_line

Run = Callable[..., Ran]

LONE_SURROGATE = "\ud83d"
# Not UTF-8, control characters, empty, huge numbers, and numbers that only Python accepts.
ODD = [
    os.fsdecode(b"\xff\xfe"),
    "\x1b[2J\n",
    "",
    "9" * 20,
    "9" * 5000,
    "-1",
    "1e3",
    "٣",
    "nan",
    "1_0",
    "²",
    "a/b@c",
    LONE_SURROGATE,
]
# Run command lines; report each one that raised an exception or printed more than one error line.
DRIVER = """
import io, os, sys, traceback
from cachediscovery.cli.main import main

for line in open(sys.argv[1], encoding="utf-8", errors="surrogatepass").read().split("\\0\\0"):
    variables, _, words = line.partition("\\1")
    os.environ.update(item.partition("=")[::2] for item in variables.split("\\0") if item)
    sys.stderr = said = io.StringIO()
    try:
        code = main([word for word in words.split("\\0")])
        lines = [line for line in said.getvalue().split("\\n") if line]
        errors = [line for line in lines if line.startswith("error: ")]
        is_one_error = code == 1 and len(errors) == 1
        is_plain = said.getvalue().replace("\\n", "").isprintable()
        if not (code == 0 and not errors or is_one_error) or not is_plain:
            print(ascii(line), code, lines, file=sys.__stderr__)
    except BaseException:
        print(ascii(line)[:500], traceback.format_exc(), file=sys.__stderr__)
    for item in variables.split("\\0"):
        os.environ.pop(item.partition("=")[0], None)
"""


def run_all(lines: list[tuple[dict[str, str], list[str]]], environ: dict[str, str], tmp_path: Path) -> str:
    """Run these command lines, each with its variables; return a report of the failures."""
    encoded = "\0\0".join(
        "\0".join(f"{name}={value}" for name, value in variables.items()) + "\1" + "\0".join(words)
        for variables, words in lines
    )
    path = tmp_path / "lines"
    path.write_bytes(encoded.encode("utf-8", "surrogatepass"))
    command = [sys.executable, "-c", DRIVER, str(path)]
    # A value such as "nan" can also name a folder, which is created in the working directory.
    folder = tmp_path / "cwd"
    folder.mkdir()
    ran = subprocess.run(
        command, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=300
    )
    return ran.stderr.decode()


COMMAND_LINES = {
    "resolve": ["resolve", "pods"], "completion": ["completion", "bash"], **{
        name: [name]
        for name in ("api-resources", "api-versions", "server-version", "invalidate", "options", "version")
    },
    **{command.name: command.name.split() for command in COMMANDS if command.name.startswith("cache ")},
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", COMMAND_LINES)
def test_no_flag_value_causes_a_traceback(
    name: str, server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> None:
    command = next(command for command in COMMANDS if command.name == name)
    variables = {"KUBECONFIG": str(kubeconfig_of(server, tmp_path))}
    lines: list[tuple[dict[str, str], list[str]]] = [
        (variables, [*COMMAND_LINES[name], f"--{flag.name}={value}"])
        for flag in (*GLOBAL_FLAGS, *command.flags)
        for value in ODD
        # A printable value could be the address of a real server.
        if flag.name != "server" or not value.isprintable()
    ]
    assert run_all(lines, environ, tmp_path) == ""


def test_no_argument_causes_a_traceback(server: DiscoveryServer, environ: dict[str, str], tmp_path: Path) -> None:
    variables = {"KUBECONFIG": str(kubeconfig_of(server, tmp_path))}
    lines: list[tuple[dict[str, str], list[str]]] = [
        (variables, [*command, value]) for command in COMMAND_LINES.values() for value in ODD
    ]
    lines += [({}, [value]) for value in ODD if value] + [({}, [f"-{value}", "version"]) for value in ODD if value]
    lines += [({}, [f"--{value}={value}", "version"]) for value in ODD]
    lines += [({}, ["-v", value, "version"]) for value in ODD]
    assert run_all(lines, environ, tmp_path) == ""


VARIABLES = ["CACHEDISCOVERY_TTL", "KUBECACHEDIR", "KUBECONFIG", "HOME", "XDG_CACHE_HOME", "http_proxy", "NO_PROXY"]
VARIABLES += ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTPS_PROXY", "ALL_PROXY", "TMPDIR"]


@pytest.mark.long
def test_no_environment_variable_causes_a_traceback(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> None:
    kubeconfig = str(kubeconfig_of(server, tmp_path))
    lines = [
        ({**({"KUBECONFIG": kubeconfig} if name != "KUBECONFIG" else {}), name: value}, line.split())
        for name in VARIABLES
        for value in ODD
        # An environment variable cannot hold a character that the system cannot encode.
        if value != LONE_SURROGATE
        for line in ("api-resources", "api-versions --cached", "cache info", "cache path", "invalidate")
        if not (name == "HOME" and line == "cache path" and not value)
    ]
    assert run_all(lines, environ, tmp_path) == ""


@pytest.mark.parametrize(
    "line", ["__complete", "__complete bash", "__complete nope", "__complete nope cachediscovery", "__complete zsh"]
)
def test_a_completion_typed_by_hand_succeeds_or_is_one_error(cli: Run, line: str) -> None:
    ran = cli(*line.split())
    assert is_one_line(ran) or (ran.code, ran.err) == (0, "")


def test_no_word_to_complete_causes_a_traceback(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> None:
    kubeconfig = f"--kubeconfig={kubeconfig_of(server, tmp_path)}"
    lines: list[tuple[dict[str, str], list[str]]] = []
    for value in ODD:
        for flag in all_flags():
            line = f"cachediscovery api-resources {kubeconfig} --{flag.name} {value}"
            lines += [({}, ["__complete", "bash", line]), ({}, ["__complete", "bash", f"{line} x"])]
            lines.append(({}, ["__complete", "zsh", *line.split(" ")]))
    assert run_all(lines, environ, tmp_path) == ""


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1",
        "http://x:port/",
        "http://x:99999/",
        "//[",
        "http://[v1.x]/",
        "http://\xff..\xfe/",
        "http://a..ü/",
        "http://%zz:1/",
    ]
    + ["http:///", "http://", "//", "http://x:-1/", "\x7f", "http://127.0.0.1:0/", "http://" + "a" * 300 + "/"],
)
def test_a_redirect_to_an_invalid_location_is_one_error(server: DiscoveryServer, cli: Run, location: str) -> None:
    server.fail("/api", Failure(302, headers=(("Location", location),)))
    ran = cli("api-resources", "--connect-timeout=2s", server=server)
    assert is_one_line(ran), ran
    assert server.url in ran.err


@pytest.mark.parametrize("size", ["9223372036854775807", "9223372036854775808", "9" * 20, "1" + "0" * 400])
def test_a_size_limit_of_any_size_is_accepted_or_one_error(server: DiscoveryServer, cli: Run, size: str) -> None:
    # Large enough to be sent compressed.
    server.recording.apis["padding"] = "x" * (256 << 10)
    ran = cli("api-resources", f"--max-document-bytes={size}", server=server)
    assert (ran.code, ran.err) == (0, "") or is_one_line(ran)


@pytest.mark.parametrize(
    "seconds", ["2147484s", "9223372037s", "99999h", "3000000h", "9" * 20, "9" * 5000, "1" + "0" * 30 + "h"]
)
def test_a_duration_of_any_length_is_accepted_or_one_error(server: DiscoveryServer, cli: Run, seconds: str) -> None:
    for flag in ("connect-timeout", "request-timeout", "cache-ttl", "stale-if-error", "stale-while-revalidate"):
        ran = cli("api-resources", "--cached", f"--{flag}={seconds}", server=server)
        assert (ran.code, ran.err) == (0, "") or is_one_line(ran)
