"""User information in URLs is used or refused, and never printed, logged or put in a path."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery import (
    CachedDiscoveryClient,
    ClientConfig,
    ConfigError,
    ConfigOverrides,
    DiscoveryClient,
    DiscoveryError,
    open_store,
)
from cachediscovery.config.loading import load_config
from cachediscovery.model.redact import without_userinfo
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.transport import Transport

from ..conftest import run

USER, PASSWORD = "jane", "s3cr3t"
# URLs in which the password cannot be told apart safely from the rest. HOST stands for a host and a port.
REFUSED = [
    "http://jane:s3cr3t/x@HOST",
    "http://jane:1/s3cr3t@HOST",
    "http://jane:x/s3cr3t@HOST/path",
    "https://jane:s3cr3t#x@HOST",
    "https://jane:1#s3cr3t@HOST",
    "https://jane:s3cr3t?x@HOST",
    "https://jane:1?s3cr3t@HOST",
    "https://jane:1\\s3cr3t@HOST",
    "https://jane:s3cr3t@x/s3cr3t@HOST",
    "https://jane/s3cr3t@HOST",
    "https://s3cr3t\n@HOST",
    "//jane:s3cr3t@HOST",
    "///jane:s3cr3t@HOST",
    "https:/jane:s3cr3t@HOST",
    "https:jane:s3cr3t@HOST",
    "https:///jane:s3cr3t@HOST",
    "jane://s3cr3t@HOST",
    "https://jane:s3cr3t@",
    "https://jane:s3cr3t@HOST:port",
    "https://jane:s3cr3t@[HOST",
    "HTTPS://jane:s3cr3t/@HOST",
]


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def is_secret_in(text: str) -> bool:
    return USER in text or PASSWORD in text


@pytest.mark.parametrize("url", REFUSED)
def test_an_ambiguous_server_url_is_refused_without_showing_it(
    url: str, tmp_path: Path, logs: pytest.LogCaptureFixture
) -> None:
    url = url.replace("HOST", "127.0.0.1:1")
    kubeconfig = tmp_path / "kubeconfig"
    clusters = [{"name": "local", "cluster": {"server": url}}]
    contexts = [{"name": "local", "context": {"cluster": "local"}}]
    kubeconfig.write_text(yaml.safe_dump({"clusters": clusters, "contexts": contexts, "current-context": "local"}))
    for overrides in (ConfigOverrides(server=url), ConfigOverrides(kubeconfig=str(kubeconfig))):
        for call in (load_config, CachedDiscoveryClient.from_kubeconfig):
            with pytest.raises(ConfigError, match="server") as caught:
                call(overrides)
            assert not is_secret_in(str(caught.value) + repr(caught.value))
    assert not is_secret_in(logs.text)


@pytest.mark.parametrize("url", ["https://jane:s3cr3t@HOST", "https://jane:s3%2Fcr3t@HOST/k8s", "jane:s3cr3t@HOST"])
def test_user_information_is_removed_from_a_server_url(url: str) -> None:
    config = load_config(ConfigOverrides(server=url.replace("HOST", "127.0.0.1:1")), environ={})
    assert config.server.partition("://")[2] == "127.0.0.1:1" + ("/k8s" if url.endswith("k8s") else "")
    if config.has_tls:
        assert (config.username, config.password.replace("/", "")) == (USER, PASSWORD)


@pytest.mark.parametrize("url", REFUSED)
def test_an_ambiguous_proxy_url_is_refused_without_showing_it(
    url: str, server: DiscoveryServer, logs: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = url.replace("HOST", "127.0.0.1:1")
    path = server.write_kubeconfig(tmp_path / "kubeconfig")
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"]["proxy-url"] = url
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="proxy") as caught:
        load_config(ConfigOverrides(kubeconfig=str(path)))
    assert not is_secret_in(str(caught.value))
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, url)
    session = requests.Session()
    session.proxies = {"http": url}
    for transport in (
        Transport("http://api.test", config=ClientConfig("http://api.test")),
        Transport("http://api.test", session=requests.Session()),
        Transport("http://api.test", session=session),
        Transport("http://api.test", config=ClientConfig("http://api.test", proxy_url=url)),
    ):
        with pytest.raises(DiscoveryError, match="proxy") as failed:
            transport.get("/api")
        assert not is_secret_in(str(failed.value))
        transport.close()
    assert not is_secret_in(logs.text)


def test_proxy_credentials_are_sent_and_never_shown(server: DiscoveryServer, logs: pytest.LogCaptureFixture) -> None:
    """The proxy here is a discovery server, which does not serve this path."""
    for proxy in (
        f"http://jane:s3cr3t@{server.url[7:]}",
        f"jane:s3cr3t@{server.url[7:]}",
        "http://jane:s3cr3t@127.0.0.1:1",
    ):
        config = ClientConfig("http://api.test", proxy_url=proxy)
        with pytest.raises(DiscoveryError) as caught:
            Transport("http://api.test", config=config).get("/api")
        assert not is_secret_in(str(caught.value) + repr(config))
    assert [request.header("Proxy-Authorization") for request in server.requests] == ["Basic amFuZTpzM2NyM3Q="] * 2
    assert not is_secret_in(logs.text)


RUN = """
import sys
from cachediscovery.cli.main import main
for line in open(sys.argv[1]).read().split("\\0\\0"):
    main(line.split("\\0"))
