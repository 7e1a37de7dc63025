"""The overrides of the kubeconfig that the flags of a command set."""

from __future__ import annotations

from ..config.overrides import ConfigOverrides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .flags import Parsed


def overrides_from(parsed: Parsed, context: str) -> ConfigOverrides:
    """The overrides of the kubeconfig that flags set. `context` comes before the flag."""
    return ConfigOverrides(
        kubeconfig=parsed.text("kubeconfig"),
        context=context or parsed.text("context"),
        cluster=parsed.text("cluster"),
        user=parsed.text("user"),
        server=parsed.text("server"),
        tls_server_name=parsed.text("tls-server-name"),
        certificate_authority=parsed.text("certificate-authority"),
        insecure_skip_tls_verify=parsed.flag("insecure-skip-tls-verify"),
        client_certificate=parsed.text("client-certificate"),
        client_key=parsed.text("client-key"),
        token=parsed.text("token"),
        as_user=parsed.text("as"),
        as_uid=parsed.text("as-uid"),
        as_groups=parsed.texts("as-group"),
        disable_compression=parsed.flag("disable-compression"),
    )
