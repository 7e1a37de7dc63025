"""All exceptions that this package raises on purpose; `DiscoveryError` catches them all.

A message is one line that says what failed, for which URL or file, and what to do about it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .group_version import GroupVersion, GroupVersionResource


class DiscoveryError(Exception):
    """The base of all errors of this package. Copying and pickling keep all fields and the cause."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Do not call the class to restore it: its arguments differ from those of Exception.
        return _restored, (type(self), self.args, _if_picklable(self.__cause__)), self.__dict__


class InvalidGroupVersion(DiscoveryError, ValueError):
    """An argument is not a group version: neither `VERSION` nor `GROUP/VERSION`."""


class InvalidManifest(DiscoveryError, ValueError):
    """An object is no manifest: its `apiVersion`, `kind`, `metadata` are missing or wrong, or its file is not YAML."""


class ConfigError(DiscoveryError):
    """A kubeconfig, or a file that it names, cannot be used."""


class ConfigChanged(ConfigError):
    """The configuration has changed since it was first read: start again."""


class NoConfigError(ConfigError):
    """There is no configuration: no flag, no kubeconfig, no service account."""


class InvalidOption(ConfigError, ValueError):
    """An argument, or an environment variable, has a value that makes no sense. A wrong type is a `TypeError`."""


class CredentialsError(DiscoveryError):
    """Credentials are not available: an exec plugin failed, or a token file cannot be read."""


class RequestError(DiscoveryError):
    """A request got no usable response: name lookup, connection or TLS failed, or the response was broken.

    `url` is the requested URL, without credentials. `is_transient` tells whether the same request may succeed later:
    after a failed connection, a time-out or a response that was cut short, and after the statuses of `StatusError`.
    """

    def __init__(self, url: str, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.url = url
        self.is_transient = is_transient


class RequestTimeout(RequestError):
    """The server did not accept the connection, or did not finish its response, in time."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, is_transient=True)


class CertificateError(RequestError):
    """The configuration does not trust the server's certificate, or TLS failed otherwise."""


class InvalidDocument(RequestError):
    """A response is not the requested document: not JSON, of another kind, truncated, or too large."""


class StatusError(RequestError):
    """The server answered with an HTTP error status.

    `code` is the HTTP status, `reason` the `reason` of the Kubernetes `Status` object ("" without one),
    `retry_after` the seconds of the `Retry-After` header (None without one). 429, 500, 502, 503 and 504 are transient.
    """

    def __init__(self, url: str, message: str, code: int, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(url, message, is_transient=code in (429, 500, 502, 503, 504))
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class NotFound(StatusError):
    """404: the server does not serve this path."""


class ClusterMismatchError(DiscoveryError):
    """Several clusters answer at one URL, and no result could be built from one of them alone."""


class StaleGroupVersionError(DiscoveryError):
    """Aggregated discovery marked a group version `Stale`: its extension API server does not answer (KEP-3352)."""

    def __init__(self, group_version: GroupVersion) -> None:
        super().__init__(f"stale GroupVersion discovery: {group_version}")
        self.group_version = group_version


class NoMatchError(DiscoveryError):
    """Nothing on the server matches: apimachinery's `NoResourceMatchError` and `NoKindMatchError`.

    `server` is the URL of the API server, "" if unknown.
    """

    def __init__(self, message: str, nearest: Callable[[], Sequence[str]] = tuple, server: str = "") -> None:
        """`nearest()` returns similar names. It is called when they are first needed: most errors are not shown."""
        super().__init__(message)
        self.server = server
        self._nearest: Callable[[], Sequence[str]] | tuple[str, ...] = nearest

    @property
    def nearest(self) -> tuple[str, ...]:
        """The names on the server that are similar to the one that was not found."""
        if not isinstance(self._nearest, tuple):
            self._nearest = tuple(self._nearest())
        return self._nearest

    def __str__(self) -> str:
        near = f"did you mean {', '.join(self.nearest)}?" if self.nearest else ""
        at = f"the server is {self.server}" if self.server else ""
        hint = f"{near} T{at[1:]}" if near and at else near or at
        return f"{self.args[0]} ({hint})" if hint else str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        # A function cannot be pickled.
        self._nearest = self.nearest
        return super().__reduce__()


class NoResourceMatchError(NoMatchError):
    """No resource has this plural, singular or short name."""


class NoKindMatchError(NoMatchError):
    """No kind has this name in this group, or in any of the requested versions."""


class GroupVersionNotFoundError(DiscoveryError):
    """The server has no OpenAPI document of this group version. client-go's `openapi3.GroupVersionNotFoundError`."""

    def __init__(self, group_version: GroupVersion) -> None:
        group, version = group_version
        name = f"{group}/{version}" if group else version
        super().__init__(f"GroupVersion ({name}) not found as OpenAPI V3 path")
        self.group_version = group_version


class AmbiguousResourceError(DiscoveryError):
    """A name matches several resources of one group version; `matches` lists all candidates."""

    def __init__(self, message: str, matches: tuple[GroupVersionResource, ...]) -> None:
        super().__init__(message)
        self.matches = matches


class GroupUnavailableError(DiscoveryError):
    """Nothing matches, but `failed`, the group versions that could hold a match, could not be discovered."""

    def __init__(self, message: str, failed: Mapping[GroupVersion, DiscoveryError]) -> None:
        super().__init__(message)
        self.failed: dict[GroupVersion, DiscoveryError] = dict(failed)


class GroupDiscoveryFailed(DiscoveryError):
    """Some group versions failed; the others were found. client-go's `ErrGroupDiscoveryFailed`.

    `failed` maps each failed `GroupVersion` to its error. `result` is the method's return value without the failed
    group versions, of the same type.
    """

    def __init__(self, failed: Mapping[GroupVersion, DiscoveryError], result: Any) -> None:
        self.failed: dict[GroupVersion, DiscoveryError] = dict(failed)
        self.result = result
        reasons = ", ".join(sorted(f"{group_version}: {error}" for group_version, error in self.failed.items()))
        super().__init__(f"unable to retrieve the complete list of server APIs: {reasons}")


def _restored(kind: type[DiscoveryError], arguments: tuple[object, ...], cause: BaseException | None) -> DiscoveryError:
    error = kind.__new__(kind, *arguments)
    error.__cause__ = cause
    return error


def _if_picklable(cause: BaseException | None) -> BaseException | None:
    """`cause`, or None if it cannot be pickled: it may be of any package."""
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:
        return None
    return cause
