"""What `resolve -f` prints: the resource and the path of each object in files of manifests."""

from __future__ import annotations

from ..index.search import GROUP, NAMESPACED, PLURAL, TRUE, VERSION
from ..model.errors import GroupUnavailableError, InvalidManifest, NoMatchError
from ..model.group_version import GroupVersionKind
from ..restmapper.manifest import address_of, kind_of
from ..restmapper.paths import object_path
from .manifests import manifests_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..index.search import Row
    from .flags import Parsed

# Kubernetes shows it in place of a value that is not there.
_NONE = "<none>"


class ResolvedObjects:
    """Finds the resources of objects. `row_for(kind)` looks one up; `context` is the kubeconfig's, "" the current."""

    def __init__(self, parsed: Parsed, context: Callable[[], str], row_for: Callable[[GroupVersionKind], Row]) -> None:
        self._parsed = parsed
        self._context = context
        self._row_for = row_for
        self._default_namespace = parsed.text("namespace")
        # Error messages for objects without a resource, and for files that cannot be read.
        self.problems: list[str] = []

    def in_files(self, paths: Sequence[str]) -> list[tuple[str, Row, str, str]]:
        """The label of each object, its resource, its path, and what follows the resource in `-o name`."""
        found = []
        for where, manifest in manifests_in(paths, self.problems.append):
            try:
                if not isinstance(manifest, dict):
                    raise InvalidManifest("not a manifest: it is not a mapping")
                found.append(self._resolved(manifest))
            except (InvalidManifest, NoMatchError, GroupUnavailableError) as error:
                self.problems.append(f"{where}: {error}")
        return found

    def _resolved(self, manifest: dict[str, Any]) -> tuple[str, Row, str, str]:
        kind = kind_of(manifest)
        own, name = address_of(manifest)
        row = self._row_for(kind)
        namespace = self._namespace(own) if row[NAMESPACED] == TRUE else ""
        return (
            name or _NONE,
            row,
            object_path(row[GROUP], row[VERSION], row[PLURAL], namespace, name),
            f"/{name}" if name else "",
        )

    def _namespace(self, own: str) -> str:
        """The namespace of an object: its own, that of the flag, of the context, or `default`, as in kubectl."""
        given = self._parsed.text("namespace")
        if own and given and own != given:
            raise InvalidManifest(f"the object is in the namespace {own!r}, not in {given!r} as --namespace says")
        if not own and not self._default_namespace:
            from ..config.kubeconfig import load_kubeconfig

            kubeconfig = load_kubeconfig(self._parsed.text("kubeconfig"))
            context = kubeconfig.contexts.get(self._context() or kubeconfig.current_context, {})
            configured = context.get("namespace")
            self._default_namespace = configured if isinstance(configured, str) and configured else "default"
        return own or self._default_namespace
