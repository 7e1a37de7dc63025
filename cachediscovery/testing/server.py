"""`DiscoveryServer`: a read-only API server on a loopback port that replays a `Recording`."""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ..config.client_config import ClientConfig
from ..model.aggregated import GROUP, KIND, NO_PEER, VERSIONS
from .failure import Failure, status_object
from .http_server import Answer, HTTPServer, ServedRequest
from .openapi import RecordedOpenAPI
from .recording import Recording, load_recording
from .served_apis import VERBS, ServedAPIs, guessed_plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

# Real API servers compress responses from this size on.
_GZIP_BYTES = 128 << 10


class DiscoveryServer:
    """Serves `/api`, `/apis`, every group version and `/version` over HTTP, or HTTPS with `tls`.

    Use it as a context manager:

        with DiscoveryServer() as server:
            client = DiscoveryClient.for_config(server.config)
            ...
            assert server.request_count == 2

    It also serves lists and watches of CustomResourceDefinitions and APIServices; `install_crd` and its siblings send
    the events of a real server. The public attributes may be changed while it runs.
    """

    def __init__(
        self,
        recording: Recording | None = None,
        *,
        aggregated: tuple[str, ...] | bool = True,
        delay: float = 0.0,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        prefix: str = "",
    ) -> None:
        """`aggregated` lists the supported versions of aggregated discovery: True for all, False for none.

        `delay` (seconds) precedes each response. Requests without `token`, if set, get a 401. `port` 0 is any free one.
        `prefix` is a path before all others, as behind a proxy: `/k8s/clusters/c-1`.
        """
        self.recording: Recording = recording if recording is not None else load_recording()
        # What its peers serve as well: for all requests for aggregated documents except those with `profile=nopeer`.
        self.with_peers: Recording | None = None
        self.aggregated: tuple[str, ...] = VERSIONS if aggregated is True else aggregated or ()
        self.delay = delay
        self.token = token
        # Responses that replace the recorded ones, by path.
        self.failures: dict[str, Failure] = {}
        self.etags = True
        # The OpenAPI v3 documents.
        self.openapi: RecordedOpenAPI = RecordedOpenAPI()
        self._prefix = prefix
        # Headers of every response.
        self.headers: dict[str, str] = {}
        # Events in place of the server's own for a watch (`?watch=1`), by path: a function of the query.
        self.watches: dict[str, Callable[[str], Iterable[dict[str, Any]]]] = {}
        # Called with the path of each request before the response.
        self.on_request: Callable[[str], None] | None = None
        self.requests: list[ServedRequest] = []
        self._lock = threading.Lock()
        self._apis = ServedAPIs(lambda: self.recording)
        self._server = HTTPServer(self._serve, self._note, tls, port)

    @property
    def url(self) -> str:
        """The server's URL."""
        return self._server.url + self._prefix

    @property
    def config(self) -> ClientConfig:
        """The configuration of a client, with the `token`; for `tls` it lacks the certificate authority."""
        return ClientConfig(self.url, token=self.token)

    @property
    def request_count(self) -> int:
        """The number of requests answered."""
        with self._lock:
            return len(self.requests)

    def paths(self) -> list[str]:
        """The paths of all requests answered, in order."""
        with self._lock:
            return [request.path for request in self.requests]

    def forget_requests(self) -> None:
        """Clear the recorded requests."""
        with self._lock:
            self.requests.clear()

    def fail(self, path: str, failure: Failure | None = None) -> None:
        """Answer `path` with `failure`, by default a 503, from now on."""
        self.failures[path] = failure or Failure()

    def install_crd(
        self,
        group_version: str,
        kind: str,
        *,
        plural: str = "",
        short_names: Sequence[str] = (),
        categories: Sequence[str] = (),
        namespaced: bool = True,
        subresources: Sequence[str] = ("status",),
    ) -> str:
        """Serve a custom resource, such as `Widget` in `example.com/v1`, as if its CRD was created.

        The default of `plural` is client-go's guess. For a known CRD this adds a version. Returns the name of the CRD,
        for `uninstall_crd`.
        """
        resource = {
            "name": plural or guessed_plural(kind),
            "singularName": kind.lower(),
            "namespaced": namespaced,
            "kind": kind,
            "verbs": VERBS,
            **({"shortNames": list(short_names)} if short_names else {}),
            **({"categories": list(categories)} if categories else {}),
        }
        return self._apis.install_crd(group_version, resource, subresources)

    def uninstall_crd(self, name: str) -> None:
        """Stop serving a custom resource, by its CRD's name (`widgets.example.com`). Raises `KeyError`."""
        self._apis.uninstall_crd(name)

    def install_api_service(self, group_version: str, resources: Sequence[dict[str, Any]]) -> str:
        """Serve a group version of an extension API server, as if its APIService was created. Return the name of that.

        The resources are entries of an `APIResourceList`, as for `Recording.add_group`.
        """
        return self._apis.install_api_service(group_version, list(resources))

    def uninstall_api_service(self, name: str) -> None:
        """Stop serving a group version, by its APIService's name (`v1beta1.metrics.k8s.io`). Raises `KeyError`."""
        self._apis.uninstall_api_service(name)

    def expire_watches(self, *, as_status: bool = False) -> None:
        """End all watches, and answer those from any earlier `resourceVersion` with `410 Gone`.

        They get an ERROR event, as a real server does, or with `as_status` an HTTP status, as some proxies do.
        """
        self._apis.expire(as_status=as_status)

    @property
    def bookmark_seconds(self) -> float:
        """The seconds between two bookmarks of a watch; 60 by default, as a real server."""
        return self._apis.bookmark_seconds

    @bookmark_seconds.setter
    def bookmark_seconds(self, value: float) -> None:
        """Set it for watches that begin from now on."""
        self._apis.bookmark_seconds = value

    def write_kubeconfig(self, path: Path, *, certificate_authority: str = "") -> Path:
        """Write a kubeconfig for this server, with its `token`, to `path`. Return `path`."""
        cluster: dict[str, Any] = {"server": self.url}
        if certificate_authority:
            cluster["certificate-authority"] = certificate_authority
        user = {"token": self.token} if self.token else {}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "local", "user": user}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        }
        import yaml

        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def start(self) -> None:
        """Start serving."""
        self._server.start()

    def stop(self) -> None:
        """Stop, free the port and close open connections."""
        self._apis.close()
        self._server.stop()

    def __enter__(self) -> DiscoveryServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, path: str, query: str, headers: tuple[tuple[str, str], ...]) -> Answer:
        if self.delay:
            time.sleep(self.delay)
        sent = {name.lower(): value for name, value in reversed(headers)}
        accept, authorization = sent.get("accept", ""), sent.get("authorization", "")
        if self.on_request is not None:
            self.on_request(path)
        path = (path.removeprefix(self._prefix) if f"{path}/".startswith(f"{self._prefix}/") else path) or "/"
        status, found, body = self._answer(path, query, accept, authorization)
        if status == 200 and path in self.watches and "1" in parse_qs(query).get("watch", ()):
            return Answer(200, {"Content-Type": "application/json"}, events=self.watches[path](query))
        # `_answer` knows no queries.
        listed = self._apis.answer(path, query, accept) if status == 200 and not body else None
        if listed is not None:
            status, body = listed.status, _json(listed.document)
            if listed.events is not None:
                return Answer(200, {**self.headers, **found}, events=listed.events)
        found = {**self.headers, **found}
        etag = found.get("Etag")
        if status == 200 and etag and sent.get("if-none-match") == etag:
            status, body = 304, b""
        elif "gzip" in sent.get("accept-encoding", "") and len(body) > _GZIP_BYTES and "Expires" not in found:
            body = gzip.compress(body, 1)
            found["Content-Encoding"] = "gzip"
        return Answer(status, found, body)

    def _answer(self, path: str, query: str, accept: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a GET; no body for a collection, whose objects depend on the query."""
        failure = self._failure(path)
        if failure is not None:
            body = failure.body if failure.body is not None else _json(status_object(failure.status, failure.message))
            return failure.status, {"Content-Type": failure.content_type, **dict(failure.headers)}, body
        if self.token and authorization != f"Bearer {self.token}":
            return 401, {"Content-Type": "application/json"}, _json(status_object(401, "Unauthorized"))
        recording = self.recording
        content_type = "application/json"
        document: dict[str, Any] | None = recording.unaggregated.get(path)
        version, is_local = self._aggregated_version(accept) if path in ("/api", "/apis") else ("", False)
        if version:
            served = recording if is_local or self.with_peers is None else self.with_peers
            document = served.api if path == "/api" else served.apis
            content_type = f"application/json;g={GROUP};v={version};as={KIND}"
        if document is None and self._apis.serves(path):
            return 200, {"Content-Type": content_type}, b""
        schemas = self.openapi.answer(path, query, etags=self.etags) if document is None else None
        if schemas is not None:
            return schemas
        if document is None:
            status = status_object(404, "the server could not find the requested resource")
            return 404, {"Content-Type": content_type}, _json(status)
        body = _json(document)
        headers = {"Content-Type": content_type}
        if version and self.etags:
            headers.update({"Etag": f'"{hashlib.sha256(body).hexdigest()[:64].upper()}"', "Vary": "Accept"})
        return 200, headers, body

    def _failure(self, path: str) -> Failure | None:
        with self._lock:
            failure = self.failures.get(path)
            if failure is not None and failure.times is not None:
                if failure.times > 1:
                    self.failures[path] = failure._replace(times=failure.times - 1)
                else:
                    del self.failures[path]
            return failure

    def _aggregated_version(self, accept: str) -> tuple[str, bool]:
        """The first version of aggregated discovery that both sides support, "" for none, and whether without peers."""
        for item in accept.replace(" ", "").split(","):
            for version in self.aggregated:
                if item.removesuffix(f";{NO_PEER}") == f"application/json;g={GROUP};v={version};as={KIND}":
                    return version, item.endswith(NO_PEER)
        return "", False

    def _note(self, request: ServedRequest) -> None:
        with self._lock:
            self.requests.append(request)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
