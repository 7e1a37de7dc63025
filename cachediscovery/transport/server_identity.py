"""`ServerIdentity`: what a response reveals about the cluster that sent it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from ..model.fields import MalformedDocument, get_object, get_str
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# API Priority and Fairness (KEP-1040): every response names the objects that classified its request, and their
# UIDs differ between clusters.
_UID_HEADERS = ("X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid")
_MAX_UID = 64

# Identities seen within `gathered_identities`, also by threads started there.
_answered: ContextVar[list[ServerIdentity] | None] = ContextVar("answered", default=None)


class ServerIdentity(NamedTuple):
    """`certificate` is the fingerprint of the server's certificate, "" without TLS. `uids` come from the headers.

    `connection` is the number of the connection, None if connections cannot be told apart.
    """

    certificate: str = ""
    uids: frozenset[str] = frozenset()
    connection: int | None = None


def identity_of(headers: Mapping[str, str], certificate: str = "", connection: int | None = None) -> ServerIdentity:
    """Return the identity shown by a response; `headers` ignores letter case."""
    uids = (headers.get(name, "") for name in _UID_HEADERS)
    return ServerIdentity(certificate, frozenset(filter(is_uid, uids)), connection)


def is_uid(value: str) -> bool:
    """Return whether a string looks like a UID."""
    return 0 < len(value) <= _MAX_UID and value.isascii() and value.replace("-", "").isalnum()


def uid_of(source: dict[str, Any]) -> str:
    """The UID of a Kubernetes object; "" if it has none."""
    try:
        uid = get_str(get_object(source, "metadata"), "uid")
    except MalformedDocument:
        return ""
    return uid if is_uid(uid) else ""


@contextmanager
def gathered_identities() -> Iterator[list[ServerIdentity]]:
    """Yield a list that collects the server identity of each response received in the block."""
    answered: list[ServerIdentity] = []
    token = _answered.set(answered)
    try:
        yield answered
    finally:
        _answered.reset(token)


def note_identity(identity: ServerIdentity) -> None:
    """Add an identity to the list of `gathered_identities`, if one is active."""
    answered = _answered.get()
    if answered is not None:
        answered.append(identity)


def fingerprint_of_peer(connection: Any) -> str:
    """Return the SHA-256 of the certificate of a socket's peer; "" if it has none."""
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
