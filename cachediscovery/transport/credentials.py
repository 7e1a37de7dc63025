"""The client's identity: the `Authorization` header and the client certificate, renewed when they expire."""

from __future__ import annotations

import time

from .._concurrency import Lock
from ..config.files import read_configured
from ..model.errors import CredentialsError
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.client_config import ClientConfig, ExecConfig
    from .exec_plugin import ExecCredential

# client-go re-reads token files once a minute; the kubelet rotates them well before they expire.
_TOKEN_FILE_SECONDS = 60.0


class Identity(NamedTuple):
    """The credentials of one request. An empty `authorization` or `certificate` is not sent."""

    authorization: str = ""
    certificate: bytes = b""
    key: bytes = b""

    def __repr__(self) -> str:
        return "Identity(…)"


class Credentials:
    """The credentials that a `ClientConfig` describes. Safe for use by several threads."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._static: Identity | None = None
        self._token_file_read_at = -_TOKEN_FILE_SECONDS
        self._token_file_token = ""
        self._exec_credential: ExecCredential | None = None

    def identity(self) -> Identity:
        """Return the current identity. Raises `CredentialsError` or `ConfigError`."""
        if not self._config.has_tls:
            # Like kubectl: never send credentials over plain HTTP.
            return Identity()
        with self._lock:
            identity = self._configured()
            plugin = self._config.exec
            # Like client-go: a plugin runs only if no other credentials are configured.
            if plugin is None or identity != Identity():
                return identity
            credential = self._exec_credential
            if credential is None or (credential.expires_at is not None and credential.expires_at <= time.time()):
                credential = self._run(plugin)
            return _identity_of(credential)

    def renew(self, refused: Identity) -> bool:
        """Get another identity after a 401 for `refused`. Return whether it differs."""
        with self._lock:
            if self._config.token_file and not self._config.token:
                self._token_file_read_at = -_TOKEN_FILE_SECONDS
                return self._configured() != refused
            plugin = self._config.exec
            credential = self._exec_credential
            if plugin is None or credential is None:
                # The certificate files may have been renewed.
                self._static = None
                return self._configured() != refused
            if _identity_of(credential) == refused:
                # If it differs, another thread has renewed it already.
                credential = self._run(plugin)
            return _identity_of(credential) != refused

    def _run(self, plugin: ExecConfig) -> ExecCredential:
        from .exec_plugin import run_exec_plugin

        self._exec_credential = run_exec_plugin(self._config, plugin)
        return self._exec_credential

    def _configured(self) -> Identity:
        """The identity without an exec plugin."""
        config = self._config
        if self._static is None:
            authorization = ""
            if config.token:
                authorization = f"Bearer {_header_safe(config.token, 'token')}"
            elif (config.username or config.password) and not config.token_file:
                from base64 import b64encode

                basic = b64encode(f"{config.username}:{config.password}".encode()).decode()
                authorization = f"Basic {basic}"
            self._static = Identity(authorization, *_client_identity(config))
        if config.token_file and not config.token:
            return self._static._replace(authorization=f"Bearer {self._token_from_file()}")
        return self._static

    def _token_from_file(self) -> str:
        now = time.monotonic()
        if now - self._token_file_read_at < _TOKEN_FILE_SECONDS:
            return self._token_file_token
        path = self._config.token_file
        try:
            with open(path, encoding="utf-8") as file:
                token = _header_safe(file.read(1 << 20), f"tokenFile {path}")
        except (OSError, ValueError) as error:
            # During a rotation the file may be missing for a moment: the last token is probably still valid.
            if self._token_file_token:
                return self._token_file_token
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise CredentialsError(f"tokenFile {path} cannot be read: {reason}") from _harmless(error)
        if not token:
            raise CredentialsError(f"tokenFile {path} is empty")
        self._token_file_read_at = now
        self._token_file_token = token
        return token


def _client_identity(config: ClientConfig) -> tuple[bytes, bytes]:
    """Return the client certificate and key as PEM, both b"" for none. Raises `ConfigError`."""
    certificate = config.client_certificate_data
    if not certificate and config.client_certificate_file:
        certificate = read_configured(config.client_certificate_file, "client-certificate")
    key = config.client_key_data
    if not key and config.client_key_file:
        key = read_configured(config.client_key_file, "client-key")
    return certificate, key


def _identity_of(credential: ExecCredential) -> Identity:
    authorization = f"Bearer {_header_safe(credential.token, 'token')}" if credential.token else ""
    return Identity(authorization, credential.certificate, credential.key)


def _harmless(error: Exception) -> Exception | None:
    """An error that may be chained: one of decoding holds what was read, the token."""
    return error if isinstance(error, OSError) else None


def _header_safe(token: str, what: str) -> str:
    token = token.strip()
    if not token.isascii() or not token.isprintable():
        raise CredentialsError(f"the {what} has characters that are invalid in a header: is it complete?")
    return token
