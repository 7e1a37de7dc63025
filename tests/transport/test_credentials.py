from __future__ import annotations

import json
import os
import ssl
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from cachediscovery import ClientConfig, CredentialsError, DiscoveryClient, DiscoveryError, ExecConfig, StatusError
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.credentials import Credentials, PluginNeeded, without_plugins
from cachediscovery.transport.exec_plugin import run_exec_plugin
from cachediscovery.transport.tls import ssl_context

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


class Plugin:
    """A real exec plugin: it counts its runs, records its input and prints `answer.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "plugin"
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import os, pathlib, sys\n"
            f"folder = pathlib.Path({str(folder)!r})\n"
            "with open(folder / 'runs', 'a') as runs: runs.write('x')\n"
            "(folder / 'info').write_text(os.environ['KUBERNETES_EXEC_INFO'])\n"
            "(folder / 'env').write_text(repr((sys.argv[1:], os.environ.get('MINE'))))\n"
            "sys.stdout.write((folder / 'answer.json').read_text())\n"
        )
        self.path.chmod(0o700)

    def answer(self, api_version: str = V1, **status: Any) -> None:
        self.write(json.dumps({"kind": "ExecCredential", "apiVersion": api_version, "status": status}))

    def write(self, text: str) -> None:
        (self.folder / "answer.json").write_text(text)

    @property
    def runs(self) -> int:
        return len((self.folder / "runs").read_text()) if (self.folder / "runs").exists() else 0

    @property
    def info(self) -> Any:
        return json.loads((self.folder / "info").read_text())

    def config(self, server: str = "https://127.0.0.1:1", **more: Any) -> ClientConfig:
        plugin = ExecConfig(str(self.path), V1)._replace(**more)
        return ClientConfig(server, exec=plugin)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    made = Plugin(tmp_path)
    made.answer(token="one")
    return made


def authorization(config: ClientConfig) -> str:
    return Credentials(config).identity().authorization


def test_a_token_is_sent_as_a_bearer_token() -> None:
    assert authorization(ClientConfig("https://x", token=" abc\n")) == "Bearer abc"


def test_a_user_name_and_password_are_sent_as_basic_authentication() -> None:
    assert authorization(ClientConfig("https://x", username="jané", password="s:p")) == "Basic amFuw6k6czpw"


def test_a_token_file_is_reread_after_a_minute_or_a_401(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    credentials = Credentials(ClientConfig("https://x", token_file=str(path)))
    first = credentials.identity()
    path.write_text("two\n")
    assert credentials.identity() == first, "not before a minute has passed"
    assert credentials.renew(first), "but at once after a 401"
    assert credentials.identity().authorization == "Bearer two"
    assert not credentials.renew(credentials.identity())
    credentials._token_file_read_at -= 61
    path.write_text("three")
    assert credentials.identity().authorization == "Bearer three"
    credentials._token_file_read_at -= 61
    path.unlink()
    assert credentials.identity().authorization == "Bearer three", "a rotation may take a moment"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"", "is empty"), (b"a\x00b", "invalid in a header"), (b"\xff", "not text")],
)
def test_an_unusable_token_file_is_named_in_the_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CredentialsError, match=message) as caught:
        authorization(ClientConfig("https://x", token_file=str(path)))
    assert str(path) in str(caught.value)


def test_a_plugin_gives_a_token_and_is_run_once(plugin: Plugin) -> None:
    credentials = Credentials(plugin.config(args=("get", "token"), env=(("MINE", "1"),)))
    for _ in range(3):
        assert credentials.identity().authorization == "Bearer one"
    assert plugin.runs == 1
    assert (plugin.folder / "env").read_text() == "(['get', 'token'], '1')"
    assert plugin.info == {"kind": "ExecCredential", "apiVersion": V1, "spec": {"interactive": False}}


def test_concurrent_threads_run_a_plugin_once(plugin: Plugin) -> None:
    credentials = Credentials(plugin.config())
    threads = [threading.Thread(target=credentials.identity) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert plugin.runs == 1


def test_a_plugin_gets_cluster_info_if_configured(plugin: Plugin, authority: trustme.CA) -> None:
    config = plugin.config(provide_cluster_info=True, cluster_config='{"audience": "x"}')
    config = config._replace(ca_data=b"PEM", tls_server_name="api.test", proxy_url="http://proxy")
    run_exec_plugin(config, config.exec)  # type: ignore[arg-type]
    assert plugin.info["spec"]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "tls-server-name": "api.test",
        "certificate-authority-data": "UEVN",
        "proxy-url": "http://proxy",
        "config": {"audience": "x"},
    }


def test_an_expired_credential_is_renewed(plugin: Plugin) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 10))
    plugin.answer(token="old", expirationTimestamp=stamp)
    credentials = Credentials(plugin.config())
    assert credentials.identity().authorization == "Bearer old"
    plugin.answer(token="new", expirationTimestamp="2999-01-01T00:00:00.123456789+02:00")
    assert credentials.identity().authorization == "Bearer new"
    assert credentials.identity().authorization == "Bearer new"
    assert plugin.runs == 2


def test_a_401_makes_the_plugin_run_again(plugin: Plugin, tls: ssl.SSLContext, authority: trustme.CA) -> None:
    with DiscoveryServer(tls=tls, token="two") as server:
        config = plugin.config(server.url)._replace(ca_data=authority.cert_pem.bytes())
        client = DiscoveryClient.for_config(config)
        with pytest.raises(StatusError, match="401"):
            client.server_resources_for_group_version("apps/v1")
        assert plugin.runs == 2
        plugin.answer(token="two")
        assert client.server_resources_for_group_version("apps/v1").resources
        assert plugin.runs == 3


def test_a_plugins_certificate_is_sent_and_replaced_when_expired(plugin: Plugin, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 10))
    with DiscoveryServer(tls=context) as server:
        client = DiscoveryClient.for_config(plugin.config(server.url)._replace(ca_data=authority.cert_pem.bytes()))
        for name in ("one.test", "two.test"):
            certificate = authority.issue_cert(name)
            plugin.answer(
                clientCertificateData=certificate.cert_chain_pems[0].bytes().decode(),
                clientKeyData=certificate.private_key_pem.bytes().decode(),
                expirationTimestamp=stamp,
            )
            assert client.server_resources_for_group_version("apps/v1").resources
    assert plugin.runs == 2


def test_an_explicit_token_takes_precedence_over_a_plugin(plugin: Plugin) -> None:
    assert authorization(plugin.config()._replace(token="mine")) == "Bearer mine"
    assert plugin.runs == 0


def test_the_v1beta1_exec_api_works(plugin: Plugin) -> None:
    plugin.answer(V1BETA1, token="beta")
    assert authorization(plugin.config(api_version=V1BETA1)) == "Bearer beta"
    assert plugin.info["apiVersion"] == V1BETA1


def test_the_error_for_a_missing_plugin_shows_its_install_hint(plugin: Plugin) -> None:
    with pytest.raises(CredentialsError, match=r"/nonexistent is not installed: brew install it$"):
        authorization(
            plugin.config(command="/nonexistent", install_hint="brew\n install \x1b[1mit".replace("\x1b[1m", ""))
        )


def test_a_plugin_that_needs_a_terminal_is_an_error_without_one(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(CredentialsError, match="needs a terminal"):
            authorization(plugin.config(interactive_mode="Always"))
    assert plugin.runs == 0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "SECRET",
        "[]",
        "[" * 100_000,
        '{"kind":"Status","SECRET":1}',
        json.dumps({"kind": "ExecCredential", "apiVersion": V1BETA1, "status": {"token": "SECRET"}}),
        json.dumps({"kind": "ExecCredential", "apiVersion": V1}),
        json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"token": ["SECRET"]}}),
        json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"clientKeyData": "SECRET"}}),
        json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"token": "SECRET\n2"}}),
        *(
            json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"token": "t", **status}})
            for status in (
                {"expirationTimestamp": "SECRET"},
                {"expirationTimestamp": "2024-13-01T00:00:00SECRET"},
                {"clientCertificateData": "SECRET\ud800", "clientKeyData": "SECRET"},
            )
        ),
        json.dumps({"kind": "ExecCredential", "apiVersion": "SECRET", "status": {"token": "t"}}),
        json.dumps({"kind": "SECRET", "apiVersion": V1, "status": {"token": "t"}}),
    ],
)
def test_invalid_plugin_output_is_an_error_that_does_not_quote_it(plugin: Plugin, answer: str) -> None:
    plugin.write(answer)
    with pytest.raises(CredentialsError) as caught:
        ssl_context(plugin.config(), *Credentials(plugin.config()).identity()[1:])
    assert "SECRET" not in str(caught.value)


def test_a_failing_plugin_is_an_error_with_its_exit_code(plugin: Plugin) -> None:
    plugin.path.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(CredentialsError, match="failed with exit code 3"):
        authorization(plugin.config())
    plugin.path.chmod(stat.S_IRUSR)
    with pytest.raises(DiscoveryError, match="cannot be run"):
        authorization(plugin.config())


def test_no_repr_shows_credentials(plugin: Plugin) -> None:
    config = plugin.config()._replace(token="secret", password="secret", client_key_data=b"secret")
    shown = [config, config.exec, Credentials(config).identity(), run_exec_plugin(config, config.exec)]  # type: ignore[arg-type]
    plugin.answer(token="secret")
    assert "secret" not in repr(shown) + str(shown) + f"{config}"


def test_within_another_call_without_plugins_nothing_is_called_twice() -> None:
    calls: list[str] = []

    def needs_one() -> str:
        calls.append("inner")
        raise PluginNeeded

    def inner() -> str:
        return without_plugins(needs_one, lambda: "never")

    assert without_plugins(inner, lambda: "with plugins") == "with plugins"
    assert calls == ["inner"]
