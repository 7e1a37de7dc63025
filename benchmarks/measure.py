"""Whole processes, measured in turn: A B C A B C …, so that a machine that slows down slows all of them down."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pyperf


class Command(NamedTuple):
    """A program to measure: what it is called in the results, and how it is started."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    before: Callable[[], None] | None = None


class Sample(NamedTuple):
    seconds: float


def alternate(commands: Sequence[Command], runs: int, warmups: int = 1) -> dict[str, list[Sample]]:
    """Run each command `runs` times, in turn; the first `warmups` rounds do not count. An exit code other than 0 is an error."""
    samples: dict[str, list[Sample]] = {command.name: [] for command in commands}
    for round_number in range(warmups + runs):
        for command in commands:
            if command.before is not None:
                command.before()
            sample = run_once(command)
            if round_number >= warmups:
                samples[command.name].append(sample)
    return samples


def run_once(command: Command) -> Sample:
    started = time.perf_counter()
    ran = subprocess.run(
        command.argv, env=dict(command.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    seconds = time.perf_counter() - started
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command.argv)}: exit code {ran.returncode}: {ran.stderr.decode()[-2000:]}")
    return Sample(seconds)


# A child's peak is at least that of the process which started it: a small one starts it.
_PEAK = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_mib(command: Command, runs: int) -> float:
    """The median peak memory of a command, in MiB; a bare interpreter's is the least that can be told."""
    peaks = []
    for _ in range(runs):
        measured = [sys.executable, "-I", "-S", "-c", _PEAK, *command.argv]
        ran = subprocess.run(measured, env=dict(command.environ), capture_output=True, text=True, check=True)
        peaks.append(int(ran.stdout))
    return round(statistics.median(peaks) / 1024, 1)


def summary(samples: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    """Median, deviation and minimum of each, by pyperf, in milliseconds."""
    found = {}
    for name, taken in samples.items():
        values = [sample.seconds for sample in taken]
        bench = pyperf.Benchmark([pyperf.Run(values, metadata={"name": name}, collect_metadata=False)])
        found[name] = {
            "median_ms": round(bench.median() * 1000, 2),
            "mad_ms": round(bench.median_abs_dev() * 1000, 2),
            "min_ms": round(min(values) * 1000, 2),
            "runs": len(values),
        }
    return found


def ratio(samples: Mapping[str, Sequence[Sample]], one: str, other: str) -> float:
    """The median, over the rounds, of one command's time by the other's in the same round."""
    pairs = zip(samples[one], samples[other], strict=True)
    return round(statistics.median(a.seconds / b.seconds for a, b in pairs), 3)
