"""`FakeDiscoveryClient`: a discovery client without a server, for unit tests (client-go's `discovery/fake`)."""

from __future__ import annotations

from typing import NamedTuple

from ..discovery.interfaces import CachedDiscoveryInterface
from ..model.discovery_result import DiscoveryResult
from ..model.errors import DiscoveryError, NotFound
from ..model.group_version import GroupVersion
from ..model.listing import fetch_missing, groups_and_resources, namespaced_only, preferred_resources
from ..model.names import parse_group_version
from ..model.types import APIGroup, APIGroupList, APIResourceList, GroupVersionForDiscovery, VersionInfo
from ..openapi.documents import OpenAPIV3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..openapi.documents import OpenAPIDocument, OpenAPIIndex


class Call(NamedTuple):
    """One call of a method of the fake, such as `server_groups`, with its arguments."""

    method: str
    arguments: tuple[str, ...] = ()


class FakeDiscoveryClient(CachedDiscoveryInterface):
    """Serves given resource lists, records every call, and fails on demand. It is also a cached client.

        client = FakeDiscoveryClient([
            APIResourceList("apps/v1", (APIResource("deployments", "deployment", True, "Deployment", ("get",)),)),
        ])
        client.fail("metrics.k8s.io/v1beta1")
        client.fail("server_groups", DiscoveryError("no connection"))
        assert client.calls == []

    The groups come from the lists, in their order. Each group prefers its first version.
    """

    def __init__(
        self,
        resources: Iterable[APIResourceList] = (),
        *,
        version: VersionInfo | None = None,
        server: str = "https://fake",
    ) -> None:
        # Tests may change these between calls.
        self.resources: list[APIResourceList] = list(resources)
        self.version: VersionInfo = version if version is not None else VersionInfo(git_version="v0.0.0-fake")
        self._server = server
        self.calls: list[Call] = []
        self._failures: dict[str, DiscoveryError] = {}
        self._fresh = True

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._server

    @property
    def fresh(self) -> bool:
        """True until a test sets it to false."""
        return self._fresh

    @fresh.setter
    def fresh(self, value: bool) -> None:
        """Set what `fresh` returns."""
        self._fresh = value

    def fail(self, what: str, error: DiscoveryError | None = None) -> None:
        """Make a method (`server_groups`) or a group version (`apps/v1`) fail from now on.

        A failing group version is listed even if it has no resources.
        """
        self._failures[what] = error if error is not None else DiscoveryError(f"{what} fails, as the test requested")

    def recover(self, what: str) -> None:
        """Stop a method or group version from failing."""
        self._failures.pop(what, None)

    def invalidate(self, group_version: str | None = None) -> None:
        """Record the call. Nothing is cached."""
        self._record("invalidate", *([group_version] if group_version is not None else []))

    def close(self) -> None:
        """Record the call. The fake stays usable."""
        self._record("close")

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if some could not be listed."""
        self._record("server_groups")
        return self._groups()

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        self._record("server_resources_for_group_version", group_version)
        return self._resources(parse_group_version(group_version))

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        self._record("server_groups_and_resources")
        return groups_and_resources(self._everything())

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        self._record("server_preferred_resources")
        return preferred_resources(self._everything())

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        self._record("server_preferred_namespaced_resources")
        return namespaced_only(lambda: preferred_resources(self._everything()))

    def server_version(self) -> VersionInfo:
        """The server's version."""
        self._record("server_version")
        return self.version

    def openapi_v3(self) -> OpenAPIV3:
        """OpenAPI v3 without any documents."""
        self._record("openapi_v3")
        return _NoOpenAPI()

    def _record(self, method: str, *arguments: str) -> None:
        self.calls.append(Call(method, arguments))
        if method in self._failures:
            raise self._failures[method]

    def _group_versions(self) -> list[GroupVersion]:
        listed = [item.group_version for item in self.resources]
        listed += [
            name for name in self._failures if not name.startswith(("server_", "openapi", "invalidate", "close"))
        ]
        return list(dict.fromkeys(GroupVersion.parse(name) for name in listed))

    def _groups(self) -> APIGroupList:
        versions: dict[str, list[GroupVersionForDiscovery]] = {}
        for group_version in self._group_versions():
            entry = GroupVersionForDiscovery(str(group_version), group_version.version)
            versions.setdefault(group_version.group, []).append(entry)
        return APIGroupList(tuple(APIGroup(name, tuple(found), found[0]) for name, found in versions.items()))

    def _resources(self, group_version: GroupVersion) -> APIResourceList:
        name = str(group_version)
        if name in self._failures:
            raise self._failures[name]
        for item in self.resources:
            if item.group_version == name:
                return item
        raise NotFound(f"{self.server}/apis/{name}", f"the fake does not serve {name}", 404)

    def _everything(self) -> DiscoveryResult:
        groups = self._groups()
        return fetch_missing(DiscoveryResult(groups), lambda name: self._resources(GroupVersion.parse(name)), 1)


class _NoOpenAPI(OpenAPIV3):
    def index(self, etag: str = "") -> OpenAPIIndex:  # noqa: ARG002
        raise NotFound("/openapi/v3", "the fake has no OpenAPI documents", 404)

    def document(self, server_relative_url: str) -> OpenAPIDocument:
        raise NotFound(server_relative_url, "the fake has no OpenAPI documents", 404)
