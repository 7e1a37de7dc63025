"""`invalidate`: removes documents, for this program, kubectl and every process that uses the same folder."""

from __future__ import annotations

import os
import time
from functools import partial

from ...disk.document_store import DocumentStore
from ...disk.files import reason_of
from ...disk.lock import FetchLock
from ...index.index_file import INDEX_FILE
from ...model.errors import DiscoveryError
from ...model.names import parse_group_version
from ..flags import Parsed, UsageError
from ..output import count_of, write
from ..session import Session
from ..shared_flags import has_shared_cache
from ..upkeep import kept_in_words, report

# An error names at most this many group versions, those that are most like the argument.
_SHOWN = 5


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    if len(parsed.arguments) > 1:
        raise UsageError(f"one group version at most, got {parsed.arguments}")
    chosen = [str(parse_group_version(argument)) for argument in parsed.arguments]
    session = Session(parsed)
    removed, problems = 0, []
    # In every folder: another store may be used later if this one becomes unusable.
    for store in session.stores():
        if not os.path.isdir(store.folder):
            continue
        if store.distrust():
            problems.append(f"{store.distrust()}: the files there are left alone")
            continue
        kept: dict[str, str] = {}
        # Wait for a fetch that started before this command, and remove its documents too.
        removed += FetchLock(store.lock_path).run(partial(_remove, store, chosen, kept), lambda: None)
        if kept:
            problems.append(kept_in_words(kept, store))
    if chosen and not removed and not problems:
        known = session.cached_group_versions()
        if known and chosen[0] not in known:
            raise DiscoveryError(_unknown(parsed.arguments[0], known, session.server))
    problems += _tell_others(session, parsed)
    write(f"invalidated {count_of(removed, 'document')} of {session.server}\n")
    return report(problems)


def _tell_others(session: Session, parsed: Parsed) -> list[str]:
    """Invalidate what the shared cache holds of the cluster, if there is one; what went wrong."""
    if not has_shared_cache(parsed):
        return []
    from ..shared_records import engine_of, records_of_cluster, told_if_unavailable

    engine = engine_of(parsed)
    records = records_of_cluster(engine, session.cluster, parsed) if engine is not None else None
    if engine is None or records is None:
        return []
    try:
        with told_if_unavailable(engine):
            records.invalidate(time.monotonic())
    except DiscoveryError as error:
        return [f"{error}: other machines may still use what it holds"]
    return []


def _unknown(argument: str, known: list[str], server: str) -> str:
    """The error for an argument that the cached group list lacks."""
    group = argument.partition("/")[0]
    versions = [name for name in known if name.rpartition("/")[0] == group]
    if versions:
        return f"the cached groups of {server} lack {argument!r}: the group {group} has {', '.join(versions)}"
    from difflib import SequenceMatcher

    shown = sorted(known, key=lambda name: -SequenceMatcher(None, argument, name).ratio())[:_SHOWN]
    more = f" and {len(known) - _SHOWN} more, see 'api-versions --cached'" if len(known) > _SHOWN else ""
    return f"the cached groups of {server} lack {argument!r}: they have {', '.join(shown)}{more}"


def _remove(store: DocumentStore, chosen: list[str], kept: dict[str, str]) -> int:
    """Remove documents, the group list first, so that a partial listing is never used. Add failures to `kept`."""
    removed = 0
    for key in chosen or sorted(store.keys()):
        try:
            removed += store.unlink(key)
        except OSError as error:
            kept[store.path(key)] = reason_of(error)
    if kept:
        # The index would still serve the documents.
        try:
            os.unlink(os.path.join(store.folder, INDEX_FILE))
        except OSError:
            pass
    return removed
