"""Which group and version names may be listed and turned into paths: a server may send anything."""

from __future__ import annotations

import re

# DNS-1123 subdomains and labels are what a real API server admits; letter case and `_` are let through,
# since they do no harm in a URL or a path. What cannot pass: slashes, dots alone, control characters, nothing.
_LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?"
_GROUP = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VERSION = re.compile(_LABEL)
_GROUP_MAX = 253


def is_group_name(name: str) -> bool:
    """Whether `name` can be a group served under `/apis`; the core group, "", is none of those."""
    return len(name) <= _GROUP_MAX and _GROUP.fullmatch(name) is not None


def is_version_name(name: str) -> bool:
    return _VERSION.fullmatch(name) is not None
