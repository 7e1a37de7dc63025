"""Machines that start with empty disks, each with its own or with a shared cache."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import redis
import trustme

from ..clusters import Cluster, recording_of
from ..distance import Distance
from ..environment import KUBECTL, OURS, environ_for, redis_server
from .goals import Goal, Result
from .network import LIST, kubeconfig_for, measure_cold

_COUNTS = (1, 10, 100, 1000)
_AT_A_TIME = 50
_VARIABLE = "CACHEDISCOVERY_SHARED_CACHE"
# By the round trip to the API server in milliseconds, how long at most by kubectl's time; the engine is 1 ms away.
_GOALS = {150: 0.6, 50: 1.2}
_ENGINE_MS = 1


def fleet(folder: Path, runs: int) -> Result:
    """The requests of a fleet with empty disks, and a cold start from a warm shared cache, over TLS."""
    goals, details = [], {}
    folder.mkdir(parents=True, exist_ok=True)
    authority, certificate = _certificate(folder)
    with (
        Cluster(folder / "far", recording_of(85), tls=True) as cluster,
        _engine(folder) as port,
        # The server of the tests has no TLS.
        Distance(port, 0, certificate) as front,
    ):
        for round_trip, limit in _GOALS.items():
            place = folder / f"far-{round_trip}"
            place.mkdir()
            with Distance(cluster.port, round_trip / 1000) as far, Distance(front.port, _ENGINE_MS / 1000) as near:
                kubeconfig = kubeconfig_for(place / "kubeconfig", cluster, far)
                variables = {_VARIABLE: f"rediss://127.0.0.1:{near.port}?ssl_ca_certs={authority}"}
                what = f"cold, from a warm shared cache, {round_trip} ms"
                details[what] = measure_cold(place / "home", runs, kubeconfig, variables)
            goals.append(Goal(f"{what} to the server, by kubectl's time", limit, details[what]["ratio"]))
    for count in _COUNTS:
        details[f"{count} machines"] = _requests(folder / str(count), count)
    shared = details[f"{_COUNTS[-1]} machines"]["cachediscovery, shared cache"]
    goals.append(Goal(f"requests of {_COUNTS[-1]:,} machines with a shared cache that is empty", 2, shared, "requests"))
    return Result(goals, details)


def _requests(folder: Path, count: int) -> dict[str, Any]:
    """How many requests the server gets from `count` machines."""
    asked: dict[str, Any] = {}
    for name, program in (("kubectl", KUBECTL), ("cachediscovery", OURS), ("cachediscovery, shared cache", OURS)):
        place = folder / name.replace(", ", "-").replace(" ", "-")
        with Cluster(place, recording_of(85), tls=True, delay=0.02) as cluster, _engine(place) as port:
            variables = {_VARIABLE: f"redis://127.0.0.1:{port}"} if name.endswith("shared cache") else {}
            environs = [environ_for(place / f"home-{number}", cluster.kubeconfig) for number in range(count)]
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                list(pool.map(partial(_list, program), [environ | variables for environ in environs]))
            asked[name] = len(cluster.requests())
    return asked


def _list(program: str, environ: dict[str, str]) -> None:
    subprocess.run([program, *LIST], env=environ, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _engine(folder: Path) -> Iterator[int]:
    """The port of a redis-server."""
    port = _free_port()
    command = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(redis.Redis(port=port))
        yield port
    finally:
        process.terminate()
        process.wait()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """The file of a CA, and that of a certificate with its key, for a server on loopback."""
    authority, certificate = folder / "redis-ca.pem", folder / "redis.pem"
    made = trustme.CA()
    made.cert_pem.write_to_path(str(authority))
    made.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    return authority, certificate


def _wait(client: redis.Redis) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    client.close()


def _free_port() -> int:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
