"""`ServerIdentity`: what an answer shows of the cluster that gave it, without being asked."""

from __future__ import annotations

from ..records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# API Priority and Fairness (KEP-1040): every answer names the objects by which its request was classified, and
# each cluster has made its own.
_UID_HEADERS = ("X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid")
_MAX_UID = 64


class ServerIdentity(NamedTuple):
    """`certificate` is a fingerprint of the server's, "" without TLS; `uids` are those of its answer's headers."""

    certificate: str = ""
    uids: frozenset[str] = frozenset()


def identity_of(headers: Mapping[str, str], certificate: str = "") -> ServerIdentity:
    """The identity that an answer shows; `headers` ignores letter case."""
    uids = (headers.get(name, "") for name in _UID_HEADERS)
    return ServerIdentity(certificate, frozenset(uid for uid in uids if 0 < len(uid) <= _MAX_UID and _is_word(uid)))


def fingerprint_of_peer(connection: Any) -> str:
    """The SHA-256 of the certificate that the other end of a socket has shown; "" where it has shown none."""
    if not hasattr(connection, "getpeercert"):
        return ""
    try:
        certificate = connection.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return ""
    if not certificate:
        return ""
    from hashlib import sha256

    return sha256(certificate).hexdigest()


def _is_word(value: str) -> bool:
    return value.isascii() and value.replace("-", "").isalnum()
