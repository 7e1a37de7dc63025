"""What may come next on a command line. Asks no server: names of resources are those of the cache."""

from __future__ import annotations

from .command_table import COMMANDS, GLOBAL_FLAGS, Command, all_flags, find_command
from .flags import BOOL, LEVEL, Flag, Parsed, UsageError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model.discovery_result import DiscoveryResult
    from .session import Session


def candidates(shell: str, line: str) -> list[str]:
    """The words that may stand at the end of `line`, which begins with the program's name."""
    words = line.split()[1:]
    last = words.pop() if words and not line[-1:].isspace() else ""
    try:
        found = _found(words, last)
    except Exception as error:
        from ..model.errors import DiscoveryError

        # There is nothing to say of a configuration that cannot be used.
        if not isinstance(error, (DiscoveryError, UsageError)):
            raise
        found = []
    if shell == "bash" and "=" in last:
        # bash takes "=" for the end of a word.
        prefix = last.partition("=")[0] + "="
        found = [word.removeprefix(prefix) for word in found]
    return found


def _found(words: list[str], last: str) -> list[str]:
    return sorted({word for word in _next(words, last) if word and word.startswith(last)})


def _next(words: list[str], last: str) -> Iterable[str]:
    command, _ = find_command([word for word in words if not word.startswith("-")])
    flags = [*(command.flags if command is not None else ()), *GLOBAL_FLAGS]
    if last.startswith("--") and "=" in last:
        name = last[2:].partition("=")[0]
        return [f"--{name}={value}" for flag in flags if flag.name == name for value in _values(flag, words)]
    before = words[-1] if words else ""
    for flag in flags:
        takes_value = flag.kind not in (BOOL, LEVEL)
        if takes_value and before in (f"--{flag.name}", f"-{flag.letter}"):
            return _values(flag, words)
    if last.startswith("-"):
        return [f"--{flag.name}" for flag in flags]
    if command is None:
        return _command_words(words)
    return _arguments(command, words, last)


def _command_words(words: list[str]) -> list[str]:
    """The next word of the commands that begin with what is there."""
    names = [command.name.split() for command in COMMANDS]
    plain = [word for word in words if not word.startswith("-")]
    return [name[len(plain)] for name in names if len(name) > len(plain) and name[: len(plain)] == plain]


def _values(flag: Flag, words: list[str]) -> Iterable[str]:
    if flag.choices:
        return flag.choices
    if flag.name in ("context", "cluster", "user"):
        from ..config.kubeconfig import load_kubeconfig

        kubeconfig = load_kubeconfig(_parsed(words).text("kubeconfig"))
        return {"context": kubeconfig.contexts, "cluster": kubeconfig.clusters, "user": kubeconfig.users}[flag.name]
    if flag.name == "api-group":
        return [name.rpartition("/")[0] for name in _cached_group_versions(words) if "/" in name]
    return []


def _arguments(command: Command, words: list[str], last: str) -> Iterable[str]:
    if command.name == "completion":
        from .commands.completion import SCRIPTS

        return SCRIPTS
    if command.name == "invalidate":
        return _cached_group_versions(words)
    if command.name == "resolve":
        prefix = last.rpartition(",")[0] + "," if "," in last else ""
        return [prefix + name for name in _cached_names(words, last.removeprefix(prefix))]
    return []


def _cached_group_versions(words: list[str]) -> list[str]:
    """The group versions that are in the cache, fresh or not."""
    from ..index.search import GROUP_VERSIONS

    session = _session_for(words)
    index = session.index([GROUP_VERSIONS], expired=True)
    if index is not None:
        return index.column(GROUP_VERSIONS)
    return list(map(str, _cached_documents(session).groups.group_versions))


def _cached_names(words: list[str], beginning: str) -> list[str]:
    """The names with this beginning of the resources that are in the cache, fresh or not, and their categories."""
    from ..index.search import CATEGORIES, COLUMNS, GROUP, PLURAL, SHORT_NAMES, SINGULAR

    positions = (GROUP, PLURAL, SINGULAR, SHORT_NAMES, CATEGORIES)
    session = _session_for(words)
    index = session.index([COLUMNS[position] for position in positions], expired=True)
    if index is not None:
        columns = [index.column(COLUMNS[position]) for position in positions]
    else:
        from ..restmapper.rows import rows_of

        rows = rows_of(_cached_documents(session))
        columns = [[row[position] for row in rows] for position in positions]
    groups, plurals, singulars, *lists = columns
    names = [name for column in (plurals, singulars) for name in column if name.startswith(beginning)]
    # The same few lists of words stand in thousands of rows.
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


def _cached_documents(session: Session) -> DiscoveryResult:
    """The documents that are in the cache, fresh or not. A completion asks no server."""
    from ..cache.document_cache import DocumentCache
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroupList

    cache = DocumentCache(session.store, float("inf"), 0)
    groups = cache.groups()
    return cache.with_resources(groups) if groups is not None else DiscoveryResult(APIGroupList(()))


def _parsed(words: list[str]) -> Parsed:
    """The flags so far; one whose value is just being completed is none yet."""
    flags = all_flags()
    try:
        return parse(words, flags)
    except UsageError:
        return parse(words[:-1], flags)
