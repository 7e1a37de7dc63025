"""The cases: what is measured beside what, and the goal of each."""

from __future__ import annotations

from .explanations import explanations
from .fleet import fleet
from .goals import Case, Goal, Result
from .library import in_process, library
from .listing import listings_85, listings_505
from .lookups import lookups
from .network import expired, network
from .processes import processes
from .scale import scale
from .tools import tools
from .where import where

__all__ = ["CASES", "Case", "Goal", "Result"]

CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        listings_85,
        listings_505,
        lookups,
        explanations,
        library,
        in_process,
        network,
        expired,
        processes,
        scale,
        tools,
        where,
        # It leaves many files, which slow down what is measured after it.
        fleet,
    )
}
