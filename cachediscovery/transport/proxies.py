"""Which proxy a request goes through, by Go's rules (`net/http.ProxyFromEnvironment`)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def proxies_for(url: str, proxy_url: str) -> dict[str, str]:
    """The `proxies` argument of requests for `url`; the kubeconfig's `proxy_url` wins over the environment.

    Unlike requests, and like kubectl, the environment's proxies are never used for the loopback interface.
    """
    if proxy_url:
        return {"http": proxy_url, "https": proxy_url}
    if is_loopback(urlsplit(url).hostname or ""):
        return {}
    from requests.utils import get_environ_proxies

    return dict(get_environ_proxies(url))


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
