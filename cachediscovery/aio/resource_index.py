"""`AsyncResourceIndex`: the index of a cached client for asyncio programs."""

from __future__ import annotations

from .event_loop import run_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..discovery.interfaces import ResourceIndex
    from ..index.search import IndexSearch


class AsyncResourceIndex:
    """A `ResourceIndex` whose methods are coroutines: they read or check files."""

    def __init__(self, index: ResourceIndex) -> None:
        self._index = index

    async def search(self) -> IndexSearch | None:
        """The table of all resources, if the index on disk matches the documents; else None."""
        return await run_in_thread(self._index.search)

    async def write(self) -> bool:
        """Write the index unless it is current or a document is not on disk. Return whether it was written."""
        return await run_in_thread(self._index.write)

    async def revision(self) -> int:
        """A number that changes when a used document is no longer valid."""
        known = self._index.checked_revision()
        return await run_in_thread(self._index.revision) if known is None else known

    def checked_revision(self) -> int | None:
        """The revision, if the files were checked just now; None if `revision` would check them."""
        return self._index.checked_revision()
