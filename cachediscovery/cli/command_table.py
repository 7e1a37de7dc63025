"""The commands and their flags, as data for parsing, help and shell completion."""

from __future__ import annotations

from .flags import ARRAY, BOOL, LEVEL, SLICE, TEXT, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GLOBAL_FLAGS = (
    Flag("kubeconfig", TEXT, "path of the kubeconfig file"),
    Flag("context", TEXT, "kubeconfig context to use"),
    Flag("cluster", TEXT, "kubeconfig cluster to use"),
    Flag("user", TEXT, "kubeconfig user to use"),
    Flag("server", TEXT, "URL of the API server", "s"),
    Flag("token", TEXT, "bearer token"),
    Flag("tls-server-name", TEXT, "name expected in the server's certificate"),
    Flag("certificate-authority", TEXT, "file with the certificate authority"),
    Flag("insecure-skip-tls-verify", BOOL, "do not check the server's certificate"),
    Flag("client-certificate", TEXT, "file with the client certificate"),
    Flag("client-key", TEXT, "file with the client key"),
    Flag("as", TEXT, "user to impersonate"),
    Flag("as-group", ARRAY, "group to impersonate, may be repeated"),
    Flag("as-uid", TEXT, "UID to impersonate"),
    Flag("disable-compression", BOOL, "request uncompressed responses"),
    Flag("connect-timeout", TEXT, "longest time to wait for a connection (default 5s)"),
    Flag("request-timeout", TEXT, "longest time to wait for a response (default 32s)"),
    Flag("max-document-bytes", TEXT, "largest response to accept (default 64 MiB)"),
    Flag("cache-dir", TEXT, "root of the cache (default $KUBECACHEDIR or ~/.kube/cache)"),
    Flag("cache-ttl", TEXT, "age at which documents expire (default $CACHEDISCOVERY_TTL or 6h)"),
    Flag("stale-if-error", TEXT, "how long after expiry documents may be used if the server cannot be reached"),
    Flag("stale-while-revalidate", TEXT, "how long after expiry documents may be used during a refresh"),
    Flag("verbose", LEVEL, "show cache hits, misses and requests", "v"),
    Flag("help", BOOL, "show this help", "h"),
)

_CACHED = Flag("cached", BOOL, "use the cache; the default is to ask the server")
_REFRESH = Flag("refresh", BOOL, "revalidate the cache with the server, and refresh it")


class Command:
    """One command. `implementation` is its module below `cli.commands`; its `run(parsed)` returns the exit code."""

    __slots__ = ("arguments", "flags", "implementation", "name", "summary")

    def __init__(
        self, name: str, summary: str, implementation: str, flags: Sequence[Flag] = (), arguments: str = ""
    ) -> None:
        self.name: str = name
        self.summary: str = summary
        self.implementation: str = implementation
        self.flags: Sequence[Flag] = flags
        self.arguments: str = arguments


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
            Flag("output", TEXT, "json, name, wide or yaml", "o", ("json", "name", "wide", "yaml")),
            Flag("sort-by", TEXT, "name or kind", choices=("name", "kind")),
            Flag("verbs", SLICE, "only the resources that support all these verbs"),
        ),
    ),
    Command("api-versions", "Print the API versions of the server", "api_versions", (_CACHED, _REFRESH)),
    Command(
        "server-version",
        "Print the version of the server",
        "server_version",
        (Flag("output", TEXT, "json or yaml", "o", ("json", "yaml")),),
    ),
    Command(
        "invalidate", "Drop the cached documents of the cluster, or one of them", "invalidate", (), "[GROUP/VERSION]"
    ),
    Command(
        "cache info",
        "Print what the cache holds, cluster by cluster",
        "cache_info",
        (Flag("output", TEXT, "json", "o", ("json",)),),
    ),
    Command(
        "cache prune",
        "Remove expired and broken documents, and clusters that are in no kubeconfig",
        "cache_prune",
        (Flag("dry-run", BOOL, "only print what would be removed"),),
    ),
    Command(
        "cache verify",
        "Compare every cached document of the cluster with the server",
        "cache_verify",
        (Flag("output", TEXT, "json", "o", ("json",)),),
    ),
    Command(
        "cache warm",
        "Fetch what the cache lacks, for all contexts or the given ones",
        "cache_warm",
        (_REFRESH,),
        "[CONTEXT...]",
    ),
    Command("cache clear", "Remove all documents of all clusters", "cache_clear"),
    Command("cache path", "Print the folder of the cluster's documents", "cache_path"),
    Command(
        "resolve",
        "Resolve names to group, version, resource, kind, scope and path",
        "resolve",
        (
            Flag("namespace", TEXT, "namespace of the printed path", "n"),
            Flag("no-headers", BOOL, "do not print headers"),
            Flag("output", TEXT, "json or name", "o", ("json", "name")),
            _REFRESH,
        ),
        "NAME...",
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
    ),
    Command("completion", "Print the completion script of a shell", "completion", (), "bash|zsh|fish"),
    Command("demo", "Show a cold and a warm listing against a built-in server, without any cluster", "demo"),
    Command("version", "Print the version of this program", "version"),
)


def find_command(words: Sequence[str]) -> tuple[Command | None, int]:
    """Return the command that `words` begin with, and the number of words in its name."""
    for length in (2, 1):
        name = " ".join(words[:length])
        for command in COMMANDS:
            if command.name == name and len(words) >= length:
                return command, length
    return None, 0


def all_flags() -> list[Flag]:
    """The flags of every command and the global flags."""
    return [*GLOBAL_FLAGS, *(flag for command in COMMANDS for flag in command.flags)]
