"""Reads the files named in a configuration: certificates and keys."""

from __future__ import annotations

from ..model.errors import ConfigError

_MAX_BYTES = 16 << 20


def read_configured(path: str, what: str) -> bytes:
    """Read the file `path`, which is the configuration's `what`. Raises `ConfigError`."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{what} {path} cannot be read: {reason}") from error
