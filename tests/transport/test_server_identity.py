from __future__ import annotations

import socket
import ssl
from hashlib import sha256

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.server_identity import fingerprint_of_peer, identity_of


@given(st.text())
def test_a_server_uid_is_short_and_plain_ascii(value: str) -> None:
    (uid,) = identity_of({"X-Kubernetes-Pf-Flowschema-Uid": value}).uids or ("-",)
    assert uid.replace("-", "a").isalnum()
    assert uid.isascii()
    assert len(uid) <= 64


@pytest.mark.parametrize("verify", [True, False])
def test_the_fingerprint_is_the_sha256_of_the_peer_certificate(
    tls: ssl.SSLContext, authority: trustme.CA, verify: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with DiscoveryServer(tls=tls) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address) as plain:
            assert fingerprint_of_peer(plain) == ""
        with context.wrap_socket(socket.create_connection(address), server_hostname="127.0.0.1") as secured:
            certificate = secured.getpeercert(binary_form=True)
            assert certificate
            assert fingerprint_of_peer(secured) == sha256(certificate).hexdigest()
