"""`load_config`: flags, then kubeconfig, then the pod's service account.

The precedence is that of client-go's `BuildConfigFromFlags` and of kubectl's flags, with two differences. Without any
configuration kubectl tries `localhost:8080`; this raises `NoConfigError`. User information in a server's URL becomes
basic authentication, so that it appears in no cache path and no message.
"""

from __future__ import annotations

from ..model.errors import ConfigError, NoConfigError
from ..model.fields import MalformedDocument, base64_data, get_bool, get_object, get_objects, get_str, get_strs
from ..model.redact import one_line
from . import arguments
from .client_config import ClientConfig, ExecConfig, Impersonation
from .kubeconfig import Kubeconfig, load_kubeconfig
from .overrides import ConfigOverrides
from .server_url import check_proxy, split_server
from .trust_fingerprint import with_neighbours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Unpack

    from .arguments import PathArgument
    from .overrides import OverrideKeywords

EXEC_API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_EXEC_EXTENSION = "client.authentication.k8s.io/exec"
_INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")


def load_config(
    overrides: ConfigOverrides | PathArgument | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    service_account_dir: PathArgument = "",
    **keywords: Unpack[OverrideKeywords],
) -> ClientConfig:
    """Load the configuration of one cluster. `service_account_dir` is the folder of a pod's service account.

    `overrides` may be the path of a kubeconfig. Each field of `ConfigOverrides` may be given as a keyword. The default
    of `environ` is the process's environment.

    Raises `NoConfigError` if there is no configuration, `ConfigError` if it cannot be used.
    """
    overrides = ConfigOverrides.merged(overrides, keywords)
    service_account_dir = arguments.path("service_account_dir", service_account_dir)
    kubeconfig = load_kubeconfig(overrides.kubeconfig, environ)
    try:
        return _resolve(kubeconfig, overrides, environ, service_account_dir)
    except MalformedDocument as error:
        raise ConfigError(f"kubeconfig {kubeconfig.where()} is not a valid kubeconfig: {one_line(error)}") from error


def _resolve(
    kubeconfig: Kubeconfig, overrides: ConfigOverrides, environ: Mapping[str, str] | None, service_account_dir: str
) -> ClientConfig:
    context_name, context = _context(kubeconfig, overrides)
    cluster = _entry(kubeconfig, "cluster", kubeconfig.clusters, overrides.cluster, get_str(context, "cluster"))
    user = _entry(kubeconfig, "user", kubeconfig.users, overrides.user, get_str(context, "user"))
    server = overrides.server or get_str(cluster, "server")
    if not server:
        if kubeconfig.is_empty:
            from .in_cluster import SERVICE_ACCOUNT_DIR, in_cluster_config, in_cluster_possible

            account = service_account_dir or SERVICE_ACCOUNT_DIR
            if in_cluster_possible(environ, account):
                return _overridden_in_cluster(in_cluster_config(environ, account), overrides)
        raise _no_server(kubeconfig, context_name, get_str(context, "cluster"))
    server, username, password = split_server(server)
    proxy_url = get_str(cluster, "proxy-url")
    if proxy_url:
        check_proxy(proxy_url, "the cluster's 'proxy-url'")
    config = ClientConfig(
        server=server,
        proxy_url=proxy_url,
        disable_compression=overrides.disable_compression or get_bool(cluster, "disable-compression"),
        impersonation=_impersonation(user, overrides),
        context=context_name,
    )
    if not config.has_tls:
        return config
    config = _with_trust(config, cluster, overrides)
    config = with_neighbours(config, kubeconfig)
    return _with_identity(config, user, cluster, overrides, username, password)


