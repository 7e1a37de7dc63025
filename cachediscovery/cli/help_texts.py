"""The examples of each command's help, and what else there is to say of it. Only `--help` imports this module."""

from __future__ import annotations

_WHEN_ASKED = """\
--cached uses the cache and asks the server only for what is missing or expired; --refresh always asks it
whether anything has changed; {neither}.

              what is asked                        what is used
  --cached    nothing, or what is missing or       documents from the cache, younger than --cache-ttl
              expired
  --refresh   "has it changed?", in two requests   the cache if nothing changed (304), else the response
  neither     {asked:<37}{used}"""
_ASKS_BY_DEFAULT = _WHEN_ASKED.format(
    neither="without either the server is asked, as by kubectl", asked="the same as with --refresh", used="the same"
)
_CACHED_BY_DEFAULT = """\
Without --refresh the cache is used, and the server is asked only for what is missing or expired; with
--refresh it is always asked whether anything has changed.

              what is asked                        what is used
  neither     nothing, or what is missing or       documents from the cache, younger than --cache-ttl
              expired; once if a name is unknown
  --refresh   "has it changed?", in two requests   the cache if nothing changed (304), else the response"""

DETAILS = {
    "api-resources": _ASKS_BY_DEFAULT,
    "api-versions": _ASKS_BY_DEFAULT,
    "resolve": _CACHED_BY_DEFAULT,
    "explain": """\
Resources are named, and fields found, as by kubectl, and the text is the same. kubectl asks the server for
the index of the OpenAPI documents in every run; here the cached one is used as long as it is younger than
--cache-ttl. A resource or a field that the cache lacks is looked for on the server, once.""",
    "cache": "Look at the cache, fill it, or remove it. It is shared with kubectl.",
    "cache clear": """\
Without a context, the files of all clusters go, and the responses stored for all of them. With contexts (as
arguments or --context) only the folders of their clusters go, which other contexts may share. On a terminal
the command asks before it removes anything, unless --yes is given.""",
    "cache size": "All files are counted: documents, indexes, stored responses. `cache info` has the documents alone.",
    "invalidate": "The next command asks the server again. kubectl uses the same documents, and asks again too.",
    "options": """\
A number after -v is its level; -v alone is level 1. To end -v before an argument that is a number, write
-v=1 or put -v last. The levels:

  1   each request, and a summary: documents from the cache, requests, milliseconds
  2   also each document that the cache had or lacked, and why
  6   the same lines as kubectl's -v 6 shows them; headers and bodies are never shown

No output has colours. Progress is shown on a terminal alone, if the server takes longer than a moment.""",
}

# (what for, the command line after the program's name)
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "api-resources": (
        ("Print the API resources, asking the server", "api-resources"),
        ("Print them from the cache, with verbs and categories", "api-resources --cached -o wide"),
        ("Print the namespaced resources that can be listed", "api-resources --cached --namespaced --verbs=list"),
        ("Print the resources of an API group", "api-resources --cached --api-group=rbac.authorization.k8s.io"),
    ),
    "api-versions": (
        ("Print the API versions, asking the server", "api-versions"),
        ("Print them from the cache", "api-versions --cached"),
    ),
    "server-version": (
        ("Print the version of the server", "server-version"),
        ("Print all fields of it", "server-version -o yaml"),
    ),
    "invalidate": (
        ("Drop the cluster's documents", "invalidate"),
        ("Drop the resources of one group version", "invalidate apps/v1"),
    ),
    "cache info": (
        ("Print documents, ages, URL and contexts of each cluster", "cache info"),
        ("Print each document's state", "cache info -o json"),
    ),
    "cache size": (
        ("Print the size of the cache", "cache size"),
        ("Print it in bytes", "cache size -o json"),
    ),
    "cache prune": (
        ("Print what would be removed", "cache prune --dry-run"),
        ("Remove it", "cache prune"),
    ),
    "cache verify": (("Compare the cluster's documents with the server", "cache verify"),),
    "cache warm": (
        ("Fetch what is missing or expired, for all contexts", "cache warm"),
        ("Ask the server of one context whether anything has changed", "cache warm local --refresh"),
    ),
    "cache clear": (
        ("Print what would be removed", "cache clear --dry-run"),
        ("Remove the files of one context's cluster", "cache clear local"),
        ("Remove those of all clusters, without a question", "cache clear --yes"),
    ),
    "cache path": (
        ("Print the folder of the current context's cluster", "cache path"),
        ("Print that of another context's", "cache path --context local"),
    ),
    "resolve": (
        ("Print what two names stand for", "resolve deploy Certificate"),
        ("Print the path of a resource in a namespace", "resolve pods -n shop"),
        ("Print a resource with its verbs", "resolve vm -o yaml"),
        ("Print the resources of a category", "resolve all -o name"),
        ("Print the resource and the path of each object in a file", "resolve -f manifests.yaml"),
    ),
    "explain": (
        ("Print the fields of a resource", "explain pods"),
        ("Print a field, found by its path", "explain deployments.spec.strategy"),
        ("Print all fields, with those below them", "explain deployments --recursive"),
        ("Print a field as JSON, for a program", "explain pods.spec.containers -o json"),
    ),
    "completion": (
        ("Load the completion into bash", "completion bash"),
        ("Load it into zsh", "completion zsh"),
        ("Load it into PowerShell (add: | Out-String | Invoke-Expression)", "completion powershell"),
    ),
    "demo": (("Show the main job on a server of its own", "demo"),),
    "options": (("Print the global flags", "options"),),
    "version": (("Print the version of this program", "version"),),
}
