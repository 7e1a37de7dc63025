"""Real shells in a terminal that complete the command line of this program."""

from __future__ import annotations

import os
import pty
import shutil
import stat
import sys
import threading
from pathlib import Path

import pytest

from ..conftest import eventually

SETUP = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(cachediscovery completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source <(cachediscovery completion zsh)"),
    "fish": (["fish", "--no-config", "-i"], "cachediscovery completion fish | source"),
}
# Replaces the program in the shell: completes as it does, but records its arguments instead of running.
PROGRAM = f"""#!/bin/sh
case "$1" in
    __complete | completion) exec '{sys.executable}' -m cachediscovery "$@" ;;
esac
printf '%s\\0' "$@" >> "$RECORD.new" && mv "$RECORD.new" "$RECORD"
"""
SUDO = '#!/bin/sh\nexec "$@"\n'
SHELLS = [
    pytest.param(
        shell,
        marks=pytest.mark.skipif(
            shutil.which(shell) is None,
            reason=f"{shell} is not installed: install it, say with apt-get install {shell}",
        ),
    )
    for shell in SETUP
]


class Terminal:
    """A shell in a terminal that has loaded the completion script."""

    def __init__(self, shell: str, environ: dict[str, str], folder: Path) -> None:
        self.shell = shell
        self.record = folder / "record"
        command, setup = SETUP[shell]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**environ, "RECORD": str(self.record), "TERM": "dumb", "PS1": "$ "})
        self.shown = bytearray()
        threading.Thread(target=self._read, daemon=True).start()
        ready = folder / "ready"
        self.type(f"{setup}; true > {ready}\n")
        assert eventually(ready.exists), self.shown

    def _read(self) -> None:
        try:
            while data := os.read(self.terminal, 4096):
                self.shown += data
        except OSError:
            pass

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def completed(self, line: str) -> list[str]:
        """Type `line`, which contains a tab, and Enter; return the arguments that the program received."""
        self.record.unlink(missing_ok=True)
        self.type(f"{line}\n")
        assert eventually(self.record.exists), self.shown
        return self.record.read_text().split("\0")[:-1]

    def close(self) -> None:
        os.close(self.terminal)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def install(folder: Path, path: str) -> str:
    """Make a folder with the program; return the search path that begins with it."""
    folder.mkdir()
    for program, text in (("cachediscovery", PROGRAM), ("sudo", SUDO)):
        (folder / program).write_text(text)
        (folder / program).chmod(stat.S_IRWXU)
    return f"{folder}:{path}"
