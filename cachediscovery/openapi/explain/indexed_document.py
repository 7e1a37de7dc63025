"""`IndexedDocument`: an OpenAPI document of which only those schemas are read and parsed that are needed."""

from __future__ import annotations

from ...model.fields import MalformedDocument, without_lone_surrogates
from ...model.json_scanner import scan
from .document import Document, descend
from .tables import GROUP_VERSION, NAMES, PLACES, RESOURCES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .schema import Schema


class IndexedDocument(Document):
    """A document with its tables. `read` gets an offset and a length, `read_whole` nothing; both return bytes."""

    def __init__(
        self,
        tables: Mapping[str, list[str]],
        read: Callable[[int, int], bytes],
        read_whole: Callable[[], bytes],
        close: Callable[[], None] | None = None,
    ) -> None:
        super().__init__({})
        self._close = close
        self._read = read
        self._read_whole = read_whole
        self._group_version = tables[GROUP_VERSION]
        self._resources = [line.split("\t") for line in tables[RESOURCES]]
        self._places = dict(zip(tables[NAMES], tables[PLACES], strict=True))
        self._schemas: dict[str, Any] = {}

    def close(self) -> None:
        """Close the file that the document is read from, if there is one."""
        if self._close is not None:
            self._close()

    def kind_of(self, group: str, version: str, plural: str) -> dict[str, Any]:
        """The group, version and kind of a resource; empty if the document has none."""
        for name, *kind, _ in self._resources:
            if name == plural and [group, version] == self._group_version:
                return dict(zip(("group", "version", "kind"), kind, strict=True))
        return {}

    def schema_of(self, kind: Mapping[str, Any]) -> Schema | None:
        """The schema of a group, version and kind; None if the document has none."""
        for _, *found, name in self._resources:
            if name and found == [*kind.values()]:
                schema: Schema = self._schema(name)
                return schema
        return None

    def resolve(self, keys: list[str]) -> Schema | None:
        """What is found under `keys`, from the document's root on; None if that is no object."""
        if keys[:2] == ["components", "schemas"] and len(keys) > 2:
            return descend(self._schema(keys[2]), keys[3:]) if keys[2] in self._places else None
        if not self._parsed:
            from ...model.documents import parse_object

            self._parsed = parse_object(self._read_whole())
        return super().resolve(keys)

    def _schema(self, name: str) -> Any:
        if name not in self._schemas:
            offset, length = map(int, self._places[name].split(" "))
            data = self._read(offset, length)
            text = data.decode("utf-8", "replace")
            try:
                value, end = scan(text)
                if end != len(text):
                    raise ValueError("something follows")
            except ValueError as error:
                # The response's file has changed and has kept its state, as after a fault of the disk.
                raise MalformedDocument(f"{name} is not where its tables say: clear the cache") from error
            self._schemas[name] = without_lone_surrogates(value, data)
        return self._schemas[name]
