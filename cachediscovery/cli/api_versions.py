"""`api-versions`: the same bytes on standard output as kubectl's."""

from __future__ import annotations

from ..lines import printable
from .flags import Parsed
from .progress import progress
from .session import Session
from .stdout import write


def run(parsed: Parsed) -> int:
    session = Session(parsed)
    client = session.client()
    if parsed.flag("refresh") or not parsed.flag("cached"):
        client.invalidate()
    with progress(session.server):
        groups = client.server_groups()
    names = sorted(str(group_version) for group_version in groups.group_versions)
    write("".join(f"{printable(name)}\n" for name in names))
    session.finish(client)
    return 0
