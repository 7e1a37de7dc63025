"""`python -m cachediscovery`."""

from __future__ import annotations

from .cli.main import run_and_exit

run_and_exit()