def _context(kubeconfig: Kubeconfig, overrides: ConfigOverrides) -> tuple[str, Mapping[str, Any]]:
    name = overrides.context or kubeconfig.current_context
    if name in kubeconfig.contexts:
        return name, kubeconfig.contexts[name]
    if name and (overrides.context or not (overrides.server or overrides.cluster)):
        source = "" if overrides.context else "current-context "
        raise ConfigError(
            f"{source}context {name!r} does not exist in {kubeconfig.where()}: {_choices(kubeconfig.contexts)}"
        )
    return "", {}


def _entry(
    kubeconfig: Kubeconfig, noun: str, entries: Mapping[str, Mapping[str, Any]], override: str, named: str
) -> Mapping[str, Any]:
    """The cluster or user of a name. Only one named by a flag must exist."""
    if override and override not in entries:
        raise ConfigError(f"{noun} {override!r} does not exist in {kubeconfig.where()}: {_choices(entries)}")
    return entries.get(override or named, {})


def _choices(entries: Mapping[str, object]) -> str:
    return f"choose one of {', '.join(sorted(entries))}" if entries else "it has none"


def _no_server(kubeconfig: Kubeconfig, context: str, cluster: str) -> ConfigError:
    if context:
        return ConfigError(
            f"no server found for cluster {cluster!r} of context {context!r} in {kubeconfig.where()}: "
            "add it there, or use --server"
        )
    if kubeconfig.contexts:
        return NoConfigError(
            f"no context is chosen in {kubeconfig.where()}: "
            f"use --context, one of {', '.join(sorted(kubeconfig.contexts))}"
        )
    return NoConfigError(
        f"no configuration found in {kubeconfig.where()}: set KUBECONFIG, or use --kubeconfig or --server"
    )


def _with_trust(config: ClientConfig, cluster: Mapping[str, Any], overrides: ConfigOverrides) -> ClientConfig:
    """Set how to verify the server. A flag for the CA, or for no verification, replaces both kubeconfig settings."""
    ca_file, ca_data = get_str(cluster, "certificate-authority"), base64_data(cluster, "certificate-authority-data")
    insecure = get_bool(cluster, "insecure-skip-tls-verify")
    if overrides.certificate_authority or overrides.insecure_skip_tls_verify:
        ca_file, ca_data = overrides.certificate_authority, b""
        insecure = overrides.insecure_skip_tls_verify
    if insecure and (ca_file or ca_data):
        raise ConfigError("specifying a root certificates file with the insecure flag is not allowed: drop one of them")
    # The kubeconfig's server name does not apply to another server.
    replaced = overrides.tls_server_name or overrides.server
    name = overrides.tls_server_name if replaced else get_str(cluster, "tls-server-name")
    try:
        name.encode("ascii" if name.isascii() else "idna")
    except UnicodeError as error:
        raise ConfigError(f"tls-server-name {name!r} is not a host's name") from error
    return config._replace(
        ca_file=ca_file,
        ca_data=ca_data,
        insecure_skip_tls_verify=insecure,
        tls_server_name=name,
    )


def _with_identity(
    config: ClientConfig,
    user: Mapping[str, Any],
    cluster: Mapping[str, Any],
    overrides: ConfigOverrides,
    url_username: str,
    url_password: str,
) -> ClientConfig:
    """Set the credentials."""
    if "auth-provider" in user:
        name = get_str(get_object(user, "auth-provider"), "name")
        raise ConfigError(
            f"the auth-provider {one_line(name)!r} of context {config.context!r} was removed from Kubernetes in 1.26: "
            "use the exec plugin of your provider"
        )
    certificate_file, certificate_data = (
        get_str(user, "client-certificate"),
        base64_data(user, "client-certificate-data"),
    )
    key_file, key_data = get_str(user, "client-key"), base64_data(user, "client-key-data")
    if overrides.client_certificate:
        certificate_file, certificate_data = overrides.client_certificate, b""
    if overrides.client_key:
        key_file, key_data = overrides.client_key, b""
    if (certificate_file or certificate_data) and not (key_file or key_data):
        raise ConfigError(f"the client certificate of context {config.context!r} has no client-key or client-key-data")
    token = overrides.token or get_str(user, "token")
    username, password = get_str(user, "username"), get_str(user, "password")
    if token and (username or password):
        raise ConfigError(
            f"context {config.context!r} has both a token and a user name with password: only one is allowed"
        )
    if not (token or username or password):
        username, password = url_username, url_password
    return config._replace(
        client_certificate_file=certificate_file,
        client_certificate_data=certificate_data,
        client_key_file=key_file,
        client_key_data=key_data,
        token=token,
        token_file="" if overrides.token else get_str(user, "tokenFile"),
        username=username,
        password=password,
        exec=_exec(get_object(user, "exec"), cluster, config.context) if user.get("exec") else None,
    )


