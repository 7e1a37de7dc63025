"""`ShortcutExpander`: expands short names before another mapper looks them up."""

from __future__ import annotations

from .. import _log as log
from ..model.discovery_result import DiscoveryResult
from ..model.errors import DiscoveryError, NoMatchError
from ..model.group_version import GroupVersionResource
from ..model.listing import result_of
from ..model.types import APIGroupList
from . import name_rules as rules
from .table import ResourceTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..discovery.interfaces import DiscoveryInterface
    from ..model.group_version import GroupKind, GroupVersionKind
    from .deferred import DeferredDiscoveryRESTMapper
    from .mapper import RESTMapper
    from .mapping import RESTMapping


class ShortcutExpander:
    """A REST mapper that first expands short names. client-go's `NewShortcutExpander`.

    The mappers of this package know short names themselves, and log a warning if one is ambiguous. This one is for a
    program that shows these warnings itself. It lists the resources on every lookup of a resource: give it a cached
    client. All lookups raise `DiscoveryError`.
    """

    def __init__(
        self,
        delegate: RESTMapper | DeferredDiscoveryRESTMapper | ShortcutExpander,
        client: DiscoveryInterface,
        warning_handler: Callable[[str], None] | None = None,
    ) -> None:
        """`warning_handler` is called with a line for each other resource that an ambiguous short name could mean."""
        self._delegate = delegate
        self._client = client
        self._warn = warning_handler if warning_handler is not None else _ignore
        listing = DiscoveryResult(APIGroupList(()))
        # The last listing and its table, always together: other threads may expand at the same time.
        self._known = (listing, ResourceTable(listing))

    def expand(self, resource: GroupVersionResource) -> GroupVersionResource:
        """The resource that a short name stands for; any other name as it is.

        If the cluster cannot be listed, a name stays as it is, as in client-go.
        """
        listing = listing_of(self._client)
        known, table = self._known
        if listing != known:
            table = ResourceTable(listing)
            self._known = (listing, table)
        group, version, name = resource
        name, group, version = rules.expanded(table, name, group, version, self._warn)
        return GroupVersionResource(group, version, name)

    def kind_for(self, resource: GroupVersionResource) -> GroupVersionKind:
        """See `RESTMapper.kind_for`. Tries once more if nothing matches, because the delegate may have reloaded."""
        try:
            return self._delegate.kind_for(self.expand(resource))
        except NoMatchError:
            return self._delegate.kind_for(self.expand(resource))

    def kinds_for(self, resource: GroupVersionResource) -> list[GroupVersionKind]:
        """See `RESTMapper.kinds_for`."""
        return self._delegate.kinds_for(self.expand(resource))

    def resource_for(self, resource: GroupVersionResource) -> GroupVersionResource:
        """See `RESTMapper.resource_for`."""
        return self._delegate.resource_for(self.expand(resource))

    def resources_for(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """See `RESTMapper.resources_for`."""
        return self._delegate.resources_for(self.expand(resource))

    def rest_mapping(self, group_kind: GroupKind, *versions: str) -> RESTMapping:
        """See `RESTMapper.rest_mapping`. Kinds have no short names."""
        return self._delegate.rest_mapping(group_kind, *versions)

    def rest_mappings(self, group_kind: GroupKind, *versions: str) -> list[RESTMapping]:
        """See `RESTMapper.rest_mappings`. Kinds have no short names."""
        return self._delegate.rest_mappings(group_kind, *versions)

    def resource_singularizer(self, resource: str) -> str:
        """See `RESTMapper.resource_singularizer`."""
        return self._delegate.resource_singularizer(self.expand(GroupVersionResource("", "", resource)).resource)

    def reset(self) -> None:
        """Reset the delegate, if it can be reset."""
        reset: Callable[[], None] | None = getattr(self._delegate, "reset", None)
        if reset is not None:
            reset()


def listing_of(client: DiscoveryInterface) -> DiscoveryResult:
    """What a client lists, without what fails; nothing, after a warning, if it cannot list at all."""
    try:
        return result_of(client.server_groups_and_resources)
    except DiscoveryError as error:
        log.warning("short names and categories are unknown: %s", error)
        return DiscoveryResult(APIGroupList(()))


def _ignore(_: str) -> None:
    pass
