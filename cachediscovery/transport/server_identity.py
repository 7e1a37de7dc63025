"""`ServerIdentity`: what an answer shows of the cluster that gave it, without being asked."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# API Priority and Fairness (KEP-1040): every answer names the objects by which its request was classified, and
# each cluster has made its own.
_UID_HEADERS = ("X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid")
_MAX_UID = 64

# Who has answered the requests that were made within `gathered_identities`, also in threads begun there.
_answered: ContextVar[list[ServerIdentity] | None] = ContextVar("answered", default=None)


class ServerIdentity(NamedTuple):
    """`certificate` is a fingerprint of the server's, "" without TLS; `uids` are those of its answer's headers.

    `connection` is the number of the connection that the answer came on, None where connections cannot be told apart.
    """

    certificate: str = ""
    uids: frozenset[str] = frozenset()
    connection: int | None = None


def identity_of(headers: Mapping[str, str], certificate: str = "", connection: int | None = None) -> ServerIdentity:
    """The identity that an answer shows; `headers` ignores letter case."""
    uids = (headers.get(name, "") for name in _UID_HEADERS)
    return ServerIdentity(certificate, frozenset(filter(is_uid, uids)), connection)


def is_uid(value: str) -> bool:
    """Whether a UID may look like this."""
    return 0 < len(value) <= _MAX_UID and value.isascii() and value.replace("-", "").isalnum()


@contextmanager
def gathered_identities() -> Iterator[list[ServerIdentity]]:
    """A list to which the identity of whoever answers is added, for each request made within."""
    answered: list[ServerIdentity] = []
    token = _answered.set(answered)
    try:
        yield answered
    finally:
        _answered.reset(token)


def note_identity(identity: ServerIdentity) -> None:
    """Add an identity to the list of `gathered_identities`, if there is one."""
    answered = _answered.get()
    if answered is not None:
        answered.append(identity)


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
