"""TLS contexts for a `ClientConfig`."""

from __future__ import annotations

import os
import ssl

from .._concurrency import UNFORKABLE, Lock
from ..config.files import read_configured
from ..model.errors import ConfigError, CredentialsError
from ..model.redact import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ..config.client_config import ClientConfig


class TLSContexts:
    """The TLS contexts of one configuration, created once each. Safe for use by several threads."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._lock = Lock()
        # Only the latest: once a plugin replaces its certificate and key, the old ones are not needed again.
        self._made: tuple[tuple[bytes, bytes], ssl.SSLContext] | None = None

    def context(self, certificate: bytes, key: bytes) -> ssl.SSLContext:
        """The context that presents `certificate` (PEM; b"" for none). Raises `ConfigError` or `CredentialsError`."""
        with self._lock:
            if self._made is None or self._made[0] != (certificate, key):
                # A fork must not copy OpenSSL's locks while they are held.
                with UNFORKABLE:
                    self._made = (certificate, key), ssl_context(self._config, certificate, key)
            return self._made[1]


def ca_bytes(config: ClientConfig) -> bytes:
    """Return the configured CA as PEM, b"" to trust the system's CAs. Raises `ConfigError`."""
    if config.ca_data or not config.ca_file:
        return config.ca_data
    return read_configured(config.ca_file, "certificate-authority")


def ssl_context(config: ClientConfig, certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Create a context that trusts the CAs of `config` and presents `certificate` (PEM; b"" for none).

    Raises `ConfigError` for an unusable CA, `CredentialsError` for an unusable certificate or key.
    """
    authority = ca_bytes(config)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if config.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority:
        try:
            context.load_verify_locations(cadata=authority.decode("ascii", "ignore"))
        except (ssl.SSLError, TypeError, ValueError) as error:
            where = config.ca_file or "certificate-authority-data"
            raise ConfigError(f"{where} holds no usable certificate: {one_line(error)}") from error
    else:
        _trust_system(context)
    if certificate:
        _load_identity(context, certificate, key)
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if not context.cert_store_stats()["x509_ca"]:
        # The Python of python.org for macOS has no CAs; requests brings certifi.
        import certifi

        context.load_verify_locations(certifi.where())


def _load_identity(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load the key through a private temporary folder, because Python's ssl reads keys only from files."""
    import tempfile

    def no_prompt() -> NoReturn:
        raise CredentialsError("the client key is encrypted: give it without a passphrase, or use an exec plugin")

    try:
        with tempfile.TemporaryDirectory(prefix="cachediscovery-") as folder:
            path = os.path.join(folder, "identity.pem")
            # Mode 0600 in a folder of mode 0700: no other user can ever read the key.
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(certificate.rstrip(b"\n") + b"\n" + key)
            context.load_cert_chain(path, password=no_prompt)
    except ssl.SSLError as error:
        raise CredentialsError(f"the client certificate and key cannot be used: {one_line(error)}") from error
    except OSError as error:
        raise CredentialsError(
            f"the client key cannot be loaded by way of a temporary file: {error.strerror}"
        ) from error
