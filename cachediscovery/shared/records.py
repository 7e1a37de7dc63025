"""`Record`: one answer of a server as bytes, in the encodings of the disk, with the identity of who answered.

A record is a header line, which the engine's scripts read, and a compressed body. The body is a line of JSON that says
of which cluster it is, and a line for each document; an OpenAPI document is as received. It is trusted no more than a
server's answer: sizes are bounded, and a record is used only if this module would have written just these bytes.
"""

from __future__ import annotations

import json
import re
import zlib

from ..disk.response_file import OPENAPI
from ..model.discovery_result import DiscoveryResult
from ..model.documents import (
    encode_group_list,
    encode_resource_list,
    go_json,
    group_list_from,
    parse_object,
    resource_list_from,
)
from ..model.fields import MalformedDocument, get_object, get_objects, get_str, get_strs
from ..model.group_version import GroupVersion
from ..model.names import is_group_name, is_version_name
from ..model.records import NamedTuple
from ..model.types import APIResourceList
from ..openapi.documents import OpenAPIDocument, OpenAPIIndex, parse_document
from ..openapi.index import encode_index, index_from
from ..transport.server_identity import ServerIdentity, is_uid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from ..model.types import APIGroupList

    Answer: TypeAlias = DiscoveryResult | APIResourceList | OpenAPIIndex | OpenAPIDocument

# The name of the record of the groups; those of resource lists are group versions, those of OpenAPI documents URLs.
GROUPS_RECORD = "groups"
# The most bytes of a record in the engine, and of its documents.
MAX_RECORD_BYTES = 16 << 20
MAX_BODY_BYTES = 64 << 20
# A cluster has a few API servers, and an answer a few parts.
_MAX_IDENTITIES = 32
_MAX_UIDS = 64
_HEADER = re.compile(rb"1 ([0-9]{1,17}-[ci][0-9a-f]{1,32}) ([0-9]{1,17})\n")
_CERTIFICATE = re.compile("[0-9a-f]{64}")


class Stamp(NamedTuple):
    """Under which generation a record was requested, and when: in microseconds on the engine's clock."""

    generation: str
    asked: int


class Record(NamedTuple):
    """An answer, and the identities of the servers that gave it."""

    answer: Answer
    identities: tuple[ServerIdentity, ...] = ()


def encode_record(record: Record, cluster: Mapping[str, str], stamp: Stamp) -> bytes:
    """The bytes of a record of `cluster`."""
    return b"1 %s %d\n" % (stamp.generation.encode(), stamp.asked) + zlib.compress(_body(record, cluster), 6)


def stamp_of(data: bytes) -> Stamp | None:
    """The stamp of a record; None if it has none."""
    header = _HEADER.match(data)
    return Stamp(header[1].decode(), int(header[2])) if header is not None else None


def decode_record(data: bytes, cluster: Mapping[str, str], name: str) -> Record:
    """The record `name` of `cluster`. Raises `MalformedDocument` for anything else."""
    header = _HEADER.match(data)
    if header is None or len(data) > MAX_RECORD_BYTES:
        raise MalformedDocument("not a record")
    body = _inflated(data[header.end() :])
    first, _, rest = body.partition(b"\n")
    about = parse_object(first)
    if get_object(about, "cluster") != cluster:
        raise MalformedDocument("the record is another cluster's")
    record = Record(_answer_from(name, rest), _identities_from(about))
    if _body(record, cluster) != body:
        raise MalformedDocument("the record is not in the form in which records are written")
    return record


def _body(record: Record, cluster: Mapping[str, str]) -> bytes:
    identities = [
        {"certificate": identity.certificate, "uids": sorted(identity.uids)} for identity in record.identities
    ]
    about = json.dumps({"cluster": dict(cluster), "identities": identities}, separators=(",", ":"), sort_keys=True)
    return b"".join([about.encode() + b"\n", *_documents(record.answer)])


