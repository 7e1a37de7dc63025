"""What the flags of a command mean: the cluster's overrides, the TTL, the numbers of the transport."""

from __future__ import annotations

import os

from ..disk.layout import DEFAULT_TTL, VARIABLES
from .flags import Parsed, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..config.overrides import ConfigOverrides

# The digits of the largest 64-bit number.
_MAX_DIGITS = 19


def refuse_flags_of_the_cache(parsed: Parsed) -> None:
    """Raise `UsageError` for a flag that has no effect because the server is asked in any case."""
    why = "with --refresh" if parsed.flag("refresh") else "without --cached"
    for flag in ("cached", "cache-ttl", "stale-if-error", "stale-while-revalidate"):
        if parsed.flag(flag) if flag == "cached" else parsed.given(flag):
            raise UsageError(f"--{flag} has no effect {why}")


def check_shared_flags(parsed: Parsed) -> None:
    """Raise `UsageError` for a password that every user can see in the list of processes, or a name without effect."""
    url = parsed.text("shared-cache")
    if parsed.given("shared-cluster") and not has_shared_cache(parsed):
        raise UsageError("--shared-cluster has no effect without --shared-cache")
    if ":" in url.partition("://")[2].rpartition("@")[0] or "password=" in url.lower():
        raise UsageError(f"--shared-cache with a password is seen by others: set ${VARIABLES['shared_cache']} instead")


def has_shared_cache(parsed: Parsed, option: str = "shared_cache") -> bool:
    """Whether a shared cache is named, by the flag or the variable."""
    return bool(parsed.text("shared-cache") or os.environ.get(VARIABLES[option]))


def overrides_from(parsed: Parsed, context: str) -> ConfigOverrides:
    """The overrides of the kubeconfig that flags set. `context` comes before the flag."""
    from ..config.overrides import ConfigOverrides

    return ConfigOverrides(
        kubeconfig=parsed.text("kubeconfig"),
        context=context or parsed.text("context"),
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
    """The TTL in seconds: `--cache-ttl`, else `$CACHEDISCOVERY_TTL`, else kubectl's six hours."""
    return seconds_of(parsed, "cache-ttl", "ttl", DEFAULT_TTL)


def transport_numbers(parsed: Parsed) -> dict[str, Any]:
    """The transport options that flags set. Raises `UsageError`."""
    numbers: dict[str, Any] = {}
    for flag, name in (("connect-timeout", "connect_timeout"), ("request-timeout", "read_timeout")):
        seconds = _duration(parsed.text(flag), f"--{flag}") if parsed.text(flag) else 0.0
        # kubectl's default "0" means no time-out beyond the usual one.
        if seconds:
            numbers[name] = seconds
    for flag, name, least in (("max-document-bytes", "max_document_bytes", 1), ("retries", "retries", 0)):
        text = parsed.text(flag)
        if text:
            if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < least:
                raise UsageError(f"--{flag} {text[:40]!r} is not a number of {'bytes' if least else 'retries'}")
            numbers[name] = int(text)
    return numbers


def seconds_of(parsed: Parsed, flag: str, option: str, default: float) -> float:
    """The seconds of a flag, else of the environment variable of the cache's `option`, else `default`."""
    if parsed.given(flag):
        return _duration(parsed.text(flag), f"--{flag}")
    text = os.environ.get(VARIABLES[option], "")
    return _duration(text, f"${VARIABLES[option]}") if text else default


def _duration(text: str, source: str) -> float:
    from ..config.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from error
