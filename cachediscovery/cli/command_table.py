"""The commands and their flags, as data for parsing, help and shell completion.

A new command needs an entry here, a module in `commands/`, and its examples in `help_texts.py`.
"""

from __future__ import annotations

from .flags import ARRAY, BOOL, LEVEL, SLICE, TEXT, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What global flags are about: see `Command.scopes`.
KUBECONFIG, CONTEXT, CLUSTER, REQUEST = "kubeconfig", "context", "cluster", "request"
ROOT, TTL, STALE = "root", "ttl", "stale"

GLOBAL_FLAGS = (
    Flag("kubeconfig", TEXT, "path of the kubeconfig file", scope=KUBECONFIG),
    Flag("context", TEXT, "kubeconfig context to use", scope=CONTEXT),
    Flag("cluster", TEXT, "kubeconfig cluster to use", scope=CLUSTER),
    Flag("user", TEXT, "kubeconfig user to use", scope=CLUSTER),
    Flag("server", TEXT, "URL of the API server", "s", scope=CLUSTER),
    Flag("token", TEXT, "bearer token", scope=REQUEST),
    Flag("tls-server-name", TEXT, "name expected in the server's certificate", scope=CLUSTER),
    Flag("certificate-authority", TEXT, "file with the certificate authority", scope=CLUSTER),
    Flag("insecure-skip-tls-verify", BOOL, "do not check the server's certificate", scope=CLUSTER),
    Flag("client-certificate", TEXT, "file with the client certificate", scope=REQUEST),
    Flag("client-key", TEXT, "file with the client key", scope=REQUEST),
    Flag("as", TEXT, "user to impersonate", scope=REQUEST),
    Flag("as-group", ARRAY, "group to impersonate, may be repeated", scope=REQUEST),
    Flag("as-uid", TEXT, "UID to impersonate", scope=REQUEST),
    Flag("disable-compression", BOOL, "request uncompressed responses", scope=REQUEST),
    Flag("connect-timeout", TEXT, "longest time to wait for a connection (default 5s)", scope=REQUEST),
    Flag("request-timeout", TEXT, "longest time to wait for a response (default 32s)", scope=REQUEST),
    Flag("retries", TEXT, "how often to repeat a request (default only where the server asks)", scope=REQUEST),
    Flag("max-document-bytes", TEXT, "largest response to accept (default 64 MiB)", scope=REQUEST),
    Flag("cache-dir", TEXT, "root of the cache (default $KUBECACHEDIR or ~/.kube/cache)", scope=ROOT),
    Flag("cache-ttl", TEXT, "age at which documents expire (default $CACHEDISCOVERY_TTL or 6h)", scope=TTL),
    Flag(
        "stale-if-error",
        TEXT,
        "how long after expiry documents may be used if the server cannot be reached",
        scope=STALE,
    ),
    Flag(
        "stale-while-revalidate",
        TEXT,
        "how long after expiry documents may be used during a refresh",
        scope=STALE,
    ),
    Flag("verbose", LEVEL, "1: requests and a summary; 2: cache hits and misses; 6: as kubectl's -v 6", "v", alias="v"),
    Flag("help", BOOL, "show a command's help", "h"),
)

_CACHED = Flag("cached", BOOL, "use the cache, and ask the server only for what is missing or expired")
_REFRESH = Flag("refresh", BOOL, "always ask the server whether anything has changed")
_NO_PEER = Flag(
    "no-peer", BOOL, "ask one API server for what it serves itself, without its peers and without the cache"
)
_DRY_RUN = Flag("dry-run", BOOL, "only print what would be removed")

# The commands for one cluster; those of them that send requests; those that use documents as well.
_OF_CLUSTER = (KUBECONFIG, CONTEXT, CLUSTER, ROOT)
_ASKS = (*_OF_CLUSTER, REQUEST)
_USES_CACHE = (*_ASKS, TTL, STALE)


class Command:
    """One command. `implementation` is its module below `cli.commands`; its `run(parsed)` returns the exit code.

    `scopes` are those of the global flags that concern the command. The others are refused.
    """

    __slots__ = ("aliases", "arguments", "flags", "implementation", "name", "scopes", "summary")

    def __init__(
        self,
        name: str,
        summary: str,
        implementation: str,
        flags: Sequence[Flag] = (),
        arguments: str = "",
        scopes: Sequence[str] = (),
        aliases: Sequence[str] = (),
    ) -> None:
        self.name: str = name
        self.summary: str = summary
        self.implementation: str = implementation
        self.flags: Sequence[Flag] = flags
        self.arguments: str = arguments
        self.scopes: Sequence[str] = scopes
        self.aliases: Sequence[str] = aliases

    def accepts(self, flag: Flag) -> bool:
        """Whether a global flag has an effect with this command."""
        return not flag.scope or flag.scope in self.scopes


