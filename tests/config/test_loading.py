from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import ClientConfig, ConfigError, ConfigOverrides, DiscoveryError, NoConfigError, in_cluster_config
from cachediscovery.config.loading import load_config
from cachediscovery.config.locations import home_dir

CA = base64.b64encode(b"PEM").decode()


def kubeconfig(name: str = "one", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example:6443", **more.get("cluster", {})}}],
        "users": [{"name": name, "user": more.get("user", {"token": f"{name}-token"})}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(config: Any, name: str = "config") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
        return str(path)

    return to_file


def load(path: str, **overrides: Any) -> ClientConfig:
    return load_config(ConfigOverrides(kubeconfig=path, **overrides), environ={})


def test_the_current_context_selects_the_cluster_and_the_user(write: Write) -> None:
    config = load(write(kubeconfig(cluster={"certificate-authority-data": CA, "tls-server-name": "api"})))
    assert config == ClientConfig(
        "https://one.example:6443", ca_data=b"PEM", tls_server_name="api", token="one-token", context="one"
    )


def test_files_merge_as_in_kubectl(write: Write, tmp_path: Path) -> None:
    first, second = kubeconfig("one"), kubeconfig("two")
    second["clusters"].append({"name": "one", "cluster": {"server": "https://shadowed", "proxy-url": "http://p"}})
    paths = [str(tmp_path / "missing"), write(first, "1"), write(second, "2"), write(first, "1")]
    environ = {"KUBECONFIG": ":".join(["", *paths])}
    assert load_config(environ=environ).server == "https://one.example:6443"
    assert load_config(environ=environ).proxy_url == ""
    assert load_config(ConfigOverrides(context="two"), environ=environ).token == "two-token"


def test_without_the_kubeconfig_variable_the_file_in_home_is_read(write: Write, tmp_path: Path) -> None:
    write(kubeconfig(), "home/.kube/config")
    assert load_config(environ={"HOME": str(tmp_path / "home")}).server == "https://one.example:6443"


def test_relative_paths_are_resolved_against_their_own_file(write: Write, tmp_path: Path) -> None:
    user = {"client-certificate": "c.crt", "client-key": "../c.key", "tokenFile": "/abs/token"}
    write(kubeconfig(cluster={"certificate-authority": "pki/ca.crt"}, user=user), "a/1")
    exec_user = {"exec": {"command": "./bin/plugin", "apiVersion": "client.authentication.k8s.io/v1beta1"}}
    write(kubeconfig("two", user=exec_user), "b/2")
    environ = {"KUBECONFIG": f"{tmp_path}/a/1:{tmp_path}/b/2"}
    one = load_config(environ=environ)
    assert one.ca_file == f"{tmp_path}/a/pki/ca.crt"
    assert (one.client_certificate_file, one.client_key_file) == (f"{tmp_path}/a/c.crt", f"{tmp_path}/a/../c.key")
    assert one.token_file == "/abs/token"
    two = load_config(ConfigOverrides(context="two"), environ=environ).exec
    assert two is not None
    assert two.command == f"{tmp_path}/b/./bin/plugin"
    assert two.interactive_mode == "IfAvailable"


def test_a_plugin_command_without_a_slash_is_kept_for_path_lookup(write: Write) -> None:
    plugin = {
        "command": "aws",
        "args": ["eks", "get-token"],
        "env": [{"name": "A", "value": "b"}],
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never",
        "provideClusterInfo": True,
        "installHint": "install it",
    }
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    config = load(write(kubeconfig(user={"exec": plugin}, cluster={"extensions": [extension]})))
    assert config.exec is not None
    assert config.exec._replace(api_version="") == (
        "aws", "", ("eks", "get-token"), (("A", "b"),), "install it", "Never", True, '{"audience": "x"}',
    )  # fmt: skip


def test_flags_override_the_kubeconfig(write: Write) -> None:
    merged = kubeconfig(cluster={"certificate-authority-data": CA, "tls-server-name": "api"})
    for part in ("clusters", "users"):
        merged[part] += kubeconfig("two")[part]
    path = write(merged)
    assert load(path, cluster="two").server == "https://two.example:6443"
    assert load(path, user="two").token == "two-token"
    assert load(path, token="mine").token == "mine"
    assert load(path, server="https://other:1").server == "https://other:1"
    assert load(path, server="https://other:1").tls_server_name == "", "the name was that of the old server"
    assert load(path, server="https://other:1", tls_server_name="x").tls_server_name == "x"
    assert load(path, certificate_authority="/ca").ca_file == "/ca"
    assert load(path, certificate_authority="/ca").ca_data == b""
    insecure = load(path, insecure_skip_tls_verify=True)
    assert insecure.insecure_skip_tls_verify
    assert insecure.ca_data == b""
    impersonating = load(path, as_user="jane", as_groups=("a", "b"), as_uid="7").impersonation
    assert impersonating == ("jane", "7", ("a", "b"), ())


def test_a_server_flag_alone_is_a_complete_configuration() -> None:
    config = load_config(ConfigOverrides(server="https://x:6443", token="t"), environ={})
    assert (config.server, config.token) == ("https://x:6443", "t")


def test_a_server_without_scheme_is_plain_http_and_gets_no_credentials(write: Write) -> None:
    config = load(write(kubeconfig()), server="localhost:8080")
    assert config.server == "http://localhost:8080"
    assert config.token == ""


def test_user_information_of_a_url_becomes_basic_authentication(write: Write) -> None:
    config = load(write(kubeconfig(user={})), server="https://jane:s%3Acret@x:6443/k8s?a=b#c")
    assert config.server == "https://x:6443/k8s"
    assert (config.username, config.password) == ("jane", "s:cret")


def test_impersonation_is_read_from_the_kubeconfig(write: Write) -> None:
    user = {"as": "jane", "as-uid": "7", "as-groups": ["a"], "as-user-extra": {"scopes": ["x", "z"]}}
    config = load(write(kubeconfig(user=user)))
    assert config.impersonation == ("jane", "7", ("a",), (("scopes", "x"), ("scopes", "z")))


def test_keys_of_extra_user_fields_can_be_numbers_or_booleans(write: Write) -> None:
    text = yaml.safe_dump(kubeconfig(user={"as": "jane", "as-user-extra": {7: ["a"], True: ["b"]}}))
    assert sorted(load(write(text)).impersonation.extra) == [("7", "a"), ("true", "b")]


# --- a pod


@pytest.fixture
def pod(tmp_path: Path) -> tuple[dict[str, str], str]:
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text(name)
    return {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, str(tmp_path)


def test_a_pod_uses_its_service_account(pod: tuple[dict[str, str], str]) -> None:
    environ, folder = pod
    config = load_config(environ=environ, service_account_dir=folder)
    assert config == ClientConfig("https://[fd00::1]:443", ca_file=f"{folder}/ca.crt", token_file=f"{folder}/token")


def test_a_kubeconfig_and_flags_override_the_service_account(pod: tuple[dict[str, str], str], write: Write) -> None:
    environ, folder = pod
    path = write(kubeconfig())
    assert load_config(environ={**environ, "KUBECONFIG": path}, service_account_dir=folder).token == "one-token"
    mine = load_config(ConfigOverrides(token="mine"), environ=environ, service_account_dir=folder)
    assert (mine.server, mine.token, mine.token_file) == ("https://[fd00::1]:443", "mine", "")


def test_in_cluster_config_outside_a_pod_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KUBERNETES_SERVICE_HOST"):
        in_cluster_config({}, str(tmp_path))
    environ = {"KUBERNETES_SERVICE_HOST": "x", "KUBERNETES_SERVICE_PORT": "1"}
    with pytest.raises(ConfigError, match="token"):
        in_cluster_config(environ, str(tmp_path))


# --- invalid configuration


def test_a_missing_configuration_raises_no_config_error(tmp_path: Path) -> None:
    with pytest.raises(NoConfigError, match="set KUBECONFIG, or use --kubeconfig or --server"):
        load_config(environ={"HOME": str(tmp_path)}, service_account_dir=str(tmp_path))


def test_an_error_names_a_missing_explicit_kubeconfig() -> None:
    with pytest.raises(ConfigError, match="/nonexistent/config does not exist"):
        load("/nonexistent/config")


@pytest.mark.parametrize(
    "text",
    ["{", "- a", "text", "\x00", "kind: Pod", "apiVersion: v2", "clusters: {}", "contexts: [1]", "&a [*a]", "? [a]: b"]
    + ["clusters: [{name: a, cluster: {}}, {name: a, cluster: {}}]", "users: [{name: 1}]", "current-context: [x]"],
)
def test_an_error_names_an_invalid_kubeconfig(write: Write, text: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_load_or_raise_a_one_line_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "config"
    path.write_bytes(data)
    try:
        load(str(path))
    except DiscoveryError as error:
        assert "\n" not in str(error)


def test_a_folder_as_a_kubeconfig_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "overrides", "message"),
    [
        ({}, {"context": "nope"}, "context 'nope' does not exist in .*config: choose one of one"),
        ({"current-context": "nope"}, {}, "current-context context 'nope' does not exist"),
        ({"current-context": ""}, {}, "no context is chosen in .*: use --context, one of one"),
        ({}, {"cluster": "nope"}, "cluster 'nope' does not exist"),
        ({}, {"user": "nope"}, "user 'nope' does not exist"),
        ({"clusters": []}, {}, "no server found for cluster 'one'"),
        (
            {"users": [{"name": "one", "user": {"auth-provider": {"name": "gcp"}}}]},
            {},
            "auth-provider 'gcp'.*removed.*exec",
        ),
        ({"users": [{"name": "one", "user": {"token": "t", "username": "u"}}]}, {}, "only one is allowed"),
        ({"users": [{"name": "one", "user": {"client-certificate": "/x"}}]}, {}, "no client-key"),
        ({"users": [{"name": "one", "user": {"client-certificate-data": "!"}}]}, {}, "not base64"),
        ({"users": [{"name": "one", "user": {"as-uid": "7"}}]}, {}, "needs a user"),
        ({"users": [{"name": "one", "user": {"exec": {"apiVersion": "x"}}}]}, {}, "no command"),
        (
            {"users": [{"name": "one", "user": {"exec": {"command": "x", "apiVersion": "v1alpha1"}}}]},
            {},
            "not supported",
        ),
        ({}, {"server": "ftp://x"}, "not an http or https URL"),
        ({}, {"server": "https://"}, "not an http or https URL"),
        ({}, {"server": "https://x:port"}, "is not a URL"),
        ({}, {"server": "https://a..b"}, "is not a URL"),
        ({}, {"server": f"https://{'x' * 64}.test"}, "is not a URL"),
        ({}, {"server": f"https://{'ü' * 64}.test"}, "is not a URL"),
        ({}, {"certificate_authority": "/ca", "insecure_skip_tls_verify": True}, "not allowed"),
    ],
)
def test_an_invalid_setting_raises_an_error_that_says_why(
    write: Write, change: dict[str, Any], overrides: dict[str, Any], message: str
) -> None:
    path = write({**kubeconfig(), **change})
    with pytest.raises(ConfigError, match=message):
        load(path, **overrides)


def test_version_1_plugins_need_a_valid_interactive_mode(write: Write) -> None:
    plugin = {"command": "x", "apiVersion": "client.authentication.k8s.io/v1"}
    for mode in ({}, {"interactiveMode": "Sometimes"}):
        with pytest.raises(ConfigError, match="interactiveMode"):
            load(write(kubeconfig(user={"exec": {**plugin, **mode}})))


# --- home


def test_the_home_folder_is_the_one_that_kubectl_uses(tmp_path: Path) -> None:
    assert home_dir({"HOME": "/h", "USERPROFILE": "/p"}, "linux") == "/h"
    assert home_dir({"USERPROFILE": "/p"}, "linux") == ""
    drive, profile = tmp_path / "drive", tmp_path / "profile"
    windows = {"HOMEDRIVE": str(tmp_path), "HOMEPATH": "/drive", "USERPROFILE": str(profile)}
    assert home_dir(windows, "win32") == str(profile)
    drive.mkdir()
    assert home_dir(windows, "win32") == str(drive)
    profile.mkdir()
    assert home_dir(windows, "win32") == str(profile)
    (drive / ".kube").mkdir()
    (drive / ".kube" / "config").touch()
    assert home_dir(windows, "win32") == str(drive)
    assert home_dir({}, "win32") == ""


@pytest.mark.parametrize("value", ["!!bool maybe", "!!int ''", "!!float ''", "!!timestamp foo", "!!set a", "[" * 5000])
def test_an_invalid_yaml_value_raises_a_config_error(write: Write, value: str) -> None:
    with pytest.raises(ConfigError, match="is not a valid kubeconfig"):
        load_config(ConfigOverrides(kubeconfig=write(f"apiVersion: v1\na: {value}\n")))


def with_extension(extension: str) -> str:
    config = kubeconfig(user={"exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1beta1"}})
    return yaml.safe_dump(config).replace(
        "server: https",
        f"extensions: [{{name: client.authentication.k8s.io/exec, extension: {extension}}}]\n    server: https",
    )


@pytest.mark.parametrize(
    ("extension", "message"),
    [(".inf", "is not JSON"), ("{a: [.nan]}", "is not JSON"), ("&a [*a]", "is not a valid kubeconfig")],
)
def test_an_extension_that_is_not_json_raises_a_config_error(write: Write, extension: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(ConfigOverrides(kubeconfig=write(with_extension(extension))))


def test_a_plugin_gets_an_extension_as_the_json_that_kubectl_writes(write: Write) -> None:
    extension = "{2026-11-23: 2026-11-24, !!binary YQ==: 1:30, 7: [1, 1.5, yes, ~], on: {}}"
    plugin = load_config(ConfigOverrides(kubeconfig=write(with_extension(extension)))).exec
    assert plugin is not None
    assert json.loads(plugin.cluster_config) == {
        "2026-11-23": "2026-11-24", "a": "1:30", "7": [1, 1.5, True, None], "true": {},
    }  # fmt: skip


def test_a_relative_token_file_is_resolved_against_its_own_file(write: Write, tmp_path: Path) -> None:
    write(kubeconfig(user={"tokenFile": "secrets/token"}), "a/1")
    config = load_config(environ={"KUBECONFIG": f"{tmp_path}/a/1"})
    assert config.token_file == f"{tmp_path}/a/secrets/token"