"""
COMMANDS = [
    "api-resources -v",
    "api-versions",
    "resolve pods -v",
    "cache path",
    "cache info",
    "invalidate",
    "cache warm",
]
COMMANDS += ["cache verify", "cache prune", "server-version", "__complete bash cachediscovery"]


@pytest.mark.parametrize(
    "url", [*REFUSED, "http://jane:s3cr3t@HOST", "http://jane:s3cr3t@HOST/path", "jane:s3cr3t@HOST"]
)
def test_no_command_prints_or_stores_user_information(
    url: str, server: DiscoveryServer, home: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    url = url.replace("HOST", server.url.removeprefix("http://"))
    path = server.write_kubeconfig(tmp_path / "kubeconfig")
    content = yaml.safe_load(path.read_text())
    content["clusters"].append({"name": "other", "cluster": {"server": url}})
    content["contexts"].append({"name": "other", "context": {"cluster": "other", "user": "local"}})
    path.write_text(yaml.safe_dump(content))
    choices = [["--server", url], ["--kubeconfig", str(path), "--context", "other"], ["--kubeconfig", str(path)]]
    lines = ["\0".join([*command.split(), *flags]) for command in COMMANDS for flags in choices]
    (tmp_path / "lines").write_text("\0\0".join(lines))
    ran = run([sys.executable, "-c", RUN, tmp_path / "lines"], environ)
    assert "Traceback" not in ran.err
    assert not is_secret_in(ran.out + ran.err)
    for folder, folders, files in os.walk(home):
        assert not any(map(is_secret_in, [*folders, *files]))
        assert not any(is_secret_in((Path(folder) / name).read_text(errors="replace")) for name in files)


@pytest.mark.parametrize("url", REFUSED)
def test_the_library_refuses_an_ambiguous_server_url(url: str, home: Path) -> None:
    for make in (
        lambda: open_store(url),
        lambda: CachedDiscoveryClient.for_config(ClientConfig(url)),
        lambda: DiscoveryClient.from_session(requests.Session(), url).server_groups(),
    ):
        with pytest.raises(DiscoveryError) as caught:
            make()
        assert not is_secret_in(str(caught.value))
    assert not is_secret_in(repr(ClientConfig(url)))
    assert list(home.iterdir()) == []


def test_a_cluster_with_an_ambiguous_url_does_not_count_as_sharing_a_url(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    urls = {"one": "https://one.test", "two": "https://two.test/x@one.test"}
    clusters = [
        {"name": name, "cluster": {"server": url, "certificate-authority-data": "Q0E=" if name == "one" else "Q0I="}}
        for name, url in urls.items()
    ]
    path.write_text(yaml.safe_dump({"clusters": clusters}))
    assert not load_config(ConfigOverrides(kubeconfig=str(path), cluster="one")).shares_url


Text = st.text(alphabet="ja/:#?@[]\\ h%", max_size=12)


@given(Text, Text)
def test_masking_removes_user_information_before_the_last_at_sign(before: str, after: str) -> None:
    for scheme in ("", "http://", "https:/", "//", "Failed to parse: https://", "socks5://"):
        masked = without_userinfo(f"{scheme}S{before}S@{after.replace('@', '')}")
        assert "S" not in masked
        assert masked.endswith(after.replace("@", ""))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:p@h:1/x", "https://h:1/x"),
        ("https://h/x", "https://h/x"),
        ("u:p@h", "h"),
        ("//u:p@h", "//h"),
        ("https:/u:p@h", "https:/h"),
        ("u:/p@h", "h"),
        ("HTTPS://u:p/@h", "HTTPS://h"),
        ("Failed to parse: http://u:p#@h", "Failed to parse: http://h"),
    ],
)
def test_masking_keeps_the_scheme_and_the_host(text: str, masked: str) -> None:
    assert without_userinfo(text) == masked