COMMANDS = (
    Command(
        "api-resources",
        "Print the API resources of the server",
        "api_resources",
        (
            Flag("api-group", TEXT, "only the resources of this API group"),
            _CACHED,
            _REFRESH,
            Flag("categories", SLICE, "only the resources of all these categories"),
            Flag("namespaced", BOOL, "only namespaced resources, or (=false) only cluster-scoped ones"),
            Flag("no-headers", BOOL, "do not print headers"),
            _NO_PEER,
            Flag("output", TEXT, "json, name, wide or yaml", "o", ("json", "name", "wide", "yaml")),
            Flag("sort-by", TEXT, "name or kind", choices=("name", "kind")),
            Flag("verbs", SLICE, "only the resources that support all these verbs"),
        ),
        scopes=_USES_CACHE,
    ),
    Command(
        "api-versions",
        "Print the API versions of the server",
        "api_versions",
        (_CACHED, _NO_PEER, _REFRESH),
        scopes=_USES_CACHE,
    ),
    Command(
        "server-version",
        "Print the version of the server",
        "server_version",
        (Flag("output", TEXT, "json or yaml", "o", ("json", "yaml")),),
        scopes=_ASKS,
    ),
    Command(
        "invalidate",
        "Drop the cached documents of the cluster, or one of them",
        "invalidate",
        (),
        "[GROUP/VERSION]",
        scopes=_OF_CLUSTER,
    ),
    Command(
        "cache info",
        "Print what the cache holds, cluster by cluster",
        "cache_info",
        (Flag("output", TEXT, "json", "o", ("json",)),),
        scopes=(KUBECONFIG, ROOT, TTL),
    ),
    Command(
        "cache size",
        "Print the size of the cache",
        "cache_size",
        (Flag("output", TEXT, "json", "o", ("json",)),),
        scopes=(ROOT,),
    ),
    Command(
        "cache prune",
        "Remove expired and broken documents, and clusters that are in no kubeconfig",
        "cache_prune",
        (_DRY_RUN,),
        scopes=(KUBECONFIG, ROOT, TTL),
    ),
    Command(
        "cache verify",
        "Compare every cached document of the cluster with the server",
        "cache_verify",
        (Flag("output", TEXT, "json", "o", ("json",)),),
        scopes=_ASKS,
    ),
    Command(
        "cache warm",
        "Fetch what the cache lacks, for all contexts or the given ones",
        "cache_warm",
        (_REFRESH,),
        "[CONTEXT...]",
        scopes=_USES_CACHE,
    ),
    Command(
        "cache clear",
        "Remove all documents of all clusters, or of the given contexts",
        "cache_clear",
        (_DRY_RUN, Flag("yes", BOOL, "do not ask on a terminal", "y")),
        "[CONTEXT...]",
        scopes=(KUBECONFIG, CONTEXT, ROOT),
    ),
    Command(
        "cache path",
        "Print the folder of the cluster's documents",
        "cache_path",
        scopes=_OF_CLUSTER,
        aliases=("cache dir",),
    ),
    Command(
        "resolve",
        "Resolve names, or the objects in files, to group, version, resource, kind, scope and path",
        "resolve",
        (
            Flag(
                "filename", SLICE, "files of manifests (- is standard input), whose resources and paths to print", "f"
            ),
            Flag("namespace", TEXT, "namespace of the printed path", "n"),
            Flag("no-headers", BOOL, "do not print headers"),
            _NO_PEER,
            Flag("output", TEXT, "json, name or yaml", "o", ("json", "name", "yaml")),
            _REFRESH,
        ),
        "NAME... | -f FILE",
        scopes=_USES_CACHE,
    ),
    Command(
        "explain",
        "Describe a resource and its fields, as kubectl does",
        "explain",
        (
            Flag("api-version", TEXT, "use this API version (GROUP/VERSION) of the resource"),
            Flag("max-depth", TEXT, "how many levels of fields to print with --recursive (default 0: all)"),
            Flag("output", TEXT, "plaintext or json", "o", ("plaintext", "json")),
            Flag("recursive", BOOL, "print the fields of fields", "R"),
            _REFRESH,
        ),
        "RESOURCE[.FIELD...]",
        scopes=_USES_CACHE,
    ),
    Command("completion", "Print the completion script of a shell", "completion", (), "bash|zsh|fish|powershell"),
    Command("demo", "Show the main job, cold and warm, against a built-in server, without any cluster", "demo"),
    Command("options", "Print the global flags", "options"),
    Command("version", "Print the version of this program", "version"),
)


def find_command(words: Sequence[str]) -> tuple[Command | None, int]:
    """Return the command that `words` begin with, and the number of words in its name."""
    for length in (2, 1):
        name = " ".join(words[:length])
        for command in COMMANDS:
            if (command.name == name or name in command.aliases) and len(words) >= length:
                return command, length
    return None, 0


def all_flags() -> list[Flag]:
    """The flags of every command and the global flags."""
    return [*GLOBAL_FLAGS, *(flag for command in COMMANDS for flag in command.flags)]
