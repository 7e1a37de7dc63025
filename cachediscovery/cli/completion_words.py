"""Shell completion candidates. They come from the cache: no request is made."""

from __future__ import annotations

from .command_table import COMMANDS, GLOBAL_FLAGS, Command, all_flags, find_command
from .flags import BOOL, LEVEL, Flag, Parsed, UsageError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .session import Session


# Characters allowed in a candidate. A name from a server with any other character is dropped.
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:@/")
# A field may be named "$ref", which is written with a backslash.
_IN_PATHS = _IN_NAMES | {"$", "\\"}
# bash treats these as separate words.
_BREAKS = ("", "=", ":")
_QUOTES = "\"'"
# The flags whose values are paths, and cobra's directives for the shell: it may complete files, or not.
_PATHS = frozenset(("filename", "kubeconfig", "certificate-authority", "client-certificate", "client-key", "cache-dir"))
_FILES, _NO_FILES = 0, 4
# The characters that a backslash escapes between double quotes.
_SPECIAL_IN_QUOTES = '$`"\\'


def candidates(shell: str, line: str, word: str | None = None) -> list[str]:
    """Return the candidates for the last word of `line`, unquoted, each with a tab and its description if it has one.

    `line` begins with the program's name. `word` is bash's last word. bash also splits at "=", ":" and others,
    wants only the part after them, and shows no descriptions.
    """
    words = split_line(line)
    last = words.pop() if words else ""
    found = _found(words[1:], last)
    if shell == "bash":
        return [name[len(last) - len(_rest(last, word)) :] for name in found]
    return _described(found)


def candidates_for_cobra(words: list[str]) -> list[str]:
    """Return the candidates for the last of the program's arguments, and a directive, as cobra's programs print them.

    kubectl asks its plugins for this.
    """
    *before, last = words or [""]
    is_path = (
        before and last[:1] != "-" and any(before[-1] in _spelled(flag) for flag in all_flags() if flag.name in _PATHS)
    )
    return [*_described(_found(before, last)), f":{_FILES if is_path else _NO_FILES}"]


def _described(found: dict[str, str]) -> list[str]:
    return [f"{name}\t{description}" if description else name for name, description in found.items()]


def _rest(last: str, word: str | None) -> str:
    if word is None:
        return last.rpartition("=")[2]
    if word in _BREAKS:
        return ""
    # bash has removed the quotes if the cursor is inside them, else kept them.
    return word if last.endswith(word) else split_line(word)[-1]


def split_line(line: str) -> list[str]:
    """Split a command line into words without quotes. The last word is unfinished and may be empty."""
    words, quote, begun = [""], "", False
    characters = iter(line)
    for character in characters:
        if quote == "'" or (quote and character not in (quote, "\\")):
            if character == quote:
                quote = ""
            else:
                words[-1] += character
        elif character == "\\":
            escaped = next(characters, "")
            words[-1] += escaped if not quote or escaped in _SPECIAL_IN_QUOTES else character + escaped
            begun = True
        elif character in _QUOTES:
            quote, begun = "" if quote else character, True
        elif not character.isspace():
            words[-1] += character
            begun = True
        elif begun:
            words.append("")
            begun = False
    return words


def _found(words: list[str], last: str) -> dict[str, str]:
    """The candidates, sorted, with their descriptions; none if the configuration is unusable."""
    try:
        found = _next(words, last)
    except Exception as error:
        from ..model.errors import DiscoveryError

        if not isinstance(error, (DiscoveryError, UsageError)):
            raise
        return {}
    # The shells read one candidate per line.
    names = [word for word in found if word and word.startswith(last) and word.isprintable()]
    return {name: found[name] for name in sorted(names)}


def _next(words: list[str], last: str) -> dict[str, str]:
    """What may follow `words` where `last` is begun, with descriptions."""
    command, _ = find_command(_without_flags(words))
    flags = list(GLOBAL_FLAGS)
    if command is not None:
        flags = [*command.flags, *filter(command.accepts, GLOBAL_FLAGS)]
    if last.startswith("--") and "=" in last:
        name = last[2:].partition("=")[0]
        return _bare(f"--{name}={value}" for flag in flags if flag.name == name for value in _values(flag, words))
    before = words[-1] if words else ""
    for flag in flags:
        if before in _spelled(flag):
            return _bare(_values(flag, words))
    if last.startswith("-"):
        return {f"--{flag.name}": flag.help for flag in flags}
    if command is None:
        return _command_words(words)
    return _explained(words, last) if command.name == "explain" else _bare(_arguments(command, words, last))


def _bare(names: Iterable[str]) -> dict[str, str]:
    """Names without descriptions."""
    return dict.fromkeys(names, "")


