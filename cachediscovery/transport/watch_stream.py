"""`LineStream`: the lines of a streaming response, such as a watch, as they arrive."""

from __future__ import annotations

from .._cancellation import current
from ..model.errors import InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from .._cancellation import Cancellation

_CHUNK = 64 << 10


class LineStream:
    """Iterate over it to get the lines as bytes."""

    def __init__(
        self,
        response: requests.Response,
        url: str,
        limit: int,
        failed: Callable[[Exception], Exception],
        within: Cancellation,
    ) -> None:
        """`limit` is the longest line in bytes. `failed` maps exceptions of `urllib3` and the socket to our errors.

        The stream ends when `within` or the reading thread's current cancellation is cancelled.
        """
        self._response = response
        self._url = url
        self._limit = limit
        self._failed = failed
        self._within = within

    def __iter__(self) -> Iterator[bytes]:
        """Yield lines until the response ends. Raises `RequestError` if the connection fails or is given up."""
        pending = b""
        raw = self._response.raw
        read = raw.read1 if hasattr(raw, "read1") else raw.read
        end = getattr(raw, "hang_up", self._response.close)
        try:
            while True:
                try:
                    with self._within.ending(end), current().ending(end):
                        chunk = read(_CHUNK, decode_content=True)
                except Exception as error:
                    # Not chained, as in `ServerSession.get`.
                    raise self._failed(error) from None
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                if len(pending) > self._limit:
                    raise InvalidDocument(self._url, f"{self._url} sent an event of more than {self._limit} bytes")
                yield from filter(None, lines)
        finally:
            self.close()

    def close(self) -> None:
        """Close the response."""
        self._response.close()
