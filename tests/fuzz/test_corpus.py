"""The fuzz targets on the stored corpus, on random bytes, and in a run of the fuzzer."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_corpus_inputs_raise_only_discovery_errors(target: str) -> None:
    found = sorted((CORPUS / target).iterdir())
    assert len(found) > 20
    for path in found:
        TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@given(st.binary(max_size=300))
def test_random_bytes_raise_only_discovery_errors(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_a_run_of_the_fuzzer_finds_nothing(
    target: str, tmp_path: Path, request: pytest.FixtureRequest, figures: Callable[..., None]
) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not there: pip install atheris")
    seconds = 300 if request.config.getoption("--whole") else 5
    # Use a copy: a test must not change the sources.
    shutil.copytree(CORPUS / target, tmp_path / "corpus")
    code = (
        "import sys, atheris\n"
        "with atheris.instrument_imports(include=['cachediscovery']):\n"
        "    from tests.fuzz.targets import TARGETS\n"
        "atheris.Setup(sys.argv[:1] + sys.argv[2:], TARGETS[sys.argv[1]])\n"
        "atheris.Fuzz()\n"
    )
    options = [f"-max_total_time={seconds}", "-max_len=4096", f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")]
    ran = subprocess.run(
        [sys.executable, "-c", code, target, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", ran.stderr)
    assert done is not None
    assert int(done[1]) > 100
    figures(f"fuzzing, {target}", inputs=int(done[1]), seconds=seconds, found=0)
