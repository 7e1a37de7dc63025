"""`cachediscovery-python` runs programs as the interpreter does, with the integrations installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.integrations.interpreter import split_flags
from cachediscovery.testing import DiscoveryServer

from ..conftest import BIN

OURS = BIN / "cachediscovery-python"
SHOW = """
import sys
print(sys.argv, sys.path[0], __name__, globals().get("__file__"), __spec__ and __spec__.name, __package__)
print(sys.flags.optimize, sys.warnoptions, sys._xoptions, sys.flags.isolated, sys.flags.dont_write_bytecode)
print(sys.modules["__main__"].__dict__ is globals(), sorted(set(globals()) - {"__annotations__", "__cached__"}))
"""
SPAWN = """
import multiprocessing, pickle
class Kept:
    pass
def double(number):
    return 2 * number
if __name__ == "__main__":
    print(type(pickle.loads(pickle.dumps(Kept()))))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "show.py").write_text(SHOW)
    (folder / "fails.py").write_text("def f():\n    raise ValueError('no')\n\nf()\n")
    (folder / "wrong.py").write_text("x = (\n")
    (folder / "exits.py").write_text("import sys\nsys.exit(7)\n")
    (folder / "says.py").write_text("raise SystemExit('a message')\n")
    (folder / "reads.py").write_text("import sys\nprint(sys.stdin.read())\n")
    (folder / "atexit_.py").write_text("import atexit\nx = 3\natexit.register(lambda: print(x))\n")
    (folder / "spawn.py").write_text(SPAWN)
    (folder / "package").mkdir()
    (folder / "package" / "__main__.py").write_text(SHOW)
    (folder / "link.py").symlink_to(folder / "package" / "__main__.py")
    with zipfile.ZipFile(folder / "program.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW)

    def call(interpreter: Path | str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        ran = subprocess.run(
            [interpreter, *arguments], cwd=folder, env=environ, input=stdin, capture_output=True, text=True, check=False
        )
        return ran.returncode, ran.stdout, ran.stderr

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        "show.py a -c -u", "./package/../show.py", "link.py -x", "package a", "program.zip b",
        "-m show a --b", "-m package", "-mshow", "-u show.py", "-O -W error -Xdev show.py", "-I show.py -I",
        "-Im package", "--check-hash-based-pycs always show.py", "-BOu -m show -O", "-", "- a b", "",
        "-uc import\tsys;print(sys.argv,sys.path[0],__name__) -c", "-c print(1)", "-c", "-m",
        "fails.py", "wrong.py", "exits.py", "says.py", "atexit_.py", "spawn.py", "-m nothing.there",
        "-c import\tos;os.kill(os.getpid(),2)",
    ],
)  # fmt: skip
def test_a_program_runs_as_with_the_interpreter(run: Run, arguments: str) -> None:
    given = [argument.replace("\t", " ") for argument in arguments.split(" ") if argument]
    # The same interpreter has several names, and messages show the one it was started by.
    theirs = run(run(OURS, "-c", "import sys; print(sys.executable)")[1].strip(), *given, stdin=SHOW)
    ours = run(OURS, *given, stdin=SHOW)
    assert ours[:2] == theirs[:2]
    assert ours[2].splitlines()[-1:] == theirs[2].splitlines()[-1:]
    if arguments in ("fails.py", "says.py"):
        assert ours[2] == theirs[2]


def test_a_script_reads_standard_input_and_python_tells_its_version(run: Run) -> None:
    assert run(OURS, "reads.py", stdin="from outside")[1] == "from outside\n"
    assert run(OURS, "-V") == run(sys.executable, "-V")
    code, out, error = run(OURS, "missing.py")
    assert (code, out) == (2, "")
    assert "can't open file 'missing.py'" in error


def test_flags_are_those_before_the_program() -> None:
    assert split_flags(["-Im", "pip", "-q"]) == (["-I"], ["-m", "pip", "-q"])
    assert split_flags(["-uccode", "-u"]) == (["-u"], ["-c", "code", "-u"])
    assert split_flags(["-W", "error", "-Xdev", "-", "-u"]) == (["-W", "error", "-X", "dev"], ["-", "-u"])
    assert split_flags(["script.py", "-u"]) == ([], ["script.py", "-u"])
    assert split_flags([]) == ([], [])


DISCOVERERS = """
import sys
assert "kubernetes" not in sys.modules
from kubernetes.dynamic import DynamicClient
from kubernetes import config
with config.new_client_from_config() as api_client:
    client = DynamicClient(api_client)
    print(type(client.resources).__module__, client.resources.get(api_version="apps/v1", kind="Deployment").name)
"""


def test_a_programs_dynamic_clients_use_the_cache(
    run: Run, environ: dict[str, str], server: DiscoveryServer, tmp_path: Path
) -> None:
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    for arguments, stdin in ((["-c", DISCOVERERS], ""), (["-u", "-c", DISCOVERERS], ""), ([], DISCOVERERS)):
        code, out, error = run(OURS, *arguments, stdin=stdin)
        assert (code, out) == (0, "cachediscovery.integrations.kubernetes deployments\n"), error
    assert server.paths().count("/apis") == 1


def test_an_integration_that_cannot_be_installed_is_a_warning(
    run: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "kopf").mkdir()
    (tmp_path / "kopf" / "__init__.py").write_text("name = 'a stranger'")
    environ["PYTHONPATH"] = str(tmp_path)
    code, out, error = run(OURS, "-c", "import kopf; print(kopf.name, kopf.__spec__.loader.exec_module.__name__)")
    assert (code, out) == (0, "a stranger exec_module\n")
    assert "kopf discovers without the cache: cachediscovery.integrations.kopf does not know this kopf" in error


def test_no_integration_is_imported_before_the_program_needs_it(run: Run) -> None:
    imported = "import sys; print([name for name in sys.modules if name.split('.')[0] in ('kubernetes', 'requests')])"
    assert run(OURS, "-c", imported)[1] == "[]\n"