def _documents(answer: Answer) -> Iterable[bytes]:
    """The documents of an answer, one a line: the groups, and the resources in the order of the groups, if any."""
    if isinstance(answer, OpenAPIDocument):
        return [answer.body]
    if isinstance(answer, OpenAPIIndex):
        return [(go_json({"etag": answer.etag}) + "\n").encode(), encode_index(answer)]
    if isinstance(answer, APIResourceList):
        return [encode_resource_list(answer)]
    keys = answer.groups.group_versions if answer.resources else ()
    return [encode_group_list(answer.groups), *(encode_resource_list(answer.resources[key]) for key in keys)]


def _answer_from(name: str, data: bytes) -> Answer:
    if name.startswith(f"{OPENAPI}/"):
        parse_document(data)
        return OpenAPIDocument(name, data)
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    if name == OPENAPI:
        if len(lines) != 2:
            raise MalformedDocument("not one index")
        return index_from(lines[1], "", get_str(parse_object(lines[0]), "etag"))
    if name != GROUPS_RECORD:
        if len(lines) != 1:
            raise MalformedDocument("not one resource list")
        return _resources_from(lines[0], name)
    if not lines:
        raise MalformedDocument("no groups")
    groups = group_list_from(parse_object(lines[0]), strict=True)
    _check_names(groups)
    keys = list(groups.group_versions)
    if len(lines) not in (1, 1 + len(keys)):
        raise MalformedDocument("resource lists are missing")
    resources = {key: _resources_from(line, str(key)) for key, line in zip(keys, lines[1:], strict=False)}
    return DiscoveryResult(groups, resources)


def _resources_from(line: bytes, name: str) -> APIResourceList:
    found = resource_list_from(parse_object(line), name, strict=True)
    if any(part in ("", ".", "..") for resource in found.resources for part in resource.name.split("/")):
        raise MalformedDocument("a name is not a resource's")
    return found


def _check_names(groups: APIGroupList) -> None:
    """Raise `MalformedDocument` for a name that a server's answer would have lost."""
    for group in groups.groups:
        if group.name and not is_group_name(group.name):
            raise MalformedDocument("a name is not a group's")
        for version in (*group.versions, *([group.preferred_version] if group.preferred_version.version else [])):
            is_named = version.group_version == str(GroupVersion(group.name, version.version))
            if not is_named or not is_version_name(version.version):
                raise MalformedDocument("a name is not a version's")


def _identities_from(about: Mapping[str, object]) -> tuple[ServerIdentity, ...]:
    found: list[ServerIdentity] = []
    for item in get_objects(about, "identities"):
        certificate, uids = get_str(item, "certificate"), get_strs(item, "uids")
        if (certificate and not _CERTIFICATE.fullmatch(certificate)) or not all(map(is_uid, uids)):
            raise MalformedDocument("not the identity of a server")
        if len(uids) > _MAX_UIDS or len(found) >= _MAX_IDENTITIES:
            raise MalformedDocument("too many identities")
        found.append(ServerIdentity(certificate, frozenset(uids)))
    return tuple(found)


def _inflated(data: bytes) -> bytes:
    """The decompressed body. Raises `MalformedDocument` if it is damaged or too large."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data, MAX_BODY_BYTES)
    except zlib.error as error:
        raise MalformedDocument("the record cannot be decompressed") from error
    if not inflater.eof or inflater.unused_data:
        raise MalformedDocument("the record is cut short or too large")
    return body


def one_cluster(identities: Sequence[ServerIdentity]) -> tuple[ServerIdentity, ...] | None:
    """The identities of one answer, without connections; None if they may be of different clusters."""
    found = tuple(dict.fromkeys(identity._replace(connection=None) for identity in identities))
    if len(found) > _MAX_IDENTITIES or not all(_agree(found[0], other) for other in found[1:]):
        return None
    return found


def _agree(one: ServerIdentity, other: ServerIdentity) -> bool:
    if one.uids and other.uids:
        return not one.uids.isdisjoint(other.uids)
    return bool(one.certificate) and one.certificate == other.certificate
