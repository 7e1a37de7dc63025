"""Entry point of the command line: find the command, parse its flags, run it, map errors to a line and an exit code."""

from __future__ import annotations

import os
import sys
from _thread import get_ident, interrupt_main, start_new_thread

from .output import OutputError, fail, let_go_of_stdout, warn, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sys import UnraisableHookArgs
    from typing import NoReturn

    from .command_table import Command
    from .flags import Parsed

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Return the exit code: 0, or 1 for every error, as kubectl does."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _main(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        let_go_of_stdout()
        return 1
    except OutputError as error:
        fail(str(error))
        let_go_of_stdout()
        return 1


def run_and_exit() -> NoReturn:
    """Run one command, then `os._exit`: interpreter shutdown costs as much as start-up."""
    import gc

    # Objects live until the command ends, so garbage collection would find nothing.
    gc.disable()
    sys.unraisablehook = _interrupt_again
    code = INTERRUPTED
    try:
        code = main()
    except KeyboardInterrupt:
        # A second interrupt, while the first was handled.
        pass
    if _finish():
        code = INTERRUPTED
    os._exit(code)


def _interrupt_again(dropped: UnraisableHookArgs) -> None:
    """Raise an interrupt again that Python drops, and would print: it arrived in a finalizer or a weakref callback."""
    if dropped.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(dropped)
        return
    try:
        # Not from here, where it would be dropped again.
        start_new_thread(_interrupt_soon, (get_ident(),))
    except RuntimeError:
        pass


def _interrupt_soon(thread: int) -> None:
    import signal
    from time import sleep

    sleep(0.001)
    if hasattr(signal, "pthread_kill"):
        # It ends what the thread waits for, too.
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        interrupt_main()


def complete_for_kubectl() -> NoReturn:
    """Run as `kubectl_complete-discovery`, with the arguments of `kubectl discovery` up to the cursor."""
    sys.argv[1:1] = ["__complete", "cobra"]
    run_and_exit()


def _finish() -> bool:
    """Finish pending file writes and flush the output. Return whether an interrupt arrived meanwhile.

    This takes only a moment, and an interrupt does not cut it short.
    """
    files = sys.modules.get("cachediscovery.disk.files")
    is_interrupted = False
    while files is not None:
        try:
            files.finish_writing()
            break
        except KeyboardInterrupt:
            is_interrupted = True
    for stream in (sys.stdout, sys.stderr):
        try:
            # None if it was closed before the process started.
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass
        except KeyboardInterrupt:
            is_interrupted = True
    return is_interrupted


def program_name() -> str:
    """The name of this program: `kubectl discovery` if it runs as a kubectl plugin."""
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2] if sys.argv else ""
    return "kubectl discovery" if name.startswith("kubectl-discovery") else "cachediscovery"


def _main(argv: list[str]) -> int:
    from .command_table import GLOBAL_FLAGS, find_command
    from .flags import UsageError, parse

    for word in argv:
        try:
            os.fsencode(word)
        except UnicodeEncodeError:
            fail(f"the argument {word[:40]!a} has a character that is invalid in file names and URLs")
            return 1
    if argv[:1] == ["__complete"]:
        return _complete(argv[1:])
    words = _words(argv)
    command, length = find_command(words)
    if command is None:
        from .help import without_command

        return without_command(words, argv, program_name())
    for word in words[:length]:
        argv.remove(word)
    try:
        parsed = parse(argv, (*command.flags, *GLOBAL_FLAGS))
        if parsed.flag("help"):
            from .help import command_help

            write(command_help(command, program_name()))
            return 0
        for flag in GLOBAL_FLAGS:
            if parsed.given(flag.name) and not command.accepts(flag):
                raise UsageError(f"--{flag.name} has no effect with '{command.name}'")
        if parsed.arguments and not command.arguments:
            raise UsageError(f"unexpected arguments: {parsed.arguments}")
        if parsed.given("cache-dir"):
            _check_folder(parsed.text("cache-dir"))
        if parsed.given("shared-cache") or parsed.given("shared-cluster"):
            from .shared_flags import check_shared_flags

            check_shared_flags(parsed)
        return _run(command, parsed)
    except UsageError as error:
        message = f"{error} (see '{program_name()} {command.name} --help')"
        if not error.nearest:
            fail(message)
        else:
            from .nearest import did_you_mean

            fail(message, did_you_mean(error.nearest))
        return 1


def _check_folder(path: str) -> None:
    """Raise `UsageError` if `path`, or what should be a folder above it, is a file."""
    from stat import S_ISDIR

    try:
        is_folder = S_ISDIR(os.stat(path).st_mode)
    except NotADirectoryError:
        is_folder = False
    except (OSError, ValueError):
        # Missing folders are made. The cache itself reports the other ones.
        return
    if not is_folder:
        from .flags import UsageError

        raise UsageError(f"--cache-dir {path} is not a folder")


def _complete(argv: list[str]) -> int:
    """Run `__complete SHELL LINE [WORD]`, which the completion scripts call, or `__complete cobra ARGUMENT...`."""
    from .commands.completion import SCRIPTS

    if argv[:1] == ["cobra"]:
        from .completion_words import candidates_for_cobra

        write("".join(f"{line}\n" for line in candidates_for_cobra(argv[1:])))
        return 0

    if len(argv) not in (2, 3) or argv[0] not in SCRIPTS:
        fail(f"__complete takes a shell ({', '.join(SCRIPTS)}) and the line up to the cursor")
        return 1
    from .completion_words import candidates

    write("".join(f"{candidate}\n" for candidate in candidates(*argv)))
    return 0


def _run(command: Command, parsed: Parsed) -> int:
    from .. import _log as log

    log.on_warning(warn)
    level = int(parsed.text("verbose", "0"))
    if not level:
        return _attempt(command, parsed)
    from .verbosity import Verbosity

    with Verbosity(level):
        return _attempt(command, parsed)


def _attempt(command: Command, parsed: Parsed) -> int:
    for is_last in (False, True):
        try:
            code: int = _implementation(command)(parsed)
            return code
        except Exception as error:
            from ..model.errors import ConfigChanged, DiscoveryError

            if not isinstance(error, DiscoveryError):
                raise
            if isinstance(error, ConfigChanged) and not is_last:
                # Raised before any output, and the remembered cluster is already corrected: run again.
                continue
            fail(str(error))
            return 1
    return 1


def _implementation(command: Command) -> Callable[[Parsed], int]:
    """Return `run` of the command's module."""
    # As importlib.import_module does, without importing importlib.
    name = f"{__package__}.commands.{command.implementation}"
    __import__(name)
    run: Callable[[Parsed], int] = sys.modules[name].run
    return run


def _words(argv: Sequence[str]) -> list[str]:
    """Return the words that are neither flags nor flag values. Like kubectl, flags may precede the command."""
    from .command_table import all_flags
    from .flags import BOOL, LEVEL

    takes_value: set[str] = set()
    takes_level: set[str] = set()
    for flag in all_flags():
        if flag.kind != BOOL:
            spelled = [f"--{name}" for name in (flag.name, flag.alias) if name] + [f"-{flag.letter}"] * bool(
                flag.letter
            )
            (takes_level if flag.kind == LEVEL else takes_value).update(spelled)
    words = []
    before = ""
    for word in argv:
        is_value = before in takes_value or (before in takes_level and word.isdecimal())
        before = word if word.startswith("-") and not is_value else ""
        if not before and not is_value:
            words.append(word)
    return words
