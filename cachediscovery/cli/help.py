"""The help texts, generated from the command table and `help_texts.py`."""

from __future__ import annotations

from .command_table import COMMANDS, GLOBAL_FLAGS, Command, find_command
from .flags import BOOL, LEVEL, Flag
from .help_texts import DETAILS, EXAMPLES
from .nearest import did_you_mean, nearest
from .output import fail, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def without_command(words: Sequence[str], argv: Sequence[str], program: str) -> int:
    """Answer a command line that names no command: a question for help, or an error. Return the exit code."""
    if "--version" in argv and not words:
        from ..version import VERSION

        write(f"cachediscovery {VERSION}\n")
        return 0
    wants_help = words[:1] == ["help"] or bool({"-h", "--help"} & {*argv})
    topic = list(words[1:] if words[:1] == ["help"] else words)
    if not topic:
        write(_program_help(program))
        return 0
    command, _ = find_command(topic)
    if command is not None:
        write(command_help(command, program))
        return 0
    group = topic[0] if any(command.name.startswith(f"{topic[0]} ") for command in COMMANDS) else ""
    if topic == [group] and wants_help:
        write(_group_help(group, program))
        return 0
    parent = f"{program} {group}".rstrip()
    if topic == [group]:
        fail(f"'{parent}' needs a command: {', '.join(_next_words(group))} (see '{parent} --help')")
        return 1
    typed = topic[bool(group)]
    near = nearest(typed, _next_words(group))
    advice = "" if near else f" (see '{parent} --help')"
    fail(f'unknown command "{typed}" for "{parent}"{advice}', did_you_mean(near))
    return 1


def command_help(command: Command, program: str) -> str:
    """Return the text of `COMMAND --help`."""
    usage = " ".join(part for part in (program, command.name, command.arguments, "[flags]") if part)
    lines = [f"{command.summary}.", *_indented(DETAILS.get(command.name, ""), ""), "", "Examples:"]
    for at, (what, line) in enumerate(EXAMPLES[command.name]):
        lines += [""] * bool(at) + [f"  # {what}", f"  {program} {line}"]
    if command.aliases:
        lines += ["", "Aliases:", f"  {', '.join((command.name, *command.aliases))}"]
    if command.flags:
        lines += ["", "Flags:", *_flag_lines(command.flags)]
    lines += ["", "Usage:", f"  {usage}", "", _about_global_flags(program)]
    return "\n".join(lines) + "\n"


def global_flags_help() -> str:
    """Return the text of `options`."""
    lines = ["The following flags can be passed to every command that they have an effect with:", ""]
    return "\n".join([*lines, *_flag_lines(GLOBAL_FLAGS), *_indented(DETAILS["options"], "")]) + "\n"


def _program_help(program: str) -> str:
    lines = [
        f"{program}: what a Kubernetes cluster serves, from the cache that kubectl uses.",
        "",
        "Commands:",
        *_command_lines(COMMANDS, ""),
        "",
        "Usage:",
        f"  {program} COMMAND [flags]",
        "",
        f'Use "{program} COMMAND --help" for more information about a command.',
        _about_global_flags(program),
    ]
    return "\n".join(lines) + "\n"


def _group_help(group: str, program: str) -> str:
    commands = [command for command in COMMANDS if command.name.startswith(f"{group} ")]
    lines = [
        f"{DETAILS[group]}",
        "",
        "Commands:",
        *_command_lines(commands, f"{group} "),
        "",
        "Usage:",
        f"  {program} {group} COMMAND [flags]",
        "",
        f'Use "{program} {group} COMMAND --help" for more information about a command.',
        _about_global_flags(program),
    ]
    return "\n".join(lines) + "\n"


def _next_words(group: str) -> list[str]:
    """The commands of a group, or (for "") the first words of all commands."""
    names = [name.split() for command in COMMANDS for name in (command.name, *command.aliases)]
    if group:
        return sorted(name[1] for name in names if name[0] == group)
    return [*dict.fromkeys(name[0] for name in names), "help"]


def _command_lines(commands: Sequence[Command], prefix: str) -> list[str]:
    named = [(f"{command.name.removeprefix(prefix)} {command.arguments}", command) for command in commands]
    width = max(len(name) for name, _ in named) + 2
    return [f"  {name:<{width}}{command.summary}" for name, command in named]


def _about_global_flags(program: str) -> str:
    return f'Use "{program} options" for a list of global command-line options.'


def _indented(text: str, indent: str) -> list[str]:
    return ["", *(f"{indent}{line}" for line in text.split("\n"))] if text else []


def _flag_lines(flags: Iterable[Flag]) -> list[str]:
    shown = []
    for flag in flags:
        letter = f"-{flag.letter}, " if flag.letter else "    "
        value = {BOOL: "", LEVEL: " [number]"}.get(flag.kind, f" {flag.kind}")
        shown.append((f"{letter}--{flag.name}{value}", flag.help))
    width = max(len(spelled) for spelled, _ in shown) + 2
    return [f"  {spelled:<{width}}{text}" for spelled, text in shown]
