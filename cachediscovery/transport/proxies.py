"""Which proxy a request goes through, by Go's rules (`net/http.ProxyFromEnvironment`)."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.client_config import ClientConfig

_PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy"}


def proxies_for(url: str, proxy_url: str) -> dict[str, str]:
    """Return the `proxies` argument of requests for `url`. The kubeconfig's `proxy_url` overrides the environment.

    Unlike requests, and like kubectl, loopback hosts never use a proxy from the environment.
    """
    if proxy_url:
        return checked_proxies({"http": proxy_url, "https": proxy_url}, "proxy-url")
    if is_loopback(hostname_of(url)):
        return {}
    from requests.utils import get_environ_proxies

    return checked_proxies(dict(get_environ_proxies(url)))


def checked_proxies(proxies: dict[str, str], where: str = "HTTPS_PROXY and HTTP_PROXY") -> dict[str, str]:
    """Add missing schemes to `proxies`, an argument of requests. Raises `ConfigError`, which names `where`."""
    from ..config.server_url import check_proxy

    checked = {}
    for name, proxy in proxies.items():
        # Keys are "http", "all", "http://host"; others ("no", "ftp") are not used.
        if proxy and name.startswith(("http", "all")):
            check_proxy(proxy, where)
            checked[name] = proxy if "://" in proxy else f"http://{proxy}"
    return checked


def hostname_of(url: str) -> str:
    """Return the host of a URL, "" if it has none. Raises `ValueError` if the URL cannot be parsed."""
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or ""


def may_need_proxy_for(config: ClientConfig | None) -> bool:
    """Whether a proxy may be used for the server of `config`; true without one, for a session of the caller's."""
    return config is None or bool(config.proxy_url) or may_need_proxy(config.server)


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_need_proxy(url: str) -> bool:
    """Return whether the environment may set a proxy for `url`. True if finding out would cost time."""
    if not sys.platform.startswith("linux"):
        # Windows and macOS have system proxy settings.
        return not is_loopback(hostname_of(url))
    named = {name.lower() for name, value in os.environ.items() if value}
    return not _PROXY_VARIABLES.isdisjoint(named) and not is_loopback(hostname_of(url))
