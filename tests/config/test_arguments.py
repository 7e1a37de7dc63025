"""What constructors take, and what they refuse at once."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from cachediscovery import (
    CachedDiscoveryClient,
    CacheOptions,
    ClientConfig,
    ConfigError,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    DiscoveryClient,
    InvalidOption,
    TransportOptions,
    in_cluster_config,
    load_config,
    open_store,
)
from cachediscovery.disk.layout import VARIABLES
from cachediscovery.testing import DiscoveryServer

anything: Any = CachedDiscoveryClient


@pytest.fixture
def kubeconfig(server: DiscoveryServer, tmp_path: Path) -> Path:
    path = server.write_kubeconfig(tmp_path / "kubeconfig")
    text = path.read_text()
    assert "name: local" in text
    return path


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (600, 600),
        (0.5, 0.5),
        (timedelta(minutes=10), 600),
        ("10m", 600),
        ("1h30m", 5400),
        ("90", 90),
        (math.inf, math.inf),
    ],
)
def test_a_time_is_seconds_a_timedelta_or_a_duration(given: Any, seconds: float) -> None:
    assert CacheOptions(ttl=given).ttl == seconds
    assert CacheOptions()._replace(stale_if_error=given).stale_if_error == seconds
    assert TransportOptions(read_timeout=given).read_timeout == seconds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CacheOptions(ttl=-1), "ttl must be 0 or more seconds, not -1"),
        (lambda: CacheOptions(ttl=math.nan), "ttl must be 0 or more seconds, not nan"),
        (lambda: CacheOptions(ttl=timedelta(days=-1)), "ttl must be 0 or more seconds, not -86400"),
        (lambda: CacheOptions(ttl="soon"), "ttl: 'soon' is not a duration: write 90s, 10m or 6h"),
        (lambda: CacheOptions(ttl=-(10**400)), "ttl must be 0 or more"),
        (lambda: CacheOptions(cache_dir="a\0b"), "cache_dir has a character that no path can have: NUL"),
        (lambda: CacheOptions()._replace(ttl=-1), "ttl must be"),
        (lambda: TransportOptions(read_timeout=0), "read_timeout must be more than 0 seconds, not 0"),
        (lambda: TransportOptions(retries=-1), "retries must be 0 or more, not -1"),
        (lambda: TransportOptions(pool_size=0), "pool_size must be 1 or more, not 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ConfigError)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CacheOptions(ttl=True), "ttl takes seconds, a timedelta or a duration such as '10m', not bool"),
        (lambda: CacheOptions(ttl=b"1"), "ttl takes seconds, a timedelta or a duration such as '10m', not bytes"),
        (lambda: CacheOptions(cache_dir=b"x"), "cache_dir takes a path (str or os.PathLike), not bytes"),
        (lambda: CacheOptions(cache_dir=3), "cache_dir takes a path (str or os.PathLike), not int"),
        (lambda: ConfigOverrides(context=3), "context takes a str, not int"),
        (lambda: ConfigOverrides(token=b"secret"), "token takes a str, not bytes"),
        (lambda: ConfigOverrides(as_groups="admins"), "as_groups takes a list of str, not str"),
        (
            lambda: ConfigOverrides(insecure_skip_tls_verify="no"),
            "insecure_skip_tls_verify takes True or False",
        ),
        (lambda: TransportOptions(retries=1.5), "retries takes an int, not float"),
        (lambda: TransportOptions(retries=True), "retries takes an int, not bool"),
        (
            lambda: anything.from_kubeconfig(3),
            "overrides takes a ConfigOverrides (or the path of a kubeconfig)",
        ),
        (lambda: anything.from_kubeconfig(contxt="x"), "unexpected keyword 'contxt': did you mean 'context'?"),
        (lambda: anything.from_kubeconfig("a", kubeconfig="b"), "kubeconfig is given twice"),
        (lambda: anything.from_kubeconfig(None, {"ttl": 3}), "cache takes a CacheOptions, not dict"),
        (lambda: anything.from_kubeconfig(options=3), "options takes a TransportOptions, not int"),
        (lambda: anything.for_config("~/.kube/config"), "config takes a ClientConfig (from load_config"),
        (lambda: anything.for_config(ClientConfig("http://x"), context="x"), "unexpected keyword 'context'"),
        (lambda: anything("https://x"), "delegate takes a DiscoveryInterface (such as a DiscoveryClient), not str"),
        (lambda: anything(DiscoveryClient.for_config(ClientConfig("http://x")), "/tmp"), "store takes a DocumentStore"),
        (lambda: load_config(3), "overrides takes"),  # type: ignore[arg-type]
        (lambda: DiscoveryClient.for_config("x"), "config takes a ClientConfig (from load_config), not str"),  # type: ignore[arg-type]
        (lambda: DiscoveryClient.from_session(3, "x"), "session takes a Session, not int"),  # type: ignore[arg-type]
        (lambda: DiscoveryClient.from_session(requests.Session(), 3), "base_url takes a str, not int"),  # type: ignore[arg-type]
        (lambda: open_store(3), "server takes a str, not int"),  # type: ignore[arg-type]
        (lambda: open_store("https://x", 3), "cache_dir takes a path"),  # type: ignore[arg-type]
        (lambda: DeferredDiscoveryRESTMapper("x"), "client takes a DiscoveryInterface"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_type_is_refused_with_the_name_of_the_argument(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


def test_a_client_is_made_of_keywords(server: DiscoveryServer, kubeconfig: Path, tmp_path: Path) -> None:
    client = CachedDiscoveryClient.from_kubeconfig(
        kubeconfig=kubeconfig, context="local", ttl=timedelta(minutes=10), cache_dir=tmp_path / "cache", retries=1
    )
    assert client.server == server.url
    assert client.server_groups().groups
    assert client.path().startswith(str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match="context 'viewer' does not exist"):
        CachedDiscoveryClient.from_kubeconfig(kubeconfig=kubeconfig, context="viewer")


def test_a_path_is_the_kubeconfig(server: DiscoveryServer, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (kubeconfig, str(kubeconfig)):
        assert CachedDiscoveryClient.from_kubeconfig(path).server == server.url
        assert load_config(path, context="local").server == server.url
        assert load_config(ConfigOverrides(path)).server == server.url
    monkeypatch.setenv("HOME", str(kubeconfig.parent))
    assert CachedDiscoveryClient.from_kubeconfig("~/kubeconfig").server == server.url
    assert load_config(kubeconfig=Path("~/kubeconfig")).server == server.url


def test_keywords_come_before_the_object(kubeconfig: Path) -> None:
    config = load_config(ConfigOverrides(kubeconfig, token="a", as_user="jane"), as_user="joe", as_groups=["one"])
    assert (config.impersonation.user, config.impersonation.groups) == ("joe", ("one",))


def test_none_leaves_the_default(kubeconfig: Path) -> None:
    assert ConfigOverrides(context=None, as_groups=None) == ConfigOverrides()
    assert CacheOptions(ttl=None, cache_dir=None) == CacheOptions()
    assert TransportOptions(retries=None, read_timeout=None) == TransportOptions()
    assert load_config(kubeconfig, context=None).context == "local"


def test_a_cache_dir_without_a_store_opens_one(server: DiscoveryServer, tmp_path: Path) -> None:
    client = CachedDiscoveryClient(DiscoveryClient.for_config(ClientConfig(server.url)), cache_dir=tmp_path)
    assert client.path().startswith(str(tmp_path))
    store = open_store(server.url, tmp_path)
    assert store is not None
    assert store.path("").startswith(str(tmp_path))


def test_a_service_account_is_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    environ = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}
    assert in_cluster_config(environ, tmp_path).server == "https://h:1"
    assert load_config(environ=environ, service_account_dir=tmp_path).server == "https://h:1"


@pytest.mark.parametrize(
    ("option", "variable"), [(option, name) for option, name in VARIABLES.items() if option != "shared_cache"]
)
def test_a_variable_sets_an_option_unless_an_argument_does(
    option: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(CacheOptions(), option)
    monkeypatch.setenv(variable, "90s")
    assert getattr(CacheOptions(), option) == 90
    assert getattr(CacheOptions(**{option: 3}), option) == 3
    monkeypatch.setenv(variable, "")
    assert getattr(CacheOptions(), option) == default
    monkeypatch.setenv(variable, "-1")
    with pytest.raises(InvalidOption, match=rf"^\${variable}: '-1' is not a duration"):
        CacheOptions()
    assert getattr(CacheOptions(**{option: 3}), option) == 3


def test_a_variable_holds_for_a_client_without_arguments(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("CACHEDISCOVERY_TTL", "soon")
    config = load_config()
    for make in (
        CachedDiscoveryClient.from_kubeconfig,
        lambda: CachedDiscoveryClient.for_config(config),
        lambda: CachedDiscoveryClient(DiscoveryClient.for_config(config)),
    ):
        with pytest.raises(InvalidOption, match=r"^\$CACHEDISCOVERY_TTL: 'soon' is not a duration"):
            make()


def test_options_can_be_copied_and_pickled() -> None:
    for options in (CacheOptions(ttl=5, cache_dir="x"), TransportOptions(retries=3), ConfigOverrides(context="x")):
        assert pickle.loads(pickle.dumps(options)) == options
        assert type(options._replace()) is type(options)


def test_a_warm_client_with_options_does_not_import_datetime(kubeconfig: Path, environ: dict[str, str]) -> None:
    code = f"""
import sys
from cachediscovery import CachedDiscoveryClient
CachedDiscoveryClient.from_kubeconfig({str(kubeconfig)!r}, ttl="10m", read_timeout=3)
print("datetime" in sys.modules, "yaml" in sys.modules)
"""
    # The first run parses YAML, and remembers the cluster.
    for expected in ("True True", "False False"):
        ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == expected