def _without_flags(words: list[str]) -> list[str]:
    """The words that are neither flags nor values of flags."""
    try:
        return _parsed(words).arguments
    except UsageError:
        return [word for word in words if not word.startswith("-")]


def _spelled(flag: Flag) -> tuple[str, ...]:
    """How a flag is written before its value; not at all if it takes none."""
    return (f"--{flag.name}", f"-{flag.letter}") if flag.kind not in (BOOL, LEVEL) else ()


def _command_words(words: list[str]) -> dict[str, str]:
    """The next word of each command that begins with `words`, with the command's summary."""
    known = {command.name: command.summary for command in COMMANDS}
    plain = _without_flags(words)
    if plain[:1] == ["help"]:
        plain = plain[1:]
    else:
        known["help"] = "Show the help of a command"
    depth = len(plain)
    found: dict[str, str] = {}
    for name, summary in known.items():
        parts = name.split()
        if parts[:depth] == plain and len(parts) > depth:
            is_last = len(parts) == depth + 1
            found[parts[depth]] = summary if is_last else f"The commands of {parts[depth]}"
    return found


def _values(flag: Flag, words: list[str]) -> Iterable[str]:
    if flag.choices:
        return flag.choices
    if flag.name in ("context", "cluster", "user"):
        return _configured(flag.name, words)
    if flag.name == "api-version":
        return _names(_session_for(words).cached_group_versions())
    if flag.name == "api-group":
        return [name.rpartition("/")[0] for name in _names(_session_for(words).cached_group_versions()) if "/" in name]
    return []


def _arguments(command: Command, words: list[str], last: str) -> Iterable[str]:
    if command.name == "completion":
        from .commands.completion import SCRIPTS

        return SCRIPTS
    if command.name == "invalidate":
        return _names(_session_for(words).cached_group_versions())
    if command.arguments == "[CONTEXT...]":
        return _configured("context", words)
    if command.name == "resolve":
        prefix = last.rpartition(",")[0] + "," if "," in last else ""
        return [prefix + name for name in _names(_cached_names(_session_for(words), last.removeprefix(prefix)))]
    return []


def _explained(words: list[str], last: str) -> dict[str, str]:
    """The resources and the field paths that begin with `last`, with descriptions."""
    from .field_candidates import FieldCandidates

    parsed = _parsed(words)
    if len(parsed.arguments) > 1:
        return {}
    session = _session_for(words)
    fields = FieldCandidates(session, parsed.text("api-version"))
    try:
        found = fields.completing(last, _names(_cached_names(session, last, categories=False)))
    finally:
        fields.finish()
    return {name: text for name, text in found.items() if _IN_PATHS.issuperset(name)}


def _configured(noun: str, words: list[str]) -> Iterable[str]:
    """The contexts, clusters or users of the kubeconfig."""
    from ..config.kubeconfig import load_kubeconfig

    kubeconfig = load_kubeconfig(_parsed(words).text("kubeconfig"))
    return {"context": kubeconfig.contexts, "cluster": kubeconfig.clusters, "user": kubeconfig.users}[noun]


def _names(texts: Iterable[str]) -> list[str]:
    """Return the texts that are valid names."""
    return [text for text in texts if _IN_NAMES.issuperset(text) and not text.startswith("-")]


def _cached_names(session: Session, beginning: str, *, categories: bool = True) -> list[str]:
    """The cached names of resources, and of `categories`, that start with `beginning`, fresh or expired."""
    from ..index.search import CATEGORIES, COLUMNS, GROUP, PLURAL, SHORT_NAMES, SINGULAR

    positions = (GROUP, PLURAL, SINGULAR, SHORT_NAMES, *([CATEGORIES] if categories else []))
    index = session.index([COLUMNS[position] for position in positions], expired=True)
    if index is not None:
        columns = [index.column(COLUMNS[position]) for position in positions]
    else:
        from ..restmapper.rows import rows_of

        rows = rows_of(session.cached_documents())
        columns = [[row[position] for row in rows] for position in positions]
    groups, plurals, singulars, *lists = columns
    names = [name for column in (plurals, singulars) for name in column if name.startswith(beginning)]
    # Thousands of rows share a few lists: split each distinct one once.
    texts = {text for column in lists for text in column if beginning in text}
    names += [word for text in texts for word in text.split(",") if word.startswith(beginning)]
    plural_only = beginning.partition(".")[0]
    return names + [
        f"{plural}.{group}"
        for plural, group in zip(plurals, groups, strict=True)
        if plural.startswith(plural_only) and group
    ]


def _session_for(words: list[str]) -> Session:
    from .session import Session

    return Session(_parsed(words))


def _parsed(words: list[str]) -> Parsed:
    """Parse the flags so far, leaving out a last flag whose value is being completed."""
    flags = all_flags()
    try:
        return parse(words, flags)
    except UsageError:
        return parse(words[:-1], flags)
