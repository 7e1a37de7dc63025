"""Every exception that this package raises on purpose; `DiscoveryError` catches them all.

A message is one line: what failed, for which URL or file, and what to do about it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .group_version import GroupVersion, GroupVersionResource


class DiscoveryError(Exception):
    """The base of all errors of this package. It can be copied and pickled, with all its fields and its cause."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class: its arguments are not those of Exception.
        return _restored, (type(self), self.args, _if_picklable(self.__cause__)), self.__dict__


class InvalidGroupVersion(DiscoveryError, ValueError):
    """An argument is no group version: neither `VERSION` nor `GROUP/VERSION`."""


class ConfigError(DiscoveryError):
    """A kubeconfig, or what it points at, cannot be used."""


class ConfigChanged(ConfigError):
    """The configuration is another one than when it was first looked at: begin anew."""


class NoConfigError(ConfigError):
    """There is no configuration at all: no flag, no kubeconfig, no service account."""


class CredentialsError(DiscoveryError):
    """Credentials could not be had: an exec plugin failed, a token file cannot be read."""


class RequestError(DiscoveryError):
    """A request got no usable response: no name, no connection, no trust, no end, or a broken one.

    `url` is the URL asked for, without credentials.
    """

    def __init__(self, url: str, message: str) -> None:
        super().__init__(message)
        self.url = url


class RequestTimeout(RequestError):
    """The server did not connect, or did not finish its answer, in time."""


class CertificateError(RequestError):
    """The server's certificate is not one that the configuration trusts, or TLS failed otherwise."""


class InvalidDocument(RequestError):
    """A response is not the document that was asked for: not JSON, of another kind, cut short, too large."""


class StatusError(RequestError):
    """The server answered with an HTTP error status.

    `code` is the HTTP status, `reason` the `reason` of the Kubernetes `Status` object ("" without one),
    `retry_after` the seconds of its `Retry-After` header, where it had one.
    """

    def __init__(self, url: str, message: str, code: int, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(url, message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class NotFound(StatusError):
    """404: the server does not serve this path."""


class ClusterMismatchError(DiscoveryError):
    """Several clusters answer at one URL, and none of them often enough in a row: no answer could be put together."""


class StaleGroupVersionError(DiscoveryError):
    """Aggregated discovery marked a group version `Stale`: its extension server does not answer (KEP-3352)."""

    def __init__(self, group_version: GroupVersion) -> None:
        super().__init__(f"stale GroupVersion discovery: {group_version}")
        self.group_version = group_version


class NoMatchError(DiscoveryError):
    """Nothing on the server matches: apimachinery's `NoResourceMatchError` and `NoKindMatchError`."""


class NoResourceMatchError(NoMatchError):
    """No resource of this name, plural, singular or short."""


class NoKindMatchError(NoMatchError):
    """No kind of this name in this group, or not in any of the versions asked for."""


class AmbiguousResourceError(DiscoveryError):
    """A name stands for several resources of one group version; `matches` lists all candidates."""

    def __init__(self, message: str, matches: tuple[GroupVersionResource, ...]) -> None:
        super().__init__(message)
        self.matches = matches


class GroupUnavailableError(DiscoveryError):
    """Nothing matches, but not all was seen: `failed` are the group versions that could hold it and did not answer."""

    def __init__(self, message: str, failed: Mapping[GroupVersion, DiscoveryError]) -> None:
        super().__init__(message)
        self.failed: dict[GroupVersion, DiscoveryError] = dict(failed)


class GroupDiscoveryFailed(DiscoveryError):
    """Some group versions failed; the others were found. client-go's `ErrGroupDiscoveryFailed`.

    `failed` maps each failed `GroupVersion` to its error. `result` is what the method would have
    returned, without the failed ones: the same type as its return value.
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
    """`cause`, or None for one that does not survive pickling: it may be any package's, and hold anything."""
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:
        return None
    return cause
