from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.transport.server_identity import identity_of, key_of_certificate

NOW = datetime.datetime(2026, 1, 1)


def certificate(key: ec.EllipticCurvePrivateKey, name: str, days: int = 30) -> bytes:
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        called, called, key.public_key(), x509.random_serial_number(), NOW, NOW + datetime.timedelta(days)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_renewed_certificate_has_the_same_key_and_another_server_has_not() -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    first = key_of_certificate(certificate(key, "kube-apiserver"))
    assert key_of_certificate(certificate(key, "kube-apiserver, one year later", 365)) == first
    assert key_of_certificate(certificate(other, "kube-apiserver")) != first


def test_a_certificate_that_cannot_be_taken_apart_stands_for_itself() -> None:
    whole = certificate(ec.generate_private_key(ec.SECP256R1()), "x")
    assert key_of_certificate(whole[:-1]) != key_of_certificate(whole)
    assert key_of_certificate(b"") != key_of_certificate(b"0")


@given(st.binary(max_size=80), st.integers(0, 400), st.integers(0, 255))
def test_no_certificate_however_broken_raises(data: bytes, at: int, byte: int) -> None:
    assert len(key_of_certificate(data)) == 64
    whole = bytearray(WHOLE)
    whole[at % len(whole)] = byte
    assert len(key_of_certificate(bytes(whole[: len(whole) - at % 7]))) == 64


@given(st.text())
def test_a_uid_is_short_and_has_no_strange_characters(value: str) -> None:
    (uid,) = identity_of({"X-Kubernetes-Pf-Flowschema-Uid": value}).uids or ("-",)
    assert uid.replace("-", "a").isalnum()
    assert uid.isascii()
    assert len(uid) <= 64


WHOLE = certificate(ec.generate_private_key(ec.SECP256R1()), "kube-apiserver")
