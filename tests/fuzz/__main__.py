"""`python -m tests.fuzz TARGET [libFuzzer's options]`: fuzz with atheris; useful new inputs stay in the corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cachediscovery"]):
    from .targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    name, *options = sys.argv[1:]
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
