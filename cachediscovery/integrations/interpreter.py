"""`cachediscovery-python`: the Python interpreter, with the integrations installed.

    cachediscovery-python script.py …       # or -m module …, -c code …, - or nothing for standard input

It is the interpreter that it was installed for, with all of its flags. Once a program imports `kubernetes.dynamic` or
`kopf`, their discovery goes through the cache, and that of Ansible's `kubernetes.core` too:

    ansible_python_interpreter: /path/to/cachediscovery-python

The options of the cache are its environment variables (`CACHEDISCOVERY_TTL` …). Processes that the program starts with
`sys.executable` are not affected.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import NoReturn

# Flags of the interpreter that take a value, and those after which the arguments are the program's.
_WITH_VALUE = "WX"
_LONG_WITH_VALUE = "--check-hash-based-pycs"
_PROGRAM = "cm"
_ENDING = ("-V", "-VV", "--version", "-h", "-?", "--help", "--help-env", "--help-xoptions", "--help-all")
# What the interpreter is started with again, if it has flags. The current folder must not be where it imports us from.
_AGAIN = """import sys
sys.flags.isolated or getattr(sys.flags, "safe_path", False) or sys.path.pop(0)
from cachediscovery.integrations.interpreter import run
run(sys.argv[1:])"""


def main() -> None:
    """The console script."""
    flags, program = split_flags(sys.argv[1:])
    if any(flag in _ENDING for flag in flags):
        _execute(flags)
    if flags:
        _execute([*flags, "-c", _AGAIN, *program])
    if not _has_safe_path():
        # The folder of this script.
        del sys.path[0]
    run(program)


def _execute(arguments: list[str]) -> NoReturn:
    """Go on as the interpreter itself, with these arguments."""
    os.execv(sys.executable, [sys.executable, *arguments])


def split_flags(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The interpreter's own flags, and the program with its arguments: `-uc code` is `-u` and `-c code`."""
    flags: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        argument = rest.pop(0)
        if argument.startswith("--"):
            flags.append(argument)
            if argument == _LONG_WITH_VALUE:
                flags += rest[:1]
                del rest[:1]
            continue
        for index, letter in enumerate(argument[1:], 2):
            after = [argument[index:]] if argument[index:] else []
            if letter in _PROGRAM:
                return flags, [f"-{letter}", *after, *rest]
            if letter in _WITH_VALUE:
                flags += [f"-{letter}", *(after or rest[:1])]
                if not after:
                    del rest[:1]
                break
            flags.append(f"-{letter}")
    return flags, rest


def run(program: list[str]) -> None:
    """Run `-c code`, `-m module`, a script or standard input, as the interpreter does, with the integrations."""
    from .on_import import when_imported

    when_imported({"kubernetes.dynamic": _install_kubernetes, "kopf": _install_kopf})
    kind = program[0] if program else ""
    if program in (["-c"], ["-m"]):
        _execute(program)
    if kind == "-m":
        sys.argv = ["-m", *program[2:]]
        _insert_path(os.getcwd())
        _run_module(program[1])
    elif kind == "-c":
        sys.argv = ["-c", *program[2:]]
        _insert_path("")
        _run_source(program[1], "<string>")
    elif kind in ("", "-"):
        sys.argv = program or [""]
        _insert_path("")
        if sys.stdin.isatty():
            import code

            code.interact(local=vars(_main_module()), exitmsg="")
        else:
            _run_source(sys.stdin.buffer.read(), "<stdin>")
    else:
        _run_script(program)


def _run_script(program: list[str]) -> None:
    script = program[0]
    sys.argv = program
    try:
        with open(script, "rb") as file:
            source = file.read()
    except IsADirectoryError:
        source = b"PK"
    except OSError as error:
        sys.stderr.write(f"{sys.executable}: can't open file {script!r}: {error}\n")
        sys.exit(2)
    if source.startswith(b"PK"):
        # A folder or a zip file with a __main__.
        sys.path.insert(0, os.path.abspath(script))
        _run_module("__main__", alter_argv=False)
        return
    _insert_path(os.path.dirname(os.path.realpath(script)))
    # The interpreter leaves `..` in it.
    _run_source(source, os.path.join(os.getcwd(), script))


def _run_module(name: str, **keywords: bool) -> None:
    import runpy

    _main_module()
    # The interpreter's own function for -m, and for folders.
    run_module: Callable[..., object] = vars(runpy)["_run_module_as_main"]
    run_module(name, **keywords)


def _run_source(source: str | bytes, name: str) -> None:
    """Run the main program. An exception's traceback begins in it, not here."""
    module = _main_module()
    if name != "<string>":
        module.__file__ = name
    if not name.startswith("<"):
        from importlib.machinery import SourceFileLoader

        module.__loader__ = SourceFileLoader("__main__", name)
    try:
        exec(compile(source, name, "exec"), vars(module))
    except Exception as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        sys.exit(1)


def _main_module() -> ModuleType:
    """A new, empty module `__main__`."""
    import builtins
    from types import ModuleType

    module = ModuleType("__main__")
    vars(module)["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module


def _insert_path(folder: str) -> None:
    if not _has_safe_path():
        sys.path.insert(0, folder)


def _has_safe_path() -> bool:
    """Whether the interpreter leaves the folder of the program out of `sys.path`."""
    return bool(sys.flags.isolated or getattr(sys.flags, "safe_path", False))


def _install_kubernetes() -> None:
    from . import ansible, kubernetes

    kubernetes.install()
    ansible.install()


def _install_kopf() -> None:
    from . import kopf

    kopf.install()
