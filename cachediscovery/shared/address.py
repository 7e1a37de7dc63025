"""The address of a shared cache: a URL of Redis or Valkey, or a client of the caller. Imports no client library."""

from __future__ import annotations

from ..model.errors import InvalidOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The schemes of redis-py by those that are understood: Valkey speaks the same protocol.
_SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
# The methods that are used of a caller's client.
_METHODS = ("eval", "lock", "pubsub", "publish")
INSTALL = "pip install 'cachediscovery[redis]'"


def checked_address(source: str, value: object) -> Any:
    """`value` if it may be a shared cache; `source` names the argument or the variable. "" means none.

    Raises `InvalidOption`, which quotes no URL: it may hold a password. Raises `TypeError` for another type.
    """
    if not isinstance(value, str):
        return _checked_client(source, value)
    scheme, slashes, rest = value.partition("://")
    if value and (scheme not in _SCHEMES or not slashes or not rest.strip("/")):
        schemes = ", ".join(f"{name}://" for name in _SCHEMES)
        raise InvalidOption(f"{source} is not the URL of a shared cache: write redis://HOST:6379 (or {schemes})")
    if value:
        _require_redis(source)
    return value


def place_of(address: Any) -> str:
    """The address without secrets, for messages."""
    if not isinstance(address, str):
        return f"the {type(address).__name__} given"
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def connect(address: Any, **options: object) -> Any:
    """The client for an address; `options` are those of redis-py. Connects later. Raises `InvalidOption`."""
    if not isinstance(address, str):
        return address
    _require_redis("the shared cache")
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    scheme, _, rest = address.partition("://")
    try:
        client = Redis.from_url(f"{_SCHEMES[scheme]}://{rest}", retry=Retry(NoBackoff(), 0), **options)
        # The limits hold whatever the query of the URL says.
        client.connection_pool.connection_kwargs.update(options, decode_responses=False)
    except Exception:
        # Not chained: its message may quote a part of the password.
        raise InvalidOption(f"{place_of(address)} is not the URL of a shared cache: redis-py cannot read it") from None
    return client


def _checked_client(source: str, value: object) -> object:
    from inspect import iscoroutinefunction

    if not all(callable(getattr(value, name, None)) for name in _METHODS):
        raise TypeError(f"{source} takes a URL or a client of redis-py or valkey-py, not {type(value).__name__}")
    if iscoroutinefunction(getattr(value, "execute_command", None)):
        raise TypeError(f"{source} takes a client of redis-py or valkey-py that is not for asyncio")
    find_encoder = getattr(value, "get_encoder", None)
    if callable(find_encoder) and getattr(find_encoder(), "decode_responses", False):
        raise InvalidOption(f"{source}: make the client without decode_responses, the records are bytes")
    return value


def _require_redis(source: str) -> None:
    from importlib.util import find_spec

    if find_spec("redis") is None:
        raise InvalidOption(f"{source} needs the package redis, which is not installed: {INSTALL}")
