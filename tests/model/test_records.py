"""`records.NamedTuple` behaves at run time like `typing.NamedTuple`."""

from __future__ import annotations

import pickle
import typing

import pytest

import cachediscovery
from cachediscovery import GroupVersion
from cachediscovery.config.overrides import ConfigOverrides
from cachediscovery.model.records import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2

    def sum(self) -> int:
        return self.x + self.y

    @property
    def swapped(self) -> Point:
        return Point(self.y, self.x)

    @classmethod
    def origin(cls) -> Point:
        return cls(0, 0)


class TypingPoint(typing.NamedTuple):
    """A place."""

    x: int
    y: int = 2


def test_a_record_is_a_tuple_with_names_defaults_and_methods() -> None:
    assert Point(1) == (1, 2) == Point(x=1, y=2)
    assert (Point(1).sum(), Point(1).swapped, Point.origin()) == (3, Point(2, 1), Point(0, 0))
    assert Point(1)._replace(y=5)._asdict() == {"x": 1, "y": 5}
    assert repr(Point(1)) == "Point(x=1, y=2)"
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Point(1).x = 3  # type: ignore[misc]


def test_a_record_has_the_metadata_of_a_typing_named_tuple() -> None:
    for attribute in ("__doc__", "__module__", "_fields", "_field_defaults", "__match_args__", "__slots__"):
        assert getattr(Point, attribute, None) == getattr(TypingPoint, attribute, None)
    assert typing.get_type_hints(Point) == typing.get_type_hints(TypingPoint) == {"x": int, "y": int}
    assert (Point.__name__, Point.__qualname__, Point.__bases__) == ("Point", "Point", (tuple,))


def test_type_hints_of_public_records_can_be_resolved() -> None:
    for name in cachediscovery.__all__:
        value = getattr(cachediscovery, name)
        if isinstance(value, type) and issubclass(value, tuple):
            assert set(typing.get_type_hints(value)) == set(value._fields)  # type: ignore[attr-defined]


def test_records_survive_pickling() -> None:
    for record in (Point(1), GroupVersion("apps", "v1"), ConfigOverrides(context="x")):
        again = pickle.loads(pickle.dumps(record))
        assert again == record
        assert type(again) is type(record)
