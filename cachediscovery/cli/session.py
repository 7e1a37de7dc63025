"""From the global flags to a cached client, which opens no connection and parses no YAML before it has to."""

from __future__ import annotations

import os

from ..config.overrides import ConfigOverrides
from ..disk.folders import DEFAULT_TTL
from ..disk.opening import open_store
from ..errors import DiscoveryError
from ..lazy import LazyConfig, LazyDiscoveryClient
from .flags import Parsed, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..cached_client import CachedDiscoveryClient
    from ..disk.store import DocumentStore

TTL_VARIABLE = "CACHEDISCOVERY_TTL"


class Session:
    """What one invocation of the command line works on: one cluster, its store, its clients."""

    def __init__(self, parsed: Parsed, context: str = "") -> None:
        """`context` goes before the flag.

        Raises `UsageError` for flags that make no sense, `ConfigError` for a configuration that cannot be used.
        """
        self._parsed = parsed
        self._ttl = ttl_from(parsed)
        self._stale_if_error = _seconds(parsed, "stale-if-error")
        self._stale_while_revalidate = _seconds(parsed, "stale-while-revalidate")
        self._used_expired = False
        transport_numbers(parsed)
        cache_dir = parsed.text("cache-dir")
        overrides = overrides_from(parsed)
        self._config = LazyConfig(overrides._replace(context=context) if context else overrides, cache_dir)
        self.server = self._config.cluster.server
        self.store: DocumentStore | None = open_store(self._config.cluster, cache_dir)

    def store_or_fail(self) -> DocumentStore:
        """The cluster's store. Raises `DiscoveryError` where there is none."""
        if self.store is None:
            raise DiscoveryError("there is no folder that could hold a cache: set KUBECACHEDIR or use --cache-dir")
        return self.store

    def base_client(self) -> LazyDiscoveryClient:
        """A new client that asks the server."""
        numbers = transport_numbers(self._parsed)
        options = None
        if numbers:
            from ..transport.transport import TransportOptions

            options = TransportOptions()._replace(**numbers)
        return LazyDiscoveryClient(self.server, self._config.load, self.store, options)

    def client(self) -> CachedDiscoveryClient:
        """A new cached client on the cluster's store."""
        from ..cached_client import CachedDiscoveryClient

        client = CachedDiscoveryClient(
            self.base_client(),
            self.store,
            ttl=self._ttl,
            stale_if_error=self._stale_if_error,
            stale_while_revalidate=self._stale_while_revalidate,
        )
        client.on_expired(self._note_expired)
        return client

    def finish(self, client: CachedDiscoveryClient) -> None:
        """After all is printed: keep what makes the next start fast, and renew behind what had expired."""
        client.write_index()
        if self._used_expired:
            from ..revalidation import detach

            def renew() -> None:
                client.refresh(since=0, wait=False)
                client.write_index()

            detach(renew)

    def _note_expired(self) -> None:
        self._used_expired = True


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


def _seconds(parsed: Parsed, flag: str) -> float:
    return _duration(parsed.text(flag), f"--{flag}") if parsed.given(flag) else 0.0


def _duration(text: str, source: str) -> float:
    from ..durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None
