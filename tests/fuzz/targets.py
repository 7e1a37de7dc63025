"""The fuzz targets: bytes from a server, and bytes from a file. They may raise only a `DiscoveryError`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping

from cachediscovery import (
    CachedDiscoveryClient,
    DiscoveryClient,
    DiscoveryError,
    DocumentStore,
    OpenAPIRoot,
    RequestError,
)
from cachediscovery import _log as log
from cachediscovery.disk.cluster_record import RECORD_FILE
from cachediscovery.disk.fetches import FETCHES_FILE
from cachediscovery.disk.response_file import OPENAPI, encode_response
from cachediscovery.index.documents import SECTIONS
from cachediscovery.index.index_file import INDEX_FILE, read_index
from cachediscovery.index.search import COLUMNS
from cachediscovery.model.aggregated import ACCEPT
from cachediscovery.model.documents import parse_object
from cachediscovery.model.fields import MalformedDocument
from cachediscovery.openapi.json_schema import JSONSchemas
from cachediscovery.transport.base import DocumentTransport, RawResponse
from cachediscovery.transport.http_store import HTTPStore

URL = "http://fuzz.test"
_TYPES = [*ACCEPT.split(","), "application/json", "text/html", ""]
_FOLDER = tempfile.mkdtemp(prefix="cachediscovery-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
_STORE = DocumentStore(_FOLDER, os.path.join(_FOLDER, "discovery", "fuzz.test"), "0123456789abcdef")
_FILES = [_STORE.path(""), _STORE.path("v1"), _STORE.path("apps/v1")]
_FILES += [os.path.join(_STORE.folder, name) for name in (INDEX_FILE, RECORD_FILE, FETCHES_FILE)]


class _Fuzzed(DocumentTransport):
    """Returns the same bytes for every request."""

    def __init__(self, body: bytes, content_type: str) -> None:
        super().__init__(URL)
        self._answer = RawResponse(URL, 200, {"Content-Type": content_type, "ETag": '"x"'}, body)

    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        return self._answer._replace(url=url)


class _Down(DocumentTransport):
    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        raise RequestError(url, "nobody is there")


def response(data: bytes) -> None:
    """The first byte chooses the content type; the rest is the body of every response."""
    client = DiscoveryClient(_Fuzzed(data[1:], _TYPES[data[0] % len(_TYPES)] if data else ""), URL)
    for call in (
        client.server_groups_and_resources,
        client.server_preferred_resources,
        client.server_version,
        lambda: client.server_resources_for_group_version("apps/v1"),
        lambda: [found.schema() for found in client.openapi_v3().paths().values()],
        lambda: client.openapi_v3().document("/openapi/v3/apis/apps/v1?hash=A"),
        OpenAPIRoot(client.openapi_v3()).group_versions,
        lambda: _schemas(data[1:]),
    ):
        _only_discovery_errors(call)


def _schemas(body: bytes) -> None:
    """Translate the body, if it is an object, as a schema that may refer to itself."""
    try:
        schema = parse_object(body)
        for strict in (True, False):
            JSONSchemas({"it": schema}, strict=strict).schema("it", inline=strict)
    except MalformedDocument as error:
        assert "\n" not in str(error)


def file(data: bytes) -> None:
    """The first byte chooses a cache file or a stored response; the rest is its content."""
    for path in _FILES:
        if os.path.exists(path):
            os.unlink(path)
    number = data[0] % (len(_FILES) + 1) if data else 0
    responses = HTTPStore(_FOLDER)
    path = _FILES[number] if number < len(_FILES) else responses._path(f"{URL}/apis")
    for folder in (os.path.dirname(path), os.path.join(_FOLDER, "http")):
        os.makedirs(folder, exist_ok=True, mode=0o700)
    with open(path, "wb") as written:
        written.write(data[1:])
    # A fuzzer finds no checksum.
    with open(_STORE.path(f"{URL}{OPENAPI}"), "wb") as written:
        written.write(encode_response([], data[1:]))
    store = DocumentStore(_STORE.root, _STORE.folder, _STORE.trust_fingerprint)
    client = CachedDiscoveryClient(DiscoveryClient(_Down(URL), URL), store, stale_if_error=1e9)
    responses.load(f"{URL}/apis")
    read_index(store.root, store.folder, [*COLUMNS, *SECTIONS], store.trust_fingerprint)
    store.was_fetch(int.from_bytes(data[:7], "big"))
    for call in (
        client.server_groups,
        lambda: client.server_resources_for_group_version("v1"),
        lambda: client.server_resources_for_group_version("apps/v1"),
        client.server_groups_and_resources,
        client.resource_index.write,
        client.openapi_v3().index,
    ):
        _only_discovery_errors(call)


def _only_discovery_errors(call: Callable[[], object]) -> None:
    # Invalid names cause many warnings: drop them.
    log.on_warning(lambda message: None)
    try:
        call()
    except DiscoveryError as error:
        assert "\n" not in str(error)
    finally:
        log.on_warning(None)


TARGETS: dict[str, Callable[[bytes], None]] = {"response": response, "file": file}
