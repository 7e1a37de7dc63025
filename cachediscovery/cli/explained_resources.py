"""The resources that `explain` looks in if the index cannot be used: those of the documents, cached or fetched."""

from __future__ import annotations

from ..index.search import COLUMNS, IndexSearch
from ..restmapper.explain_rules import NoResource, Resources
from ..restmapper.rows import rows_of
from .output import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..model.discovery_result import DiscoveryResult
    from .session import Session

    T = TypeVar("T")


def discovered(session: Session, look: Callable[[Resources], T]) -> T:
    """What `look` finds in the documents; if that is nothing, and they are not fresh, in those of the server.

    Raises `NoResource`, and what `look` raises.
    """
    found = session.documents()
    if not session.client.fresh:
        try:
            return look(resources_of(found))
        except NoResource:
            session.client.invalidate_locally()
        found = session.documents()
    try:
        return look(resources_of(found))
    except NoResource as error:
        if not found.failed:
            raise
        names = ", ".join(map(str, found.failed))
        raise NoResource(f"{error}, but {names} could not be discovered: try again") from error


def resources_of(found: DiscoveryResult, warn: Callable[[str], None] = warn) -> Resources:
    """The resources in documents."""
    rows = rows_of(found)
    search = IndexSearch([[row[at] for row in rows] for at in range(len(COLUMNS))])
    return Resources(search, list(map(str, found.groups.group_versions)), warn)
