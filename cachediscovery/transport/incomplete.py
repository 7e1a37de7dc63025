"""Why a response is not whole."""

from __future__ import annotations


class TooLargeError(Exception):
    """The body of an answer is larger than the bound."""


class CutShortError(Exception):
    """The connection ended before the answer did."""
