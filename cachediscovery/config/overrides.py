"""`ConfigOverrides`: the flags that override the configuration. client-go's `clientcmd.ConfigOverrides`."""

from __future__ import annotations

from ..model.records import NamedTuple


class ConfigOverrides(NamedTuple):
    """The values of flags; an empty one leaves the kubeconfig's. The fields are named like kubectl's flags."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    server: str = ""
    tls_server_name: str = ""
    certificate_authority: str = ""
    insecure_skip_tls_verify: bool = False
    client_certificate: str = ""
    client_key: str = ""
    token: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    disable_compression: bool = False

    def __repr__(self) -> str:
        return f"ConfigOverrides(kubeconfig={self.kubeconfig!r}, context={self.context!r})"
