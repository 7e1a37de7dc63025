"""`Failure`: what a `DiscoveryServer` answers in place of a recorded document."""

from __future__ import annotations

from typing import NamedTuple


class Failure(NamedTuple):
    """An answer in place of the recorded one. Without a `body` it is a `Status` object with `message`."""

    status: int = 503
    message: str = "the server is currently unable to handle the request"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"
    # How often; None for always.
    times: int | None = None
