"""The trust fingerprint of a cluster: of its CA certificates and TLS server name, to distinguish clusters."""

from __future__ import annotations

from .cluster import Cluster, address_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .client_config import ClientConfig
    from .kubeconfig import Kubeconfig

_HEX_DIGITS = 16


def cluster_of(config: ClientConfig) -> Cluster:
    """The cluster of a configuration. A CA file that cannot be read counts as empty: the first request reports it."""
    own = (config.ca_file,) if config.ca_file and not config.ca_data else ()
    trust_fingerprint = ""
    if config.has_tls and not config.insecure_skip_tls_verify:
        trust_fingerprint = _fingerprint(_certificates(config.ca_data, config.ca_file), config.tls_server_name)
    return Cluster(
        config.server,
        trust_fingerprint,
        shares_url=config.shares_url,
        ca_files=tuple(dict.fromkeys((*own, *config.url_ca_files))),
        context=config.context,
        has_proxy=bool(config.proxy_url),
    )


def with_neighbours(config: ClientConfig, kubeconfig: Kubeconfig) -> ClientConfig:
    """Set `shares_url` and `url_ca_files` of `config` from the kubeconfig's clusters at the same URL."""
    address = address_of(config.server)
    clusters = configured_clusters(kubeconfig).values()
    at_url = [cluster for cluster in clusters if address_of(cluster.server) == address]
    files = [file for cluster in at_url for file in cluster.ca_files]
    shared = shares_url(cluster_of(config), at_url)
    return config._replace(shares_url=shared, url_ca_files=tuple(dict.fromkeys(files)))


def shares_url(cluster: Cluster, others: Iterable[Cluster]) -> bool:
    """Whether one of `others` has the folder of `cluster` in kubectl's cache, and another fingerprint."""
    known = ("", cluster.trust_fingerprint)
    return bool(cluster.trust_fingerprint) and any(
        other.trust_fingerprint not in known and address_of(other.server) == address_of(cluster.server)
        for other in others
    )


def configured_clusters(kubeconfig: Kubeconfig) -> dict[str, Cluster]:
    """The clusters in a kubeconfig by name, with `shares_url` not set. Those that cannot be used are left out."""
    from ..model.errors import ConfigError
    from ..model.fields import MalformedDocument, base64_data, get_bool, get_str
    from .client_config import ClientConfig
    from .server_url import split_server

    clusters = {}
    for name, entry in kubeconfig.clusters.items():
        try:
            server = get_str(entry, "server")
            if "@" in server:
                server, _, _ = split_server(server)
            config = ClientConfig(
                server,
                ca_file=get_str(entry, "certificate-authority"),
                ca_data=base64_data(entry, "certificate-authority-data"),
                insecure_skip_tls_verify=get_bool(entry, "insecure-skip-tls-verify"),
                tls_server_name=get_str(entry, "tls-server-name"),
            )
        except (MalformedDocument, ConfigError):
            continue
        clusters[name] = cluster_of(config)
    return clusters


def fingerprint_of_certificates(ca_file: str, ca_data: bytes = b"", tls_server_name: str = "") -> str:
    """The trust fingerprint for another client's configuration; like kubectl, prefer the data to the file."""
    return _fingerprint(_certificates(ca_data, ca_file), tls_server_name)


def _certificates(data: bytes, file: str) -> bytes:
    from ..model.errors import ConfigError
    from .files import read_configured

    try:
        return data or (read_configured(file, "certificate-authority") if file else b"")
    except ConfigError:
        return b""


def _fingerprint(certificates: bytes, tls_server_name: str) -> str:
    if not certificates and not tls_server_name:
        return ""
    from hashlib import sha256

    # Line ends and blank lines do not change the certificates.
    material = b"".join(certificates.split()) + b"\0" + tls_server_name.encode()
    return sha256(material).hexdigest()[:_HEX_DIGITS]
