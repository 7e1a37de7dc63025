"""`NamedTuple` without `typing`, whose import takes nearly as long as starting Python. Type checkers see typing's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - the alias says that it is for others
else:
    from collections import namedtuple

    # Attributes that every class body has, and the named tuple already has.
    _GIVEN = ("__module__", "__qualname__", "__annotations__")

    class _RecordType(type):
        """Turns a class body into a named tuple with its methods, as `typing.NamedTuple` would."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            annotations = namespace["__annotations__"]
            defaults = [namespace[field] for field in annotations if field in namespace]
            made = namedtuple(name, annotations, defaults=defaults, module=namespace["__module__"])
            made.__qualname__ = namespace["__qualname__"]
            made.__annotations__ = made.__new__.__annotations__ = annotations
            for key, value in namespace.items():
                if key not in annotations and key not in _GIVEN:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_RecordType):
        """The base class of named tuples, as `typing.NamedTuple` is."""
