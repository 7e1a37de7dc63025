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
    trust_fingerprint = cluster_of(config).trust_fingerprint
    address = address_of(config.server)
    at_url = [cluster for cluster in configured_clusters(kubeconfig) if address_of(cluster.server) == address]
    shared = bool(trust_fingerprint) and any(
        cluster.trust_fingerprint not in ("", trust_fingerprint) for cluster in at_url
    )
    files = [file for cluster in at_url for file in cluster.ca_files]
    return config._replace(shares_url=shared, url_ca_files=tuple(dict.fromkeys(files)))


def configured_clusters(kubeconfig: Kubeconfig) -> Iterable[Cluster]:
    """The clusters in a kubeconfig, with `shares_url` not set."""
    from ..model.errors import ConfigError
    from ..model.fields import MalformedDocument, base64_data, get_bool, get_str
    from .client_config import ClientConfig
    from .server_url import split_server

    for entry in kubeconfig.clusters.values():
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
        yield cluster_of(config)


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
