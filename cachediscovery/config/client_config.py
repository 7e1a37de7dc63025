"""`ClientConfig`: what is needed to talk to one API server. client-go's `rest.Config`."""

from __future__ import annotations

from ..model.records import NamedTuple


class ExecConfig(NamedTuple):
    """An exec credential plugin (`client.authentication.k8s.io`), as configured in the kubeconfig."""

    command: str
    api_version: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    interactive_mode: str = "IfAvailable"
    provide_cluster_info: bool = False
    # The JSON of the cluster's extension for exec plugins, passed to the plugin as it is.
    cluster_config: str = ""

    def __repr__(self) -> str:
        return f"ExecConfig(command={self.command!r})"


class Impersonation(NamedTuple):
    """The identity to impersonate; `extra` is a tuple of (key, value) pairs, in which a key may repeat."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


class ClientConfig(NamedTuple):
    """How to reach one API server, and how to authenticate to it.

    `server` is a URL without user information. Data fields hold PEM bytes and take precedence over the file fields.
    Credentials other than `impersonation` are used only over TLS, as in kubectl.
    """

    server: str
    ca_file: str = ""
    ca_data: bytes = b""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    client_certificate_file: str = ""
    client_certificate_data: bytes = b""
    client_key_file: str = ""
    client_key_data: bytes = b""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    exec: ExecConfig | None = None
    impersonation: Impersonation = Impersonation()
    context: str = ""
    # Whether another cluster of the kubeconfig has the same URL, but another trust fingerprint.
    shares_url: bool = False
    # The CA files of all clusters of the kubeconfig that have this URL.
    url_ca_files: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Other fields may be secrets, and a repr may be logged.
        from ..model.redact import without_userinfo

        return f"ClientConfig(server={without_userinfo(self.server)!r}, context={self.context!r})"

    @property
    def has_tls(self) -> bool:
        """Whether the connection to the server uses TLS."""
        return self.server[:8].lower() == "https://"
