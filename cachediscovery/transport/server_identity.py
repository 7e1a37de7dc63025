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
_SEQUENCE = 0x30
_VERSION = 0xA0
# serialNumber, signature, issuer, validity and subject stand before the key (RFC 5280, 4.1).
_FIELDS_BEFORE_KEY = 5


class ServerIdentity(NamedTuple):
    """`key` is a fingerprint of the server's public key, "" without TLS; `uids` are those of its answer's headers."""

    key: str = ""
    uids: frozenset[str] = frozenset()


def identity_of(headers: Mapping[str, str], key: str = "") -> ServerIdentity:
    """The identity that an answer shows; `headers` ignores letter case."""
    uids = (headers.get(name, "") for name in _UID_HEADERS)
    return ServerIdentity(key, frozenset(uid for uid in uids if 0 < len(uid) <= _MAX_UID and _is_word(uid)))


def peer_key(connection: Any) -> str:
    """The fingerprint of the key that the other end of a socket has shown; "" where it has shown none."""
    if not hasattr(connection, "getpeercert"):
        return ""
    try:
        certificate = connection.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return ""
    return key_of_certificate(certificate) if certificate else ""


def key_of_certificate(certificate: bytes) -> str:
    """A fingerprint of the public key in a certificate (DER), or of the whole where it cannot be taken apart."""
    from hashlib import sha256

    return sha256(_public_key(certificate) or certificate).hexdigest()


def _public_key(certificate: bytes) -> bytes:
    """The `subjectPublicKeyInfo`: it outlives the renewal of a certificate."""
    try:
        start, _ = _content(certificate, 0, _SEQUENCE)
        at, _ = _content(certificate, start, _SEQUENCE)
        if certificate[at] == _VERSION:
            at = _content(certificate, at)[1]
        for _ in range(_FIELDS_BEFORE_KEY):
            at = _content(certificate, at)[1]
        return certificate[at : _content(certificate, at, _SEQUENCE)[1]]
    except (IndexError, ValueError):
        return b""


def _content(data: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the content of the DER value at `at` begins and ends. Raises `ValueError` or `IndexError`."""
    if tag is not None and data[at] != tag:
        raise ValueError("another tag")
    length, start = data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    if start + length > len(data):
        raise ValueError("longer than the certificate")
    return start, start + length


def _is_word(value: str) -> bool:
    return value.isascii() and value.replace("-", "").isalnum()
