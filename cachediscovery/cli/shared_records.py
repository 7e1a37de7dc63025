"""The shared cache in the commands of upkeep: the engine, and the records of the kubeconfig's clusters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ..cache.options import CacheOptions
from ..config.kubeconfig import load_kubeconfig
from ..config.trust_fingerprint import configured_clusters
from ..model.errors import ConfigError, DiscoveryError
from ..model.records import NamedTuple
from ..shared.engine import Engine, EngineUnavailable
from ..shared.inventory import entries_of
from ..shared.record_store import RecordStore, records_of
from .output import count_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.cluster import Cluster
    from ..shared.inventory import RecordEntry
    from .flags import Parsed


class SharedRecord(NamedTuple):
    """A record in the engine: its name, bytes and age in seconds, and whether it may be used."""

    name: str
    size: int
    age: float
    usable: bool


class SharedCluster(NamedTuple):
    """What the engine holds of the cluster at a URL."""

    server: str
    records: list[SharedRecord]


class SharedInfo(NamedTuple):
    """What the engine at a place holds of the clusters of the kubeconfig."""

    place: str
    clusters: list[SharedCluster]


def shared_info(parsed: Parsed) -> SharedInfo | None:
    """What the shared cache holds; None if there is none. Raises `DiscoveryError`."""
    engine = engine_of(parsed)
    if engine is None:
        return None
    clusters = []
    with told_if_unavailable(engine):
        for server, records in configured_records(engine, parsed):
            found = [
                SharedRecord(entry.name, entry.size, round(entry.age, 1), entry.record is not None)
                for entry in entries_of(records)
            ]
            if found:
                clusters.append(SharedCluster(server, found))
    return SharedInfo(engine.place, clusters)


def shared_entries(parsed: Parsed, cluster: Cluster) -> list[RecordEntry]:
    """What the shared cache holds of one cluster. Raises `DiscoveryError`."""
    engine = engine_of(parsed)
    records = records_of_cluster(engine, cluster, parsed) if engine is not None else None
    if engine is None or records is None:
        return []
    with told_if_unavailable(engine):
        return entries_of(records)


def prune_shared(parsed: Parsed, *, dry: bool) -> list[str]:
    """Remove what nobody may use: void and broken records. Their names in words. Raises `DiscoveryError`."""
    engine = engine_of(parsed)
    told: list[str] = []
    if engine is None:
        return told
    with told_if_unavailable(engine):
        for server, records in configured_records(engine, parsed):
            doomed = [entry.name for entry in entries_of(records) if entry.record is None]
            told += [f"the record {name} of {server} in {engine.place}" for name in doomed]
            if not dry:
                records.remove(doomed)
    return told


def clear_shared(parsed: Parsed, urls: Collection[str] | None, *, dry: bool) -> list[str]:
    """Remove all records of the clusters at `urls` (None: of all in the kubeconfig). Raises `DiscoveryError`."""
    engine = engine_of(parsed)
    told: list[str] = []
    if engine is None:
        return told
    with told_if_unavailable(engine):
        for server, records in configured_records(engine, parsed):
            if urls is None or server in urls:
                told += [f"the record {name} of {server} in {engine.place}" for name in records.names()]
                if not dry:
                    records.clear()
    return told


def engine_of(parsed: Parsed) -> Engine | None:
    """The engine of the flag, else of the variable; None without either. Raises `DiscoveryError`."""
    address = CacheOptions(shared_cache=parsed.text("shared-cache") or None).shared_cache
    return Engine(address) if address else None


def records_of_cluster(engine: Engine, cluster: Cluster, parsed: Parsed) -> RecordStore | None:
    """The records of a cluster, by its fingerprint or the flag's name; None without either."""
    return records_of(engine, cluster.url, cluster.trust_fingerprint, parsed.text("shared-cluster"))


def configured_records(engine: Engine, parsed: Parsed) -> list[tuple[str, RecordStore]]:
    """The URLs of the kubeconfig's clusters that can be shared, and their records."""
    try:
        clusters = configured_clusters(load_kubeconfig(parsed.text("kubeconfig"))).values()
    except ConfigError:
        return []
    found = {}
    for cluster in clusters:
        records = records_of_cluster(engine, cluster, parsed) if cluster.server else None
        if records is not None:
            found[records.prefix] = (cluster.url, records)
    return list(found.values())


@contextmanager
def told_if_unavailable(engine: Engine) -> Iterator[None]:
    """Raise a `DiscoveryError` in place of `EngineUnavailable`."""
    try:
        yield
    except EngineUnavailable as error:
        raise DiscoveryError(f"the shared cache at {engine.place} cannot be used: {error}") from None


def and_records(told: list[str]) -> str:
    """What is added to the count of files: " and 3 records", or nothing."""
    return f" and {count_of(len(told), 'record')}" if told else ""
