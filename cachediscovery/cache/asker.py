"""`Asker`: asks the wrapped client, and admits only answers of one cluster."""

from __future__ import annotations

from ..discovery.interfaces import AggregatedDiscoveryInterface, SharedDiscoveryInterface
from ..model.discovery_result import DiscoveryResult
from ..model.errors import ClusterMismatchError, DiscoveryError
from ..transport.server_identity import gathered_identities
from .cluster_identity import ClusterIdentity
from .entry import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..discovery.interfaces import DiscoveryInterface, SharedAnswers
    from ..model.types import APIResourceList
    from ..openapi.documents import OpenAPIV3
    from .document_cache import DocumentCache

    T = TypeVar("T")

# A result is discarded, and fetched again, if another cluster took over meanwhile.
TRIES = 4


class Asker:
    """The answers of `delegate`, with the moments at which they were requested. Safe for use by several threads.

    All methods raise `DiscoveryError`. An answer that comes from a shared cache was requested at or after `since`, and
    after the last invalidation of what it holds.
    """

    def __init__(self, delegate: DiscoveryInterface, cache: DocumentCache) -> None:
        """Compare the clusters of the answers with that of the documents in `cache`."""
        self._delegate = delegate
        self._cache = cache
        self.identity: ClusterIdentity = ClusterIdentity(cache.store, delegate, cache.forget)

    def groups(self, since: float) -> tuple[DiscoveryResult, Asked]:
        """The groups, and all resources if the server sends them together."""
        delegate = self._delegate
        if isinstance(delegate, SharedDiscoveryInterface):
            since = max(since, self._cache.files.last_invalidation)
            return self._ask_shared(delegate, lambda answers: answers.groups_and_maybe_resources(), since, self._cache)
        if isinstance(delegate, AggregatedDiscoveryInterface):
            return self.ask(delegate.groups_and_maybe_resources)
        return self.ask(lambda: DiscoveryResult(delegate.server_groups()))

    def resources(self, key: str, since: float) -> tuple[APIResourceList, Asked]:
        """The resources of one group version. Raises `NotFound`."""
        delegate = self._delegate
        if isinstance(delegate, SharedDiscoveryInterface):
            since = max(since, self._cache.files.invalidated_at(key))
            return self._ask_shared(
                delegate, lambda answers: answers.server_resources_for_group_version(key), since, self._cache
            )
        return self.ask(lambda: delegate.server_resources_for_group_version(key))

    def openapi(self, call: Callable[[OpenAPIV3], T], since: float, cache: DocumentCache) -> tuple[T, Asked]:
        """What `call` returns for the OpenAPI documents of the server; it is put into `cache`."""
        delegate = self._delegate
        if isinstance(delegate, SharedDiscoveryInterface):
            return self._ask_shared(delegate, lambda answers: call(answers.openapi_v3()), since, cache)
        return self.ask(lambda: call(delegate.openapi_v3()))

    def ask(self, call: Callable[[], T]) -> tuple[T, Asked]:
        """The result of `call`, from one cluster only, and when it was requested."""
        for _ in range(TRIES):
            epoch, asked = self.identity.epoch, Asked.now()
            failure = None
            with gathered_identities() as answered:
                try:
                    found = call()
                except DiscoveryError as error:
                    failure = error
            # Error responses identify the cluster too.
            admitted = self.identity.admit(answered, epoch)
            if admitted is not None:
                if failure is not None:
                    raise failure
                return found, asked._replace(epoch=admitted)
        raise self.mismatch()

    def mismatch(self) -> ClusterMismatchError:
        """The error for an address where several clusters answer. Nothing of them is kept."""
        self.identity.give_up()
        server = self._delegate.server
        return ClusterMismatchError(
            f"several clusters answer at {server}, and nothing tells which is meant: check what this address leads to"
        )

    def _ask_shared(
        self,
        delegate: SharedDiscoveryInterface,
        call: Callable[[SharedAnswers], T],
        since: float,
        cache: DocumentCache,
    ) -> tuple[T, Asked]:
        """Ask a client that shares its answers, and date the answer by when it was requested of the server."""
        answers = delegate.answering(since, self.identity.accepts)

        def ask() -> T:
            nonlocal answers
            answers = delegate.answering(since, self.identity.accepts)
            return call(answers)

        found, asked = self.ask(ask)
        if answers.asked is None:
            return found, asked
        cache.fresh = False
        at, moment = answers.asked
        return found, Asked(at, moment, asked.epoch, is_shared=True)
