"""`LineStream`: the lines of an answer that has no end, as they come: a watch."""

from __future__ import annotations

from ..errors import InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

_CHUNK = 64 << 10


class LineStream:
    """Iterate over it for the lines, in bytes; `close`, from any thread, ends that."""

    def __init__(
        self,
        response: requests.Response,
        url: str,
        limit: int,
        failed: Callable[[Exception], Exception],
        hang_up: Callable[[], None],
    ) -> None:
        """`limit` is the longest line in bytes; `failed` turns what `urllib3` and the socket raise into our errors.

        `hang_up` ends the connection under a thread that reads from it.
        """
        self._response = response
        self._url = url
        self._limit = limit
        self._failed = failed
        self._closed = False
        self._hang_up = hang_up

    def __iter__(self) -> Iterator[bytes]:
        """Raises `RequestError` where the connection breaks; ends where the server, or `close`, ends it."""
        pending = b""
        raw = self._response.raw
        read = raw.read1 if hasattr(raw, "read1") else raw.read
        try:
            while True:
                try:
                    chunk = read(_CHUNK, decode_content=True)
                except Exception as error:
                    if self._closed:
                        return
                    raise self._failed(error) from None
                if not chunk or self._closed:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                if len(pending) > self._limit:
                    raise InvalidDocument(self._url, f"{self._url} sent an event of more than {self._limit} bytes")
                yield from filter(None, lines)
        finally:
            self._response.close()

    def close(self) -> None:
        """End the iteration, also one that waits for a line in another thread."""
        self._closed = True
        self._hang_up()
