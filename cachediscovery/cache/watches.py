"""`begin_watch`: the watch of a cached client's cluster."""

from __future__ import annotations

from ..config import arguments
from ..discovery.interfaces import ConnectedDiscoveryInterface
from ..transport.streaming import StreamingTransport
from ..watching.baseline import Baseline
from ..watching.refresher import Refresher
from ..watching.watch import DiscoveryWatch
from .held_documents import held_documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.arguments import Duration
    from ..discovery.interfaces import DiscoveryInterface
    from ..watching.refreshable import Refreshable
    from .document_cache import DocumentCache


def begin_watch(
    client: Refreshable,
    delegate: DiscoveryInterface,
    cache: DocumentCache,
    stale: float,
    interval: Duration,
    on_change: Callable[[], None] | None,
) -> DiscoveryWatch:
    """Start a watch that refreshes `client`, whose documents are in `cache`, and `stale` seconds after they expired."""
    seconds = arguments.seconds("interval", interval, is_limit=True)
    transport = delegate.transport if isinstance(delegate, ConnectedDiscoveryInterface) else None
    # Taken now, so that a change before the first refresh counts too.
    held = held_documents(cache, stale)
    refresher = Refresher(client, seconds, on_change, Baseline(*held))
    return DiscoveryWatch(client, transport if isinstance(transport, StreamingTransport) else None, refresher)
