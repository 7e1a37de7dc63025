"""A record is used only if it is, to the byte, one of ours of this cluster; all else is a miss and is replaced."""

from __future__ import annotations

import json
import os
import random
import zlib
from typing import Any

import pytest

from cachediscovery import DiscoveryClient
from cachediscovery.model.discovery_result import DiscoveryResult
from cachediscovery.model.fields import MalformedDocument
from cachediscovery.shared import records as module
from cachediscovery.shared.record_store import RecordStore
from cachediscovery.shared.records import (
    GROUPS_RECORD,
    Record,
    Stamp,
    decode_record,
    encode_record,
    one_cluster,
    stamp_of,
)
from cachediscovery.testing import DiscoveryServer
from cachediscovery.transport.server_identity import ServerIdentity

from .conftest import Machine, RedisServer

CLUSTER = {"fingerprint": "f", "name": "", "url": "https://x"}
STAMP = Stamp("1700000000000000-c0123456789abcdef", 1700000000000001)
IDENTITY = ServerIdentity("a" * 64, frozenset({"uid-1", "uid-2"}))


@pytest.fixture
def whole(server: DiscoveryServer) -> DiscoveryResult:
    return DiscoveryClient.for_config(server.config).groups_and_maybe_resources()


def body_of(data: bytes) -> list[bytes]:
    return zlib.decompress(data.partition(b"\n")[2]).split(b"\n")


def record_of(lines: list[bytes]) -> bytes:
    return b"1 %s %d\n" % (STAMP.generation.encode(), STAMP.asked) + zlib.compress(b"\n".join(lines))


def test_a_record_is_read_as_it_was_written(whole: DiscoveryResult) -> None:
    data = encode_record(Record(whole, (IDENTITY,)), CLUSTER, STAMP)
    assert decode_record(data, CLUSTER, GROUPS_RECORD) == Record(whole, (IDENTITY,))
    assert stamp_of(data) == STAMP
    for answer, name in ((whole._replace(resources={}), GROUPS_RECORD), (whole.lists[0], "v1")):
        data = encode_record(Record(answer), CLUSTER, STAMP)
        assert decode_record(data, CLUSTER, name) == Record(answer)


def test_another_clusters_record_is_none(whole: DiscoveryResult) -> None:
    data = encode_record(Record(whole), CLUSTER, STAMP)
    for part in CLUSTER:
        with pytest.raises(MalformedDocument, match="another cluster's"):
            decode_record(data, {**CLUSTER, part: "other"}, GROUPS_RECORD)


def changed(lines: list[bytes], number: int, change: Any) -> list[bytes]:
    document = json.loads(lines[number])
    change(document)
    return [*lines[:number], json.dumps(document, separators=(",", ":")).encode(), *lines[number + 1 :]]


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, lambda about: about.update(extra=1)),
        (0, lambda about: about["identities"].append({"certificate": "x", "uids": []})),
        (0, lambda about: about["identities"].append({"certificate": "", "uids": ["a\nb"]})),
        (0, lambda about: about["identities"].extend([{"certificate": "", "uids": []}] * 99)),
        (1, lambda groups: groups["groups"].append(groups["groups"][0])),
        (1, lambda groups: groups["groups"][1].update(name="../../x")),
        (1, lambda groups: groups["groups"][1]["versions"][0].update(groupVersion="other/v1")),
        (1, lambda groups: groups["groups"][1]["preferredVersion"].update(version="..")),
        (1, lambda groups: groups["groups"].clear()),
        (1, lambda groups: groups.update(kind="Other")),
        (2, lambda found: found["resources"][0].update(name="a\x1b[31m")),
        (2, lambda found: found["resources"][0].update(name="../../x")),
        (2, lambda found: found["resources"][0].update(verbs="get")),
        (2, lambda found: found["resources"].append(found["resources"][0])),
        (2, lambda found: found.update(groupVersion="apps/v1")),
        (2, lambda found: found["resources"][0].update(unknown=True)),
    ],
)
def test_a_document_that_we_would_not_have_written_is_refused(whole: DiscoveryResult, number: int, change: Any) -> None:
    lines = body_of(encode_record(Record(whole, (IDENTITY,)), CLUSTER, STAMP))
    assert decode_record(record_of(lines), CLUSTER, GROUPS_RECORD).answer == whole
    with pytest.raises(MalformedDocument):
        decode_record(record_of(changed(lines, number, change)), CLUSTER, GROUPS_RECORD)


