"""`ExplainError`: what kubectl says if there is nothing to explain."""

from __future__ import annotations


class ExplainError(Exception):
    """The argument cannot be explained. The message is kubectl's, without `error: `."""


class UnknownField(ExplainError):
    """A field path leads nowhere in this document."""