def _exec(source: Mapping[str, Any], cluster: Mapping[str, Any], context: str) -> ExecConfig:
    command, api_version = get_str(source, "command"), get_str(source, "apiVersion")
    if not command:
        raise ConfigError(f"the exec plugin of context {context!r} has no command")
    if api_version not in EXEC_API_VERSIONS:
        raise ConfigError(
            f"exec plugin {command}: its apiVersion is not supported: use {' or '.join(EXEC_API_VERSIONS)}"
        )
    interactive_mode = get_str(source, "interactiveMode")
    if not interactive_mode and api_version == EXEC_API_VERSIONS[0]:
        raise ConfigError(f"exec plugin {command}: interactiveMode must be one of {', '.join(_INTERACTIVE_MODES)}")
    if interactive_mode and interactive_mode not in _INTERACTIVE_MODES:
        raise ConfigError(
            f"exec plugin {command}: interactiveMode {interactive_mode!r} is not one of {', '.join(_INTERACTIVE_MODES)}"
        )
    return ExecConfig(
        command=command,
        api_version=api_version,
        args=get_strs(source, "args"),
        env=tuple((get_str(item, "name"), get_str(item, "value")) for item in get_objects(source, "env")),
        install_hint=get_str(source, "installHint"),
        interactive_mode=interactive_mode or "IfAvailable",
        provide_cluster_info=get_bool(source, "provideClusterInfo"),
        cluster_config=_exec_extension(cluster),
    )


def _exec_extension(cluster: Mapping[str, Any]) -> str:
    import json

    for item in get_objects(cluster, "extensions"):
        if get_str(item, "name") == _EXEC_EXTENSION and item.get("extension") is not None:
            try:
                # YAML has .inf and .nan, which JSON lacks.
                return json.dumps(item["extension"], allow_nan=False)
            except (ValueError, RecursionError) as error:
                raise MalformedDocument(f"the extension {_EXEC_EXTENSION!r} is not JSON ({one_line(error)})") from error
    return ""


def _impersonation(user: Mapping[str, Any], overrides: ConfigOverrides) -> Impersonation:
    extra = get_object(user, "as-user-extra")
    impersonation = Impersonation(
        user=overrides.as_user or get_str(user, "as"),
        uid=overrides.as_uid or get_str(user, "as-uid"),
        groups=overrides.as_groups or get_strs(user, "as-groups"),
        extra=tuple((key, value) for key in extra for value in get_strs(extra, key)),
    )
    if impersonation != Impersonation() and not impersonation.user:
        raise ConfigError("impersonating a uid, groups or extra fields needs a user as well: use --as")
    return impersonation


def _overridden_in_cluster(config: ClientConfig, overrides: ConfigOverrides) -> ClientConfig:
    """Apply the flags that also count in a pod: token, CA, no verification and impersonation."""
    if overrides.token:
        config = config._replace(token=overrides.token, token_file="")
    if overrides.certificate_authority:
        config = config._replace(ca_file=overrides.certificate_authority)
    if overrides.insecure_skip_tls_verify:
        config = config._replace(ca_file="", insecure_skip_tls_verify=True)
    return config._replace(impersonation=_impersonation({}, overrides))
