"""What a case finds: goals, and everything measured on the way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..clusters import Cluster
from ..environment import OURS


class Goal(NamedTuple):
    """One line of the table of goals: `measured` is to be at most `limit` (or at least, for a `factor`)."""

    what: str
    limit: float
    measured: float
    unit: str = "\u00d7"
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def document(self) -> dict[str, Any]:
        return {**self._asdict(), "reached": self.reached}


class Result(NamedTuple):
    goals: list[Goal]
    details: dict[str, Any]


# A folder of its own, and how many rounds are counted.
Case = Callable[[Path, int], Result]


def warm(cluster: Cluster, environ: dict[str, str]) -> None:
    """Fill the cache, and forget the requests that it took."""
    subprocess.run([OURS, "api-resources"], env=environ, check=True, stdout=subprocess.DEVNULL)
    cluster.requests()
