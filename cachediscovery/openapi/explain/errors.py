"""`ExplainError`: what kubectl says if there is nothing to explain."""

from __future__ import annotations


class ExplainError(Exception):
    """The argument cannot be explained. The message is kubectl's, without `prefix`.

    `printed` is what kubectl has already written to standard output by then.
    """

    prefix = "error: "

    def __init__(self, message: str, printed: str = "") -> None:
        super().__init__(message)
        self.printed = printed


class NotInDocument(ExplainError):
    """The documents that were used do not have it. Newer ones may."""
