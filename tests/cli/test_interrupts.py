"""Ctrl-C while documents are written leaves no temporary file."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually

TEMPORARY = re.compile(r"\.[0-9a-f]{12,}$")


def test_interrupts_leave_no_temporary_files(
    server: DiscoveryServer, environ: dict[str, str], home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    command = [sys.executable, "-m", "cachediscovery", "api-resources", "--cached", "--kubeconfig", str(kubeconfig)]
    chance = random.Random(0)
    for _ in range(57 if request.config.getoption("--whole") else 12):
        for path in home.rglob("server*.json"):
            path.unlink()
        written = chance.randrange(1, 35)
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def is_writing(process: subprocess.Popen[bytes] = process, written: int = written) -> bool:
            return len(list(home.rglob("server*.json"))) >= written or process.poll() is not None

        assert eventually(is_writing)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode in (0, 130)
        assert b"Traceback" not in err
    assert [path for path in home.rglob("*") if TEMPORARY.search(path.name)] == []


def test_an_interrupt_in_a_finalizer_ends_the_command_without_a_word(environ: dict[str, str]) -> None:
    code = """
import os, signal, time
from cachediscovery.cli import main

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass

def work():
    Dropped()
    time.sleep(60)
    return 0

main.main = work
main.run_and_exit()
"""
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (130, b"")


def test_other_errors_in_a_finalizer_are_shown(environ: dict[str, str]) -> None:
    code = """
from cachediscovery.cli import main

class Broken:
    def __del__(self):
        raise ValueError("no")

def work():
    Broken()
    return 0

main.main = work
main.run_and_exit()
"""
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, timeout=30, check=False)
    assert ran.returncode == 0
    assert b"ValueError: no" in ran.stderr
