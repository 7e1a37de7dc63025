"""`StreamingTransport`: what a watch needs."""

from __future__ import annotations

from abc import abstractmethod

from .base import DocumentTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .watch_stream import LineStream


class StreamingTransport(DocumentTransport):
    """A transport that can also GET an answer without an end, as of a watch."""

    @abstractmethod
    def stream(self, path: str, *, accept: str, read_timeout: float) -> LineStream:
        """GET `path`; `read_timeout`, in seconds, is the longest silence in the answer.

        Raises `StatusError` for any status but 200, else another `RequestError`.
        """
