"""The help texts, generated from the command table."""

from __future__ import annotations

from .command_table import COMMANDS, GLOBAL_FLAGS, Command
from .flags import BOOL, LEVEL, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def program_help(program: str) -> str:
    """Return the text of `--help` without a command."""
    width = max(len(f"{command.name} {command.arguments}") for command in COMMANDS) + 2
    lines = [
        f"{program}: what a Kubernetes cluster serves, from the cache that kubectl uses.",
        "",
        "Usage:",
        f"  {program} COMMAND [flags]",
        "",
        "Commands:",
        *(f"  {f'{command.name} {command.arguments}':<{width}}{command.summary}" for command in COMMANDS),
        "",
        "Flags of every command:",
        *_flag_lines(GLOBAL_FLAGS),
    ]
    return "\n".join(lines) + "\n"


def command_help(command: Command, program: str) -> str:
    """Return the text of `COMMAND --help`."""
    usage = " ".join(part for part in (program, command.name, command.arguments, "[flags]") if part)
    lines = [f"{command.summary}.", "", "Usage:", f"  {usage}"]
    if command.flags:
        lines += ["", "Flags:", *_flag_lines(command.flags)]
    lines += ["", "Flags of every command:", *_flag_lines(GLOBAL_FLAGS)]
    return "\n".join(lines) + "\n"


def _flag_lines(flags: Iterable[Flag]) -> list[str]:
    lines = []
    for flag in flags:
        letter = f"-{flag.letter}, " if flag.letter else "    "
        value = "" if flag.kind in (BOOL, LEVEL) else f" {flag.kind}"
        lines.append(f"  {letter}{f'--{flag.name}{value}':<32}{flag.help}")
    return lines
