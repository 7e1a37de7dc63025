"""The configuration from a pod's service account (client-go's `rest.InClusterConfig`)."""

from __future__ import annotations

import os

from ..model.errors import ConfigError
from .arguments import path
from .client_config import ClientConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .arguments import PathArgument

SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"


def in_cluster_possible(
    environ: Mapping[str, str] | None = None, service_account_dir: str = SERVICE_ACCOUNT_DIR
) -> bool:
    """Whether this looks like a pod with a service account."""
    environ = os.environ if environ is None else environ
    return bool(
        environ.get("KUBERNETES_SERVICE_HOST")
        and environ.get("KUBERNETES_SERVICE_PORT")
        and os.path.isfile(os.path.join(service_account_dir, "token"))
    )


def in_cluster_config(
    environ: Mapping[str, str] | None = None, service_account_dir: PathArgument = SERVICE_ACCOUNT_DIR
) -> ClientConfig:
    """The service account's `ClientConfig`; its token is read again when it rotates. Raises `ConfigError`."""
    environ = os.environ if environ is None else environ
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise ConfigError("not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    service_account_dir = path("service_account_dir", service_account_dir)
    token_file = os.path.join(service_account_dir, "token")
    if not os.path.isfile(token_file):
        raise ConfigError(f"service account token {token_file} does not exist: is automountServiceAccountToken off?")
    ca_file = os.path.join(service_account_dir, "ca.crt")
    if ":" in host:
        host = f"[{host}]"
    return ClientConfig(
        server=f"https://{host}:{port}",
        ca_file=ca_file if os.path.isfile(ca_file) else "",
        token_file=token_file,
    )
