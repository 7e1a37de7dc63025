"""The names of Kubernetes APIs: group, version, kind, resource. From apimachinery's `runtime/schema`."""

from __future__ import annotations

from .records import NamedTuple


class GroupVersion(NamedTuple):
    """A group and a version. The core group's name is empty. Prints as `apps/v1`, or `v1` for the core group."""

    group: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def parse(cls, text: str) -> GroupVersion:
        """Parse `GROUP/VERSION` or `VERSION`. Raises `ValueError` for two or more slashes."""
        group, slash, version = text.partition("/")
        if "/" in version:
            raise ValueError(f"unexpected GroupVersion string: {text!r}")
        return cls(group, version) if slash else cls("", group)

    def with_kind(self, kind: str) -> GroupVersionKind:
        """Make the name of a kind of this group version."""
        return GroupVersionKind(self.group, self.version, kind)

    def with_resource(self, resource: str) -> GroupVersionResource:
        """Make the name of a resource of this group version."""
        return GroupVersionResource(self.group, self.version, resource)


class GroupKind(NamedTuple):
    """A kind without a version. Prints as `Deployment.apps`."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @classmethod
    def parse(cls, text: str) -> GroupKind:
        """Parse `KIND` or `KIND.GROUP`; the group is everything after the first dot."""
        kind, _, group = text.partition(".")
        return cls(group, kind)


class GroupResource(NamedTuple):
    """A resource without a version. Prints as `deployments.apps`."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @classmethod
    def parse(cls, text: str) -> GroupResource:
        """Parse `RESOURCE` or `RESOURCE.GROUP`; the group is everything after the first dot."""
        resource, _, group = text.partition(".")
        return cls(group, resource)


class GroupVersionKind(NamedTuple):
    """The full name of a kind, as in an object's `apiVersion` and `kind`."""

    group: str
    version: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group_version}, Kind={self.kind}"

    @property
    def group_version(self) -> GroupVersion:
        """The group and the version."""
        return GroupVersion(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        """The kind in any version."""
        return GroupKind(self.group, self.kind)

    @classmethod
    def from_api_version(cls, api_version: str, kind: str) -> GroupVersionKind:
        """Parse an object's fields, as `("apps/v1", "Deployment")`. Raises `ValueError` like `GroupVersion.parse`."""
        return GroupVersion.parse(api_version).with_kind(kind)


class GroupVersionResource(NamedTuple):
    """The full name of a resource, as in a URL. In the partial name of a lookup, an empty group or version is any."""

    group: str
    version: str
    resource: str

    def __str__(self) -> str:
        return f"{self.group_version}, Resource={self.resource}"

    @property
    def group_version(self) -> GroupVersion:
        """The group and the version."""
        return GroupVersion(self.group, self.version)

    @property
    def group_resource(self) -> GroupResource:
        """The resource in any version."""
        return GroupResource(self.group, self.resource)
