"""Map each way a request can fail to an error that says what to do."""

from __future__ import annotations

from .._cancellation import WaitCancelledError
from ..model.errors import CertificateError, InvalidDocument, NotFound, RequestError, RequestTimeout, StatusError
from ..model.redact import one_line, without_userinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .options import TransportOptions

# Advice for the user, by HTTP status.
_ADVICE = {
    401: "log in again, or check the credentials of the context",
    403: "ask for the rights to read discovery (the cluster role system:discovery)",
    404: "check the server's URL",
    429: "try again later",
    500: "look at the API server's log",
    502: "the load balancer reaches no API server",
    503: "the API server is not ready, try again later",
    504: "the load balancer reaches no API server",
}


def status_error(url: str, code: int, headers: Mapping[str, str], body: bytes) -> StatusError:
    """Return the error for an HTTP status. It quotes the `message` of a Kubernetes `Status` object."""
    from http.client import responses

    status_reason, message = _status_of(body)
    text = f"the server answered {code} {responses.get(code, '')}".rstrip() + f" for {url}"
    if message:
        text += f": {one_line(message)}"
    retry_after = retry_after_of(headers)
    if retry_after is not None:
        text += f" (try again in {retry_after:g} s)"
    elif code in _ADVICE and not (code == 403 and _is_collection(url)):
        text += f" ({_ADVICE[code]})"
    error = NotFound if code == 404 else StatusError
    return error(url, text, code, one_line(status_reason), retry_after)


