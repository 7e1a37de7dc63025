"""`RecordedOpenAPI`: the OpenAPI v3 documents of a `DiscoveryServer`, with the headers of a real API server."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

_INDEX = "/openapi/v3"
_RECORDING = Path(__file__).parent / "recordings" / "openapi.json.gz"
_YEAR = 365 * 24 * 3600
_JSON = {"Content-Type": "application/json"}


class RecordedOpenAPI:
    """Serves the index, the documents and the redirects from old hashes to new ones.

    `documents` has the document of each path of the index, such as `apis/apps/v1`, as an object, or as bytes to be sent
    as they are. Its hash is in the URL that the index gives. A test may change them: an empty dict is a server without
    OpenAPI v3. `prefix` is put before the URLs of the index, as some proxies do. `urls` replaces single URLs of it.
    """

    def __init__(self, documents: dict[str, dict[str, Any] | bytes] | None = None) -> None:
        """Without `documents`, serve those of a kube-apiserver 1.37: the core group, apps, CRDs and cert-manager."""
        self._documents = documents
        self.prefix = ""
        self.urls: dict[str, str] = {}

    @property
    def documents(self) -> dict[str, dict[str, Any] | bytes]:
        """The documents by path. The recorded ones are read when they are first used."""
        if self._documents is None:
            recorded = json.loads(gzip.decompress(_RECORDING.read_bytes()))
            self._documents = {path: text.encode() for path, text in recorded.items()}
        return self._documents

    @documents.setter
    def documents(self, value: dict[str, dict[str, Any] | bytes]) -> None:
        """Replace all documents."""
        self._documents = value

    def url(self, path: str) -> str:
        """The URL of a document in the index, with its hash."""
        return self.urls.get(path, f"{self.prefix}{_INDEX}/{path}?hash={_hash(_bytes(self.documents[path]))}")

    def answer(self, path: str, query: str, *, etags: bool) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body for a GET of a path below `/openapi/v3`; None for any other."""
        if path == _INDEX and self.documents:
            paths = {name: {"serverRelativeURL": self.url(name)} for name in sorted(self.documents)}
            body = json.dumps({"paths": paths}, separators=(",", ":")).encode()
            headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache, private"}
            return 200, {**headers, **({"Etag": f'"{_hash(body)}"'} if etags else {})}, body
        found = self.documents.get(path.removeprefix(f"{_INDEX}/")) if path.startswith(f"{_INDEX}/") else None
        if found is None:
            return (404, _JSON, b"") if path.startswith(f"{_INDEX}/") else None
        body = _bytes(found)
        known = _hash(body)
        headers = {**_JSON, "Etag": f'"{known}"', "Vary": "Accept", "Cache-Control": "no-cache, private"}
        asked = next((pair[5:] for pair in query.split("&") if pair.startswith("hash=")), "")
        if asked == known:
            until = formatdate(time.time() + _YEAR, usegmt=True).replace("GMT", "UTC")
            return 200, {**headers, "Cache-Control": "public, immutable", "Expires": until}, body
        if asked:
            return 301, {**headers, "Location": f"{self.prefix}{path}?hash={known}"}, b""
        return 200, headers, body


def _bytes(document: dict[str, Any] | bytes) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()


@functools.lru_cache(256)
def _hash(body: bytes) -> str:
    """The API server's hash of a document."""
    return hashlib.sha512(body).hexdigest().upper()