def test_missing_and_surplus_documents_are_refused(whole: DiscoveryResult) -> None:
    lines = body_of(encode_record(Record(whole), CLUSTER, STAMP))
    for wrong in (lines[:-2] + [b""], lines[:-1], lines[:1] + [b""], [*lines[:-1], lines[-2], b""], [b"{}", b""]):
        with pytest.raises(MalformedDocument):
            decode_record(record_of(wrong), CLUSTER, GROUPS_RECORD)
    with pytest.raises(MalformedDocument):
        decode_record(record_of(lines), CLUSTER, "v1")


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"1 %s %d\n" % (STAMP.generation.encode(), STAMP.asked)
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 1 << 20)
    bomb = header + zlib.compress(b"[" * (64 << 20), 9)
    assert len(bomb) < 1 << 17
    with pytest.raises(MalformedDocument, match="too large"):
        decode_record(bomb, CLUSTER, GROUPS_RECORD)


def test_random_bytes_are_no_record(whole: DiscoveryResult) -> None:
    chance = random.Random(7)
    good = encode_record(Record(whole, (IDENTITY,)), CLUSTER, STAMP)
    for _ in range(200):
        kind, data = chance.randrange(3), bytearray(good)
        if kind == 0:
            data = bytearray(os.urandom(chance.randrange(200)))
        elif kind == 1:
            del data[chance.randrange(len(data)) :]
        else:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            assert decode_record(bytes(data), CLUSTER, GROUPS_RECORD).answer == whole
        except MalformedDocument:
            pass


def test_identities_of_one_cluster_agree() -> None:
    one, other = ServerIdentity("a" * 64), ServerIdentity("b" * 64)
    uids = frozenset({"u"})
    assert one_cluster([one, one._replace(connection=3)]) == (one,)
    assert one_cluster([]) == ()
    assert one_cluster([ServerIdentity(), ServerIdentity()]) == (ServerIdentity(),)
    assert one_cluster([one, other]) is None
    assert one_cluster([one._replace(uids=uids), other._replace(uids=uids)]) is not None
    assert one_cluster([one._replace(uids=uids), one._replace(uids=frozenset({"v"}))]) is None
    assert one_cluster([one, ServerIdentity("", uids)]) is None


def hostile(chance: random.Random, good: bytes) -> bytes:
    """Something in the place of a record, mostly with a header that looks right."""
    header, _, body = good.partition(b"\n")
    choices = [
        lambda: os.urandom(chance.randrange(1, 300)),
        lambda: good[: chance.randrange(len(good))],
        lambda: header + b"\n" + os.urandom(40),
        lambda: header + b"\n" + zlib.compress(b'{"cluster":{}}\n'),
        lambda: header + b"\n" + zlib.compress(zlib.decompress(body).replace(b"deployments", b"../../../x")),
        lambda: header + b"\n" + zlib.compress(zlib.decompress(body).replace(b'"name":"test"', b'"name":"prod"')),
        lambda: header + b"\n" + zlib.compress(b"0" * (1 << 20)),
        lambda: header + b"\n" + zlib.compress(b"[" * 100_000),
        lambda: header.rpartition(b" ")[0] + b" 99999999999999999\n" + body,
        lambda: b"1 - 0\n" + body,
        lambda: b"2" + good[1:],
        lambda: b"\x80\x04cposix\nsystem\n.",
    ]
    return chance.choice(choices)()


@pytest.mark.long
def test_poisoned_records_are_never_used_and_are_replaced(
    machine: Machine,
    server: DiscoveryServer,
    redis_server: RedisServer,
    records: RecordStore,
    request: pytest.FixtureRequest,
) -> None:
    expected = machine("a").server_groups_and_resources()
    engine, key = redis_server.client(), records.key("groups")
    good: bytes = engine.get(key)
    chance = random.Random(3)
    client = machine("b", recheck_interval=0)
    for _ in range(10_000 if request.config.getoption("--whole") else 200):
        poison = hostile(chance, good)
        if poison == good:
            continue
        engine.set(key, poison)
        before = server.request_count
        found = client.delegate.groups_and_maybe_resources()  # type: ignore[attr-defined]
        assert [found.groups.groups, found.lists] == [tuple(expected[0]), expected[1]]
        assert server.request_count == before + 2
        assert engine.get(key) != poison
        before = server.request_count
        client.delegate.groups_and_maybe_resources()  # type: ignore[attr-defined]
        assert server.request_count == before


@pytest.mark.parametrize("part", ["record:groups", "generation", "names"])
def test_a_key_of_another_type_is_replaced(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, records: RecordStore, part: str
) -> None:
    engine = redis_server.client()
    engine.hset(f"{records.prefix}:{part}", "x", "y")
    machine("a").server_groups()
    machine("b").server_groups()
    assert server.request_count == 2
    assert "groups" in records.names()


def test_a_record_that_is_too_large_is_not_even_read(
    machine: Machine, server: DiscoveryServer, redis_server: RedisServer, records: RecordStore
) -> None:
    machine("a").server_groups()
    redis_server.client().setrange(records.key("groups"), module.MAX_RECORD_BYTES, b"x")
    assert records.see("groups").data == b""
    machine("b").server_groups()
    machine("c").server_groups()
    assert server.request_count == 4
