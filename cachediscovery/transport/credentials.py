"""The client's identity: the `Authorization` header and the client certificate, renewed when they expire."""

from __future__ import annotations

import time
from contextvars import ContextVar

from .._concurrency import Lock
from ..config.files import read_configured
from ..model.errors import CredentialsError
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..config.client_config import ClientConfig, ExecConfig
    from .exec_plugin import ExecCredential

    T = TypeVar("T")

# client-go re-reads token files once a minute; the kubelet rotates them well before they expire.
_TOKEN_FILE_SECONDS = 60.0

# The credentials whose `run_with` this thread, or the one that started it, is in; and whether that is its last try.
# Without credentials: it is in `without_plugins`.
_held: ContextVar[tuple[Credentials | None, bool] | None] = ContextVar("held", default=None)


class PluginNeeded(Exception):
    """A plugin would have to run within `without_plugins` or `Credentials.run_with`, which both handle this."""


def without_plugins(call: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """Return the result of `call`, within which no exec plugin runs; that of `otherwise` if one would have to.

    Within another such call, or within `Credentials.run_with`, that one decides.
    """
    if _held.get() is not None:
        return call()
    token = _held.set((None, False))
    try:
        return call()
    except PluginNeeded:
        pass
    finally:
        _held.reset(token)
    return otherwise()


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
        # `_lock` is held for a moment, `_running` while the plugin runs.
        self._lock, self._running = Lock(), Lock()
        self._static: Identity | None = None
        self._token_file_read_at = -_TOKEN_FILE_SECONDS
        self._token_file_token = ""
        self._exec_credential: ExecCredential | None = None
        self._refused: ExecCredential | None = None

    def run_with(self, call: Callable[[], T]) -> T:
        """Return the result of `call`, before which the credentials are got: no exec plugin runs within it.

        If they expire or are refused within it, `call` is given up, and called once more with new ones. Raises
        `CredentialsError` or `ConfigError`.
        """
        if self._try() is not None:
            return call()
        self.identity()
        try:
            return self._call_held(call, is_last=False)
        except PluginNeeded:
            pass
        self.identity()
        return self._call_held(call, is_last=True)

    def _call_held(self, call: Callable[[], T], *, is_last: bool) -> T:
        token = _held.set((self, is_last))
        try:
            return call()
        finally:
            _held.reset(token)

    def _try(self) -> bool | None:
        """Within `run_with` or `without_plugins`, whether it is the last try; None elsewhere."""
        held = _held.get()
        return held[1] if held is not None and held[0] in (self, None) else None

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
            credential, is_last = self._exec_credential, self._try()
            if credential is not None and (is_last or not self._is_over(credential)):
                return _identity_of(credential)
        if is_last is not None:
            raise PluginNeeded
        return _identity_of(self._run(plugin, credential))

    def renew(self, refused: Identity) -> bool:
        """Get another identity after a 401 for `refused`. Return whether it differs."""
        with self._lock:
            # The files of certificate and token may have been renewed.
            self._static, self._token_file_read_at = None, -_TOKEN_FILE_SECONDS
            credential = self._exec_credential
            # If it differs, another thread has renewed it already.
            if credential is not None and _identity_of(credential) == refused:
                self._refused = credential
        return self.identity() != refused

    def _is_over(self, credential: ExecCredential) -> bool:
        """Whether a credential was refused, or has expired."""
        if credential is self._refused:
            return True
        return credential.expires_at is not None and credential.expires_at <= time.time()

    def _run(self, plugin: ExecConfig, known: ExecCredential | None) -> ExecCredential:
        """The credential in place of `known`, from the plugin unless another thread ran it meanwhile."""
        from .exec_plugin import run_exec_plugin

        with self._running:
            found = self._exec_credential
            if found is None or found is known:
                found = self._exec_credential = run_exec_plugin(self._config, plugin)
            return found

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
