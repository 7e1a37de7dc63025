"""From the global flags to a cached client, which opens no connection and parses no YAML before it has to."""

from __future__ import annotations

import os

from ..config.overrides import ConfigOverrides
from ..config.remembered import RememberedServer
from ..disk.folders import cache_root
from ..disk.opening import open_store
from ..errors import ConfigError
from .flags import Parsed, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..cached_client import CachedDiscoveryClient
    from ..client import DiscoveryClient
    from ..config.client_config import ClientConfig
    from ..disk.store import DocumentStore
    from ..transport.transport import TransportOptions

TTL_VARIABLE = "CACHEDISCOVERY_TTL"


class Session:
    """What one invocation of the command line works on: one cluster, its store, its clients."""

    def __init__(self, parsed: Parsed) -> None:
        """Raises `UsageError` for flags that make no sense, `ConfigError` for a configuration that cannot be used."""
        self._parsed = parsed
        self._overrides = overrides_from(parsed)
        self._ttl = ttl_from(parsed)
        transport_numbers(parsed)
        root = cache_root(parsed.text("cache-dir"))
        chosen = (self._overrides.context, self._overrides.cluster, self._overrides.user, self._overrides.server)
        remembered = RememberedServer(root, self._overrides.kubeconfig, chosen)
        self._config: ClientConfig | None = None
        self.server = remembered.load()
        if not self.server:
            self.server = self.config.server
            remembered.save(self.server)
        self.store: DocumentStore | None = open_store(self.server, parsed.text("cache-dir"))

    @property
    def config(self) -> ClientConfig:
        """The whole configuration, credentials and all."""
        if self._config is None:
            from ..config.loading import load_config

            self._config = load_config(self._overrides)
            if self.__dict__.get("server") not in (None, "", self._config.server):
                raise ConfigError("the kubeconfig was changed while it was being read: try again")
        return self._config

    def base_client(self) -> DiscoveryClient:
        """A new client that asks the server."""
        from ..client import DiscoveryClient
        from ..disk.http_store import HTTPStore

        responses = HTTPStore(self.store.root) if self.store is not None else None
        return DiscoveryClient.for_config(self.config, transport_options(self._parsed), responses=responses)

    def client(self) -> CachedDiscoveryClient:
        """A new cached client on the cluster's store."""
        from ..cached_client import CachedDiscoveryClient
        from ..lazy import LazyDiscoveryClient

        make: Callable[[], DiscoveryClient] = self.base_client
        return CachedDiscoveryClient(LazyDiscoveryClient(self.server, make), self.store, ttl=self._ttl)


def overrides_from(parsed: Parsed) -> ConfigOverrides:
    return ConfigOverrides(
        kubeconfig=parsed.text("kubeconfig"),
        context=parsed.text("context"),
        cluster=parsed.text("cluster"),
        user=parsed.text("user"),
        server=parsed.text("server"),
        tls_server_name=parsed.text("tls-server-name"),
        certificate_authority=parsed.text("certificate-authority"),
        insecure_skip_tls_verify=parsed.flag("insecure-skip-tls-verify"),
        client_certificate=parsed.text("client-certificate"),
        client_key=parsed.text("client-key"),
        token=parsed.text("token"),
        as_user=parsed.text("as"),
        as_uid=parsed.text("as-uid"),
        as_groups=parsed.texts("as-group"),
        disable_compression=parsed.flag("disable-compression"),
    )


def ttl_from(parsed: Parsed) -> float:
    """`--cache-ttl`, else `$CACHEDISCOVERY_TTL`, else kubectl's six hours; in seconds."""
    from ..cached_client import DEFAULT_TTL

    text, source = parsed.text("cache-ttl"), "--cache-ttl"
    if not text:
        text, source = os.environ.get(TTL_VARIABLE, ""), f"${TTL_VARIABLE}"
    return _duration(text, source) if text else DEFAULT_TTL


def transport_numbers(parsed: Parsed) -> dict[str, Any]:
    """The bounds of the transport that flags set. Raises `UsageError`."""
    numbers: dict[str, Any] = {}
    for flag, name in (("connect-timeout", "connect_timeout"), ("request-timeout", "read_timeout")):
        seconds = _duration(parsed.text(flag), f"--{flag}") if parsed.text(flag) else 0.0
        # kubectl's default, "0", means: no other than the usual time-out.
        if seconds:
            numbers[name] = seconds
    size = parsed.text("max-document-bytes")
    if size:
        if not size.isdecimal() or not int(size):
            raise UsageError(f"--max-document-bytes {size!r} is not a number of bytes")
        numbers["max_document_bytes"] = int(size)
    return numbers


def transport_options(parsed: Parsed) -> TransportOptions:
    from ..transport.transport import TransportOptions

    return TransportOptions()._replace(**transport_numbers(parsed))


def _duration(text: str, source: str) -> float:
    from ..durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None