def _is_collection(url: str) -> bool:
    """Whether a URL is that of a collection of objects, `…/apis/GROUP/VERSION/RESOURCE`: no part of discovery."""
    return url.partition("?")[0].split("/")[-4:-3] == ["apis"]


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After` header, which may also be a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal() and value.isascii():
        return float(value[:9])
    import time
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def request_error(
    url: str, error: Exception, connect_timeout: float | None = None, read_timeout: float | None = None
) -> RequestError:
    """Return the error for an exception of a socket, `http.client` or `requests`, including the causes it wraps.

    A time-out of None is unknown and is not named in the message.
    """
    causes = list(_causes(error))
    detail = one_line(_innermost(causes))

    def caused_by(*names: str) -> bool:
        """Return whether the class of a cause, or a base class of it, has one of these names."""
        return any(base.__name__ in names for cause in causes for base in type(cause).__mro__)

    cancelled = next((cause for cause in causes if isinstance(cause, WaitCancelledError)), None)
    if cancelled is not None:
        return RequestError(url, f"the request for {url} was given up: {cancelled}")
    if caused_by("SSLError"):
        return _certificate_error(url, detail)
    if caused_by("ProxyError"):
        message = f"the proxy for {url} failed: {detail}: check proxy-url or HTTPS_PROXY"
        return RequestError(url, message, is_transient=True)
    if caused_by("gaierror", "NameResolutionError"):
        message = f"no address found for {url}: check the host name and the DNS"
        return RequestError(url, message, is_transient=True)
    if caused_by("ConnectionRefusedError"):
        message = f"the connection to {url} was refused: is this the right host and port?"
        return RequestError(url, message, is_transient=True)
    # urllib3 treats every failed connection as a kind of time-out. The other names are those of httpx and aiohttp.
    if caused_by("ConnectTimeoutError", "ConnectTimeout", "ConnectionTimeoutError") and not caused_by(
        "NewConnectionError"
    ):
        return connect_timed_out(url, connect_timeout)
    if caused_by("TimeoutError", "ReadTimeout", "ReadTimeoutError"):
        return read_timed_out(url, read_timeout)
    # The class name of zlib.error is just `error`.
    if caused_by("ContentDecodingError", "DecodeError") or any(type(cause).__module__ == "zlib" for cause in causes):
        return InvalidDocument(url, f"{url} answered with data that cannot be decompressed: is a proxy in between?")
    if caused_by("IncompleteRead", "ChunkedEncodingError", "CutShortError"):
        return cut_short(url)
    if caused_by("InvalidSchema") and "SOCKS" in detail:
        return RequestError(url, "a SOCKS proxy needs one more package: pip install 'cachediscovery[socks]'")
    # The other exceptions, such as ValueError, are about the request.
    is_transient = caused_by("OSError", "HTTPException", "ProtocolError") and not caused_by("InvalidURL")
    return RequestError(url, f"the request for {url} failed: {detail}", is_transient=is_transient)


def connect_timed_out(url: str, connect_timeout: float | None) -> RequestTimeout:
    """Return the error for a connection that timed out."""
    return RequestTimeout(
        url, f"no connection to {url} {_in_time(connect_timeout)}: is the server reachable from here?"
    )


def read_timed_out(url: str, read_timeout: float | None) -> RequestTimeout:
    """Return the error for a response that timed out."""
    return RequestTimeout(url, f"{url} did not answer {_in_time(read_timeout)}: try again, or raise the read time-out")


def _in_time(seconds: float | None) -> str:
    return "in time" if seconds is None else f"within {seconds:g} s"


def too_large(url: str, limit: int) -> InvalidDocument:
    """Return the error for a response that exceeds the size limit."""
    return InvalidDocument(url, f"the answer of {url} is larger than {limit} bytes: raise max_document_bytes")


def invalid_document(url: str, content_type: str, body: bytes, error: Exception, expected: str) -> InvalidDocument:
    """The error for a complete response that is not what was `expected`."""
    if body[:256].lstrip().startswith(b"<") or "html" in content_type:
        what = "HTML, not JSON: is this a login page? Check the server's URL"
    elif not body:
        what = "an empty body: is this an API server?"
    else:
        what = f"something other than {expected}: {one_line(error)}"
    return InvalidDocument(url, f"{url} answered with {what}")


def cut_short(url: str) -> InvalidDocument:
    """Return the error for an incomplete response."""
    return InvalidDocument(url, f"the answer of {url} was cut short: try again", is_transient=True)


def _certificate_error(url: str, detail: str) -> CertificateError:
    lowered = detail.lower()
    if "wrong_version_number" in lowered or "wrong version number" in lowered or "record layer failure" in lowered:
        return CertificateError(url, f"{url} does not speak TLS: should the server's URL begin with http:// ?")
    if "certificate_required" in lowered or "certificate required" in lowered or "bad_certificate" in lowered:
        return CertificateError(url, f"{url} refused the client certificate: {detail}: log in again")
    if "hostname mismatch" in lowered or "doesn't match" in lowered or "ip address mismatch" in lowered:
        return CertificateError(url, f"the certificate of {url} is for another name: {detail}: see tls-server-name")
    return CertificateError(
        url, f"the certificate of {url} is not trusted: {detail}: check certificate-authority(-data) of the cluster"
    )


def _status_of(body: bytes) -> tuple[str, str]:
    """Return `reason` and `message` of a Kubernetes `Status` object; empty strings if the body is not one."""
    import json

    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(parsed, dict) or parsed.get("kind") != "Status":
        return "", ""
    reason, message = parsed.get("reason"), parsed.get("message")
    return reason if isinstance(reason, str) else "", message if isinstance(message, str) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes. requests and urllib3 keep causes in `args` and `reason` too."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _innermost(causes: list[BaseException]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return without_userinfo(str(causes[-1])) or type(causes[-1]).__name__


def connection_error(url: str, error: Exception, options: TransportOptions) -> RequestError:
    """The error for what a request on a connection of ours has raised. Raises what is no failure of a request."""
    import http.client
    import zlib

    from .incomplete import CutShortError, TooLargeError

    if isinstance(error, TooLargeError):
        return too_large(url, options.max_document_bytes)
    if not isinstance(error, (OSError, http.client.HTTPException, zlib.error, ValueError, CutShortError)):
        raise error
    return request_error(url, error, options.connect_timeout, options.read_timeout)
