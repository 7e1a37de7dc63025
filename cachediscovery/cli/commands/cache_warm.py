"""`cache warm`: fills the cache for every context, or for the given ones."""

from __future__ import annotations

import time
from functools import partial

from ..._concurrency import run_together
from ...config.kubeconfig import load_kubeconfig
from ...disk.document_store import GROUPS
from ...model.errors import ConfigError, DiscoveryError, GroupDiscoveryFailed
from ..flags import Parsed
from ..output import fail, format_table, write
from ..progress import progress
from ..session import Session
from ..upkeep import contexts_given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...disk.document_store import DocumentStore

_HEADERS = ("CONTEXT", "SERVER", "DOCUMENTS", "STATE")
# Shared: another context has the same cluster and was warmed. Unsaved: documents could not be written.
_FETCHED, _FRESH, _PARTIAL, _FAILED, _SHARED, _UNSAVED = "fetched", "fresh", "partial", "failed", "shared", "unsaved"
# How far file timestamps may lag behind the clock.
_COARSE_SECONDS = 2.0
# The maximum of contexts warmed at a time.
_WORKERS = 8


class _Row:
    """The result for one context."""

    def __init__(self, context: str) -> None:
        self.context = context
        self.server = ""
        self.documents = 0
        self.state = _FAILED
        self.problem = ""


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    rows = [_Row(name) for name in _contexts(parsed)]
    # Contexts of one cluster share a folder: warm only one of them.
    clusters: dict[str, list[tuple[_Row, Session]]] = {}
    for row in rows:
        try:
            session = Session(parsed, row.context, asks=parsed.flag("refresh"))
        except DiscoveryError as error:
            row.problem = str(error)
            continue
        row.server = session.server
        folder = session.store.folder if session.store is not None else row.server
        clusters.setdefault(folder, []).append((row, session))
    refresh = parsed.flag("refresh")
    calls = [partial(_warm_cluster, contexts, refresh=refresh) for contexts in clusters.values()]
    if calls:
        with progress(rows[0].server if len(calls) == 1 else f"{len(calls)} clusters"):
            run_together(calls, _WORKERS)
    write(format_table([_HEADERS, *((row.context, row.server, str(row.documents), row.state) for row in rows)]))
    for row in rows:
        if row.problem:
            fail(f"context {row.context}: {row.problem}")
    return 1 if any(row.problem for row in rows) else 0


def _contexts(parsed: Parsed) -> list[str]:
    """The given contexts, else all. Raises `ConfigError`."""
    names = contexts_given(parsed) or list(load_kubeconfig(parsed.text("kubeconfig")).contexts)
    if not names:
        raise ConfigError("no kubeconfig has a context: set KUBECONFIG, or use --kubeconfig")
    return names


def _warm_cluster(contexts: list[tuple[_Row, Session]], *, refresh: bool) -> None:
    done: _Row | None = None
    for row, session in contexts:
        if done is not None:
            row.documents, row.state = done.documents, _SHARED
            continue
        try:
            _warm(session, row, refresh=refresh)
            done = row
        except DiscoveryError as error:
            row.problem = str(error)


def _warm(session: Session, row: _Row, *, refresh: bool) -> None:
    store, client = session.store_or_fail(), session.client
    began = time.time()
    if refresh:
        client.invalidate_locally()
    try:
        _, lists = client.server_groups_and_resources()
        row.state = _FETCHED if client.fresh else _FRESH
    except GroupDiscoveryFailed as error:
        (_, lists), row.state, row.problem = error.result, _PARTIAL, str(error)
    # Count the group list too.
    row.documents = len(lists) + (not row.problem)
    client.resource_index.write()
    # Incomplete group lists and empty resource lists are never written.
    keys = [*([] if row.problem else [GROUPS]), *(found.group_version for found in lists if found.resources)]
    since = began - _COARSE_SECONDS if client.fresh else 0.0
    unsaved = [key for key in keys if not _is_saved(store, key, since)]
    if unsaved:
        row.documents -= len(unsaved)
        row.state = _UNSAVED
        path = store.path(unsaved[0])
        words = path if len(unsaved) == 1 else f"{len(unsaved)} documents, {path} among them,"
        row.problem = f"{row.problem}; {words} cannot be written".removeprefix("; ")


def _is_saved(store: DocumentStore, key: str, since: float) -> bool:
    """Return whether a document fetched at or after `since` (seconds since the epoch) is on disk."""
    signature = store.signature(key)
    return signature is not None and signature.mtime >= since
