"""`Failure`: what a `DiscoveryServer` answers in place of a recorded document."""

from __future__ import annotations

from typing import Any, NamedTuple

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    410: "Expired",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


class Failure(NamedTuple):
    """An answer in place of the recorded one. Without a `body` it is a `Status` object with `message`."""

    status: int = 503
    message: str = "the server is currently unable to handle the request"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"
    # How often; None for always.
    times: int | None = None


def status_object(code: int, message: str) -> dict[str, Any]:
    """The `Status` object of an error response."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, ""),
        "code": code,
    }
